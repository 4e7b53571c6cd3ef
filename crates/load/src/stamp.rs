//! [`Stamp`]: what a message holds, so that every answer tells which message it is, and whether it
//! is whole.
//!
//! Sixteen hexadecimal digits, the low ones first: the number of the message, and a checksum of the
//! number and its connection. Then text that compresses about as well as text does. An answer is
//! compared byte for byte with what was sent. A payload shorter than the digits has as many of them
//! as fit, and tells its neighbours apart.

use std::ops::Range;

/// Digits of the number, and as many of the checksum.
const DIGITS: usize = 8;
pub(crate) const HEAD: usize = 2 * DIGITS;

/// The one payload of a thread, stamped anew for each message.
#[derive(Debug)]
pub(crate) struct Stamp {
    bytes: Vec<u8>,
}

impl Stamp {
    pub(crate) fn new(size: usize) -> Self {
        let mut bytes = vec![b'0'; HEAD];
        bytes.reserve(size);
        prose(size, &mut bytes);
        bytes.truncate(size);
        Self { bytes }
    }

    /// Bytes of the payload.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The payload of message `number` of a connection.
    #[inline]
    pub(crate) fn of(&mut self, connection: u32, number: u32) -> &[u8] {
        let head = head(connection, number);
        let len = self.bytes.len().min(HEAD);
        self.bytes[..len].copy_from_slice(&head[..len]);
        &self.bytes
    }

    /// Whether `answer` is message `number` of a connection.
    #[inline]
    pub(crate) fn is(&self, answer: &[u8], connection: u32, number: u32) -> bool {
        if answer.len() != self.bytes.len() {
            return false;
        }
        let len = answer.len().min(HEAD);
        answer[..len] == head(connection, number)[..len] && answer[len..] == self.bytes[len..]
    }

    /// As [`is`](Self::is), whatever the bytes in `but` are.
    pub(crate) fn is_but(
        &self,
        answer: &[u8],
        connection: u32,
        number: u32,
        but: Range<usize>,
    ) -> bool {
        answer.len() == self.bytes.len()
            && answer.get(..HEAD) == Some(&head(connection, number)[..])
            && answer.get(but.end..) == self.bytes.get(but.end..)
    }

    /// The number that an answer claims to have, if it is long enough to tell.
    pub(crate) fn claimed(&self, answer: &[u8]) -> Option<u32> {
        let digits = answer.get(..HEAD)?.get(..DIGITS)?;
        digits.iter().rev().try_fold(0, |number: u32, digit| {
            Some(number << 4 | char::from(*digit).to_digit(16)?)
        })
    }
}

#[inline]
fn head(connection: u32, number: u32) -> [u8; HEAD] {
    let mixed =
        (u64::from(connection) << 32 | u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let check = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32;
    let mut head = [0; HEAD];
    put(number, &mut head[..DIGITS]);
    put(check as u32, &mut head[DIGITS..]);
    head
}

#[inline]
fn put(mut number: u32, out: &mut [u8]) {
    for digit in out {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

/// Appends at least `size` bytes that look like what applications say.
fn prose(size: usize, out: &mut Vec<u8>) {
    const WORDS: [&str; 16] = [
        "tide ",
        "wave ",
        "shore ",
        "harbour ",
        "{'id':",
        "'text':'",
        "'},",
        "current ",
        "0123456789",
        "wind ",
        "and ",
        "the ",
        "keel ",
        "true,",
        "anchor ",
        "bell ",
    ];
    let (mut state, end) = (7_u64, out.len() + size);
    while out.len() < end {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut random = state;
        random = (random ^ random >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        random = (random ^ random >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        out.extend_from_slice(WORDS[(random >> 60) as usize].as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_itself_and_no_other() {
        for size in [16, 17, 32, 1000] {
            let mut stamp = Stamp::new(size);
            let one = stamp.of(3, 77).to_vec();
            assert_eq!((one.len(), stamp.claimed(&one)), (size, Some(77)));
            let plain = |byte: &u8| byte.is_ascii() && !b"\"\\\n".contains(byte);
            assert!(one.iter().all(plain), "it can be sent as text, and in JSON");
            assert!(stamp.is(&one, 3, 77));
            assert!(!stamp.is(&one, 3, 78) && !stamp.is(&one, 4, 77));
            for byte in [0, 7, 8, 15, size - 1] {
                let mut spoiled = one.clone();
                spoiled[byte] ^= 1;
                assert!(!stamp.is(&spoiled, 3, 77), "byte {byte} of {size}");
            }
            assert!(!stamp.is(&one[..size - 1], 3, 77));
        }
    }

    #[test]
    fn short_messages_tell_neighbours_apart() {
        let mut stamp = Stamp::new(1);
        assert_ne!(stamp.of(0, 1).to_vec(), stamp.of(0, 2).to_vec());
        assert!(Stamp::new(0).is(b"", 1, 1));
        assert_eq!(stamp.claimed(b"1"), None);
        assert_eq!(Stamp::new(16).claimed(b"nothexxx12345678"), None);
    }
}
