//! What a run is like: how large, how slow, and what fails how often; drawn from its seed.

use crate::engine::Faults;
use tidewire_hub_core::contract::LogOptions;
use tidewire_hub_core::{Access, Limits, Namespace, Settings, SlowConsumer, Storage};
use tidewire_hub_proto::Channel;
use tidewire_testkit::Random;

/// What a run is like.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) durable: bool,
    pub(crate) shards: usize,
    pub(crate) clients: usize,
    pub(crate) channels: Vec<Channel>,
    /// How long things happen, in milliseconds.
    pub(crate) active: u64,
    /// Longest delay of a message of the engine.
    pub(crate) delay: usize,
    /// Longest time to a commit.
    pub(crate) commit: usize,
    /// Longest delay between a client and the hub.
    pub(crate) latency: usize,
    /// Completions travel beside notices.
    pub(crate) lanes: bool,
    /// Clients that read slowly, in percent.
    pub(crate) slow: usize,
    /// Reads that pause long, in percent.
    pub(crate) stalls: usize,
    /// Longest time from one read to the next.
    pub(crate) pace: usize,
    /// Acts that are a publish, in percent.
    pub(crate) talk: usize,
    pub(crate) crashes: usize,
    pub(crate) byes: usize,
    faults: Faults,
    limits: Limits,
    records: usize,
    rate: u32,
}

/// Longest payload.
pub(crate) const MAX_PAYLOAD: usize = 400;

impl Plan {
    /// Draws one.
    pub(crate) fn new(rng: &mut Random) -> Self {
        let channels = 1 + rng.below(6);
        let channels = (0..channels).map(|number| {
            let namespace = ["leave", "lag", "oldest", "latest"][rng.below(4)];
            Channel::parse(&format!("{namespace}:{number}")).expect("a name")
        });
        let channels = channels.collect();
        let mut some = |percent: usize, most: usize| {
            let is = rng.below(100) < percent;
            let how = 1 + rng.below(most);
            if is { how } else { 0 }
        };
        let faults = Faults {
            refused: some(40, 10),
            unknown: some(40, 10),
            reads: some(30, 15),
            lost: some(50, 30),
            twice: some(50, 20),
            no_prev: some(50, 30),
        };
        let crashes = some(30, 2);
        let byes = some(40, 4);
        let slow = some(60, 60);
        let stalls = some(50, 5);
        // Some runs are of readers that can hardly follow.
        let hurried = rng.below(3) == 0;
        let mut limits = Limits::default();
        limits.outbox = if hurried {
            600 + rng.below(2_000)
        } else {
            1_000 + rng.below(12_000)
        };
        limits.page_bytes = 300 + rng.below(3_000);
        limits.page_records = 1 + rng.below(20);
        limits.recent_bytes = rng.below(4) * 1_500;
        limits.window_bytes = [400, 3_000, 1 << 20][rng.below(3)];
        limits.at_hand_bytes = [0, 4_000, 1 << 20, 1 << 20][rng.below(4)];
        limits.in_flight = 1 + rng.below(32);
        Self {
            durable: rng.below(3) > 0,
            shards: 1 + rng.below(3),
            clients: 2 + rng.below(7),
            channels,
            active: 1_000 + rng.below(4_000) as u64,
            delay: 1 + rng.below(60),
            commit: 1 + rng.below(50),
            latency: 1 + rng.below(40),
            lanes: rng.below(3) == 0,
            slow,
            stalls,
            pace: if hurried { 300 } else { 40 },
            talk: 20 + rng.below(60),
            crashes,
            byes,
            faults,
            limits,
            records: [5, 20, 60, 1_000][rng.below(4)],
            rate: [5, 1_000, 1_000][rng.below(3)],
        }
    }

    /// What fails how often now.
    pub(crate) fn faults(&self, healed: bool) -> Faults {
        if healed {
            Faults::default()
        } else {
            self.faults
        }
    }

    /// Most bytes that may ever wait in an outbox: its limit, the page of a recovery, the pages that
    /// were asked for by name (each counts as eight commands), and the answers to small commands.
    pub(crate) fn most_queued(&self) -> usize {
        let page = self.limits.page_bytes + MAX_PAYLOAD + 256;
        let pages = 1 + self.limits.in_flight.div_ceil(8);
        self.limits.outbox + pages * page + 64 * self.limits.in_flight
    }

    /// The hub's settings.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        for (name, policy) in [
            ("leave", SlowConsumer::Disconnect),
            ("lag", SlowConsumer::Lag),
            ("oldest", SlowConsumer::DropOldest),
            ("latest", SlowConsumer::KeepLatest),
        ] {
            let mut namespace = Namespace::default();
            namespace.storage = if self.durable {
                Storage::Durable
            } else {
                Storage::Memory
            };
            namespace.log = LogOptions {
                max_records: self.records,
                max_age: 86_400_000,
                key_age: 86_400_000,
                grace: 300,
            };
            namespace.subscribe = Access::Anyone;
            namespace.publish = Access::Anyone;
            namespace.presence = if name == "lag" {
                Access::Nobody
            } else {
                Access::Anyone
            };
            namespace.rate = self.rate;
            namespace.burst = self.rate;
            namespace.slow_consumer = policy;
            settings.namespaces.insert(name.into(), namespace);
        }
        settings.limits = self.limits.clone();
        settings.client_key = tidewire_hub_core::identity::ClientKey::new([7; 32]);
        settings
    }

    /// What happens to slow readers of a channel.
    pub(crate) fn policy(&self, channel: &Channel) -> SlowConsumer {
        match channel.namespace() {
            "leave" => SlowConsumer::Disconnect,
            "lag" => SlowConsumer::Lag,
            "oldest" => SlowConsumer::DropOldest,
            _ => SlowConsumer::KeepLatest,
        }
    }
}
