//! A place in one channel's log. Opaque to clients, ordered within a term, not consecutive.

use std::fmt;
use std::str::FromStr;

/// Changes whenever a log may have lost its tail: positions of different terms do not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(pub u64);

/// A position: `TERM-OFFSET` on the wire, the term in base 62, the offset in base 10.
///
/// Offset 0 is the beginning: before any record.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pos {
    /// The life of the log that it belongs to.
    pub term: Term,
    /// Grows from record to record; not by one.
    pub offset: u64,
}

impl Pos {
    /// The position of `offset` in `term`.
    #[must_use]
    pub const fn new(term: Term, offset: u64) -> Self {
        Self { term, offset }
    }

    /// Whether this is behind `other` in the same log; `None`: they are of different terms.
    #[must_use]
    pub fn is_after(self, other: Self) -> Option<bool> {
        (self.term == other.term).then_some(self.offset > other.offset)
    }
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn write_base62(mut number: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut digits = [0u8; 11];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = DIGITS[(number % 62) as usize];
        number /= 62;
        if number == 0 {
            break;
        }
    }
    digits[at..]
        .iter()
        .try_for_each(|&digit| write!(f, "{}", char::from(digit)))
}

/// One way to write each number: no leading zeros, no sign.
pub(crate) fn is_canonical(text: &str) -> bool {
    text == "0" || (!text.starts_with(['0', '+']) && !text.is_empty())
}

pub(crate) fn read_base62(text: &str) -> Option<u64> {
    text.bytes().try_fold(0u64, |number, byte| {
        let digit = DIGITS.iter().position(|&known| known == byte)?;
        number.checked_mul(62)?.checked_add(digit as u64)
    })
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_base62(self.term.0, f)?;
        write!(f, "-{}", self.offset)
    }
}

impl fmt::Debug for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.term.0, self.offset)
    }
}

/// The text is no position that this hub gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPos;

impl fmt::Display for InvalidPos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is a `pos` as the hub gave it, such as gWuY-45; do not build one")
    }
}

impl std::error::Error for InvalidPos {}

impl FromStr for Pos {
    type Err = InvalidPos;

    fn from_str(text: &str) -> Result<Self, InvalidPos> {
        let (term, offset) = text.split_once('-').ok_or(InvalidPos)?;
        if !is_canonical(term) || !is_canonical(offset) {
            return Err(InvalidPos);
        }
        Ok(Self {
            term: Term(read_base62(term).ok_or(InvalidPos)?),
            offset: offset.parse().map_err(|_| InvalidPos)?,
        })
    }
}
