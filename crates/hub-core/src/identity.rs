//! Guests' client ids: signed, so that a returning guest is known again; and their names, made clean.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use tidewire_hub_proto::Command;

/// Characters of a client id.
const ID: usize = 16;
/// Bytes of its signature.
const SIGNATURE: usize = 16;
const PURPOSE: &[u8] = b"tidewire client v1\n";

/// Signs the client ids of guests and knows them again. Whoever has the key can be any guest.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientKey([u8; 32]);

/// A guest's id, and what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What others see.
    pub id: Box<str>,
    /// What the guest keeps and hands back: `ID.SIGNATURE`.
    pub token: Box<str>,
}

impl ClientKey {
    /// A key of 32 random bytes, which stays the same for as long as guests are to be known again.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A new guest's id. `seed` is random: who can guess it can guess an id, but not its token.
    #[must_use]
    pub fn issue(&self, seed: [u8; 12]) -> Client {
        let id = URL_SAFE_NO_PAD.encode(seed);
        Client {
            token: self.token(&id),
            id: id.into(),
        }
    }

    /// The token of a known guest's id.
    #[must_use]
    pub fn token(&self, id: &str) -> Box<str> {
        let tag = self.mac(id).finalize().into_bytes();
        let signature = tag.get(..SIGNATURE).unwrap_or_default();
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
    }

    /// The id in a token that this key has signed; `None`: it has not. Takes as long for a signature
    /// that is almost right as for any other.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Box<str>> {
        // Longer than any token: not even looked at.
        if token.len() > ID + 1 + SIGNATURE * 2 {
            return None;
        }
        let (id, signature) = token.split_once('.')?;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if id.len() != ID || !id.bytes().all(is_id) {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if signature.len() != SIGNATURE {
            return None;
        }
        let verified = self.mac(id).verify_truncated_left(&signature);
        verified.is_ok().then(|| id.into())
    }

    fn mac(&self, id: &str) -> Hmac<Sha256> {
        // A key of any length will do; `[u8; 64]` is the one that cannot be refused.
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(self.0) {
            *to = from;
        }
        Hmac::<Sha256>::new(&block.into())
            .chain_update(PURPOSE)
            .chain_update(id.as_bytes())
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientKey(..)")
    }
}

/// A guest's name without the spaces around it; `None`: it is empty, longer than
/// [`Command::MAX_NAME`] bytes, or has control or invisible characters, with which one name can look
/// like another.
#[must_use]
pub fn clean_name(name: &str) -> Option<Box<str>> {
    let name = name.trim();
    if name.is_empty() || name.len() > Command::MAX_NAME {
        return None;
    }
    let mut before = ' ';
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        // Joiners belong to emoji and to several scripts, between two of their characters.
        let is_joined = !before.is_ascii() && rest.peek().is_some_and(|next| !next.is_ascii());
        if is_hidden(c) || (is_joiner(c) && (!is_joined || is_joiner(before))) {
            return None;
        }
        before = c;
    }
    Some(name.into())
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Characters that show nothing, or that change how others are shown.
fn is_hidden(c: char) -> bool {
    let is_other_space = c.is_whitespace() && c != ' ' && c != '\u{3000}' && c != '\u{a0}';
    c.is_control()
        || is_other_space
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}
