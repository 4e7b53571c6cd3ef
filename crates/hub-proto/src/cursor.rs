//! A cursor: the positions of several channels in one opaque string.

use crate::channel::Channel;
use crate::position::{Pos, is_canonical, read_base62, write_base62};
use std::fmt;
use std::str::FromStr;

/// Where a client is in the channels that it follows. Of one channel it is its `pos`; of several it has
/// a part for each, `HASH.POS`, joined by `~`.
///
/// A channel is known in it by a hash of its name, so that a cursor stays short. At most
/// [`MAX`](Self::MAX) channels; the order in which they were given does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Parts);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Parts {
    /// Whose position it is goes without saying.
    One(Pos),
    /// Ordered by hash, no hash twice, 1 to [`Cursor::MAX`] of them.
    Several(Vec<(u64, Pos)>),
}

impl Cursor {
    /// Most channels in a cursor.
    pub const MAX: usize = 32;
    /// Longest cursor, in bytes: two numbers in base 62, one in base 10, and what is between them.
    pub const MAX_BYTES: usize = Self::MAX * (11 + 1 + 11 + 1 + 20 + 1) - 1;

    /// The cursor of these channels. A channel that is there twice has its last position.
    ///
    /// # Errors
    ///
    /// There is none, there are too many, or two of them have the same hash.
    pub fn new<'a>(
        positions: impl IntoIterator<Item = (&'a Channel, Pos)>,
    ) -> Result<Self, InvalidCursor> {
        let mut known: Vec<(u64, &Channel, Pos)> = Vec::new();
        for (channel, pos) in positions {
            let hash = hash(channel);
            match known.binary_search_by_key(&hash, |part| part.0) {
                Err(_) if known.len() == Self::MAX => return Err(InvalidCursor::TooMany),
                Err(at) => known.insert(at, (hash, channel, pos)),
                Ok(at) => match known.get_mut(at) {
                    Some(part) if part.1 == channel => part.2 = pos,
                    _ => return Err(InvalidCursor::SameHash),
                },
            }
        }
        match *known {
            [] => Err(InvalidCursor::Text),
            [(_, _, pos)] => Ok(Self(Parts::One(pos))),
            _ => Ok(Self(Parts::Several(
                known.into_iter().map(|part| (part.0, part.2)).collect(),
            ))),
        }
    }

    /// How many channels it has.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // It is never empty.
    pub fn len(&self) -> usize {
        match &self.0 {
            Parts::One(_) => 1,
            Parts::Several(parts) => parts.len(),
        }
    }

    /// The position of each of these channels, in their order; `None`: the cursor does not know it.
    ///
    /// # Errors
    ///
    /// The cursor is a bare position, and there are other than one channel: whose it is cannot be told.
    pub fn positions(&self, channels: &[Channel]) -> Result<Vec<Option<Pos>>, InvalidCursor> {
        match &self.0 {
            Parts::One(pos) if channels.len() == 1 => Ok(vec![Some(*pos)]),
            Parts::One(_) => Err(InvalidCursor::OfOne),
            Parts::Several(_) => Ok(channels.iter().map(|channel| self.get(channel)).collect()),
        }
    }

    /// The position of a channel. A bare position is that of any channel: where there may be several,
    /// ask [`positions`](Self::positions).
    #[must_use]
    pub fn get(&self, channel: &Channel) -> Option<Pos> {
        match &self.0 {
            Parts::One(pos) => Some(*pos),
            Parts::Several(parts) => {
                let at = parts.binary_search_by_key(&hash(channel), |part| part.0);
                at.ok().and_then(|at| parts.get(at)).map(|part| part.1)
            }
        }
    }

    /// Moves a channel on; whether the cursor knows it.
    pub fn advance(&mut self, channel: &Channel, to: Pos) -> bool {
        match &mut self.0 {
            Parts::One(pos) => {
                *pos = to;
                true
            }
            Parts::Several(parts) => {
                let at = parts.binary_search_by_key(&hash(channel), |part| part.0);
                match at.ok().and_then(|at| parts.get_mut(at)) {
                    Some(part) => {
                        part.1 = to;
                        true
                    }
                    None => false,
                }
            }
        }
    }
}

/// FNV-1a, 64 bits, of the full name.
fn hash(channel: &Channel) -> u64 {
    channel
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Parts::One(pos) => pos.fmt(f),
            Parts::Several(parts) => {
                for (at, (hash, pos)) in parts.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "~" })?;
                    write_base62(*hash, f)?;
                    write!(f, ".{pos}")?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidCursor::TooMany);
        }
        if !text.contains(['.', '~']) {
            let pos = text.parse().map_err(|_| InvalidCursor::Text)?;
            return Ok(Self(Parts::One(pos)));
        }
        let mut parts = Vec::new();
        for part in text.split('~') {
            if parts.len() == Self::MAX {
                return Err(InvalidCursor::TooMany);
            }
            let (hash, pos) = part.split_once('.').ok_or(InvalidCursor::Text)?;
            if !is_canonical(hash) {
                return Err(InvalidCursor::Text);
            }
            let hash = read_base62(hash).ok_or(InvalidCursor::Text)?;
            let pos = pos.parse().map_err(|_| InvalidCursor::Text)?;
            parts.push((hash, pos));
        }
        parts.sort_unstable_by_key(|part| part.0);
        if parts
            .windows(2)
            .any(|two| matches!(two, [one, two] if one.0 == two.0))
        {
            return Err(InvalidCursor::Text);
        }
        Ok(Self(Parts::Several(parts)))
    }
}

/// Why there is no such cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCursor {
    /// The text is none that this hub gave.
    Text,
    /// More channels than a cursor has.
    TooMany,
    /// A bare position, and several channels.
    OfOne,
    /// Two of the channels cannot be told apart in a cursor.
    SameHash,
}

impl fmt::Display for InvalidCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str(
                "a cursor is what the hub gave as `cursor`, as an event's `id`, or as the `pos` of one channel; do not build one",
            ),
            Self::TooMany => write!(f, "a cursor has at most {} channels: ask for fewer at once", Cursor::MAX),
            Self::OfOne => f.write_str(
                "this cursor is the position of one channel: ask for that channel alone, or start without a cursor",
            ),
            Self::SameHash => f.write_str(
                "two of these channels cannot be told apart in one cursor: ask for them one by one",
            ),
        }
    }
}

impl std::error::Error for InvalidCursor {}
