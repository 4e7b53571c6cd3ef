//! How long to wait before the next attempt: a window that grows, and chance within it.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// No window is shorter: a wait of nothing is a loop without rest.
const SHORTEST: Duration = Duration::from_millis(1);

/// The waits between attempts: each is drawn at random from a window that grows with every failure.
///
/// Chance is what keeps a server alive that comes back from a restart: a thousand clients that lost
/// it in the same instant return spread over the window, not in step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    factor: f64,
    jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            most: Duration::from_secs(60),
            factor: 2.0,
            jitter: 1.0,
        }
    }
}

impl Backoff {
    /// The defaults: windows of 5, 10, 20, 40, 60, 60 … seconds, and full jitter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The window of the first wait. Default 5 s, the figure of RFC 6455 §7.2.3: a lost connection is
    /// replaced after 2.5 s on average. Shorter is quicker for one client, and a storm when all
    /// clients of a server lose it at once. At least 1 ms.
    #[must_use]
    pub fn first(mut self, window: Duration) -> Self {
        self.first = window.max(SHORTEST);
        self
    }

    /// The window that no other exceeds. Default 60 s. Longer spares a server that is down for long,
    /// and leaves clients away longer after it is back.
    #[must_use]
    pub fn most(mut self, window: Duration) -> Self {
        self.most = window.max(SHORTEST);
        self
    }

    /// By how much each failure widens the window. Default 2. What is less than 1, or no number,
    /// counts as 1: a window that does not grow keeps hammering a server that is overloaded.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0); // `max` takes 1 for NaN
        self
    }

    /// How much of the window is left to chance, from 0 to 1. Default 1: a wait may be anything from
    /// nothing to the whole window. With 0.3 it is at least seven tenths of it; with 0 it is the
    /// window exactly, and all clients return in step: for tests only.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = if share.is_nan() {
            1.0
        } else {
            share.clamp(0.0, 1.0)
        };
        self
    }

    /// The window of the wait that follows `failures` others.
    #[must_use]
    pub fn window(&self, failures: u32) -> Duration {
        let growth = self
            .factor
            .powi(i32::try_from(failures).unwrap_or(i32::MAX));
        let seconds = self.first.as_secs_f64() * growth;
        Duration::try_from_secs_f64(seconds).map_or(self.most, |window| window.min(self.most))
    }

    /// Draws the wait that follows `failures` others: `least`, and by chance up to the window or to
    /// `spread`, whichever is wider. `least` and `spread` are those of a
    /// [`Verdict::RetryAfter`](super::Verdict::RetryAfter), else zero.
    #[must_use]
    pub fn draw(&self, failures: u32, least: Duration, spread: Duration) -> Duration {
        let window = self.window(failures).max(spread);
        let share = 1.0 - self.jitter * chance();
        let part = Duration::try_from_secs_f64(window.as_secs_f64() * share).unwrap_or(window);
        least.saturating_add(part)
    }
}

/// A number from 0 (inclusive) to 1 (exclusive).
fn chance() -> f64 {
    // Without the system's randomness the seed of the standard library's hash maps has to do: clients
    // must not return in step even then.
    let bits = getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one(0));
    #[allow(clippy::cast_precision_loss)] // 53 bits are what an f64 holds exactly
    let share = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn windows_grow_up_to_the_most() {
        let windows: Vec<u64> = (0..7).map(|n| Backoff::new().window(n).as_secs()).collect();
        assert_eq!(windows, [5, 10, 20, 40, 60, 60, 60]);
    }

    #[test]
    fn no_setting_and_no_count_overflows() {
        let settings = [
            Backoff::new(),
            Backoff::new().first(Duration::MAX).most(Duration::MAX),
            Backoff::new().first(Duration::ZERO).most(Duration::ZERO),
            Backoff::new().factor(f64::INFINITY).most(Duration::MAX),
            Backoff::new().factor(f64::NAN).jitter(f64::NAN),
            Backoff::new().factor(-1.0).jitter(-1.0),
            Backoff::new().factor(1e300).jitter(1e300),
        ];
        for backoff in settings {
            for failures in [0, 1, 2, 100, u32::MAX] {
                assert!(backoff.window(failures) >= SHORTEST, "{backoff:?}");
                for least in [Duration::ZERO, Duration::MAX] {
                    for spread in [Duration::ZERO, Duration::MAX] {
                        assert!(backoff.draw(failures, least, spread) >= least);
                    }
                }
            }
        }
    }

    #[test]
    fn a_factor_under_one_does_not_shrink_the_window() {
        for factor in [0.0, 0.5, -2.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(Backoff::new().factor(factor).window(9), secs(5), "{factor}");
        }
    }

    #[test]
    fn jitter_decides_how_much_is_left_to_chance() {
        let draws = |backoff: Backoff| {
            let draw = |_| backoff.draw(0, secs(100), Duration::ZERO).as_secs_f64() - 100.0;
            let mut draws: Vec<f64> = (0..1000).map(draw).collect();
            draws.sort_by(f64::total_cmp);
            draws
        };
        let full = draws(Backoff::new());
        assert!(
            full[0] < 0.5 && full[999] > 4.5,
            "{} {}",
            full[0],
            full[999]
        );
        let some = draws(Backoff::new().jitter(0.3));
        assert!(some[0] >= 3.5 && some[0] < 3.7, "{}", some[0]);
        assert!(some[999] <= 5.0 && some[999] > 4.8, "{}", some[999]);
        let none = draws(Backoff::new().jitter(0.0));
        assert!(none[0] > 4.999 && none[999] < 5.001);
    }

    #[test]
    fn a_spread_widens_the_window_and_never_narrows_it() {
        let backoff = Backoff::new().jitter(0.0);
        assert_eq!(backoff.draw(0, secs(5), secs(25)), secs(30));
        assert_eq!(backoff.draw(3, secs(5), secs(25)), secs(45));
    }
}
