//! Times as recordings have them: the wall's clock once, and from then on one that never jumps.

use std::time::{Duration, Instant, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The latest time that a page's `Date` can be, in microseconds either way from 1970.
const LATEST: f64 = 8.64e18;

/// Gives times in microseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    began: Instant,
    at: i64,
}

impl Clock {
    /// A clock that was set by the wall's just now.
    pub(crate) fn new() -> Clock {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Clock {
            began: Instant::now(),
            at: micros(since.unwrap_or_default()),
        }
    }

    /// The time now.
    pub(crate) fn now(&self) -> i64 {
        self.at.saturating_add(micros(self.began.elapsed()))
    }
}

pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// Seconds with a fraction, as HAR and our lines have them.
pub(super) fn seconds(at: i64) -> f64 {
    at as f64 / 1e6
}

/// Milliseconds with a fraction, as a page has them.
pub(super) fn millis(at: i64) -> f64 {
    at as f64 / 1e3
}

/// A number of units since 1970; nothing if no clock can show it.
pub(super) fn from_number(number: f64, micros_each: f64) -> Option<i64> {
    let at = number * micros_each;
    (at.is_finite() && at.abs() <= LATEST).then_some(at.round() as i64)
}

/// `2026-01-02T03:04:05.678Z`.
pub(crate) fn iso(at: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at / 1000) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

/// The time of an ISO 8601 text with its zone.
pub(super) fn from_iso(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        let at = 1_767_323_045_678_000;
        assert_eq!(iso(at), "2026-01-02T03:04:05.678Z");
        assert_eq!(from_iso("2026-01-02T03:04:05.678Z"), Some(at));
        assert_eq!(from_iso("2026-01-02T05:04:05.678+02:00"), Some(at));
        assert_eq!(from_number(seconds(at + 123), 1e6), Some(at + 123));
        assert_eq!(from_number(millis(at + 123), 1e3), Some(at + 123));
    }

    #[test]
    fn times_that_are_none_are_not_taken() {
        for (number, each) in [(f64::NAN, 1e6), (f64::INFINITY, 1.0), (1e300, 1e6), (-9e12, 1e6)] {
            assert_eq!(from_number(number, each), None, "{number}");
        }
        for text in ["", "now", "2026-13-02T03:04:05Z", "2026-01-02"] {
            assert_eq!(from_iso(text), None, "{text}");
        }
        assert_eq!(iso(i64::MAX), "1970-01-01T00:00:00Z");
    }
}
