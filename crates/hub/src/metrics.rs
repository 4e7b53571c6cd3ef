//! What the node counts, as text for Prometheus.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use tidewire_hub_core::Counters;

/// What the answer of `/metrics` says it is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a node counts outside of its shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCounters {
    /// TCP connections open now.
    pub connections: u64,
    /// TCP connections accepted.
    pub accepted: u64,
    /// Connections refused because the node has `max_connections`.
    pub refused_full: u64,
    /// Connections refused because their address has `max_connections_per_address`.
    pub refused_address: u64,
    /// TLS handshakes that failed.
    pub tls_failed: u64,
    /// Requests denied for their Host.
    pub denied_host: u64,
    /// Requests denied for their Origin.
    pub denied_origin: u64,
    /// Records that did not fit a shard's mailbox; the shard read them from the log.
    pub mailbox_dropped: u64,
}

/// One number with its name, and what it means.
#[derive(Clone, Copy, Debug)]
struct Metric {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    value: u64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up; the encoder adds `_total` to its name.
    Counter,
}

/// The text: the node's counters; then of what the shards count, the sum as `tidewire_…` and each
/// shard's share as `tidewire_shard_…{shard="0"}`.
#[must_use]
pub fn render(node: &NodeCounters, shards: &[Counters]) -> String {
    let mut registry = Registry::with_prefix("tidewire");
    registry.register_collector(Box::new(Snapshot {
        node: of_node(node),
        shards: shards.iter().map(of_shard).collect(),
    }));
    let mut out = String::with_capacity(4096 + 2048 * shards.len());
    // Writing to a String does not fail.
    _ = text::encode(&mut out, &registry);
    out
}

#[derive(Debug)]
struct Snapshot {
    node: Vec<Metric>,
    shards: Vec<Vec<Metric>>,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in &self.node {
            metric.tell(&mut encoder, metric.value)?;
        }
        // Every shard lists the same metrics in the same order.
        for (at, metric) in of_shard(&Counters::default()).iter().enumerate() {
            let each = self.shards.iter().filter_map(|shard| shard.get(at));
            let each = each.map(|metric| metric.value);
            metric.tell(&mut encoder, each.clone().fold(0, u64::saturating_add))?;
            metric.tell_each(&mut encoder, each)?;
        }
        Ok(())
    }
}

impl Metric {
    /// One name with one value.
    fn tell(&self, encoder: &mut DescriptorEncoder<'_>, value: u64) -> fmt::Result {
        let encoder = encoder.encode_descriptor(self.name, self.help, None, self.kind.told())?;
        self.kind.number(value).encode(encoder)
    }

    /// One name with the value of each shard.
    fn tell_each(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        values: impl Iterator<Item = u64>,
    ) -> fmt::Result {
        let name = format!("shard_{}", self.name);
        let mut encoder = encoder.encode_descriptor(&name, self.help, None, self.kind.told())?;
        for (shard, value) in values.enumerate() {
            let label = [("shard", shard.to_string())];
            let number = self.kind.number(value);
            number.encode(encoder.encode_family(&label)?)?;
        }
        Ok(())
    }
}

impl Kind {
    fn told(self) -> MetricType {
        match self {
            Self::Gauge => MetricType::Gauge,
            Self::Counter => MetricType::Counter,
        }
    }

    fn number(self, value: u64) -> Box<dyn EncodeMetric> {
        match self {
            Self::Gauge => Box::new(ConstGauge::new(value)),
            Self::Counter => Box::new(ConstCounter::new(value)),
        }
    }
}

const fn gauge(name: &'static str, value: u64, help: &'static str) -> Metric {
    Metric {
        name,
        help,
        kind: Kind::Gauge,
        value,
    }
}

const fn counter(name: &'static str, value: u64, help: &'static str) -> Metric {
    Metric {
        name,
        help,
        kind: Kind::Counter,
        value,
    }
}

fn of_node(node: &NodeCounters) -> Vec<Metric> {
    // Without `..`: a new field has to be told here.
    let NodeCounters {
        connections,
        accepted,
        refused_full,
        refused_address,
        tls_failed,
        denied_host,
        denied_origin,
        mailbox_dropped,
    } = *node;
    vec![
        gauge("connections", connections, "TCP connections open now"),
        counter("connections_accepted", accepted, "TCP connections accepted"),
        counter(
            "connections_refused_full",
            refused_full,
            "Connections refused because the node has max_connections",
        ),
        counter(
            "connections_refused_address",
            refused_address,
            "Connections refused because their address has max_connections_per_address",
        ),
        counter(
            "tls_handshakes_failed",
            tls_failed,
            "TLS handshakes that failed",
        ),
        counter(
            "requests_denied_host",
            denied_host,
            "Requests denied for their Host",
        ),
        counter(
            "requests_denied_origin",
            denied_origin,
            "Requests denied for their Origin",
        ),
        counter(
            "mailbox_dropped_records",
            mailbox_dropped,
            "Records that did not fit a shard's mailbox and were read from the log instead",
        ),
    ]
}

