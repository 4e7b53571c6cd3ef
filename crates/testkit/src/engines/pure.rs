//! The memory engine as a subject of the suite, in virtual time.

use super::{Options, Restart, Restarted, Subject};
use tidewire_hub_core::Millis;
use tidewire_hub_core::contract::{Effect, ShardId, Ticket, ToShard};
use tidewire_hub_core::memory::MemoryEngine;
use tidewire_hub_proto::Term;

/// A memory engine whose time moves when the test says so.
#[derive(Debug)]
pub struct MemorySubject {
    engine: MemoryEngine,
    options: Options,
    term: u64,
    now: u64,
    told: Vec<(ShardId, ToShard)>,
}

impl MemorySubject {
    /// An engine of term 1.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            engine: MemoryEngine::new(Term(1), options.clone()),
            options: options.clone(),
            term: 1,
            now: 1_790_000_000_000,
            told: Vec::new(),
        }
    }
}

impl Subject for MemorySubject {
    fn submit(&mut self, shard: ShardId, ticket: Ticket, effect: Effect) {
        let told = &mut self.told;
        let mut out = |shard, message| told.push((shard, message));
        self.engine
            .submit(Millis(self.now), shard, ticket, effect, &mut out);
    }

    fn settle(&mut self) -> Vec<(ShardId, ToShard)> {
        std::mem::take(&mut self.told)
    }

    fn advance(&mut self, millis: u64) -> bool {
        let until = self.now + millis;
        let told = &mut self.told;
        let mut out = |shard, message| told.push((shard, message));
        while let Some(due) = self.engine.next_deadline()
            && due.0 <= until
        {
            self.now = self.now.max(due.0);
            self.engine.tick(Millis(self.now), &mut out);
        }
        self.now = until;
        true
    }

    fn restart(&mut self, _how: Restart) -> Restarted {
        self.term += 1;
        self.engine = MemoryEngine::new(Term(self.term), self.options.clone());
        self.told.clear();
        Restarted::Lost
    }
}
