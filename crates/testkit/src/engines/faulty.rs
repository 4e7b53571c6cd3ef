//! An engine that is late, repeats itself, and fails: around any engine, by seed.

use super::{Restart, Restarted, Subject};
use crate::Random;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tidewire_hub_core::contract::{Done, Effect, Fault, Notice, ShardId, Ticket, ToShard};
use tidewire_hub_proto::{Channel, Pos};

/// How often, of 100 times, something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// An answer comes later than others.
    pub late: usize,
    /// A record is not told; its channel's head is, later.
    pub dropped: usize,
    /// A record is told twice, at once or later.
    pub repeated: usize,
    /// An effect fails, in each way that the contract knows.
    pub failed: usize,
}

impl Faults {
    /// Everything but failure: nobody may notice.
    pub const UNTIMELY: Self = Self {
        late: 60,
        dropped: 25,
        repeated: 25,
        failed: 0,
    };
    /// Failure too.
    pub const FAILING: Self = Self {
        failed: 30,
        ..Self::UNTIMELY
    };
}

/// An engine around which things go wrong, as far as the contract allows it.
///
/// What a shard is told of its channels stays in order behind its `Watched`, but comes late; other
/// answers overtake each other.
pub struct Faulty {
    inner: Box<dyn Subject>,
    faults: Faults,
    random: Random,
    /// Answers, and how many more calls of `settle` they wait.
    loose: Vec<(usize, ShardId, ToShard)>,
    /// What has to stay in order.
    lines: BTreeMap<ShardId, VecDeque<ToShard>>,
    /// Heads that are owed for records that were dropped.
    owed: BTreeMap<(ShardId, Channel), Pos>,
    /// Records that will be told again.
    again: Vec<(ShardId, Notice)>,
    /// What fails although it is done.
    doomed: BTreeMap<(ShardId, Ticket), Done>,
    /// Tickets that have been failed without being done.
    refused: BTreeSet<(ShardId, Ticket)>,
}

impl Faulty {
    /// Puts faults around an engine; the same for the same seed, as far as the engine is.
    #[must_use]
    pub fn new(inner: Box<dyn Subject>, seed: u64, faults: Faults) -> Self {
        Self {
            inner,
            faults,
            random: Random::new(seed),
            loose: Vec::new(),
            lines: BTreeMap::new(),
            owed: BTreeMap::new(),
            again: Vec::new(),
            doomed: BTreeMap::new(),
            refused: BTreeSet::new(),
        }
    }

    /// How many effects it has failed without doing them.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.refused.len()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    /// A fault for an effect, and whether the effect is done all the same.
    fn fault(&mut self, effect: &Effect) -> (Fault, bool) {
        let broken = || Fault::Unavailable("injected".into());
        // Who watches although that failed would be told of it.
        let may_be_done = !matches!(effect, Effect::Watch { .. });
        match self.random.below(4) {
            0 if matches!(effect, Effect::Append { .. }) => (Fault::Full, false),
            0 | 1 => (Fault::Overloaded, false),
            2 => (broken(), false),
            _ => (broken(), may_be_done),
        }
    }

    fn take(&mut self, shard: ShardId, message: ToShard) {
        match message {
            ToShard::Done(ticket, done) => {
                let done = self.doomed.remove(&(shard, ticket)).unwrap_or(done);
                if matches!(done, Done::Watched(_)) {
                    self.line(shard, ToShard::Done(ticket, done));
                } else {
                    let late = self.chance(self.faults.late);
                    let turns = if late { 1 + self.random.below(4) } else { 0 };
                    self.loose.push((turns, shard, ToShard::Done(ticket, done)));
                }
            }
            ToShard::Notice(notice) => self.take_notice(shard, notice),
        }
    }

    fn take_notice(&mut self, shard: ShardId, notice: Notice) {
        if let Notice::Record {
            channel,
            publication,
            ..
        } = &notice
        {
            if self.chance(self.faults.dropped)
                && let Some(pos) = publication.pos
            {
                self.owed.insert((shard, channel.clone()), pos);
                return;
            }
            if self.chance(self.faults.repeated) {
                self.again.push((shard, notice.clone()));
                if self.chance(50) {
                    self.line(shard, ToShard::Notice(notice.clone()));
                }
            }
        }
        self.line(shard, ToShard::Notice(notice));
    }

    fn line(&mut self, shard: ShardId, message: ToShard) {
        self.lines.entry(shard).or_default().push_back(message);
    }

    fn holds_nothing(&self) -> bool {
        self.loose.is_empty()
            && self.lines.is_empty()
            && self.owed.is_empty()
            && self.again.is_empty()
    }

    /// Lets go of some of what is held.
    fn release(&mut self, out: &mut Vec<(ShardId, ToShard)>) {
        for (shard, channel) in self.owed.keys().cloned().collect::<Vec<_>>() {
            if self.chance(50)
                && let Some(pos) = self.owed.remove(&(shard, channel.clone()))
            {
                self.line(shard, ToShard::Notice(Notice::Head { channel, pos }));
            }
        }
        for (shard, notice) in std::mem::take(&mut self.again) {
            if self.chance(30) {
                self.line(shard, ToShard::Notice(notice));
            } else {
                self.again.push((shard, notice));
            }
        }
        for (shard, mut line) in std::mem::take(&mut self.lines) {
            let all = !self.chance(self.faults.late);
            let count = if all {
                line.len()
            } else {
                self.random.below(line.len())
            };
            out.extend(line.drain(..count).map(|message| (shard, message)));
            if !line.is_empty() {
                self.lines.insert(shard, line);
            }
        }
        let mut ready = Vec::new();
        for (turns, shard, message) in std::mem::take(&mut self.loose) {
            match turns.checked_sub(1) {
                None => ready.push((shard, message)),
                Some(turns) => self.loose.push((turns, shard, message)),
            }
        }
        while !ready.is_empty() {
            out.push(ready.swap_remove(self.random.below(ready.len())));
        }
    }
}

impl Subject for Faulty {
    fn submit(&mut self, shard: ShardId, ticket: Ticket, effect: Effect) {
        if self.chance(self.faults.failed) {
            let (fault, is_done) = self.fault(&effect);
            if let Some(failed) = effect.failed(fault) {
                if is_done {
                    self.doomed.insert((shard, ticket), failed);
                } else {
                    self.refused.insert((shard, ticket));
                    return self.take(shard, ToShard::Done(ticket, failed));
                }
            }
        }
        self.inner.submit(shard, ticket, effect);
    }

    fn settle(&mut self) -> Vec<(ShardId, ToShard)> {
        for (shard, message) in self.inner.settle() {
            self.take(shard, message);
        }
        let mut out = Vec::new();
        while out.is_empty() && !self.holds_nothing() {
            self.release(&mut out);
        }
        out
    }

    fn advance(&mut self, millis: u64) -> bool {
        self.inner.advance(millis)
    }

    fn restart(&mut self, how: Restart) -> Restarted {
        let restarted = self.inner.restart(how);
        if restarted != Restarted::Unable {
            self.loose.clear();
            self.lines.clear();
            self.owed.clear();
            self.again.clear();
            self.doomed.clear();
        }
        restarted
    }
}
