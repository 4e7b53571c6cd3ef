//! [`Tally`]: what all connections of one thread count into, and the phase they are in.

use crate::error::Failures;
use crate::schedule::Schedule;
use crate::stamp::Stamp;
use crate::window::{Answer, Sent};
use hdrhistogram::Histogram;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How far a run has come, as the director says it to the threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The first connection finds out whether the server is there.
    Probe,
    /// All connections are opened.
    Connect,
    /// The load runs, since this time.
    Load(u64),
    /// Nothing more is sent; what is under way must still be answered.
    Drain,
}

/// How far a thread has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Starting,
    /// The first connection is open.
    Probed,
    /// All its connections are open, or failed.
    Ready,
}

/// Shared by the tasks of one thread, and looked into by the director at times: the lock is hardly
/// ever waited for. Taken once per poll.
pub(crate) type Board = Arc<Mutex<Desk>>;

/// What the tasks of one thread have in common.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) tally: Tally,
    pub(crate) stamp: Stamp,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sums that are taken as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Connections that were opened, and those that are open still.
    pub(crate) opened: u64,
    pub(crate) live: u64,
    pub(crate) compressed: u64,
    /// Answers in the window, and the bytes in them.
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// Over the whole run.
    pub(crate) sent: u64,
    pub(crate) verified: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    pub(crate) corrupted: u64,
    /// Scheduled in the window and never sent.
    pub(crate) unsent: u64,
    /// Sent late because every connection was full.
    pub(crate) held: u64,
    pub(crate) unclean: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.live += other.live;
        self.compressed += other.compressed;
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.sent += other.sent;
        self.verified += other.verified;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.corrupted += other.corrupted;
        self.unsent += other.unsent;
        self.held += other.held;
        self.unclean += other.unclean;
    }
}

/// The highest latency that is told apart, one minute.
const MAX_MICROS: u64 = 60_000_000;

/// So many that were not sent are counted one by one.
const MOST_UNSENT: u64 = 50_000_000;

/// A histogram of microseconds.
pub(crate) fn histogram() -> Histogram<u64> {
    let bounds = Histogram::new_with_bounds(1, MAX_MICROS, 3);
    bounds.unwrap_or_else(|_| unreachable!("constant bounds that are valid"))
}

/// Times since they were taken last.
#[derive(Debug)]
pub(crate) struct Times {
    histogram: Histogram<u64>,
    /// Equal ones, one after the other, that are not in the histogram yet: at depth 16 all that came
    /// with one read.
    run: (u64, u64),
}

impl Times {
    fn new() -> Self {
        Self {
            histogram: histogram(),
            run: (0, 0),
        }
    }

    /// Something took so many nanoseconds.
    #[inline]
    pub(crate) fn add(&mut self, nanos: u64) {
        self.add_many(nanos, 1);
    }

    /// So many things took that long each.
    #[inline]
    fn add_many(&mut self, nanos: u64, count: u64) {
        if self.run.0 == nanos {
            self.run.1 += count;
        } else {
            self.settle();
            self.run = (nanos, count);
        }
    }

    fn settle(&mut self) {
        let (nanos, count) = std::mem::take(&mut self.run);
        if count > 0 {
            // Below the clock's unit counts as one; above the largest, as the largest.
            let micros = (nanos.saturating_add(500) / 1000).max(1);
            self.histogram.saturating_record_n(micros, count);
        }
    }

    /// Moves them into `sum`.
    pub(crate) fn take(&mut self, sum: &mut Histogram<u64>) {
        self.settle();
        if !self.histogram.is_empty() {
            // Equal bounds always fit.
            _ = sum.add(&self.histogram);
            self.histogram.reset();
        }
    }
}

/// What the connections of one thread have counted.
#[derive(Debug)]
pub(crate) struct Tally {
    base: Instant,
    pub(crate) phase: Phase,
    pub(crate) stage: Stage,
    /// What is measured: from when to when.
    window: (u64, u64),
    /// Whether a message belongs to the window that it was due in, or that it was answered in.
    open: bool,
    pub(crate) counts: Counts,
    pub(crate) failures: Failures,
    /// From the schedule in an open load, from the sending in a closed one.
    pub(crate) latency: Times,
    /// From the sending; open loads only.
    pub(crate) service: Times,
    /// How late messages were sent; open loads only.
    pub(crate) lag: Times,
    pub(crate) connects: Times,
    pub(crate) closes: Times,
    /// How often a connection was polled; what did not change it was idleness.
    pub(crate) polls: u64,
    /// Time in which the generator found nothing to do; counted only while it polls without sleeping.
    pub(crate) idle: Duration,
    /// The share of the window in which this thread was busy.
    pub(crate) busy: Option<f64>,
}

