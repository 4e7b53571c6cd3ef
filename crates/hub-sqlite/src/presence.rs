//! The thread that keeps who is present: a table in memory, and the leaves that are due.

use crate::jobs::PresenceJob;
use crate::queue::CloseAtEnd;
use crate::shared::Shared;
use crate::witness::now_millis;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tidewire_hub_core::contract::{LogOptions, Mail};
use tidewire_hub_core::presence::PresenceTable;
use tidewire_hub_core::{Millis, ShardId, ToShard};

/// Effects that are done before anybody is told.
const BATCH: usize = 1024;
const IDLE: Duration = Duration::from_secs(60);

/// Milliseconds since 1970 when the thread began, and since then those that passed: a wall clock that
/// is set back must not hold leaves back.
struct Clock {
    began: Instant,
    at: u64,
}

impl Clock {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            at: u64::try_from(now_millis()).unwrap_or(0),
        }
    }

    fn now(&self) -> Millis {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Millis(self.at.saturating_add(passed))
    }
}

/// Until the queue is closed and empty.
pub(crate) fn run(shared: &Shared, options: BTreeMap<Box<str>, LogOptions>, mail: &dyn Mail) {
    let _close = CloseAtEnd(&shared.presence);
    let mut table = PresenceTable::new(options);
    let clock = Clock::new();
    loop {
        let wait = table.next_deadline().map_or(IDLE, |due| {
            // A little later than due: the clock counts whole milliseconds.
            Duration::from_millis(due.0.saturating_sub(clock.now().0)).min(IDLE)
        });
        let taken = shared.presence.take(BATCH, usize::MAX, wait);
        if taken.ended {
            return;
        }
        let mut out: BTreeMap<ShardId, Vec<ToShard>> = BTreeMap::new();
        let mut tell = |shard, message| out.entry(shard).or_default().push(message);
        for job in taken.items {
            match job {
                PresenceJob::Watch(shard, channel) => table.watch(shard, &channel),
                PresenceJob::Unwatch(shard, channel) => table.unwatch(shard, &channel),
                PresenceJob::Effect(shard, ticket, effect) => {
                    table.submit(clock.now(), shard, ticket, effect, &mut tell);
                }
            }
        }
        table.tick(clock.now(), &mut tell);
        for (shard, messages) in out {
            mail.deliver(shard, messages);
        }
    }
}
