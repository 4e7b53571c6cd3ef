//! [`Utf8Buf`]: text that arrives in pieces, checked as it arrives.

use crate::{spare::Spare, text::Text, utf8::InvalidUtf8};
use bytes::BytesMut;

/// A growing buffer of text: take bytes with [`push`](Self::push), or let them be read into
/// [`spare`](Self::spare) and [`check`](Self::check) them; [`finish`](Self::finish) hands the text
/// out without a copy and without looking at it again.
///
/// Validation follows the bytes: a piece may end inside a character, and the first byte that no
/// continuation can make valid is an error at once (RFC 6455 §8.1).
#[derive(Debug, Default)]
pub struct Utf8Buf {
    bytes: BytesMut,
    /// `bytes[..valid]` is UTF-8. What follows is the start of a character, at most three bytes,
    /// or bytes that were read in and not yet checked.
    valid: usize,
}

impl Utf8Buf {
    /// An empty buffer, without an allocation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held, checked or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been taken in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that fit without another allocation, those held included.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Makes room for `additional` bytes more.
    pub fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// Goes on in another buffer, whose content is lost, with a copy of what this one holds.
    pub fn move_into(&mut self, mut buffer: BytesMut) {
        buffer.clear();
        buffer.extend_from_slice(&self.bytes);
        self.bytes = buffer;
    }