impl Tally {
    pub(crate) fn new(base: Instant, open: bool) -> Self {
        Self {
            base,
            phase: Phase::Probe,
            stage: Stage::Starting,
            window: (u64::MAX, u64::MAX),
            open,
            counts: Counts::default(),
            failures: Failures::default(),
            latency: Times::new(),
            service: Times::new(),
            lag: Times::new(),
            connects: Times::new(),
            closes: Times::new(),
            polls: 0,
            idle: Duration::ZERO,
            busy: None,
        }
    }

    /// Nanoseconds since the run began.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.base.elapsed().as_nanos() as u64
    }

    /// The instant of a time of the run.
    pub(crate) fn instant(&self, nanos: u64) -> Instant {
        self.base + Duration::from_nanos(nanos)
    }

    #[inline]
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.phase, Phase::Load(_))
    }

    /// From now on is measured.
    pub(crate) fn begin(&mut self, now: u64) {
        self.window.0 = now;
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.window.0 != u64::MAX
    }

    /// Until now was measured.
    pub(crate) fn end(&mut self, now: u64) {
        self.window.1 = now;
        self.phase = Phase::Drain;
    }

    #[inline]
    pub(crate) fn measures(&self, time: u64) -> bool {
        self.window.0 <= time && time < self.window.1
    }

    /// Until when is measured.
    pub(crate) fn measured_until(&self) -> u64 {
        self.window.1
    }

    /// A message goes out.
    #[inline]
    pub(crate) fn sent(&mut self) {
        self.counts.sent += 1;
    }

    /// A scheduled message goes out, and nothing but this program held it up.
    #[inline]
    pub(crate) fn lagged(&mut self, sent: Sent) {
        if self.measures(sent.due) {
            self.lag.add(sent.at.saturating_sub(sent.due));
        }
    }

    /// Counts an answer; gives how many messages were given room by it.
    #[inline]
    pub(crate) fn judged(&mut self, answer: Answer, now: u64, bytes: usize) -> usize {
        match answer {
            Answer::Right(sent, passed) => {
                self.answered(sent, now, bytes);
                1 + passed
            }
            Answer::Reordered(sent) => {
                self.counts.reordered += 1;
                self.answered(sent, now, bytes);
                0
            }
            Answer::Duplicate => {
                self.counts.duplicated += 1;
                0
            }
            Answer::Corrupted(waited) => {
                self.counts.corrupted += 1;
                usize::from(waited)
            }
        }
    }

    /// A message came back, or arrived, whole.
    #[inline]
    pub(crate) fn answered(&mut self, sent: Sent, now: u64, bytes: usize) {
        self.counts.verified += 1;
        let arrived_in_it = self.measures(now);
        if arrived_in_it {
            self.counts.messages += 1;
            self.counts.bytes += bytes as u64;
        }
        if !self.open {
            if arrived_in_it {
                self.latency.add(now.saturating_sub(sent.at));
            }
        } else if self.measures(sent.due) {
            self.latency.add(now.saturating_sub(sent.due));
            self.service.add(now.saturating_sub(sent.at));
        }
    }

    /// A message came on its own, so long after the one before.
    #[inline]
    pub(crate) fn arrived(&mut self, before: Option<u64>, now: u64, bytes: usize) {
        if self.measures(now) {
            self.counts.messages += 1;
            self.counts.bytes += bytes as u64;
            if let Some(before) = before {
                self.latency.add(now.saturating_sub(before));
            }
        }
    }

    /// A scheduled message has had no answer until now: it counts with the time it has waited at
    /// least, or the slowest would be left out.
    pub(crate) fn given_up(&mut self, due: u64, now: u64) {
        if self.open && self.measures(due) {
            self.latency.add(now.saturating_sub(due));
        }
    }

    /// The window is over: counts what was due in it and was never sent, each with the time that it
    /// has waited at least, for all of its `receivers`.
    pub(crate) fn never_sent(&mut self, mut schedule: Schedule, receivers: u64) {
        let now = self.now();
        for _ in 0..schedule.left(self.window.1).min(MOST_UNSENT) {
            let due = schedule.due();
            if self.measures(due) {
                self.counts.unsent += 1;
                self.latency.add_many(now.saturating_sub(due), receivers);
            }
            schedule.advance();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(due: u64, at: u64) -> Sent {
        Sent { due, at }
    }

    fn taken(times: &mut Times) -> Histogram<u64> {
        let mut sum = histogram();
        times.take(&mut sum);
        sum
    }

    #[test]
    fn percentiles_have_three_digits_and_runs_are_counted_whole() {
        let mut times = Times::new();
        for micros in 1..=1000u64 {
            for _ in 0..3 {
                times.add(micros * 1000);
            }
        }
        let all = taken(&mut times);
        assert_eq!(all.len(), 3000);
        for (quantile, expected) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let value = all.value_at_quantile(quantile) as f64;
            assert!((value - expected).abs() <= expected / 500.0, "{value}");
        }
        assert!(taken(&mut times).is_empty(), "they are taken once");
    }

    #[test]
    fn extremes_saturate() {
        let mut times = Times::new();
        times.add(0);
        times.add(u64::MAX);
        let all = taken(&mut times);
        assert_eq!(all.len(), 2);
        assert!((60_000_000..61_000_000).contains(&all.max()));
    }

    #[test]
    fn a_closed_load_counts_what_is_answered_in_the_window() {
        let mut tally = Tally::new(Instant::now(), false);
        tally.answered(sent(0, 0), 900, 1);
        tally.begin(1000);
        tally.answered(sent(500, 500), 2_000_000, 10);
        tally.end(3_000_000);
        tally.answered(sent(2_000_000, 2_000_000), 3_000_000, 10);
        assert_eq!((tally.counts.messages, tally.counts.bytes), (1, 10));
        assert_eq!(tally.counts.verified, 3);
        assert_eq!(taken(&mut tally.latency).len(), 1);
        assert!(taken(&mut tally.service).is_empty());
    }

    /// The server stands still for a second: whoever measures from the sending sees one slow answer.
    #[test]
    fn an_open_load_counts_a_stall_for_each_message_that_was_due_in_it() {
        const MS: u64 = 1_000_000;
        let mut tally = Tally::new(Instant::now(), true);
        tally.begin(0);
        for number in 0..1000 {
            let due = number * MS;
            // The first was sent in time, all others could be sent when the stall was over.
            let at = if number == 0 { 0 } else { 1000 * MS };
            tally.answered(sent(due, at), 1001 * MS, 1);
        }
        tally.end(1000 * MS);
        let (latency, service) = (taken(&mut tally.latency), taken(&mut tally.service));
        assert_eq!((latency.len(), service.len()), (1000, 1000));
        assert!(
            latency.value_at_quantile(0.5) > 490_000,
            "half waited half a second"
        );
        assert!(
            service.value_at_quantile(0.99) < 1100,
            "which service time hides"
        );
    }

    #[test]
    fn what_was_never_sent_has_waited_to_the_end_for_each_that_was_to_get_it() {
        const SECOND: u64 = 1_000_000_000;
        let base = Instant::now().checked_sub(Duration::from_secs(10));
        let mut tally = Tally::new(base.unwrap_or_else(Instant::now), true);
        tally.begin(SECOND);
        tally.end(2 * SECOND);
        // Ten a second from the start of the run: half of them were due before the window.
        tally.never_sent(Schedule::new(0, 10.0, 0, 1), 3);
        assert_eq!(tally.counts.unsent, 10);
        let latency = taken(&mut tally.latency);
        assert_eq!(latency.len(), 30);
        assert!(latency.min() > 7_900_000, "{}", latency.min());
    }

    #[test]
    fn an_open_load_counts_what_was_due_in_the_window_however_late_it_comes() {
        let mut tally = Tally::new(Instant::now(), true);
        tally.begin(1000);
        tally.end(2000);
        tally.answered(sent(999, 999), 1500, 1);
        tally.answered(sent(1500, 1600), 9000, 1);
        tally.given_up(1999, 50_000_000);
        tally.given_up(2000, 50_000_000);
        assert_eq!(taken(&mut tally.latency).len(), 2);
        assert_eq!(taken(&mut tally.service).len(), 1);
        assert_eq!(
            tally.counts.messages, 1,
            "throughput is what came in the window"
        );
    }
}
