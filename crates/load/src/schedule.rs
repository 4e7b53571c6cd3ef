//! [`Schedule`]: when each message of an open load is due, fixed before the first is sent.

/// The instants of one thread, in nanoseconds of the run. The threads of a run take turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start: u64,
    /// Of the whole run.
    per_second: f64,
    thread: u64,
    threads: u64,
    next: u64,
}

impl Schedule {
    pub(crate) fn new(start: u64, per_second: f64, thread: usize, threads: usize) -> Self {
        Self {
            start,
            per_second,
            thread: thread as u64,
            threads: threads as u64,
            next: 0,
        }
    }

    /// When the next one is due. Computed from the start each time: rounding does not add up.
    pub(crate) fn due(&self) -> u64 {
        let number = self.next * self.threads + self.thread;
        self.start
            .saturating_add((number as f64 * 1e9 / self.per_second) as u64)
    }

    /// The next one is taken care of.
    pub(crate) fn advance(&mut self) {
        self.next += 1;
    }

    /// How many are due before `end` and not taken care of.
    pub(crate) fn left(&self, end: u64) -> u64 {
        let mut ahead = *self;
        let seconds = end.saturating_sub(self.start) as f64 / 1e9;
        let all = (seconds * self.per_second / self.threads as f64) as u64;
        // The estimate may be off by one for each thread's turn.
        ahead.next = all.saturating_sub(1).max(self.next);
        while ahead.due() < end {
            ahead.next += 1;
        }
        ahead.next - self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_take_turns_at_one_rate() {
        let mut all = Vec::new();
        for thread in 0..3 {
            let mut schedule = Schedule::new(500, 1000.0, thread, 3);
            for _ in 0..100 {
                all.push(schedule.due());
                schedule.advance();
            }
        }
        all.sort_unstable();
        for (number, due) in all.iter().enumerate() {
            assert_eq!(*due, 500 + number as u64 * 1_000_000);
        }
    }

    #[test]
    fn rounding_does_not_add_up() {
        let mut schedule = Schedule::new(0, 3.0, 0, 1);
        for _ in 0..3_000_000 {
            schedule.advance();
        }
        assert_eq!(schedule.due(), 1_000_000_000_000_000);
    }

    #[test]
    fn counts_what_was_not_sent() {
        let mut schedule = Schedule::new(0, 1000.0, 0, 1);
        assert_eq!(schedule.left(1_000_000_000), 1000);
        for _ in 0..400 {
            schedule.advance();
        }
        assert_eq!(schedule.left(1_000_000_000), 600);
        assert_eq!(schedule.left(10), 0);
        let sum: u64 = (0..3)
            .map(|thread| Schedule::new(0, 1000.0, thread, 3).left(1_000_000_000))
            .sum();
        assert_eq!(sum, 1000);
    }
}
