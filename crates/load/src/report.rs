//! [`Report`]: what was measured, also as JSON.

use crate::error::Failures;
use crate::latency::Latency;
use crate::plan::Plan;
use crate::tally::Counts;
use crate::totals::{Second, Totals};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::time::Duration;

/// How the generator was the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Saturation {
    /// A thread of it had no time left.
    Cpu,
    /// It sent so late that its own lateness is most of what was measured.
    LateSends,
}

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Connections that were opened.
    pub connections: usize,
    /// Bytes of payload of each message.
    pub size: usize,
    /// Messages kept under way on each connection of a closed load.
    pub depth: usize,
    /// The [mode](crate::Mode), by its name.
    pub mode: &'static str,
    /// Messages a second by the schedule; `None`: a closed load.
    pub rate: Option<f64>,
    /// Threads that made the load.
    pub threads: usize,
    /// How long was measured.
    pub seconds: f64,
    /// Whether it was stopped before its time.
    pub interrupted: bool,
    /// Messages that came back, checked, in that time; with [`Mode::Connect`](crate::Mode::Connect)
    /// connections.
    pub messages: u64,
    /// Those, per second.
    pub messages_per_second: f64,
    /// Bytes of payload that came back, per second.
    pub bytes_per_second: f64,
    /// How long answers took: from the schedule in an open load, else from the sending. With
    /// [`Mode::Push`](crate::Mode::Push) the time between two messages.
    pub latency_us: Latency,
    /// How long answers took from the sending, in an open load.
    pub service_us: Option<Latency>,
    /// How late messages were sent, in an open load.
    pub lag_us: Option<Latency>,
    /// Messages that were sent, over the whole run.
    pub sent: u64,
    /// Those whose answer was right.
    pub verified: u64,
    /// Those without an answer, on connections that stayed.
    pub lost: u64,
    /// Answers that came again.
    pub duplicated: u64,
    /// Answers that came out of turn.
    pub reordered: u64,
    /// Answers that are nothing that was sent.
    pub corrupted: u64,
    /// Messages that were due and not sent.
    pub unsent: u64,
    /// Messages that were sent late because too much waited on every connection.
    pub held: u64,
    /// What went wrong: failed connections, and messages lost, duplicated, reordered or corrupted.
    pub errors: u64,
    /// Connections that failed, by class.
    #[serde(rename = "error_classes", serialize_with = "classes")]
    pub failures: Failures,
    /// Connections that were open when the measurement ended.
    pub stayed: u64,
    /// Connections that the server did not close in order at the end.
    pub unclean_closes: u64,
    /// Connections opened per second before the load began, their handshakes included.
    pub handshakes_per_second: f64,
    /// How long it took to open a connection.
    pub connect_us: Latency,
    /// How long it took to close one.
    pub close_us: Latency,
    /// Connections that agreed on compression.
    pub compressed: u64,
    /// CPU time of the server, user and system; `None`: no process was named, or it is gone, or the
    /// system does not tell.
    pub server_cpu_seconds: Option<f64>,
    /// CPU seconds of the server per million messages.
    pub server_cpu_seconds_per_million: Option<f64>,
    /// Messages per CPU second of the server: what servers are compared by.
    pub messages_per_server_cpu_second: Option<f64>,
    /// CPU time of this process.
    pub client_cpu_seconds: f64,
    /// The share of the time in which the busiest thread had something to do, 0 to 1. While it polls
    /// without sleeping this is less than its CPU time says.
    pub client_busy: f64,
    /// Whether, and how, the generator and not the server set the result.
    pub saturated: Option<Saturation>,
    /// What each second was like.
    pub series: Vec<Second>,
}

/// What the director saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// Connections opened before the load, and how long that took.
    pub(crate) opened: u64,
    pub(crate) opening: Duration,
    pub(crate) time: Duration,
    pub(crate) server: Option<Duration>,
    pub(crate) client: Duration,
    pub(crate) stayed: u64,
    pub(crate) interrupted: bool,
}

/// From this share of a core on, a side has none left.
const CLIENT_BUSY: f64 = 0.90;
const SERVER_BUSY: f64 = 0.95;

/// Lateness below this is the system's, in microseconds.
const LATE: f64 = 1000.0;

fn classes<S: Serializer>(failures: &Failures, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (class, count, _) in failures.iter() {
        map.serialize_entry(class.name(), &count)?;
    }
    map.end()
}

fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

impl Report {
    pub(crate) fn new(
        plan: &Plan,
        measured: &Measured,
        counts: &Counts,
        failures: Failures,
        totals: Totals,
        busiest: Option<f64>,
    ) -> Self {
        let seconds = measured.time.as_secs_f64().max(1e-9);
        let messages = counts.messages as f64;
        let open = plan.pace().is_some();
        let server = measured.server.map(|cpu| cpu.as_secs_f64());
        let client = measured.client.as_secs_f64();
        let wrong = counts.lost + counts.duplicated + counts.reordered + counts.corrupted;
        let mut report = Self {
            connections: counts.opened as usize,
            size: plan.payload(),
            depth: plan.depth,
            mode: plan.mode.name(),
            rate: plan.pace(),
            threads: plan.crew(),
            seconds,
            interrupted: measured.interrupted,
            messages: counts.messages,
            messages_per_second: messages / seconds,
            bytes_per_second: counts.bytes as f64 / seconds,
            latency_us: Latency::of(totals.latency),
            service_us: open.then(|| Latency::of(totals.service)),
            lag_us: open.then(|| Latency::of(totals.lag)),
            sent: counts.sent,
            verified: counts.verified,
            lost: counts.lost,
            duplicated: counts.duplicated,
            reordered: counts.reordered,
            corrupted: counts.corrupted,
            unsent: counts.unsent,
            held: counts.held,
            errors: failures.total() + wrong,
            failures,
            stayed: measured.stayed,
            unclean_closes: counts.unclean,
            handshakes_per_second: ratio(measured.opened as f64, measured.opening.as_secs_f64())
                .unwrap_or(0.0),
            connect_us: Latency::of(totals.connects),
            close_us: Latency::of(totals.closes),
            compressed: counts.compressed,
            server_cpu_seconds: server,
            server_cpu_seconds_per_million: server.and_then(|cpu| ratio(cpu * 1e6, messages)),
            messages_per_server_cpu_second: server.and_then(|cpu| ratio(messages, cpu)),
            client_cpu_seconds: client,
            client_busy: busiest
                .unwrap_or(client / seconds / plan.crew() as f64)
                .clamp(0.0, 1.0),
            saturated: None,
            series: totals.series,
        };
        report.saturated = report.judge();
        report
    }