    /// Appends `piece` and checks it.
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] as soon as a byte cannot be part of UTF-8.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        self.bytes.extend_from_slice(piece);
        self.check()
    }

    /// Where at most `limit` bytes can be read in from a socket, within what is reserved. They must
    /// be [`check`](Self::check)ed afterwards; `finish` refuses otherwise.
    pub fn spare(&mut self, limit: usize) -> Spare<'_> {
        Spare::new(&mut self.bytes, limit)
    }

    /// The last `count` bytes that came in unchecked through [`spare`](Self::spare), to unmask them
    /// in place. Fewer than `count` if less is unchecked.
    pub fn unchecked_mut(&mut self, count: usize) -> &mut [u8] {
        let from = self.bytes.len().saturating_sub(count).max(self.valid);
        &mut self.bytes[from..]
    }

    /// Checks what has been read in since the last check.
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] as soon as a byte cannot be part of UTF-8. The end of a piece inside a
    /// character is no error here; it is one in [`finish`](Self::finish).
    pub fn check(&mut self) -> Result<(), InvalidUtf8> {
        match simdutf8::compat::from_utf8(&self.bytes[self.valid..]) {
            Ok(_) => self.valid = self.bytes.len(),
            Err(error) => {
                self.valid += error.valid_up_to();
                if error.error_len().is_some() {
                    return Err(InvalidUtf8);
                }
            }
        }
        Ok(())
    }

    /// Bytes held that are whole characters.
    #[must_use]
    pub fn valid_len(&self) -> usize {
        self.valid
    }

    /// How many bytes the character is short of that the text ends inside of; 0: it ends with a whole
    /// one, or bytes were left unchecked that begin none.
    #[must_use]
    pub fn missing(&self) -> usize {
        let unfinished = &self.bytes[self.valid..];
        let width: usize = match unfinished.first() {
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => 0,
        };
        width.saturating_sub(unfinished.len())
    }

    /// Takes the whole characters out, without a copy; the beginning of one that has not arrived
    /// whole stays.
    #[must_use]
    pub fn take_valid(&mut self) -> Text {
        let valid = self.bytes.split_to(self.valid).freeze();
        self.valid = 0;
        Text::from_valid(valid)
    }

    /// The whole text.
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] if the text ends inside a character, or bytes were left unchecked.
    pub fn finish(self) -> Result<Text, InvalidUtf8> {
        if self.valid != self.bytes.len() {
            return Err(InvalidUtf8);
        }
        Ok(Text::from_valid(self.bytes.freeze()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use bytes::BufMut;
    use proptest::prelude::*;

    #[test]
    fn fails_at_the_first_byte_that_cannot_be_utf8() {
        // (bytes that may still become a character, the byte that rules it out)
        let cases: [(&[u8], u8); 9] = [
            (b"", 0x80),
            (b"", 0xc0),
            (b"", 0xf5),
            (b"\xc3", 0x41),
            (b"\xe0", 0x80),
            (b"\xed", 0xa0),
            (b"\xf0", 0x8f),
            (b"\xf4", 0x90),
            (b"\xf0\x9f\x98", 0xc0),
        ];
        for (prefix, bad) in cases {
            let mut text = Utf8Buf::new();
            for byte in prefix {
                assert_eq!(text.push(&[*byte]), Ok(()), "{prefix:02x?}");
            }
            assert_eq!(
                text.push(&[bad]),
                Err(InvalidUtf8),
                "{prefix:02x?} {bad:02x}"
            );
        }
    }

    #[test]
    fn text_that_ends_inside_a_character_is_no_text() {
        let mut text = Utf8Buf::new();
        text.push(b"\xe2\x82").unwrap();
        assert_eq!(text.finish(), Err(InvalidUtf8));
    }

    #[test]
    fn whole_characters_are_taken_and_the_rest_stays() {
        let mut text = Utf8Buf::new();
        text.push("ab🌊".as_bytes().split_at(4).0).unwrap();
        assert_eq!(text.missing(), 2);
        assert_eq!(text.take_valid(), "ab");
        assert_eq!((text.len(), text.missing()), (2, 2));
        assert_eq!(text.take_valid(), "");
        text.push("ab🌊".as_bytes().split_at(4).1).unwrap();
        assert_eq!(text.missing(), 0);
        assert_eq!(text.take_valid(), "🌊");
        assert!(text.is_empty());
        text.reserve(2);
        text.spare(99).put_slice(b"\xff\xff");
        assert_eq!(text.take_valid(), "", "unchecked bytes are no text");
        for (begun, missing) in [
            (&b"\xc3"[..], 1),
            (b"\xe2", 2),
            (b"\xe2\x82", 1),
            (b"\xf0", 3),
        ] {
            let mut text = Utf8Buf::new();
            text.push(begun).unwrap();
            assert_eq!(text.missing(), missing, "{begun:02x?}");
        }
    }

    #[test]
    fn bytes_read_in_and_not_checked_never_become_text() {
        let mut text = Utf8Buf::new();
        text.reserve(8);
        text.spare(99).put_slice(b"\xff\xff");
        assert_eq!(text.finish(), Err(InvalidUtf8));
    }

    #[test]
    fn checked_bytes_cannot_be_reached_for_writing() {
        let mut text = Utf8Buf::new();
        text.push("é".as_bytes()).unwrap();
        assert!(text.unchecked_mut(2).is_empty());
        text.reserve(2);
        text.spare(99).put_slice(&[b'a' ^ 1, b'b' ^ 1]);
        for byte in text.unchecked_mut(99) {
            *byte ^= 1;
        }
        text.check().unwrap();
        assert_eq!(text.finish().unwrap(), "éab");
    }

    #[test]
    fn a_read_never_grows_the_buffer() {
        let mut text = Utf8Buf::new();
        text.reserve(16);
        let room = text.capacity();
        assert_eq!(text.spare(usize::MAX).remaining_mut(), room);
        assert_eq!(text.spare(3).remaining_mut(), 3);
        text.spare(usize::MAX).put_bytes(b'x', room);
        assert_eq!(text.spare(usize::MAX).remaining_mut(), 0);
    }

    proptest! {
        #[test]
        fn cut_anywhere_the_verdict_is_that_of_the_whole(
            bytes in prop_oneof![
                any::<Vec<u8>>(),
                any::<String>().prop_map(String::into_bytes),
                (any::<String>(), any::<u8>(), any::<prop::sample::Index>()).prop_map(|(s, b, at)| {
                    let mut v = s.into_bytes();
                    let at = at.index(v.len() + 1);
                    v.insert(at, b);
                    v
                }),
            ],
            step in 1..9usize,
        ) {
            let mut text = Utf8Buf::new();
            let verdict = bytes.chunks(step).try_for_each(|piece| text.push(piece));
            let seen = verdict.and_then(|()| text.finish());
            match std::str::from_utf8(&bytes) {
                Ok(whole) => prop_assert_eq!(seen.unwrap(), whole),
                Err(_) => prop_assert_eq!(seen, Err(InvalidUtf8)),
            }
        }
    }
}
