//! DER as far as certificates need it (X.690): values one after the other, read where they lie. Nothing is
//! trusted: a length that is not there ends the reading.

use std::fmt::Write as _;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag of a value that stands in place `number` of what contains it, and contains others.
pub(super) const fn context(number: u8) -> u8 {
    0xA0 | number
}

/// Values, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    /// The tag of the next value.
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next value: its tag and its content. `None`: there is none, or not all of it.
    pub(super) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & 0x1F == 0x1F {
            return None; // a tag of several bytes, which no certificate has
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x0F))?;
                let length = bytes.iter().fold(0_u32, |all, &b| all << 8 | u32::from(b));
                (usize::try_from(length).ok()?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// What the next value contains, if it has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<Self> {
        let mut ahead = *self;
        let (found, content) = ahead.next()?;
        if found != tag {
            return None;
        }
        *self = ahead;
        Some(Self(content))
    }
}

/// An object identifier, as `2.5.4.3`; empty if it is none.
pub(super) fn dotted(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut number = 0_u64;
    for byte in bytes {
        if number >> 57 != 0 {
            return String::new();
        }
        number = number << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            // The first two numbers are one.
            let first = (number / 40).min(2);
            _ = write!(text, "{first}.{}", number - 40 * first);
        } else {
            _ = write!(text, ".{number}");
        }
        number = 0;
    }
    text
}

/// A string of any kind; what is none, in hexadecimal digits.
pub(super) fn text(tag: u8, content: &[u8]) -> String {
    match tag {
        // UTF-8, numeric, printable, IA5, visible.
        0x0C | 0x12 | 0x13 | 0x16 | 0x1A => String::from_utf8_lossy(content).into_owned(),
        // Teletex, which is Latin-1 where it is anything.
        0x14 => content.iter().copied().map(char::from).collect(),
        // UTF-32.
        0x1C => {
            let (quads, _) = content.as_chunks();
            let of = |quad: &[u8; 4]| char::from_u32(u32::from_be_bytes(*quad));
            let chars = quads.iter().map(of);
            chars
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        // UTF-16.
        0x1E => {
            let (pairs, _) = content.as_chunks();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            let chars = char::decode_utf16(units);
            chars
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => format!("#{}", super::wire::hex(content)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_one_after_the_other() {
        let mut long = vec![0x04, 0x82, 0x01, 0x00];
        long.resize(4 + 256, 7);
        let bytes = [&[0x30, 3, 0x01, 1, 0xFF][..], &long, &[0x05, 0]].concat();
        let mut der = Der(&bytes);
        assert!(der.take(SET).is_none() && der.peek() == Some(SEQUENCE));
        let inner = der.take(SEQUENCE).and_then(|mut inner| inner.next());
        assert_eq!(inner, Some((BOOLEAN, &[0xFF][..])));
        assert_eq!(
            der.next().map(|(tag, content)| (tag, content.len())),
            Some((OCTETS, 256))
        );
        assert_eq!(der.next(), Some((0x05, &[][..])));
        assert_eq!(der.next(), None);
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81],
            &[0x30, 0x82, 1],
            &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0],
            &[0x30, 0x85, 0, 0, 0, 0, 1, 0],
            &[0x1F, 0x81, 0x01, 0],
        ] {
            assert_eq!(Der(broken).next(), None, "{broken:?}");
        }
    }

    #[test]
    fn identifiers_and_strings_are_shown() {
        assert_eq!(dotted(&[0x55, 4, 3]), "2.5.4.3");
        assert_eq!(
            dotted(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D]),
            "1.2.840.113549"
        );
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
        assert_eq!(dotted(&[0xFF; 20]), "");
        assert_eq!(dotted(&[]), "");
        assert_eq!(text(0x0C, "ä".as_bytes()), "ä");
        assert_eq!(text(0x14, &[0xE4]), "ä");
        assert_eq!(
            text(0x1E, &[0, 0xE4, 0xD8, 0x3D, 0xDE, 0, 0xDC, 0, 9]),
            "ä😀\u{fffd}"
        );
        assert_eq!(text(0x1C, &[0, 1, 0xF6, 0, 0xFF, 0, 0, 0]), "😀\u{fffd}");
        assert_eq!(text(0x03, &[0, 255]), "#00ff");
    }
}
