//! `--compare`: a result beside an earlier one, and which differences are noise.

use std::fs;

use serde_json::Value;
use tidewire_load::{Report, units};

use crate::term;

/// Below this share two runs do not differ.
const NOISE: f64 = 0.05;

/// Name for people, where it is in the JSON, which part of the series it belongs to, and what its unit
/// is.
type Row = (
    &'static str,
    &'static str,
    Option<&'static str>,
    fn(f64) -> String,
);

const ROWS: [Row; 8] = [
    (
        "messages/s",
        "/messages_per_second",
        Some("messages_per_second"),
        units::count,
    ),
    ("p50", "/latency_us/p50", Some("p50_us"), units::time),
    ("p90", "/latency_us/p90", Some("p50_us"), units::time),
    ("p99", "/latency_us/p99", Some("p99_us"), units::time),
    ("p99.9", "/latency_us/p999", Some("p99_us"), units::time),
    ("max", "/latency_us/max", None, units::time),
    ("errors", "/errors", None, units::count),
    (
        "server CPU/1M",
        "/server_cpu_seconds_per_million",
        None,
        seconds,
    ),
];

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

/// What makes two runs different loads.
const SETTINGS: [&str; 7] = [
    "mode",
    "connections",
    "size",
    "depth",
    "rate",
    "threads",
    "seconds",
];

/// Earlier results.
#[derive(Debug)]
pub(crate) struct Earlier {
    file: String,
    runs: Vec<Value>,
}

impl Earlier {
    /// Reads what `--json` wrote.
    pub(crate) fn read(file: &str) -> Result<Self, String> {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("--compare: {file} cannot be read: {error}"))?;
        Self::parse(file, &text)
    }

    fn parse(file: &str, text: &str) -> Result<Self, String> {
        let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let runs: Vec<Value> = values
            .collect::<Result<_, _>>()
            .map_err(|error| format!("--compare: {file} is not JSON: {error}"))?;
        let is_run = |run: &Value| run.pointer("/latency_us/p99").is_some_and(Value::is_number);
        if runs.is_empty() || !runs.iter().all(is_run) {
            return Err(format!(
                "--compare: {file} is not what `tidewire bench --json` writes"
            ));
        }
        Ok(Self {
            file: file.to_owned(),
            runs,
        })
    }

    /// The table of one result beside the earlier one of the same size.
    pub(crate) fn table(&self, report: &Report) -> String {
        let now = serde_json::to_value(report).unwrap_or_default();
        let same_size = |run: &&Value| run["size"] == now["size"];
        let Some(then) = self.runs.iter().find(same_size).or(self.runs.first()) else {
            return String::new();
        };
        let mut out = format!(
            "compared with {}\n{:<14}{:>12}{:>12}{:>9}\n",
            term::line(&self.file, 200),
            "",
            "then",
            "now",
            "ratio"
        );
        for row in &ROWS {
            out.extend(line(row, then, &now));
        }
        for setting in SETTINGS {
            if differs(&then[setting], &now[setting]) {
                let (then, now) = (&then[setting], &now[setting]);
                let then = term::line(&then.to_string(), 40);
                out.push_str(&format!(
                    "not the same load: {setting} was {then}, now {now}\n"
                ));
            }
        }
        out
    }
}

/// Lengths of two runs are never quite equal.
fn differs(then: &Value, now: &Value) -> bool {
    match (then.as_f64(), now.as_f64()) {
        (Some(then), Some(now)) => (then - now).abs() > now.abs() * 0.02,
        _ => then != now,
    }
}

