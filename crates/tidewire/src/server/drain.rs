//! How the connections of a server are made to leave: asked, waited for, and cut at the end.

use super::connections::{Connections, Farewell, cut};
use super::serve::first;
use crate::observe::events;
use std::sync::Weak;
use std::time::Duration;
use tidewire_proto::CloseCode;
use tokio::time::{Instant, sleep_until};

/// How often connections are looked at whose handler is not known.
const TICK: Duration = Duration::from_millis(100);

/// Connections that are told to close before other tasks get a turn.
const AT_ONCE: usize = 32;

/// How the connections of a server are made to leave. Default: Close 1001 to all of them, spread over
/// 5 seconds, and 25 seconds in all.
#[derive(Clone, Debug)]
pub struct Drain {
    farewell: Farewell,
    spread: Duration,
    timeout: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            farewell: Farewell {
                code: CloseCode::GOING_AWAY,
                reason: "the server is stopping".into(),
            },
            spread: Duration::from_secs(5),
            timeout: Duration::from_secs(25),
        }
    }
}

impl Drain {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The code of the Close frames. Default 1001, "going away"; 1012, "service restart", tells
    /// clients that it is worth coming back.
    ///
    /// # Panics
    ///
    /// If the code may not be sent, as 1005 or 1006.
    #[must_use]
    pub fn code(mut self, code: impl Into<CloseCode>) -> Self {
        let code = code.into();
        assert!(code.may_be_sent(), "close code {} may not be sent", code.0);
        self.farewell.code = code;
        self
    }

    /// The reason in the Close frames. Default "the server is stopping".
    ///
    /// # Panics
    ///
    /// If it is over 123 bytes.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        assert!(reason.len() <= 123, "a close reason has at most 123 bytes");
        self.farewell.reason = reason.into();
        self
    }

    /// The time over which the Close frames go out, at random moments: clients that come back do
    /// not come all at once. At most half of the [`timeout`](Self::timeout) is used. Default 5 s;
    /// zero tells all at once, which is right for few clients and hard on the next server with many.
    #[must_use]
    pub fn spread(mut self, time: Duration) -> Self {
        self.spread = time;
        self
    }

    /// The time that the whole may take: then the connections that are still there are cut. Default
    /// 25 s, less than the 30 s after which Kubernetes kills. Too short cuts handlers that have
    /// something to save; too long, and the process is killed first.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }
}

/// What came of a drain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Connections that left in time: closed, and let go by their handlers.
    pub closed: usize,
    /// Connections that were still there at the deadline, and were cut: their peer did not answer,
    /// or their handler was busy.
    pub cut: usize,
}

impl Connections {
    /// Asks all connections to leave: each is sent a Close frame behind what was sent before, is
    /// waited for until it is over and its handler has let go of it, and cut at the deadline. Whoever
    /// comes meanwhile, and from then on, is told to close at once.
    ///
    /// A handler notices by receiving: it gets the messages that still come, and then the end.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the connections that were told go on leaving, the others stay as they are,
    /// newcomers are still told to close, and nobody is cut. Call it again to go on.
    pub async fn drain(&self, drain: Drain) -> Drained {
        let start = Instant::now();
        let deadline = far(start, drain.timeout);
        let (here, before) = self.begin_drain(drain.farewell.clone());
        let spread = drain.spread.min(drain.timeout / 2);
        let mut random = Random::new();
        events::drain_began(here.len());
        let count = here.len().max(1) as f64;
        for (number, connection) in here.into_iter().enumerate() {
            if connection.strong_count() == 0 {
                continue;
            }
            if !spread.is_zero() {
                // One in each part of the time, at a random moment of it.
                let part = (number as f64 + random.fraction()) / count;
                sleep_until(start + spread.mul_f64(part)).await;
            } else if number % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            if let Some(shared) = connection.upgrade() {
                drain.farewell.tell(&shared);
            }
        }
        self.wait(deadline).await;
        let remaining = self.here();
        let left = self.gone() - before;
        let remaining: Vec<_> = remaining.iter().filter_map(Weak::upgrade).collect();
        remaining.iter().for_each(|shared| cut(shared));
        events::drain_ended(left, remaining.len());
        Drained {
            closed: left,
            cut: remaining.len(),
        }
    }

    /// Waits until all are gone, or the deadline.
    async fn wait(&self, deadline: Instant) {
        let mut look = Instant::now();
        loop {
            let changed = self.changed(); // from here on it misses nobody
            if Instant::now() >= look {
                self.release();
                look = Instant::now() + TICK;
            }
            if self.all_gone() || Instant::now() >= deadline {
                return;
            }
            first(changed, sleep_until(look.min(deadline))).await;
        }
    }
}

/// `start + time`, or as far away as can be.
fn far(start: Instant, time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    start + time.min(YEAR)
}

/// Random enough for jitter (SplitMix64).
struct Random(u64);

impl Random {
    fn new() -> Self {
        // Without a source of randomness the moments are the same each time, and still spread.
        Self(getrandom::u64().unwrap_or_default())
    }

    /// From 0 up to, not including, 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_below_one_and_differ() {
        let mut random = Random::new();
        let fractions: Vec<f64> = (0..100).map(|_| random.fraction()).collect();
        assert!(fractions.iter().all(|f| (0.0..1.0).contains(f)));
        assert!(fractions.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn what_cannot_be_sent_is_a_panic_where_it_is_written() {
        for code in [999, 1004, 1005, 1006, 1015, 2999, 5000] {
            let drain = || Drain::new().code(code);
            assert!(std::panic::catch_unwind(drain).is_err(), "{code}");
        }
        assert!(std::panic::catch_unwind(|| Drain::new().reason(&"x".repeat(124))).is_err());
        let _ = Drain::new().code(1012).reason(&"x".repeat(123));
    }
}
