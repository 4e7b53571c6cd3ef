//! Where a channel's history begins: by count and by age, exactly, whatever was deleted so far.
//!
//! The offsets of a channel have no holes, and `at` never goes back along them: so the count is a
//! subtraction, and the first record that is young enough is found by halving.

use crate::trouble::Trouble;
use rusqlite::{OptionalExtension, Statement};
use tidewire_hub_core::contract::LogOptions;
use tidewire_hub_proto::Channel;

/// A channel as its row has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// 0: it has no row.
    pub(crate) id: i64,
    /// Offset of the newest record, or where the log began.
    pub(crate) head: i64,
    /// Records up to here were deleted.
    pub(crate) trimmed: i64,
    /// When the newest was kept.
    pub(crate) last_at: i64,
}

impl Span {
    /// A channel without records.
    pub(crate) fn empty(forgotten: i64) -> Self {
        Self {
            id: 0,
            head: forgotten,
            trimmed: forgotten,
            last_at: 0,
        }
    }

    /// What its row says, if that can be.
    pub(crate) fn checked(self, name: &str) -> Result<Self, Trouble> {
        let sound = self.id > 0
            && 0 <= self.trimmed
            && self.trimmed <= self.head
            && self.head < i64::MAX
            && self.last_at >= 0;
        sound
            .then_some(self)
            .ok_or_else(|| Trouble::damaged(format!("the row of channel {name} makes no sense")))
    }
}

/// What was kept before this is too old.
pub(crate) fn oldest(options: &LogOptions, now: i64) -> i64 {
    now.saturating_sub(i64::try_from(options.max_age).unwrap_or(i64::MAX))
}

/// Records up to the offset that this gives are no longer in the history. `at` tells when a record was
/// kept, if it is there.
pub(crate) fn floor(
    span: Span,
    options: &LogOptions,
    now: i64,
    mut at: impl FnMut(i64) -> Result<Option<i64>, Trouble>,
) -> Result<i64, Trouble> {
    let most = i64::try_from(options.max_records).unwrap_or(i64::MAX);
    let by_count = span.trimmed.max(span.head.saturating_sub(most));
    if by_count >= span.head {
        return Ok(span.head);
    }
    let oldest = oldest(options, now);
    if span.last_at < oldest {
        return Ok(span.head);
    }
    let mut is_expired = |offset: i64| match at(offset)? {
        Some(at) => Ok(at < oldest),
        None => Err(Trouble::damaged(format!("record {offset} is missing"))),
    };
    if !is_expired(by_count + 1)? {
        return Ok(by_count);
    }
    let (mut expired, mut young) = (by_count + 1, span.head);
    while young - expired > 1 {
        let middle = expired + (young - expired) / 2;
        if is_expired(middle)? {
            expired = middle;
        } else {
            young = middle;
        }
    }
    Ok(expired)
}

/// The row of a channel.
pub(crate) fn find(
    statement: &mut Statement<'_>,
    channel: &Channel,
) -> Result<Option<Span>, Trouble> {
    let name = channel.as_str();
    let row = statement
        .query_row([name], |row| {
            Ok(Span {
                id: row.get(0)?,
                head: row.get(1)?,
                trimmed: row.get(2)?,
                last_at: row.get(3)?,
            })
        })
        .optional()?;
    row.map(|span| span.checked(name)).transpose()
}

/// When a record was kept; `None`: it is not there.
pub(crate) fn at(
    statement: &mut Statement<'_>,
    span: Span,
    offset: i64,
) -> Result<Option<i64>, Trouble> {
    if span.id == 0 || offset > span.head {
        return Ok(None);
    }
    Ok(statement
        .query_row((span.id, offset), |row| row.get(0))
        .optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: LogOptions = LogOptions {
        max_records: 100,
        max_age: 1000,
        key_age: 1000,
        grace: 0,
    };

    /// Record `n` was kept at `10 * n`.
    fn at_tens(offset: i64) -> Result<Option<i64>, Trouble> {
        Ok(Some(offset * 10))
    }

    fn span(trimmed: i64, head: i64) -> Span {
        Span {
            id: 1,
            head,
            trimmed,
            last_at: head * 10,
        }
    }

    #[test]
    fn the_count_bounds_it() {
        assert_eq!(floor(span(0, 100), &OPTIONS, 0, at_tens), Ok(0));
        assert_eq!(floor(span(0, 250), &OPTIONS, 0, at_tens), Ok(150));
        assert_eq!(floor(span(200, 250), &OPTIONS, 0, at_tens), Ok(200));
    }

    #[test]
    fn the_age_bounds_it() {
        // At 1500 what was kept before 500 is too old: records up to 49.
        assert_eq!(floor(span(0, 60), &OPTIONS, 1500, at_tens), Ok(49));
        assert_eq!(floor(span(0, 60), &OPTIONS, 1600, at_tens), Ok(59));
        assert_eq!(floor(span(0, 60), &OPTIONS, 1601, at_tens), Ok(60));
        assert_eq!(floor(span(0, 60), &OPTIONS, i64::MAX, at_tens), Ok(60));
        assert_eq!(floor(span(7, 60), &OPTIONS, 0, at_tens), Ok(7));
    }

    #[test]
    fn a_hole_and_a_nonsensical_row_are_damage() {
        let hole = floor(span(0, 60), &OPTIONS, 1500, |_| Ok(None));
        assert!(matches!(hole, Err(Trouble::Damaged(_))));
        for bad in [
            span(9, 8),
            span(-1, 8),
            span(0, i64::MAX / 10),
            Span {
                id: 0,
                ..span(0, 8)
            },
        ] {
            let bad = Span {
                head: if bad.head > 100 { i64::MAX } else { bad.head },
                ..bad
            };
            assert!(bad.checked("chat:a").is_err(), "{bad:?}");
        }
        assert_eq!(span(3, 8).checked("chat:a"), Ok(span(3, 8)));
    }
}
