//! [`Latency`]: percentiles, and how far they can be trusted.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::io::{self, Write};

/// Times in microseconds, with three digits that are exact. All zero if there was none.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
#[allow(missing_docs)] // each is what its name says
pub struct Latency {
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub p9999: f64,
    pub max: f64,
    pub mean: f64,
    /// How many were measured.
    pub count: u64,
    /// Percentiles with fewer than ten times above them: they are chance.
    pub untrusted: Vec<&'static str>,
    #[serde(skip)]
    histogram: Option<Histogram<u64>>,
}

/// Below so many samples above it, a percentile is chance.
const ENOUGH: f64 = 10.0;

/// Field, name for people, and share below.
const QUANTILES: [(&str, &str, f64); 7] = [
    ("p50", "p50", 0.5),
    ("p75", "p75", 0.75),
    ("p90", "p90", 0.9),
    ("p95", "p95", 0.95),
    ("p99", "p99", 0.99),
    ("p999", "p99.9", 0.999),
    ("p9999", "p99.99", 0.9999),
];

impl Latency {
    pub(crate) fn of(histogram: Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64;
        let count = histogram.len();
        let chance = |share: f64| ((1.0 - share) * count as f64).round() < ENOUGH;
        let untrusted = QUANTILES.iter().filter(|(_, _, share)| chance(*share));
        Self {
            p50: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: histogram.max() as f64,
            mean: histogram.mean(),
            count,
            untrusted: untrusted.map(|(field, _, _)| *field).collect(),
            histogram: Some(histogram),
        }
    }

    /// Each percentile: its name for people, its value, and whether enough samples stand behind it.
    pub fn percentiles(&self) -> impl Iterator<Item = (&'static str, f64, bool)> + '_ {
        let values = [
            self.p50, self.p75, self.p90, self.p95, self.p99, self.p999, self.p9999,
        ];
        QUANTILES
            .iter()
            .zip(values)
            .map(|((field, name, _), value)| (*name, value, !self.untrusted.contains(field)))
    }

    /// The distribution by percentile, in milliseconds, as the plotters of HDR histograms read it.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn write_hdr(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
        )?;
        let Some(histogram) = &self.histogram else {
            return Ok(());
        };
        for step in histogram.iter_quantiles(5) {
            let share = step.quantile_iterated_to();
            let value = histogram.value_at_quantile(step.quantile()) as f64 / 1000.0;
            let total = histogram.count_between(0, step.value_iterated_to());
            write!(out, "{value:12.3} {share:14.12} {total:10}")?;
            if share < 1.0 {
                write!(out, " {:14.2}", 1.0 / (1.0 - share))?;
            }
            writeln!(out)?;
        }
        let (mean, deviation) = (histogram.mean() / 1000.0, histogram.stdev() / 1000.0);
        writeln!(
            out,
            "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]"
        )?;
        let (max, count) = (self.max / 1000.0, self.count);
        writeln!(out, "#[Max     = {max:12.3}, Total count    = {count:12}]")?;
        let (buckets, subs) = (histogram.buckets(), 2048);
        writeln!(out, "#[Buckets = {buckets:12}, SubBuckets     = {subs:12}]")
    }

    /// Points of the distribution for a drawing: share below, and microseconds.
    #[must_use]
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let Some(histogram) = self.histogram.as_ref().filter(|all| !all.is_empty()) else {
            return Vec::new();
        };
        let points = histogram.iter_quantiles(4);
        points
            .map(|step| {
                let value = histogram.value_at_quantile(step.quantile());
                (step.quantile_iterated_to(), value as f64)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tally::histogram;

    fn of(count: u64) -> Latency {
        let mut all = histogram();
        for micros in 1..=count {
            all.saturating_record(micros);
        }
        Latency::of(all)
    }

    #[test]
    fn a_percentile_needs_ten_samples_above_it() {
        assert_eq!(of(1000).untrusted, ["p999", "p9999"], "p99 has just ten");
        assert_eq!(of(999).untrusted, ["p999", "p9999"]);
        assert_eq!(of(900).untrusted, ["p99", "p999", "p9999"]);
        assert_eq!(of(100_000).untrusted, [""; 0]);
        assert_eq!(of(0).untrusted.len(), 7);
        let trusted: Vec<_> = of(100).percentiles().filter(|p| p.2).map(|p| p.0).collect();
        assert_eq!(trusted, ["p50", "p75", "p90"]);
    }

    #[test]
    fn the_distribution_is_written_as_plotters_read_it() {
        let mut out = Vec::new();
        of(1000).write_hdr(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let last = text.lines().rev().nth(3).unwrap();
        let fields: Vec<_> = last.split_whitespace().collect();
        assert_eq!(fields, ["1.000", "1.000000000000", "1000"], "{text}");
        assert!(text.contains("#[Max     =        1.000, Total count    =         1000]"));
        let mut empty = Vec::new();
        of(0).write_hdr(&mut empty).unwrap();
        assert!(of(0).curve().is_empty() && !of(50).curve().is_empty());
    }
}
