//! An engine that is late, repeats itself, and fails: around any engine, by seed.

use super::{Restart, Restarted, Subject};
use crate::Random;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
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

/// How one effect fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The disk is full: an append is not done.
    Full,
    /// Too much waits: it is not done.
    Overloaded,
    /// The store is not there: it is not done.
    Unavailable,
    /// It is done, and then its answer is lost.
    AnswerLost,
}

impl Failure {
    /// Each of them.
    pub const ALL: [Self; 4] = [
        Self::Full,
        Self::Overloaded,
        Self::Unavailable,
        Self::AnswerLost,
    ];

    fn fault(self) -> Fault {
        match self {
            Self::Full => Fault::Full,
            Self::Overloaded => Fault::Overloaded,
            Self::Unavailable | Self::AnswerLost => Fault::Unavailable("injected".into()),
        }
    }

    /// Whether an effect can fail like this. Who watches although that failed would be told of it.
    fn suits(self, effect: &Effect) -> bool {
        match self {
            Self::Full => matches!(effect, Effect::Append { .. }),
            Self::AnswerLost => !matches!(effect, Effect::Watch { .. }),
            Self::Overloaded | Self::Unavailable => true,
        }
    }
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
    /// The one effect that fails, by its number, and how.
    appointed: Option<(usize, Failure)>,
    /// Effects so far; whoever made this may look at it.
    effects: Rc<Cell<usize>>,
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
            appointed: None,
            effects: Rc::default(),
        }
    }

    /// Fails one effect only, the one of this number, and everything else is in time. `effects`
    /// counts them.
    #[must_use]
    pub fn once(
        inner: Box<dyn Subject>,
        number: usize,
        failure: Failure,
        effects: Rc<Cell<usize>>,
    ) -> Self {
        let nothing = Faults {
            late: 0,
            dropped: 0,
            repeated: 0,
            failed: 0,
        };
        Self {
            appointed: Some((number, failure)),
            effects,
            ..Self::new(inner, 0, nothing)
        }
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    /// How the next effect fails, if it does.
    fn failure(&mut self) -> Option<Failure> {
        let number = self.effects.replace(self.effects.get() + 1);
        let by_chance = self.chance(self.faults.failed);
        match self.appointed {
            Some((appointed, failure)) => (appointed == number).then_some(failure),
            None if by_chance => {
                let any = self.random.below(Failure::ALL.len());
                Failure::ALL.get(any).copied()
            }
            None => None,
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
        if let Some(failure) = self.failure().filter(|failure| failure.suits(&effect))
            && let Some(failed) = effect.failed(failure.fault())
        {
            if failure != Failure::AnswerLost {
                return self.take(shard, ToShard::Done(ticket, failed));
            }
            self.doomed.insert((shard, ticket), failed);
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