    /// Whether the generator, and not the server, set the result. A thread that has no time left is
    /// no proof where the server is known to have none either.
    fn judge(&self) -> Option<Saturation> {
        let server_is_busy = self
            .server_cpu_seconds
            .is_some_and(|cpu| cpu / self.seconds >= SERVER_BUSY);
        if self.client_busy >= CLIENT_BUSY && !server_is_busy {
            return Some(Saturation::Cpu);
        }
        let lag = self.lag_us.as_ref().map_or(0.0, |lag| lag.p99);
        let late = lag >= LATE && lag >= self.latency_us.p99 / 2.0;
        let due = self.rate.unwrap_or(0.0) * self.seconds;
        let behind = self.held == 0 && self.stayed > 0 && self.unsent as f64 > due / 100.0 + 10.0;
        (late || behind).then_some(Saturation::LateSends)
    }

    /// One JSON object, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers, strings and lists of them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::histogram;

    fn report(busy: f64, server: Option<f64>) -> Report {
        let time = Duration::from_secs(10);
        let measured = Measured {
            time,
            server: server.map(|share| time.mul_f64(share)),
            client: time,
            stayed: 1,
            ..Measured::default()
        };
        let counts = Counts {
            messages: 2_000_000,
            bytes: 64_000_000,
            ..Counts::default()
        };
        let (failures, totals) = (Failures::default(), Totals::default());
        Report::new(
            &Plan::default(),
            &measured,
            &counts,
            failures,
            totals,
            Some(busy),
        )
    }

    #[test]
    fn ratios_are_of_the_same_window() {
        let report = report(0.5, Some(0.8));
        assert_eq!(report.messages_per_second, 200_000.0);
        assert_eq!(report.bytes_per_second, 6_400_000.0);
        assert_eq!(report.server_cpu_seconds_per_million, Some(4.0));
        assert_eq!(report.messages_per_server_cpu_second, Some(250_000.0));
    }

    #[test]
    fn blames_the_client_only_when_the_server_had_time() {
        assert_eq!(report(0.95, Some(0.5)).saturated, Some(Saturation::Cpu));
        assert_eq!(report(0.95, Some(1.0)).saturated, None);
        assert_eq!(report(0.89, Some(0.5)).saturated, None);
        assert_eq!(report(0.95, None).saturated, Some(Saturation::Cpu));
    }

    fn open(lag_ms: u64, latency_ms: u64, counts: Counts) -> Report {
        let plan = Plan::default().rate(Some(1000.0));
        let measured = Measured {
            time: Duration::from_secs(10),
            stayed: 1,
            ..Measured::default()
        };
        let mut totals = Totals::default();
        for (times, ms) in [(&mut totals.lag, lag_ms), (&mut totals.latency, latency_ms)] {
            *times = histogram();
            times.saturating_record_n(ms * 1000, 1000);
        }
        Report::new(
            &plan,
            &measured,
            &counts,
            Failures::default(),
            totals,
            Some(0.1),
        )
    }

    #[test]
    fn blames_late_sends_that_are_most_of_the_latency() {
        let none = Counts::default;
        assert_eq!(open(6, 10, none()).saturated, Some(Saturation::LateSends));
        assert_eq!(
            open(4, 10, none()).saturated,
            None,
            "the server was slower still"
        );
        assert_eq!(open(0, 0, none()).saturated, None);
    }

    #[test]
    fn blames_what_was_never_sent_unless_the_server_held_it_up() {
        let unsent = |unsent, held| Counts {
            unsent,
            held,
            ..Counts::default()
        };
        let late = Some(Saturation::LateSends);
        assert_eq!(open(0, 10, unsent(5000, 0)).saturated, late);
        assert_eq!(open(0, 10, unsent(5000, 1)).saturated, None);
        assert_eq!(open(0, 10, unsent(100, 0)).saturated, None);
    }

    #[test]
    fn errors_are_all_that_went_wrong() {
        let counts = Counts {
            lost: 1,
            duplicated: 2,
            reordered: 4,
            corrupted: 8,
            ..Counts::default()
        };
        let report = open(0, 1, counts);
        assert_eq!(report.errors, 15);
        assert!(
            report
                .to_json()
                .contains("\"duplicated\":2,\"reordered\":4,\"corrupted\":8")
        );
    }

    #[test]
    fn nothing_measured_is_still_json() {
        let totals = Totals::default();
        let (counts, failures) = (Counts::default(), Failures::default());
        let plan = Plan::default();
        let json = Report::new(&plan, &Measured::default(), &counts, failures, totals, None);
        let json = json.to_json();
        assert!(json.contains("\"messages\":0,") && json.contains("\"server_cpu_seconds\":null"));
        assert!(!json.contains("NaN") && !json.contains("inf"), "{json}");
    }
}
