//! What every way of listening has in common: it opens at positions, and tells events until it breaks.

use crate::hub_common::native::{Gone, PATIENCE};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

/// A future of a trait object.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a client is in its channels; `None`: nowhere yet.
pub(crate) type Positions = BTreeMap<&'static str, Option<String>>;

/// What a client asks for when it connects.
pub(crate) struct Wish<'a> {
    pub(crate) addr: SocketAddr,
    pub(crate) positions: &'a Positions,
    /// Bytes that the system holds unread: few make a slow reader slow.
    pub(crate) buffer: Option<u32>,
}

/// What a client is told.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// Here it begins. `recovered`: whether what follows the position that was asked for comes, or the
    /// view starts anew at `pos`; `None`: no position was asked for.
    Begin {
        channel: &'static str,
        pos: String,
        recovered: Option<bool>,
    },
    /// A record; its payload as [`mark`] reads it. A plain connection tells no position.
    Record {
        channel: &'static str,
        pos: Option<String>,
        mark: String,
    },
    /// What was missed has come.
    Live { channel: &'static str, pos: String },
    /// Records were skipped: they come again from the log, or the view goes on at `pos`.
    Lag {
        channel: &'static str,
        from: Option<String>,
        pos: Option<String>,
        recovering: bool,
    },
}

/// A way to listen.
pub(crate) trait Transport: Sync {
    fn name(&self) -> &'static str;

    /// Whether it can go on from these positions.
    fn fits(&self, _positions: &Positions) -> bool {
        true
    }

    fn open<'a>(&'a self, wish: Wish<'a>) -> Later<'a, Result<Box<dyn Line>, Gone>>;
}

/// An open way to listen.
pub(crate) trait Line: Send {
    /// The next event. Cancel-safe.
    fn next(&mut self) -> Later<'_, Result<Told, Gone>>;
}

/// The channel of the test that an object speaks of.
pub(crate) fn channel(object: &Value) -> &'static str {
    let name = object["channel"].as_str().unwrap_or_default();
    let known = crate::CHANNELS.iter().find(|channel| **channel == name);
    known.unwrap_or_else(|| panic!("no channel was named: {object}"))
}

/// What an object of the native protocol tells, if it tells anything of a channel.
pub(crate) fn told(object: &Value) -> Result<Option<Told>, Gone> {
    let text = |field: &str| object[field].as_str().map(str::to_owned);
    let told = match object["op"].as_str().unwrap_or_default() {
        "ok" => Told::Begin {
            channel: channel(object),
            pos: text("pos").expect("a channel tells its position"),
            recovered: object["recovered"].as_bool(),
        },
        "message" => Told::Record {
            channel: channel(object),
            pos: Some(text("pos").expect("what is kept has a position")),
            mark: mark(object),
        },
        "live" => Told::Live {
            channel: channel(object),
            pos: text("pos").expect("it is live from a position"),
        },
        "lag" => Told::Lag {
            channel: channel(object),
            from: text("from"),
            pos: text("pos"),
            recovering: object["recovering"] == true,
        },
        "hello" => return Ok(None),
        // The last word.
        "bye" => return Err(Gone(format!("bye: {}", object["code"]))),
        other => panic!("{other} was not expected: {object}"),
    };
    Ok(Some(told))
}

/// The mark of a record, from whichever field holds its payload.
pub(crate) fn mark(object: &Value) -> String {
    use base64::Engine as _;
    if let Some(text) = object["text"].as_str() {
        return checked(text.as_bytes());
    }
    if let Some(base64) = object["base64"].as_str() {
        let bytes = base64::engine::general_purpose::STANDARD.decode(base64);
        return checked(&bytes.unwrap());
    }
    let text = object["data"]["text"].as_str();
    checked(
        text.unwrap_or_else(|| panic!("no payload: {object}"))
            .as_bytes(),
    )
}

/// A payload: a mark, a blank, and bytes that follow from the mark.
pub(crate) fn payload(mark: &str, length: usize) -> String {
    let fill = mark.bytes().cycle().map(char::from).take(length);
    format!("{mark} {}", fill.collect::<String>())
}

/// The mark of a payload that has arrived as it was sent.
pub(crate) fn checked(payload: &[u8]) -> String {
    let text = std::str::from_utf8(payload).unwrap();
    // A plain connection gets `data` as its JSON.
    let json = text.strip_prefix("{\"text\":\"");
    let text = json.map_or(text, |json| json.strip_suffix("\"}").unwrap());
    let (mark, fill) = text.split_once(' ').unwrap();
    let same = self::payload(mark, fill.len()) == text;
    assert!(same, "the payload of {mark} arrived changed");
    mark.to_owned()
}

/// The text of a cursor over several channels, as `docs/reference/protocol.md` tells; for one, its position.
pub(crate) fn cursor(positions: &Positions) -> Option<String> {
    let known = positions.iter();
    let known: Option<Vec<_>> = known
        .map(|(c, pos)| Some((hash(c), pos.as_ref()?)))
        .collect();
    let mut known = known?;
    if let [(_, pos)] = known[..] {
        return Some(pos.clone());
    }
    known.sort_unstable();
    let parts = known
        .iter()
        .map(|(hash, pos)| format!("{}.{pos}", base62(*hash)));
    Some(parts.collect::<Vec<_>>().join("~"))
}

/// The positions in a cursor.
pub(crate) fn positions(cursor: &str, channels: &[&'static str]) -> BTreeMap<&'static str, String> {
    if let [only] = channels {
        return [(*only, cursor.to_owned())].into();
    }
    let parts = cursor.split('~').map(|part| part.split_once('.').unwrap());
    let parts: BTreeMap<_, _> = parts.collect();
    let pos = |channel: &&'static str| {
        let hash = base62(hash(channel));
        let pos = parts.get(hash.as_str());
        let pos = pos.unwrap_or_else(|| panic!("{channel} is not in {cursor}"));
        (*channel, (*pos).to_owned())
    };
    channels.iter().map(pos).collect()
}

/// FNV-1a of 64 bits.
fn hash(name: &str) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn base62(mut number: u64) -> String {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = Vec::new();
    while number > 0 || text.is_empty() {
        text.insert(0, digits[(number % 62) as usize]);
        number /= 62;
    }
    String::from_utf8(text).unwrap()
}

/// Fails with a name if the hub says nothing for too long where it must speak.
pub(crate) async fn soon<T>(what: &str, wanted: impl Future<Output = T>) -> T {
    let wanted = tokio::time::timeout(PATIENCE, wanted).await;
    wanted.unwrap_or_else(|_| panic!("{what}: nothing came in {PATIENCE:?}"))
}
