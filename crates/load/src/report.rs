//! [`Report`]: what was measured, for people and as JSON.

use crate::error::Failures;
use crate::plan::Plan;
use std::fmt::{self, Write};
use std::time::Duration;

/// Latencies in microseconds, from the queueing of a message until its answer was checked; three
/// digits are exact. All zero if there was no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // each is what its name says
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
    /// How many were measured. A percentile with fewer than ten above it says little.
    pub count: u64,
}

/// What was measured.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Connections that were opened.
    pub connections: usize,
    /// Bytes of payload of each message.
    pub size: usize,
    /// Messages kept under way on each connection.
    pub depth: usize,
    /// How long was measured.
    pub seconds: f64,
    /// Messages that came back, checked, in that time.
    pub messages: u64,
    /// Those, per second.
    pub messages_per_second: f64,
    /// Bytes of payload that came back, per second.
    pub bytes_per_second: f64,
    /// How long answers took.
    pub latency_us: Latency,
    /// Connections that failed, in any phase but the last.
    pub errors: u64,
    /// Those, by class.
    pub failures: Failures,
    /// Connections that the server did not close in order at the end.
    pub unclean_closes: u64,
    /// Connections opened per second, their handshakes included.
    pub handshakes_per_second: f64,
    /// Connections that agreed on compression.
    pub compressed: usize,
    /// CPU time of the server, user and system; `None`: no process was named, or it is gone, or the
    /// system does not tell.
    pub server_cpu_seconds: Option<f64>,
    /// CPU seconds of the server per million messages.
    pub server_cpu_seconds_per_million: Option<f64>,
    /// Messages per CPU second of the server: what servers are compared by.
    pub messages_per_server_cpu_second: Option<f64>,
    /// CPU time of this process.
    pub client_cpu_seconds: f64,
    /// The share of the time in which the generator had something to do, 0 to 1. While it polls
    /// without sleeping this is less than its CPU time says.
    pub client_busy: f64,
}

/// From this share of a core on, a side has none left.
const BUSY: f64 = 0.95;

