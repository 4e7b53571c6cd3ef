//! [`WireFrame`]: a frame read from the wire without the code under test, and printed for people.

use std::fmt;
use tidewire_proto::CloseCode;

/// A frame that was read from the wire; its payload is unmasked.
#[derive(Clone, PartialEq, Eq)]
pub struct WireFrame {
    /// Whether it ends its message.
    pub fin: bool,
    /// The reserved bits: 4 is RSV1.
    pub rsv: u8,
    /// The opcode.
    pub opcode: u8,
    /// Whether it was masked.
    pub masked: bool,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

impl WireFrame {
    /// The code and reason of a Close frame.
    #[must_use]
    pub fn close(&self) -> Option<(u16, String)> {
        match (&self.payload[..], self.opcode) {
            ([], 8) => Some((CloseCode::NO_STATUS.0, String::new())),
            ([high, low, reason @ ..], 8) => {
                let reason = String::from_utf8_lossy(reason).into_owned();
                Some((u16::from_be_bytes([*high, *low]), reason))
            }
            _ => None,
        }
    }
}

impl fmt::Display for WireFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rsv & 4 != 0 {
            f.write_str("COMPRESSED ")?;
        }
        let (name, as_text) = match self.opcode {
            0x0 => ("CONTINUATION", true),
            0x1 => ("TEXT", true),
            0x2 => ("BINARY", false),
            0x8 if self.payload.len() != 1 => return write_close(f, &self.payload),
            0x8 => ("CLOSE", false),
            0x9 => ("PING", true),
            0xA => ("PONG", true),
            other => return write!(f, "OPCODE {other:#x} {}", Payload::of(false, &self.payload)),
        };
        write!(f, "{name} {}", Payload::of(as_text, &self.payload))?;
        if !self.fin {
            f.write_str(" and more follows")?;
        }
        Ok(())
    }
}

impl fmt::Debug for WireFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A payload as people read it: `"Spam" [4 bytes]`.
pub(crate) struct Payload<'a> {
    as_text: bool,
    bytes: &'a [u8],
}

impl<'a> Payload<'a> {
    pub(crate) fn of(as_text: bool, bytes: &'a [u8]) -> Self {
        Self { as_text, bytes }
    }
}

impl fmt::Display for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 24;
        match std::str::from_utf8(self.bytes) {
            Ok(text) if self.as_text => {
                let shown: String = text.chars().take(2 * SHOWN).collect();
                write!(
                    f,
                    "{shown:?}{}",
                    if shown.len() < text.len() { "…" } else { "" }
                )?;
            }
            _ => {
                let shown = &self.bytes[..self.bytes.len().min(SHOWN)];
                for (i, byte) in shown.iter().enumerate() {
                    write!(f, "{}{byte:02x}", if i > 0 { " " } else { "" })?;
                }
                if shown.len() < self.bytes.len() {
                    f.write_str(" …")?;
                }
            }
        }
        let len = self.bytes.len();
        write!(f, " [{len} byte{}]", if len == 1 { "" } else { "s" })
    }
}

/// `CLOSE 1000 (normal closure): bye`.
pub(crate) fn write_close(f: &mut fmt::Formatter<'_>, body: &[u8]) -> fmt::Result {
    match body {
        [high, low, reason @ ..] => {
            write!(f, "CLOSE {}", CloseCode(u16::from_be_bytes([*high, *low])))?;
            match String::from_utf8_lossy(reason) {
                reason if reason.is_empty() => Ok(()),
                reason => write!(f, ": {}", reason.escape_debug()),
            }
        }
        _ => f.write_str("CLOSE without a code"),
    }
}

/// Reads whole frames from the front of `bytes`; gives them and what is left.
#[must_use]
pub fn parse(mut bytes: &[u8]) -> (Vec<WireFrame>, &[u8]) {
    let mut frames = Vec::new();
    while let Some((frame, len)) = parse_one(bytes) {
        frames.push(frame);
        bytes = &bytes[len..];
    }
    (frames, bytes)
}

fn parse_one(bytes: &[u8]) -> Option<(WireFrame, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (len, mut at) = match second & 0x7F {
        126 => (
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            4,
        ),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    let masked = second & 0x80 != 0;
    let mut key = [0; 4];
    if masked {
        key = bytes.get(at..at + 4)?.try_into().ok()?;
        at += 4;
    }
    let end = at.checked_add(usize::try_from(len).ok()?)?;
    let payload = bytes
        .get(at..end)?
        .iter()
        .enumerate()
        .map(|(i, b)| b ^ key[i % 4])
        .collect();
    let (fin, rsv, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 0xF);
    Some((
        WireFrame {
            fin,
            rsv,
            opcode,
            masked,
            payload,
        },
        end,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::RawFrame;
    use tidewire_proto::Role;

    #[test]
    fn prints_frames_for_people() {
        let wire = RawFrame::join(
            &[
                RawFrame::text("Spam"),
                RawFrame::text("Sp").more(),
                RawFrame::ping([0xff]),
                RawFrame::binary([1, 2, 3]).compressed(),
                RawFrame::close(1000, "bye"),
                RawFrame::new(0x8, []),
                RawFrame::new(0xB, []),
            ],
            Role::Client,
        );
        let (frames, rest) = parse(&wire);
        assert!(rest.is_empty());
        let printed: Vec<_> = frames.iter().map(ToString::to_string).collect();
        assert_eq!(
            printed,
            [
                "TEXT \"Spam\" [4 bytes]",
                "TEXT \"Sp\" [2 bytes] and more follows",
                "PING ff [1 byte]",
                "COMPRESSED BINARY 01 02 03 [3 bytes]",
                "CLOSE 1000 (normal closure): bye",
                "CLOSE without a code",
                "OPCODE 0xb  [0 bytes]",
            ]
        );
    }

    #[test]
    fn reads_back_what_it_wrote_and_keeps_the_rest() {
        let mut wire = RawFrame::text("Hello").bytes(Role::Client);
        assert_eq!(wire[..2], [0x81, 0x85]);
        wire.extend_from_slice(&[0x82]);
        let (frames, rest) = parse(&wire);
        assert_eq!(frames.len(), 1);
        assert_eq!(
            (&frames[0].payload[..], frames[0].masked),
            (&b"Hello"[..], true)
        );
        assert_eq!(rest, [0x82]);
    }
}
