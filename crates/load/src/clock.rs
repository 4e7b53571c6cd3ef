//! [`BatchClock`]: a clock that is read once for many answers, for what came with one system call came
//! at one time.

use crate::tally::Tally;

/// How many small answers share one reading, and from how many bytes on none do.
const SHARE: u32 = 64;
const LARGE: usize = 4 * 1024;

/// A clock for one poll.
#[derive(Debug)]
pub(crate) struct BatchClock {
    now: u64,
    left: u32,
    share: u32,
}

impl BatchClock {
    pub(crate) fn new(size: usize) -> Self {
        let share = if size >= LARGE { 1 } else { SHARE };
        Self {
            now: 0,
            left: 0,
            share,
        }
    }

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
