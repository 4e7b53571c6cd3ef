//! [`Lane`]: what is under way on one connection, and whether each answer is the one that is due.

use crate::error::{ErrorClass, Failure};
use crate::tally::{Phase, Tally};

/// How many small answers share one reading of the clock, and from how many bytes on none do: what
/// came with one system call came at one time.
const CLOCK_SHARE: u32 = 64;
const CLOCK_SIZE: usize = 4 * 1024;

/// The places of a ring that are under way, and when each was sent.
#[derive(Debug)]
pub(crate) struct Lane {
    /// When the message at each place of the ring was sent, in nanoseconds since the run began.
    sent_at: Box<[u64]>,
    /// The place of the answer that is due, and how many messages are under way from there.
    due: usize,
    under_way: usize,
    share: u32,
}

impl Lane {
    pub(crate) fn new(depth: usize, size: usize) -> Self {
        let sent_at = vec![0; depth + 1].into_boxed_slice();
        let share = if size >= CLOCK_SIZE { 1 } else { CLOCK_SHARE };
        Self {
            sent_at,
            due: 0,
            under_way: 0,
            share,
        }
    }

    /// How many more messages may be under way.
    pub(crate) fn room(&self) -> usize {
        self.sent_at.len() - 1 - self.under_way
    }

    /// Whether every message was answered.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way == 0
    }

    /// The place in the ring of the answer that is due; `None` if nothing is under way.
    #[inline]
    pub(crate) fn due(&self) -> Option<usize> {
        (self.under_way > 0).then_some(self.due)
    }

    /// The place in the ring of the next message to send, which is under way from now on.
    #[inline]
    pub(crate) fn send(&mut self, now: u64) -> usize {
        let mut place = self.due + self.under_way;
        if place >= self.sent_at.len() {
            place -= self.sent_at.len();
        }
        self.sent_at[place] = now;
        self.under_way += 1;
        place
    }

    /// The answer that was due has come.
    #[inline]
    pub(crate) fn answered(&mut self, now: u64, tally: &mut Tally) {
        tally.answered(now.saturating_sub(self.sent_at[self.due]));
        self.under_way -= 1;
        self.due += 1;
        if self.due == self.sent_at.len() {
            self.due = 0;
        }
    }

    /// A clock for one poll.
    pub(crate) fn clock(&self) -> BatchClock {
        BatchClock {
            now: 0,
            left: 0,
            share: self.share,
        }
    }
}

/// A clock that is read once for many answers.
#[derive(Debug)]
pub(crate) struct BatchClock {
    now: u64,
    left: u32,
    share: u32,
}

impl BatchClock {
    #[inline]
    pub(crate) fn now(&mut self, tally: &Tally) -> u64 {
        if self.left == 0 {
            self.now = tally.now();
            self.left = self.share;
        }
        self.left -= 1;
        self.now
    }
}

/// Whether the next message is to be sent.
#[inline]
pub(crate) fn goes_on(tally: &Tally) -> bool {
    tally.phase == Phase::Load
}

/// Why `answer` is not `ring[due]`, which it should be.
#[cold]
pub(crate) fn judge<'a>(
    answer: &[u8],
    due: Option<usize>,
    ring: impl Iterator<Item = &'a [u8]>,
) -> Failure {
    let known = ring.into_iter().position(|payload| payload == answer);
    match (known, due) {
        (_, None) => Failure::new(
            ErrorClass::OutOfOrder,
            "an answer came to nothing that was sent",
        ),
        (Some(_), _) => Failure::new(
            ErrorClass::OutOfOrder,
            "an answer came out of turn: a message was lost, repeated or reordered",
        ),
        (None, _) => Failure::new(ErrorClass::Corrupted, "an answer is not what was sent"),
    }
}
