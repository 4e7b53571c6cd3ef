//! Drives an engine: submits, waits, listens as shards do, and checks what holds for every answer.

mod verbs;

use crate::engines::check::check;
use crate::engines::ear::{Ear, Heard, Seen};
use crate::engines::words::fault_of;
use crate::engines::{Restart, Restarted, Subject};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tidewire_hub_core::contract::{Done, Effect, Fault, ShardId, Ticket, ToShard};
use tidewire_hub_proto::{Channel, Pos};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a watcher may be behind, in milliseconds, with room for a busy machine.
const BLIND: u64 = 5_000;

/// An engine under test, and everything that it has told.
pub struct Driver {
    case: &'static str,
    subject: Box<dyn Subject>,
    tickets: u64,
    open: BTreeMap<(ShardId, Ticket), Effect>,
    done: BTreeMap<(ShardId, Ticket), Done>,
    ears: BTreeMap<(ShardId, Channel), Ear>,
    /// Whether time goes by only when the test says so.
    pub virtual_time: bool,
}

/// An effect that was submitted.
pub type Asked = (ShardId, Ticket);

impl Driver {
    /// A driver of a fresh engine for the case of this name.
    #[must_use]
    pub fn new(case: &'static str, mut subject: Box<dyn Subject>) -> Self {
        let virtual_time = subject.advance(0);
        Self {
            case,
            subject,
            tickets: 0,
            open: BTreeMap::new(),
            done: BTreeMap::new(),
            ears: BTreeMap::new(),
            virtual_time,
        }
    }

    /// A channel of this case.
    #[must_use]
    pub fn channel(&self, namespace: &str, name: &str) -> Channel {
        let name = format!("{namespace}:{}/{name}", self.case);
        Channel::parse(&name).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Submits an effect and does not wait.
    pub fn submit(&mut self, shard: usize, effect: Effect) -> Asked {
        self.tickets += 1;
        let (shard, ticket) = (ShardId(shard), Ticket(self.tickets));
        let has_answer = !matches!(effect, Effect::Unwatch { .. } | Effect::Leave { .. });
        if has_answer {
            self.open.insert((shard, ticket), effect.clone());
        }
        self.subject.submit(shard, ticket, effect);
        (shard, ticket)
    }

    /// Takes what has been told; how much that was.
    pub fn pump(&mut self) -> usize {
        let told = self.subject.settle();
        let count = told.len();
        for (shard, message) in told {
            match message {
                ToShard::Notice(notice) => {
                    let key = (shard, notice.channel().clone());
                    let Some(ear) = self.ears.get_mut(&key) else {
                        panic!("{shard:?} never watched the channel of {notice:?}");
                    };
                    ear.take(notice);
                }
                ToShard::Done(ticket, done) => {
                    let Some(effect) = self.open.remove(&(shard, ticket)) else {
                        panic!("{done:?} of {ticket:?} for {shard:?}: nobody waits for it");
                    };
                    check(&effect, &done);
                    if let (Effect::Watch { channel }, Done::Watched(Ok(head))) = (&effect, &done)
                        && let Some(ear) = self.ears.get_mut(&(shard, channel.clone()))
                    {
                        ear.watched(*head);
                    }
                    self.done.insert((shard, ticket), done);
                }
            }
        }
        count
    }

    /// Takes what is told until no more comes.
    pub fn quiet(&mut self) {
        let mut silent = 0;
        let patience = Instant::now() + PATIENCE;
        while silent < 3 && Instant::now() < patience {
            silent = if self.pump() == 0 { silent + 1 } else { 0 };
        }
    }

    /// Waits for the answer to an effect.
    pub fn wait(&mut self, asked: Asked) -> Done {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(done) = self.done.remove(&asked) {
                return done;
            }
            let effect = self.open.get(&asked);
            assert!(Instant::now() < patience, "never answered: {effect:?}");
            self.pump();
        }
    }

