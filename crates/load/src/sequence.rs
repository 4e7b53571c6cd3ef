//! [`Sequence`]: the numbers that one subscriber has seen of one publisher.

use std::collections::BTreeSet;

/// How many missing numbers are remembered, in case they come after all.
const REMEMBERED: usize = 1 << 16;

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The next, or one behind it.
    Right,
    /// One that was overtaken before.
    Reordered,
    /// One that has come before.
    Duplicate,
}

/// Which numbers have come.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    next: u32,
    missing: BTreeSet<u32>,
    forgotten: u64,
}

impl Sequence {
    /// A number came.
    pub(crate) fn see(&mut self, number: u32) -> Place {
        if number == self.next {
            self.next += 1;
            return Place::Right;
        }
        if number < self.next {
            return if self.missing.remove(&number) {
                Place::Reordered
            } else {
                Place::Duplicate
            };
        }
        let room = REMEMBERED - self.missing.len();
        let kept = ((number - self.next) as usize).min(room);
        self.forgotten += u64::from(number - self.next) - kept as u64;
        let kept_from = number - kept as u32;
        self.missing.extend(kept_from..number);
        self.next = number + 1;
        Place::Right
    }

    /// How many of the first `published` have not been seen.
    pub(crate) fn lost(&self, published: u64) -> u64 {
        self.passed_over() + self.waits(published)
    }

    /// How many are missing before the last that came.
    pub(crate) fn passed_over(&self) -> u64 {
        self.missing.len() as u64 + self.forgotten
    }

    /// How many may still come, if so many were published.
    pub(crate) fn waits(&self, published: u64) -> u64 {
        published.saturating_sub(u64::from(self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_lost_repeated_and_reordered_apart() {
        let mut sequence = Sequence::default();
        let seen: Vec<_> = [0, 1, 4, 2, 2, 0, 5].map(|n| sequence.see(n)).into();
        use Place::{Duplicate, Reordered, Right};
        let expected = [Right, Right, Right, Reordered, Duplicate, Duplicate, Right];
        assert_eq!(seen, expected);
        assert_eq!((sequence.lost(6), sequence.waits(6)), (1, 0), "3 is lost");
        assert_eq!((sequence.lost(9), sequence.waits(9)), (4, 3));
    }

    #[test]
    fn a_huge_leap_costs_bounded_memory() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.see(3_000_000_000), Place::Right);
        assert_eq!(sequence.missing.len(), REMEMBERED);
        assert_eq!(sequence.lost(3_000_000_001), 3_000_000_000);
        assert_eq!(sequence.see(2_999_999_999), Place::Reordered);
    }
}
