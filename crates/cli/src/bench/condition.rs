//! [`Condition`]: what `--fail-if` and `--find-max` say of a result, as `p99>5ms` or `errors>0`.

use std::fmt;

use tidewire_load::{Latency, Report, units};

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    /// A time of a distribution, in microseconds.
    Time(Distribution, &'static str),
    Count(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distribution {
    Latency,
    Service,
    Lag,
    Connect,
}

const TIMES: [&str; 9] = [
    "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max", "mean",
];
const COUNTS: [&str; 11] = [
    "errors",
    "failed",
    "lost",
    "duplicated",
    "reordered",
    "corrupted",
    "unsent",
    "rate",
    "bytes",
    "stayed",
    "messages",
];

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    metric: Metric,
    relation: Relation,
    value: f64,
    /// As it was written.
    text: String,
}

/// What a condition is for a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) holds: bool,
    /// Whether there was anything to look at: what was not measured is neither fast nor slow.
    pub(crate) measured: bool,
    actual: f64,
    /// Whether enough samples stand behind it.
    pub(crate) trusted: bool,
}

/// A number with an optional `k`, `M` or `G`, powers of 1000.
pub(crate) fn number(text: &str) -> Option<f64> {
    let (digits, factor) = match text.trim().char_indices().last()? {
        (at, 'k' | 'K') => (&text.trim()[..at], 1e3),
        (at, 'M' | 'm') => (&text.trim()[..at], 1e6),
        (at, 'G' | 'g') => (&text.trim()[..at], 1e9),
        _ => (text.trim(), 1.0),
    };
    let plain = |c: char| c.is_ascii_digit() || c == '.';
    let number: f64 = digits.chars().all(plain).then(|| digits.parse().ok())??;
    Some(number * factor).filter(|number| number.is_finite())
}

