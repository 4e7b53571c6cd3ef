//! [`Live`]: what the last second was like.

use std::time::Duration;

/// What the last second was like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Live {
    /// Since the measurement began.
    pub elapsed: Duration,
    /// How long it shall take.
    pub of: Duration,
    /// Answers a second, in the last second.
    pub rate: f64,
    /// Bytes of payload a second that came, in the last second.
    pub bytes: f64,
    /// Half of the last second's answers took less, in microseconds.
    pub p50: f64,
    /// All but a hundredth of them took less.
    pub p99: f64,
    /// Connections that are open.
    pub open: u64,
    /// Messages that wait for their answer.
    pub in_flight: u64,
    /// What went wrong so far.
    pub errors: u64,
    /// The share of our threads' time that was spent, 0 to 1.
    pub busy: f64,
}
