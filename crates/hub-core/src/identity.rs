//! Guests' client ids: signed, so that a returning guest is known again.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

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