fn line(row: &Row, then: &Value, now: &Value) -> Option<String> {
    let (name, place, series, unit) = row;
    let (before, after) = (
        then.pointer(place)?.as_f64()?,
        now.pointer(place)?.as_f64()?,
    );
    let noise = series.map_or(NOISE, |part| {
        NOISE.max(spread(then, part)).max(spread(now, part))
    });
    let field = place.rsplit('/').next().unwrap_or_default();
    let chance = |run: &Value| {
        let untrusted = run
            .pointer("/latency_us/untrusted")
            .and_then(Value::as_array);
        untrusted.is_some_and(|names| names.iter().any(|name| name == field))
    };
    let ratio = after / before;
    let note = if place.starts_with("/latency_us") && (chance(then) || chance(now)) {
        "  too few samples".to_owned()
    } else if !ratio.is_finite() || field == "errors" {
        String::new()
    } else if (ratio - 1.0).abs() <= noise {
        format!("  ≈ noise (±{:.0} %)", noise * 100.0)
    } else {
        String::new()
    };
    let shown = if ratio.is_finite() {
        format!("{ratio:.2}")
    } else {
        "–".to_owned()
    };
    let (before, after) = (unit(before), unit(after));
    Some(format!(
        "{name:<14}{before:>12}{after:>12}{shown:>9}{note}\n"
    ))
}

/// Half the range of what the seconds of a run were like, as a share of their median.
fn spread(run: &Value, part: &str) -> f64 {
    let seconds = run["series"].as_array().map_or(&[][..], Vec::as_slice);
    let mut values: Vec<f64> = seconds
        .iter()
        .filter_map(|second| second[part].as_f64())
        .collect();
    values.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (values.first(), values.last()) else {
        return 0.0;
    };
    let median = values[values.len() / 2];
    if median > 0.0 {
        (most - least) / 2.0 / median
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn now() -> Report {
        let mut report = Report::default();
        report.size = 32;
        report.mode = "echo";
        report.messages_per_second = 120_000.0;
        report.latency_us.p50 = 102.0;
        report.latency_us.p99 = 900.0;
        report.latency_us.untrusted = vec!["p999"];
        report
    }

    fn then(series: &Value) -> String {
        json!({"size": 32, "mode": "echo", "connections": 0, "depth": 0, "rate": null, "threads": 0,
            "seconds": 0.0, "messages_per_second": 100_000.0, "errors": 0, "series": series,
            "latency_us": {"p50": 100.0, "p90": 0.0, "p99": 1000.0, "p999": 5.0, "max": 1.0}})
        .to_string()
    }

    fn noted(table: &str, name: &str) -> String {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ratios_and_what_is_noise() {
        let earlier = Earlier::parse("a.json", &then(&json!([]))).unwrap();
        let table = earlier.table(&now());
        assert_eq!(
            noted(&table, "messages/s"),
            "messages/s 100.0 k 120.0 k 1.20"
        );
        assert_eq!(
            noted(&table, "p50"),
            "p50 100 µs 102 µs 1.02 ≈ noise (±5 %)"
        );
        assert_eq!(noted(&table, "p99 "), "p99 1.00 ms 900 µs 0.90");
        assert!(noted(&table, "p99.9").ends_with("too few samples"));
        assert!(!table.contains("not the same load"), "{table}");
    }

    #[test]
    fn seconds_that_differ_much_widen_the_noise() {
        let wild = json!([{"messages_per_second": 60_000.0}, {"messages_per_second": 100_000.0},
            {"messages_per_second": 140_000.0}]);
        let earlier = Earlier::parse("a.json", &then(&wild)).unwrap();
        assert!(noted(&earlier.table(&now()), "messages/s").ends_with("≈ noise (±40 %)"));
    }

    #[test]
    fn another_load_is_named() {
        let mut report = now();
        report.depth = 16;
        let earlier = Earlier::parse("a.json", &then(&json!([]))).unwrap();
        let table = earlier.table(&report);
        assert!(
            table.contains("not the same load: depth was 0, now 16"),
            "{table}"
        );
    }

    #[test]
    fn other_files_are_refused() {
        for text in [
            "",
            "{",
            "[]",
            "{}",
            "1 2 3",
            "{\"latency_us\":{\"p99\":\"x\"}}",
        ] {
            let error = Earlier::parse("a.json", text).unwrap_err();
            assert!(
                error.starts_with("--compare: a.json is not"),
                "{text}: {error}"
            );
        }
    }
}
