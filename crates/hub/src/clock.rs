//! The time of a node: milliseconds since 1970 that never go back.

use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tidewire_hub_core::Millis;

/// Follows the monotonic clock from where the wall clock stood when it was made: a wall clock that is
/// set back stops no timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
    at: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            began: Instant::now(),
            at: since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0)),
        }
    }

    pub(crate) fn now(self) -> Millis {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Millis(self.at.saturating_add(passed))
    }
}
