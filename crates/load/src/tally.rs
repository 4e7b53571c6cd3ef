//! [`Tally`]: what all connections count into, and the phase they are in.

use crate::report::Latency;
use hdrhistogram::Histogram;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What connections do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Each answer is followed by the next message.
    Load,
    /// Nothing more is sent; what is under way must still be answered.
    Drain,
}

/// Shared by the tasks of one thread, so the lock is never waited for; taken once per poll.
pub(crate) type Board = Arc<Mutex<Tally>>;

pub(crate) fn lock(board: &Board) -> MutexGuard<'_, Tally> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
pub(crate) struct Tally {
    base: Instant,
    pub(crate) phase: Phase,
    /// Connections that have messages under way, or are about to.
    pub(crate) live: usize,
    /// Answers since the window began.
    pub(crate) messages: u64,
    /// How often a connection was polled; what did not change it was idleness.
    pub(crate) polls: u64,
    /// Time since the window began in which the generator found nothing to do; counted only while
    /// it polls without sleeping.
    pub(crate) idle: Duration,
    latency: Histogram<u64>,
    /// Answers that took equally long, one after the other, and are not in `latency` yet: at depth
    /// 16 all that came with one read.
    run: (u64, u64),
}

const MAX_MICROS: u64 = 60_000_000;

impl Tally {
    pub(crate) fn new(connections: usize) -> Board {
        let bounds = Histogram::new_with_bounds(1, MAX_MICROS, 3);
        Arc::new(Mutex::new(Self {
            base: Instant::now(),
            phase: Phase::Load,
            live: connections,
            messages: 0,
            polls: 0,
            idle: Duration::ZERO,
            latency: bounds.unwrap_or_else(|_| unreachable!("constant bounds that are valid")),
            run: (0, 0),
        }))
    }

    /// Nanoseconds since the run began.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.base.elapsed().as_nanos() as u64
    }

    /// Counts an answer that took so many nanoseconds.
    #[inline]
    pub(crate) fn answered(&mut self, nanos: u64) {
        self.messages += 1;
        if self.run.0 == nanos {
            self.run.1 += 1;
        } else {
            self.settle();
            self.run = (nanos, 1);
        }
    }

    fn settle(&mut self) {
        let (nanos, count) = std::mem::take(&mut self.run);
        if count > 0 {
            // Below the clock's unit counts as one; above the largest, as the largest.
            let micros = (nanos.saturating_add(500) / 1000).max(1);
            self.latency.saturating_record_n(micros, count);
        }
    }

    /// Begins the window that is measured: forgets what was counted so far.
    pub(crate) fn begin(&mut self) {
        self.latency.reset();
        self.run = (0, 0);
        self.messages = 0;
        self.idle = Duration::ZERO;
    }

    /// The latencies counted since the window began, in microseconds.
    pub(crate) fn latency(&mut self) -> Latency {
        self.settle();
        let at = |quantile| self.latency.value_at_quantile(quantile) as f64;
        Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.latency.max() as f64,
            count: self.latency.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_have_three_digits_and_runs_are_counted_whole() {
        let board = Tally::new(1);
        let mut tally = lock(&board);
        for micros in 1..=1000u64 {
            for _ in 0..3 {
                tally.answered(micros * 1000);
            }
        }
        let latency = tally.latency();
        assert_eq!(latency.count, 3000);
        for (value, expected) in [
            (latency.p50, 500.0),
            (latency.p99, 990.0),
            (latency.max, 1000.0),
        ] {
            assert!(
                (value - expected).abs() <= expected / 1000.0,
                "{value} is not {expected}"
            );
        }
    }

    #[test]
    fn extremes_saturate_and_a_new_window_is_empty() {
        let board = Tally::new(1);
        let mut tally = lock(&board);
        tally.answered(0);
        tally.answered(u64::MAX);
        let latency = tally.latency();
        assert_eq!(latency.count, 2);
        assert!(latency.max >= 60e6 && latency.max < 61e6, "{}", latency.max);
        tally.answered(5);
        tally.begin();
        assert_eq!((tally.latency().count, tally.messages), (0, 0));
    }
}
