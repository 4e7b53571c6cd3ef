//! Frames in a stream of bytes: their headers are read, their payloads skipped, nothing is judged.

use std::fmt;
use tidewire_proto::frame::header::MAX_LEN;

/// The header of a frame as it was on the wire (RFC 6455 §5.2), whatever it says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    bytes: [u8; MAX_LEN],
    head: u8,
}

impl Frame {
    /// The header at the front of `bytes`, if all of it is there.
    fn read(bytes: &[u8; MAX_LEN], have: usize) -> Option<Self> {
        let length = match bytes[1] & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if bytes[1] & 0x80 == 0 { 0 } else { 4 };
        let head = 2 + length + mask;
        (have >= 2 && have >= head).then_some(Self {
            bytes: *bytes,
            head: head as u8,
        })
    }

    /// Whether it is the last of its message.
    #[must_use]
    pub fn fin(&self) -> bool {
        self.bytes[0] & 0x80 != 0
    }

    /// The first reserved bit: with permessage-deflate, that the message is compressed.
    #[must_use]
    pub fn rsv1(&self) -> bool {
        self.bytes[0] & 0x40 != 0
    }

    /// The second reserved bit, which nothing uses.
    #[must_use]
    pub fn rsv2(&self) -> bool {
        self.bytes[0] & 0x20 != 0
    }

    /// The third reserved bit, which nothing uses.
    #[must_use]
    pub fn rsv3(&self) -> bool {
        self.bytes[0] & 0x10 != 0
    }

    /// The opcode, from 0 to 15.
    #[must_use]
    pub fn opcode(&self) -> u8 {
        self.bytes[0] & 0x0F
    }

    /// What the opcode means: `continuation`, `text`, `binary`, `close`, `ping`, `pong` or `reserved`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.opcode() {
            0 => "continuation",
            1 => "text",
            2 => "binary",
            8 => "close",
            9 => "ping",
            10 => "pong",
            _ => "reserved",
        }
    }

    /// The masking key, if there is one.
    #[must_use]
    pub fn mask(&self) -> Option<[u8; 4]> {
        if self.bytes[1] & 0x80 == 0 {
            return None;
        }
        self.head().last_chunk().copied()
    }

    /// Bytes of its payload, as the header says.
    #[must_use]
    #[allow(
        clippy::len_without_is_empty,
        reason = "an empty payload is no empty frame"
    )]
    pub fn len(&self) -> u64 {
        let [_, short, a, b, c, d, e, f, g, h, ..] = self.bytes;
        match short & 0x7F {
            126 => u64::from(u16::from_be_bytes([a, b])),
            127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            short => u64::from(short),
        }
    }

    /// The header, 2 to 14 bytes.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.head))
            .unwrap_or(&self.bytes)
    }

    /// Bytes that it takes on the wire: its header and its payload.
    #[must_use]
    pub fn wire(&self) -> u64 {
        self.len().saturating_add(u64::from(self.head))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("name", &self.name())
            .field("fin", &self.fin())
            .field("rsv1", &self.rsv1())
            .field("mask", &self.mask())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Finds the frames in one direction of a connection, whose bytes come in pieces of any size.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    bytes: [u8; MAX_LEN],
    /// How many bytes of a header there are.
    have: usize,
    /// Bytes of a payload that are still to come.
    payload: u64,
}

impl Frames {
    /// Before the first frame: right behind the head of the handshake.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads on in `bytes`, which are shortened by what was read. The next frame whose header is
    /// complete; `None`: there is none in these bytes, and all of them were read.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        let skipped = usize::try_from(self.payload).map_or(bytes.len(), |n| n.min(bytes.len()));
        self.payload -= skipped as u64;
        *bytes = bytes.get(skipped..).unwrap_or_default();
        while let [byte, rest @ ..] = *bytes {
            *bytes = rest;
            if let Some(place) = self.bytes.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            if let Some(mut frame) = Frame::read(&self.bytes, self.have) {
                // Of the header before it nothing stays behind.
                frame.bytes[self.have..].fill(0);
                self.have = 0;
                self.payload = frame.len();
                return Some(frame);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use tidewire_proto::frame::Opcode;
    use tidewire_proto::frame::header::Header;

    fn all(mut bytes: &[u8], piece: usize) -> Vec<Frame> {
        let (mut frames, mut found) = (Frames::new(), Vec::new());
        while !bytes.is_empty() {
            let (mut now, later) = bytes.split_at(piece.min(bytes.len()));
            while let Some(frame) = frames.next(&mut now) {
                found.push(frame);
            }
            assert!(now.is_empty());
            bytes = later;
        }
        found
    }

    #[test]
    fn headers_are_told_as_they_are() {
        let mut bytes = vec![0x41, 0x85, 1, 2, 3, 4, b'a', b'b', b'c', b'd', b'e'];
        bytes.extend([0x80, 126, 0, 3, 9, 9, 9]); // a length that is not the shortest
        bytes.extend([0xBB, 0x00]); // RSV2, RSV3 and a reserved opcode
        for piece in 1..bytes.len() {
            let found = all(&bytes, piece);
            let [first, second, third] = found[..] else {
                panic!("{found:?}");
            };
            assert_eq!(
                (first.name(), first.fin(), first.rsv1()),
                ("text", false, true)
            );
            assert_eq!((first.mask(), first.len()), (Some([1, 2, 3, 4]), 5));
            assert_eq!((first.head(), first.wire()), (&bytes[..6], 11));
            assert_eq!((second.name(), second.mask()), ("continuation", None));
            assert_eq!((second.len(), second.wire()), (3, 7));
            assert_eq!((third.opcode(), third.name()), (11, "reserved"));
            assert!(third.rsv2() && third.rsv3() && !third.rsv1() && third.fin());
            assert_eq!((third.len(), third.head()), (0, &[0xBB, 0][..]));
        }
    }

    #[test]
    fn a_claim_of_any_length_is_only_told() {
        let mut bytes = vec![0x82, 127];
        bytes.extend([0xFF; 8]);
        bytes.extend([0; 100]);
        let found = all(&bytes, 7);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].len(), found[0].wire()), (u64::MAX, u64::MAX));
    }

    proptest! {
        #[test]
        fn what_is_written_is_found(
            list in prop::collection::vec((any::<bool>(), any::<Option<[u8; 4]>>(), 0..70_000u64), 1..5),
            piece in 1..5000usize,
        ) {
            let mut bytes = Vec::new();
            for &(fin, mask, len) in &list {
                let header = Header { fin, rsv1: false, opcode: Opcode::Text, mask, len };
                let mut head = [0; MAX_LEN];
                let count = header.encode(&mut head);
                bytes.extend_from_slice(&head[..count]);
                bytes.resize(bytes.len() + len as usize, 0xAA);
            }
            let found = all(&bytes, piece);
            let found: Vec<_> = found.iter().map(|f| (f.fin(), f.mask(), f.len())).collect();
            prop_assert_eq!(found, list);
        }

        #[test]
        fn noise_is_read_to_its_end(bytes: Vec<u8>, piece in 1..40usize) {
            for frame in all(&bytes, piece) {
                prop_assert!((2..=MAX_LEN).contains(&frame.head().len()));
            }
        }
    }
}
