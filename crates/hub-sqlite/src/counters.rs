//! What the engine has done so far, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What an engine has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Transactions that were committed.
    pub commits: u64,
    /// Records that were kept.
    pub records: u64,
    /// Their payloads, in bytes.
    pub bytes: u64,
    /// How long the last commit took, from its first statement until the disk had it, in microseconds.
    pub last_commit_micros: u64,
    /// Effects that wait to be written.
    pub waiting: u64,
    /// What they occupy, in bytes.
    pub waiting_bytes: u64,
    /// Effects that were refused because too much waited.
    pub overloaded: u64,
    /// Transactions that did not fit on the disk.
    pub full: u64,
    /// Times the database had to be opened anew after a failure.
    pub reopened: u64,
}

/// The same, while threads count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) commits: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) last_commit_micros: AtomicU64,
    pub(crate) overloaded: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) reopened: AtomicU64,
}

impl Tally {
    pub(crate) fn add(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Relaxed);
    }

    pub(crate) fn read(&self, waiting: usize, waiting_bytes: usize) -> Counters {
        Counters {
            commits: self.commits.load(Relaxed),
            records: self.records.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            last_commit_micros: self.last_commit_micros.load(Relaxed),
            waiting: waiting as u64,
            waiting_bytes: waiting_bytes as u64,
            overloaded: self.overloaded.load(Relaxed),
            full: self.full.load(Relaxed),
            reopened: self.reopened.load(Relaxed),
        }
    }
}