    /// Has an effect done, as often as it takes until the engine is able to.
    pub fn persist(&mut self, shard: usize, effect: &Effect) -> Done {
        let patience = Instant::now() + PATIENCE;
        loop {
            let asked = self.submit(shard, effect.clone());
            let done = self.wait(asked);
            match fault_of(&done) {
                Some(Fault::Full | Fault::Overloaded | Fault::Unavailable(_))
                    if Instant::now() < patience => {}
                _ => return done,
            }
        }
    }

    /// Lets time go by.
    pub fn pass(&mut self, millis: u64) {
        self.quiet();
        if !self.subject.advance(millis) {
            std::thread::sleep(Duration::from_millis(millis));
        }
        self.quiet();
    }

    /// Ends the engine and starts it again. Nobody watches afterwards, and nothing is under way.
    pub fn restart(&mut self, how: Restart) -> Restarted {
        let restarted = self.subject.restart(how);
        if restarted != Restarted::Unable {
            self.open.clear();
            self.done.clear();
            self.ears.clear();
        }
        restarted
    }

    /// Watches a channel; its head.
    pub fn watch(&mut self, shard: usize, channel: &Channel) -> Pos {
        let key = (ShardId(shard), channel.clone());
        self.ears.entry(key).or_insert_with(Ear::new).watch_again();
        let channel = channel.clone();
        match self.persist(shard, &Effect::Watch { channel }) {
            Done::Watched(Ok(head)) => head,
            other => panic!("watching failed: {other:?}"),
        }
    }

    /// Watches it no more.
    pub fn unwatch(&mut self, shard: usize, channel: &Channel) {
        self.ear(shard, channel).off();
        let channel = channel.clone();
        self.submit(shard, Effect::Unwatch { channel });
    }

    /// What a shard has heard of a channel, when that is `count` things or no more comes.
    pub fn heard(&mut self, shard: usize, channel: &Channel, count: usize) -> Vec<Heard> {
        let patience = Instant::now() + Duration::from_millis(BLIND);
        let mut blind = 0;
        loop {
            let mut came = self.pump();
            came += usize::from(self.catch_up(shard, channel));
            if came > 0 {
                continue;
            }
            let enough = self.ear(shard, channel).heard.len() >= count;
            let late = if self.virtual_time {
                blind >= BLIND
            } else {
                Instant::now() >= patience
            };
            if enough || late {
                break;
            }
            blind += 100;
            self.subject.advance(100);
        }
        self.quiet();
        self.catch_up(shard, channel);
        self.ear(shard, channel).heard.clone()
    }

    /// How many notices a shard was given of a channel, and how often it had to read.
    pub fn notices(&mut self, shard: usize, channel: &Channel) -> (usize, usize) {
        let ear = self.ear(shard, channel);
        (ear.notices, ear.reads)
    }

    /// The changes of presence that a shard was told, when no more comes.
    pub fn seen(&mut self, shard: usize, channel: &Channel) -> Vec<Seen> {
        self.quiet();
        self.ear(shard, channel).seen.clone()
    }

    fn ear(&mut self, shard: usize, channel: &Channel) -> &mut Ear {
        let key = (ShardId(shard), channel.clone());
        let ear = self.ears.get_mut(&key);
        ear.unwrap_or_else(|| panic!("shard {shard} never watched {channel}"))
    }

    /// Reads what a shard has missed; whether it had to.
    fn catch_up(&mut self, shard: usize, channel: &Channel) -> bool {
        let Some((at, told)) = self.ear(shard, channel).begin_read() else {
            return false;
        };
        match self.read_with_head(channel, at) {
            Ok((records, head)) => self.ear(shard, channel).caught_up(told, records, head),
            Err(Fault::Gone(head)) => self.ear(shard, channel).lost(head),
            Err(fault) => panic!("a shard that is behind cannot read: {fault}"),
        }
        true
    }
}
