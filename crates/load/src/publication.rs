//! [`Publication`]: what is published on a channel of the hub, and what arrives of it.
//!
//! The text is a [`Stamp`] whose first 16 digits after its head tell when the publication was due, and
//! the next 16 when it was sent.

use crate::stamp::{self, Stamp};
use crate::window::Sent;

/// What arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publication {
    Whole {
        number: u32,
        sent: Sent,
    },
    /// It is not what was published.
    Spoiled,
}

/// All publications are those of one connection.
const PUBLISHER: u32 = 0;

const HEAD: usize = stamp::HEAD;
const TIMES: std::ops::Range<usize> = HEAD..HEAD + 32;

/// The command that publishes a text.
pub(crate) fn command(channel: &str, number: u32, sent: Sent, stamp: &mut Stamp) -> String {
    let payload = stamp.of(PUBLISHER, number);
    let head = String::from_utf8_lossy(&payload[..HEAD]);
    let fill = String::from_utf8_lossy(&payload[TIMES.end..]);
    let Sent { due, at } = sent;
    let channel = quoted(channel);
    format!(
        r#"{{"op":"publish","id":{number},"channel":{channel},"text":"{head}{due:016x}{at:016x}{fill}"}}"#
    )
}

/// A string of JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Publication {
    /// Reads an object of the hub; `None` if it is no message.
    pub(crate) fn read(object: &[u8], stamp: &Stamp) -> Option<Self> {
        if !object.starts_with(br#"{"op":"message""#) {
            return None;
        }
        Some(Self::parse(object, stamp).unwrap_or(Self::Spoiled))
    }

    fn parse(object: &[u8], stamp: &Stamp) -> Option<Self> {
        // The text is the last field.
        let text = object.strip_suffix(br#""}"#)?;
        let text = &text[text.len().checked_sub(stamp.len())?..];
        let time = |at: usize| {
            let digits = std::str::from_utf8(text.get(at..at + 16)?).ok()?;
            u64::from_str_radix(digits, 16).ok()
        };
        let sent = Sent {
            due: time(HEAD)?,
            at: time(HEAD + 16)?,
        };
        let number = stamp.claimed(text)?;
        let whole = stamp.is_but(text, PUBLISHER, number, TIMES);
        whole.then_some(Self::Whole { number, sent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_published_is_read_again_and_a_changed_byte_shows() {
        let mut stamp = Stamp::new(100);
        let sent = Sent {
            due: 7,
            at: 1 << 40,
        };
        let command = command("live:a\"b", 77, sent, &mut stamp);
        let value: serde_json::Value = serde_json::from_str(&command).unwrap_or_default();
        assert_eq!(value["channel"], "live:a\"b");
        let text = value["text"].as_str().unwrap_or_default();
        assert_eq!(text.len(), 100);
        let message =
            format!(r#"{{"op":"message","channel":"live:a","pos":"x-1","text":"{text}"}}"#);
        let read = |bytes: &[u8]| Publication::read(bytes, &stamp);
        let whole = Publication::Whole { number: 77, sent };
        assert_eq!(read(message.as_bytes()), Some(whole));
        let start = message.len() - 102;
        for byte in [0, 8, 16, 99] {
            let mut spoiled = message.clone().into_bytes();
            spoiled[start + byte] = b'~';
            assert_eq!(read(&spoiled), Some(Publication::Spoiled), "byte {byte}");
        }
        assert_eq!(read(br#"{"op":"message"}"#), Some(Publication::Spoiled));
        assert_eq!(read(br#"{"op":"ok","id":1}"#), None);
        assert_eq!(read(b""), None);
    }
}
