//! What the node agrees to with each kind of WebSocket: limits, keepalive and compression.

use crate::config::Config;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidewire::{DeflateConfig, OriginPolicy, Server};
use tidewire_hub_core::Settings;

/// How many keepalive intervals there are: connections that came together do not ping together.
const SPREAD: u32 = 16;

/// Largest message of an echo, in bytes.
const ECHO: usize = 1 << 20;

/// One server for each kind, and one configuration for each interval of it: shared, so that a
/// connection owns none.
pub(crate) struct Lines {
    server: Server,
    native: Vec<Arc<tidewire::Config>>,
    /// By namespace.
    plain: BTreeMap<Box<str>, Vec<Arc<tidewire::Config>>>,
    echo: Arc<tidewire::Config>,
    largest_command: usize,
}

impl Lines {
    pub(crate) fn new(config: &Config, settings: &Settings) -> Self {
        let spread = |max_message: usize| {
            let of = |step| {
                let config = tidewire::Config::new()
                    .max_message(max_message)
                    .ping_interval(jittered(config.ping_interval, step));
                Arc::new(config)
            };
            (0..SPREAD).map(of).collect::<Vec<_>>()
        };
        let namespaces = settings.namespaces.iter();
        let largest = namespaces
            .clone()
            .map(|(_, options)| options.max_message)
            .max();
        // As base64, or as JSON with some escapes, in an envelope or a batch.
        let native = largest
            .unwrap_or(0)
            .saturating_mul(2)
            .saturating_add(64 * 1024);
        let plain = namespaces.map(|(name, options)| (name.clone(), spread(options.max_message)));
        // What half an outbox holds is written before more is read from the log.
        let high_water = (settings.limits.outbox / 2).clamp(1, 64 * 1024);
        Self {
            // Who may come was judged before: see `Guard`.
            server: Server::new()
                .origin(OriginPolicy::Any)
                .deflate(Some(DeflateConfig::default()))
                .high_water(high_water),
            native: spread(native),
            largest_command: native,
            plain: plain.collect(),
            echo: Arc::new(tidewire::Config::new().max_message(ECHO)),
        }
    }

    /// `chance`: any number.
    pub(crate) fn native(&self, chance: u8) -> Server {
        self.server.clone().config(pick(&self.native, chance))
    }

    /// The largest message of commands, in bytes.
    pub(crate) fn largest_command(&self) -> usize {
        self.largest_command
    }

    /// `None`: there is no such namespace.
    pub(crate) fn plain(&self, namespace: &str, chance: u8) -> Option<Server> {
        let spread = self.plain.get(namespace)?;
        Some(self.server.clone().config(pick(spread, chance)))
    }

    pub(crate) fn echo(&self) -> Server {
        self.server.clone().config(self.echo.clone())
    }
}

fn pick(spread: &[Arc<tidewire::Config>], chance: u8) -> Arc<tidewire::Config> {
    let at = usize::from(chance) % spread.len().max(1);
    spread.get(at).cloned().unwrap_or_default()
}

/// From a fifth less to a fifth more.
fn jittered(interval: Duration, step: u32) -> Option<Duration> {
    (!interval.is_zero()).then(|| interval * (4 * (SPREAD - 1) + 2 * step) / (5 * (SPREAD - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keepalive_is_spread_over_two_fifths_of_its_interval() {
        let interval = Duration::from_secs(25);
        assert_eq!(jittered(interval, 0), Some(Duration::from_secs(20)));
        assert_eq!(
            jittered(interval, SPREAD - 1),
            Some(Duration::from_secs(30))
        );
        assert_eq!(jittered(Duration::ZERO, 3), None, "off");
    }
}