/// Microseconds of a time that has its unit.
fn micros(text: &str) -> Option<f64> {
    let text = text.trim();
    let units = [
        ("us", 1.0),
        ("µs", 1.0),
        ("μs", 1.0),
        ("ms", 1e3),
        ("s", 1e6),
    ];
    let (digits, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    Some(number(digits)? * factor)
}

/// One or more conditions with commas between them.
pub(crate) fn conditions(text: &str) -> Result<Vec<Condition>, String> {
    text.split(',').map(parse).collect()
}

fn parse(text: &str) -> Result<Condition, String> {
    let text = text.trim();
    let at = text
        .find(['<', '>'])
        .ok_or_else(|| format!("{text:?} compares nothing: write for example p99>5ms"))?;
    let (name, rest) = text.split_at(at);
    let (relation, value) = match rest.as_bytes() {
        [b'<', b'=', ..] => (Relation::LessOrEqual, &rest[2..]),
        [b'<', ..] => (Relation::Less, &rest[1..]),
        [_, b'=', ..] => (Relation::MoreOrEqual, &rest[2..]),
        _ => (Relation::More, &rest[1..]),
    };
    let metric = metric(name.trim())?;
    let number = match metric {
        Metric::Time(..) => micros(value).ok_or_else(|| {
            format!("{value:?} in {text:?} is not a time: write it with its unit, us, ms or s")
        })?,
        Metric::Count("rate") => number(value.strip_suffix("/s").unwrap_or(value))
            .ok_or_else(|| format!("{value:?} in {text:?} is not a number, as 1000 or 50k"))?,
        Metric::Count(_) => number(value)
            .ok_or_else(|| format!("{value:?} in {text:?} is not a number, as 0 or 1000"))?,
    };
    Ok(Condition {
        metric,
        relation,
        value: number,
        text: text.to_owned(),
    })
}

fn metric(name: &str) -> Result<Metric, String> {
    let (of, time) = match name.split_once('.') {
        Some(("latency", time)) => (Distribution::Latency, time),
        Some(("service", time)) => (Distribution::Service, time),
        Some(("lag", time)) => (Distribution::Lag, time),
        Some(("connect", time)) => (Distribution::Connect, time),
        _ => (Distribution::Latency, name),
    };
    if let Some(time) = TIMES.iter().find(|known| **known == time) {
        return Ok(Metric::Time(of, time));
    }
    if let Some(count) = COUNTS.iter().find(|known| **known == name) {
        return Ok(Metric::Count(count));
    }
    let (times, counts) = (TIMES.join(" "), COUNTS.join(" "));
    Err(format!(
        "{name:?} is not measured; there are {times} (also service.p99, connect.p99, lag.p99) and {counts}"
    ))
}

impl Condition {
    /// Whether it is true of a result.
    pub(crate) fn of(&self, report: &Report) -> Verdict {
        let (actual, trusted, measured) = match self.metric {
            Metric::Time(of, name) => time(report, of, name),
            Metric::Count(name) => (count(report, name), true, true),
        };
        let holds = match self.relation {
            Relation::Less => actual < self.value,
            Relation::LessOrEqual => actual <= self.value,
            Relation::More => actual > self.value,
            Relation::MoreOrEqual => actual >= self.value,
        };
        Verdict {
            holds,
            measured,
            actual,
            trusted,
        }
    }

    /// A verdict in words: `p99 is 1.94 ms (p99>5ms)`.
    pub(crate) fn explain(&self, verdict: Verdict) -> String {
        let (name, actual) = match self.metric {
            Metric::Time(_, name) => (name, units::time(verdict.actual)),
            Metric::Count(name) => (name, units::count(verdict.actual)),
        };
        if !verdict.measured {
            return format!("{name} was not measured ({self}): nothing came");
        }
        let doubt = if verdict.trusted {
            ""
        } else {
            ", with too few samples to tell"
        };
        format!("{name} is {actual} ({self}){doubt}")
    }

    /// Whether it says how many errors there may be.
    pub(crate) fn is_about_errors(&self) -> bool {
        self.metric == Metric::Count("errors")
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn time(report: &Report, of: Distribution, name: &str) -> (f64, bool, bool) {
    let latency: &Latency = match of {
        Distribution::Latency => &report.latency_us,
        // In a closed load they are the same.
        Distribution::Service => report.service_us.as_ref().unwrap_or(&report.latency_us),
        Distribution::Lag => match &report.lag_us {
            Some(lag) => lag,
            None => return (0.0, true, true),
        },
        Distribution::Connect => &report.connect_us,
    };
    let any = latency.count > 0;
    let (value, trusted) = match name {
        "max" => (latency.max, any),
        "mean" => (latency.mean, any),
        _ => {
            let mut percentiles = latency.percentiles();
            let found = percentiles.find(|(known, _, _)| *known == name);
            found.map_or((0.0, false), |(_, value, trusted)| (value, trusted))
        }
    };
    (value, trusted, any)
}

fn count(report: &Report, name: &str) -> f64 {
    match name {
        "errors" => report.errors as f64,
        "failed" => report.failures.total() as f64,
        "lost" => report.lost as f64,
        "duplicated" => report.duplicated as f64,
        "reordered" => report.reordered as f64,
        "corrupted" => report.corrupted as f64,
        "unsent" => report.unsent as f64,
        "rate" => report.messages_per_second,
        "bytes" => report.bytes_per_second,
        "stayed" => report.stayed as f64,
        _ => report.messages as f64,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.latency_us.p99 = 5000.0;
        report.latency_us.p999 = 7000.0;
        report.latency_us.untrusted = vec!["p999"];
        report.latency_us.count = 2000;
        report.messages_per_second = 999.0;
        report.errors = 1;
        report
    }

    fn holds(text: &str) -> bool {
        let all = conditions(text).unwrap();
        all.iter().all(|condition| condition.of(&report()).holds)
    }

    #[test]
    fn compares_times_and_counts() {
        for text in [
            "p99>4.9ms",
            "p99>=5ms",
            "p99 <= 5000us",
            "p99<0.006s",
            "errors>0",
            "rate<1000",
            "rate<1k/s",
            "service.p99<=5ms",
            "p99>4ms,errors>0",
            "lost<=0",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "p99>5ms",
            "p99<5ms",
            "errors>1",
            "rate>=1000",
            "connect.p99>1us",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn tells_what_too_few_samples_stand_behind() {
        let condition = &conditions("p99.9>5ms").unwrap()[0];
        let verdict = condition.of(&report());
        assert!(verdict.holds && !verdict.trusted);
        let said = condition.explain(verdict);
        assert_eq!(
            said,
            "p99.9 is 7.00 ms (p99.9>5ms), with too few samples to tell"
        );
        assert!(conditions("p99>5ms").unwrap()[0].of(&report()).trusted);
    }

    #[test]
    fn what_was_not_measured_is_no_zero() {
        let condition = &conditions("connect.p99>5ms").unwrap()[0];
        let verdict = condition.of(&report());
        assert!(!verdict.measured);
        assert!(condition.explain(verdict).contains("was not measured"));
        assert!(conditions("p99>5ms").unwrap()[0].of(&report()).measured);
    }

    #[test]
    fn nonsense_is_named() {
        for (text, named) in [
            ("", "compares nothing"),
            ("p99", "compares nothing"),
            ("p98>5ms", "\"p98\" is not measured"),
            ("p99>5", "\"5\" in \"p99>5\" is not a time"),
            ("p99>5m", "not a time"),
            ("p99>-5ms", "not a time"),
            ("errors>x", "not a number"),
            ("errors>1e9", "not a number"),
            ("errors>", "not a number"),
            ("rate<5µs", "not a number"),
            ("errors>0,", "compares nothing"),
            (">5", "is not measured"),
            ("p99>ms", "not a time"),
            ("p99>\u{1F980}", "not a time"),
        ] {
            let error = conditions(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
