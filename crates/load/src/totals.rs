//! [`Totals`]: the times of all threads together, and what each second was like.

use crate::live::Live;
use crate::tally::{Board, histogram, lock};
use hdrhistogram::Histogram;
use serde::Serialize;

/// One second of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
#[allow(missing_docs)] // each is what its name says
pub struct Second {
    /// Seconds since the measurement began, at its end.
    pub at: f64,
    pub messages_per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
}

#[derive(Debug)]
pub(crate) struct Totals {
    pub(crate) latency: Histogram<u64>,
    pub(crate) service: Histogram<u64>,
    pub(crate) lag: Histogram<u64>,
    pub(crate) connects: Histogram<u64>,
    pub(crate) closes: Histogram<u64>,
    pub(crate) series: Vec<Second>,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            latency: histogram(),
            service: histogram(),
            lag: histogram(),
            connects: histogram(),
            closes: histogram(),
            series: Vec::new(),
        }
    }
}

impl Totals {
    /// Closes a second: its latencies go to the sum and into `live`.
    pub(crate) fn second(&mut self, boards: &[Board], live: &mut Live) {
        let mut latency = histogram();
        for board in boards {
            lock(board).tally.latency.take(&mut latency);
        }
        live.p50 = latency.value_at_quantile(0.5) as f64;
        live.p99 = latency.value_at_quantile(0.99) as f64;
        _ = self.latency.add(&latency);
        self.series.push(Second {
            at: live.elapsed.as_secs_f64(),
            messages_per_second: live.rate,
            p50_us: live.p50,
            p99_us: live.p99,
        });
    }

    /// Takes all that is left.
    pub(crate) fn rest(&mut self, boards: &[Board]) {
        for board in boards {
            let tally = &mut lock(board).tally;
            tally.latency.take(&mut self.latency);
            tally.service.take(&mut self.service);
            tally.lag.take(&mut self.lag);
            tally.connects.take(&mut self.connects);
            tally.closes.take(&mut self.closes);
        }
    }

    /// Throws away the connections so far.
    pub(crate) fn forget(&mut self, boards: &[Board]) {
        let mut nowhere = histogram();
        for board in boards {
            let tally = &mut lock(board).tally;
            tally.connects.take(&mut nowhere);
            tally.closes.take(&mut nowhere);
        }
    }
}