impl Report {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            size: plan.size,
            depth: plan.depth,
            ..Self::default()
        }
    }

    pub(crate) fn measured(
        &mut self,
        time: Duration,
        messages: u64,
        server: Option<Duration>,
        client: Duration,
        idle: Option<Duration>,
    ) {
        let seconds = time.as_secs_f64();
        self.seconds = seconds;
        self.messages = messages;
        self.messages_per_second = messages as f64 / seconds;
        self.bytes_per_second = self.messages_per_second * self.size as f64;
        self.client_cpu_seconds = client.as_secs_f64();
        let busy = idle.map_or(client.as_secs_f64(), |idle| seconds - idle.as_secs_f64());
        self.client_busy = (busy / seconds).clamp(0.0, 1.0);
        self.server_cpu_seconds = server.map(|cpu| cpu.as_secs_f64());
        let ratio = |a: f64, b: f64| (b > 0.0).then(|| a / b);
        self.server_cpu_seconds_per_million = self
            .server_cpu_seconds
            .and_then(|cpu| ratio(cpu * 1e6, messages as f64));
        self.messages_per_server_cpu_second = self
            .server_cpu_seconds
            .and_then(|cpu| ratio(messages as f64, cpu));
    }

    /// Whether the generator, and not the server, set the throughput; `None`: the server's CPU time
    /// is not known, and the generator had no core left.
    #[must_use]
    pub fn client_was_the_limit(&self) -> Option<bool> {
        if self.client_busy < BUSY {
            return Some(false);
        }
        self.server_cpu_seconds.map(|cpu| cpu / self.seconds < BUSY)
    }

    /// One JSON object, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let maybe = |n: Option<f64>| n.map_or_else(|| "null".to_owned(), |n| n.to_string());
        let limit = self.client_was_the_limit();
        let mut classes = String::new();
        for (class, count, _) in self.failures.iter() {
            let comma = if classes.is_empty() { "" } else { "," };
            let _ = write!(classes, "{comma}\"{}\":{count}", class.name());
        }
        let Latency {
            p50,
            p90,
            p99,
            p999,
            max,
            count,
        } = self.latency_us;
        format!(
            "{{\"connections\":{},\"size\":{},\"depth\":{},\"seconds\":{},\"messages\":{},\
             \"messages_per_second\":{},\"bytes_per_second\":{},\
             \"latency_us\":{{\"p50\":{p50},\"p90\":{p90},\"p99\":{p99},\"p999\":{p999},\
             \"max\":{max},\"count\":{count}}},\"errors\":{},\"error_classes\":{{{classes}}},\
             \"unclean_closes\":{},\"handshakes_per_second\":{},\"compressed\":{},\
             \"server_cpu_seconds\":{},\"server_cpu_seconds_per_million\":{},\
             \"messages_per_server_cpu_second\":{},\"client_cpu_seconds\":{},\"client_busy\":{},\
             \"client_was_the_limit\":{}}}",
            self.connections,
            self.size,
            self.depth,
            self.seconds,
            self.messages,
            self.messages_per_second,
            self.bytes_per_second,
            self.errors,
            self.unclean_closes,
            self.handshakes_per_second,
            self.compressed,
            maybe(self.server_cpu_seconds),
            maybe(self.server_cpu_seconds_per_million),
            maybe(self.messages_per_server_cpu_second),
            self.client_cpu_seconds,
            self.client_busy,
            limit.map_or_else(|| "null".to_owned(), |limit| limit.to_string()),
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections,
            size,
            depth,
            seconds,
            ..
        } = self;
        writeln!(
            f,
            "{connections} connections, {size} B, depth {depth}, {seconds:.1} s"
        )?;
        let (messages, bytes) = (
            count(self.messages_per_second),
            bytes(self.bytes_per_second),
        );
        writeln!(f, "throughput  {messages} messages/s, {bytes}/s")?;
        let latency = &self.latency_us;
        write!(f, "latency    ")?;
        let quantiles = [
            ("p50", latency.p50, 0.5),
            ("p90", latency.p90, 0.1),
            ("p99", latency.p99, 0.01),
            ("p99.9", latency.p999, 0.001),
        ];
        for (name, micros, above) in quantiles {
            // With fewer than ten answers above it, it would be chance.
            if latency.count as f64 * above >= 10.0 {
                write!(f, " {name} {},", time(micros))?;
            }
        }
        writeln!(f, " max {} ({} answers)", time(latency.max), latency.count)?;
        writeln!(f, "            closed loop: tail latency is optimistic")?;
        writeln!(
            f,
            "connect     {} connections/s",
            count(self.handshakes_per_second)
        )?;
        if self.compressed > 0 {
            writeln!(f, "deflate     agreed on {} connections", self.compressed)?;
        }
        if let Some(cpu) = self.server_cpu_seconds {
            write!(f, "server CPU  {cpu:.2} s")?;
            if let Some(per_million) = self.server_cpu_seconds_per_million {
                write!(f, ", {per_million:.3} s per million messages")?;
            }
            if let Some(per_second) = self.messages_per_server_cpu_second {
                write!(f, ", {} messages per CPU second", count(per_second))?;
            }
            writeln!(f)?;
        }
        let busy = 100.0 * self.client_busy;
        writeln!(
            f,
            "client CPU  {:.2} s, busy {busy:.0} %",
            self.client_cpu_seconds
        )?;
        writeln!(f, "errors      {}", self.errors)?;
        for (_, count, text) in self.failures.iter() {
            writeln!(f, "            {count} × {text}")?;
        }
        if self.unclean_closes > 0 {
            writeln!(
                f,
                "            {} connections not closed in order",
                self.unclean_closes
            )?;
        }
        match self.client_was_the_limit() {
            Some(true) => writeln!(f, "the client was the limit: the server could do more"),
            Some(false) => Ok(()),
            None => writeln!(f, "the client had no CPU left: it may have been the limit"),
        }
    }
}

fn count(n: f64) -> String {
    match n {
        n if n >= 1e6 => format!("{:.2} M", n / 1e6),
        n if n >= 1e4 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

fn bytes(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{:.2} GB", n / 1e9),
        n if n >= 1e6 => format!("{:.1} MB", n / 1e6),
        n => format!("{:.1} kB", n / 1e3),
    }
}

/// A time given in microseconds.
fn time(micros: f64) -> String {
    match micros {
        us if us >= 1e6 => format!("{:.2} s", us / 1e6),
        us if us >= 1e3 => format!("{:.2} ms", us / 1e3),
        us => format!("{us:.0} µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(busy: f64, server: Option<f64>) -> Report {
        let mut report = Report::of(&Plan::default());
        let time = Duration::from_secs(10);
        let idle = time.mul_f64(1.0 - busy);
        let server = server.map(|share| time.mul_f64(share));
        report.measured(time, 2_000_000, server, time, Some(idle));
        report
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
        assert_eq!(report(1.0, Some(0.5)).client_was_the_limit(), Some(true));
        assert_eq!(report(1.0, Some(1.0)).client_was_the_limit(), Some(false));
        assert_eq!(report(0.5, Some(0.5)).client_was_the_limit(), Some(false));
        assert_eq!(report(1.0, None).client_was_the_limit(), None);
        assert!(
            report(1.0, Some(0.5))
                .to_string()
                .contains("the client was the limit")
        );
    }

    #[test]
    fn nothing_measured_is_still_json() {
        let mut report = Report::of(&Plan::default());
        report.measured(Duration::from_secs(1), 0, None, Duration::ZERO, None);
        let json = report.to_json();
        assert!(json.contains("\"messages\":0,") && json.contains("\"server_cpu_seconds\":null"));
        assert!(!json.contains("NaN") && !json.contains("inf"), "{json}");
    }
}