fn of_shard(c: &Counters) -> Vec<Metric> {
    vec![
        gauge("sessions", c.sessions, "Sessions open now"),
        gauge("sessions_websocket", c.websocket, "Sessions over WebSocket"),
        gauge("sessions_sse", c.sse, "Sessions over SSE"),
        gauge("sessions_poll", c.poll, "Long polls that wait now"),
        counter("sessions_opened", c.connected, "Sessions opened"),
        gauge(
            "channels",
            c.channels,
            "Channels that somebody listens to now, counted by each shard",
        ),
        gauge("subscriptions", c.subscriptions, "Subscriptions now"),
        counter("commands", c.commands, "Commands taken"),
        counter("commands_failed", c.errors, "Commands that failed"),
        counter("publishes", c.published, "Publishes acknowledged"),
        counter(
            "publications_received",
            c.received,
            "Publications that arrived at a shard to be delivered",
        ),
        counter("deliveries", c.delivered, "Deliveries to subscribers"),
        counter(
            "recovered_records",
            c.recovered,
            "Records delivered by recovery",
        ),
        counter(
            "recoveries_incomplete",
            c.not_recovered,
            "Recoveries that could not give everything",
        ),
        counter(
            "skipped_records",
            c.skipped,
            "Records skipped for slow sessions",
        ),
        counter(
            "slow_sessions_closed",
            c.slow_closed,
            "Sessions closed for being slow",
        ),
        counter(
            "channel_gaps",
            c.gaps,
            "Times that a channel found itself behind its log and read",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(from: u64) -> Counters {
        let mut c = Counters::default();
        for (at, field) in [
            &mut c.sessions,
            &mut c.websocket,
            &mut c.sse,
            &mut c.poll,
            &mut c.connected,
            &mut c.channels,
            &mut c.subscriptions,
            &mut c.commands,
            &mut c.errors,
            &mut c.published,
            &mut c.received,
            &mut c.delivered,
            &mut c.recovered,
            &mut c.not_recovered,
            &mut c.skipped,
            &mut c.slow_closed,
            &mut c.gaps,
        ]
        .into_iter()
        .enumerate()
        {
            *field = from + at as u64;
        }
        c
    }

    #[test]
    fn the_text_is_as_written_down() {
        let node = NodeCounters {
            connections: 3,
            accepted: 40,
            denied_origin: 5,
            ..NodeCounters::default()
        };
        let text = render(&node, &[counters(100), counters(200)]);
        let begin = "\
# HELP tidewire_connections TCP connections open now
# TYPE tidewire_connections gauge
tidewire_connections 3
# HELP tidewire_connections_accepted TCP connections accepted
# TYPE tidewire_connections_accepted counter
tidewire_connections_accepted_total 40
";
        assert!(text.starts_with(begin), "{text}");
        let sessions = "\
# HELP tidewire_sessions Sessions open now
# TYPE tidewire_sessions gauge
tidewire_sessions 300
# HELP tidewire_shard_sessions Sessions open now
# TYPE tidewire_shard_sessions gauge
tidewire_shard_sessions{shard=\"0\"} 100
tidewire_shard_sessions{shard=\"1\"} 200
# HELP tidewire_sessions_websocket Sessions over WebSocket
# TYPE tidewire_sessions_websocket gauge
tidewire_sessions_websocket 302
# HELP tidewire_shard_sessions_websocket Sessions over WebSocket
# TYPE tidewire_shard_sessions_websocket gauge
tidewire_shard_sessions_websocket{shard=\"0\"} 101
tidewire_shard_sessions_websocket{shard=\"1\"} 201
";
        assert!(text.contains(sessions), "{text}");
        assert!(
            text.contains("\ntidewire_requests_denied_origin_total 5\n"),
            "{text}"
        );
        assert!(
            text.ends_with("tidewire_shard_channel_gaps_total{shard=\"1\"} 216\n# EOF\n"),
            "{text}"
        );
    }

    #[test]
    fn every_counter_of_a_shard_is_told_once() {
        let c = counters(1000);
        // The Debug text is the one list of fields that cannot be forgotten.
        let debug = format!("{c:?}");
        let told: Vec<u64> = of_shard(&c).iter().map(|metric| metric.value).collect();
        let fields: Vec<u64> = debug
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .collect();
        assert_eq!(told, fields, "{debug}");
        let mut names: Vec<&str> = of_shard(&c).iter().map(|metric| metric.name).collect();
        names.extend(
            of_node(&NodeCounters::default())
                .iter()
                .map(|metric| metric.name),
        );
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn sums_do_not_overflow_and_no_shard_is_no_trouble() {
        let huge = counters(u64::MAX - 100);
        assert!(render(&NodeCounters::default(), &[huge.clone(), huge]).contains("# EOF"));
        assert!(render(&NodeCounters::default(), &[]).contains("tidewire_sessions 0\n"));
    }
}
