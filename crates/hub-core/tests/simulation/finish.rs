//! How a run ends: everything heals, everybody is up to date, everybody goes, and nothing remains.

use crate::net::Role;
use crate::world::World;
use tidewire_hub_core::TransportKind;
use tidewire_hub_proto::Channel;

/// How long everybody may take to be up to date after everything has healed, in milliseconds.
const PATIENCE: u64 = 60_000;

/// What runs were.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    runs: u64,
    events: u64,
    kept: u64,
    heard: u64,
    acknowledged: u64,
    recovered: u64,
    not_recovered: u64,
    slow_closed: u64,
    skipped: u64,
    gaps: u64,
}

impl Sum {
    /// One more.
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += 1;
        self.events += other.events;
        self.kept += other.kept;
        self.heard += other.heard;
        self.acknowledged += other.acknowledged;
        self.recovered += other.recovered;
        self.not_recovered += other.not_recovered;
        self.slow_closed += other.slow_closed;
        self.skipped += other.skipped;
        self.gaps += other.gaps;
    }

    /// Runs in which nothing goes wrong prove nothing.
    pub(crate) fn check(&self) {
        if self.runs < 100 {
            return;
        }
        for (count, what) in [
            (self.recovered, "nobody came back"),
            (self.not_recovered, "nothing was ever lost to who came back"),
            (self.slow_closed, "nobody was closed for being slow"),
            (self.skipped, "nothing was skipped"),
            (self.gaps, "no gap was found"),
        ] {
            assert!(count > self.runs / 100, "{what}: {self:?}");
        }
    }
}

impl World {
    /// Runs it all.
    pub(crate) fn run(mut self) -> Sum {
        let end = self.now.0 + self.plan.active;
        self.run_until(end);
        self.healed = true;
        let patience = self.now.0 + PATIENCE;
        while let Some(why) = self.unfinished() {
            assert!(
                self.now.0 < patience,
                "after a minute of peace: {why}\n{:?}",
                self.plan
            );
            let next = self.now.0 + 200;
            self.run_until(next);
        }
        let mut sum = Sum {
            events: self.steps,
            kept: self.oracle.kept,
            ..Sum::default()
        };
        for client in &self.clients {
            sum.heard += client.heard;
            sum.acknowledged += client.acknowledged;
            sum.recovered += client.recovered[0];
            sum.not_recovered += client.recovered[1];
        }
        for node in &self.nodes {
            let counters = node.shard.counters();
            sum.slow_closed += counters.slow_closed;
            sum.skipped += counters.skipped;
            sum.gaps += counters.gaps;
        }
        self.leave();
        sum
    }

    fn names(&self, channel: &Channel) -> Vec<&str> {
        let there = self
            .clients
            .iter()
            .filter(|client| client.wants.contains_key(channel));
        let mut names: Vec<_> = there.map(|client| &*client.me.session).collect();
        names.sort_unstable();
        names
    }

    /// What keeps the run from its end.
    fn unfinished(&self) -> Option<String> {
        for client in &self.clients {
            let polls = client.transport == TransportKind::Poll;
            let name = &client.me.session;
            if client.main.is_none() && !polls {
                return Some(format!("client {} is not connected", client.id));
            }
            for channel in client.wants.keys() {
                let behind = client.views[channel].behind(&client.me, channel, polls, &self.oracle);
                if let Some(why) = behind {
                    return Some(format!("{name}: {why}"));
                }
                if client.watches(channel) {
                    let seen = client.people.get(channel).and_then(|people| people.names());
                    if seen != Some(self.names(channel)) {
                        return Some(format!(
                            "{name} sees {seen:?} in {channel}, not {:?}",
                            self.names(channel)
                        ));
                    }
                }
            }
            if let Some(post) = client.posts.values().next() {
                return Some(format!("{name} has no answer to {post:?}"));
            }
        }
        let conns = self.nodes.iter().flat_map(|node| node.net.conns.values());
        let mut conns = conns.filter(|conn| conn.role == Role::Main && !conn.gone);
        let held =
            conns.find(|conn| !conn.up.is_empty() && conn.transport != TransportKind::Poll)?;
        Some(format!(
            "{} commands of {} are not read",
            held.up.len(),
            held.name
        ))
    }

    /// Everybody goes.
    fn leave(&mut self) {
        self.over = true;
        for at in 0..self.nodes.len() {
            let numbers: Vec<u64> = self.nodes[at].net.conns.keys().copied().collect();
            for number in numbers {
                self.over(at, number);
            }
        }
        let end = self.now.0 + 20_000;
        self.run_until(end);
        for node in &self.nodes {
            let counters = node.shard.counters();
            let left = (counters.sessions, counters.subscriptions, counters.channels);
            assert_eq!(
                left,
                (0, 0, 0),
                "sessions, subscriptions and channels remain"
            );
            assert_eq!(node.shard.sessions().count(), 0);
        }
        for channel in &self.plan.channels {
            assert!(
                !self.engine.is_watched(channel),
                "{channel} is still watched"
            );
        }
    }
}
