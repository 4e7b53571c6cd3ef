//! A node, its clients and what lies between, in virtual time: one event after the other.

use crate::client::Client;
use crate::engine::Engine;
use crate::net::Net;
use crate::oracle::Oracle;
use crate::plan::Plan;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tidewire_hub_core::{Budget, Millis, Notice, Settings, Shard, ShardId, ToShard};
use tidewire_hub_proto::{Channel, CloseReason, Term};
use tidewire_testkit::Random;

/// What happens at a moment.
#[derive(Debug)]
pub(crate) enum Event {
    /// A message reaches a shard's mailbox.
    Mail(usize, ToShard),
    /// A shard works.
    Pump(usize),
    /// A shard's time has come.
    Tick(usize),
    /// The engine commits.
    Commit,
    /// The engine's time has come.
    Leaves,
    /// A shard is told the head of a channel, after a notice was lost.
    Head(usize, Channel),
    /// Commands of a connection arrive.
    Up(usize, u64),
    /// A client reads.
    Read(usize, u64),
    /// The hub learns that a connection has ended, or a request that waits is answered.
    Over(usize, u64),
    /// A client does something.
    Act(usize),
    /// The node dies and starts again.
    Crash,
    /// The hub says goodbye to somebody.
    Bye,
}

/// One shard and what is around it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) shard: Shard<Net>,
    pub(crate) net: Net,
    mailbox: VecDeque<ToShard>,
    pumping: bool,
    tick: Option<Millis>,
    pub(crate) floor: [u64; 2],
}

impl Node {
    fn new(settings: &Arc<Settings>) -> Self {
        Self {
            shard: Shard::new(Arc::clone(settings)),
            net: Net::default(),
            mailbox: VecDeque::new(),
            pumping: false,
            tick: None,
            floor: [0; 2],
        }
    }
}

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Millis,
    pub(crate) rng: Random,
    pub(crate) plan: Plan,
    pub(crate) nodes: Vec<Node>,
    pub(crate) engine: Engine,
    pub(crate) oracle: Oracle,
    pub(crate) clients: Vec<Client>,
    /// Nothing fails any more.
    pub(crate) healed: bool,
    /// Nobody comes back any more.
    pub(crate) over: bool,
    pub(crate) settings: Arc<Settings>,
    events: BTreeMap<(u64, u64), (u64, Event)>,
    sequence: u64,
    life: u64,
    pub(crate) connections: u64,
    committing: bool,
    pub(crate) steps: u64,
    pub(crate) delivered: u64,
    pub(crate) trace: bool,
}

impl World {
    /// The world that belongs to a seed.
    pub(crate) fn new(seed: u64, trace: bool) -> Self {
        let mut rng = Random::new(seed);
        let plan = Plan::new(&mut rng);
        let settings = Arc::new(plan.settings());
        let term = Term(1000);
        let options = settings.namespaces.iter();
        let options = options.map(|(name, one)| (name.clone(), one.log)).collect();
        let mut world = Self {
            now: Millis(1_000_000),
            nodes: (0..plan.shards).map(|_| Node::new(&settings)).collect(),
            engine: Engine::new(plan.durable, term, options),
            oracle: Oracle::new(term),
            clients: (0..plan.clients).map(Client::new).collect(),
            healed: false,
            over: false,
            settings,
            events: BTreeMap::new(),
            sequence: 0,
            life: 0,
            connections: 0,
            committing: false,
            steps: 0,
            delivered: 0,
            trace,
            rng,
            plan,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for client in 0..self.clients.len() {
            self.want_channels(client);
            self.at(client as u64, Event::Act(client));
        }
        for _ in 0..self.plan.crashes {
            let at = self.rng.below(self.plan.active as usize) as u64;
            self.at(at, Event::Crash);
        }
        for _ in 0..self.plan.byes {
            let at = self.rng.below(self.plan.active as usize) as u64;
            self.at(at, Event::Bye);
        }
        self.at(100, Event::Leaves);
    }

    /// Plans an event.
    pub(crate) fn at(&mut self, delay: u64, event: Event) {
        self.sequence += 1;
        let when = (self.now.0 + delay, self.sequence);
        self.events.insert(when, (self.life, event));
    }

    /// A delay below `bound` milliseconds.
    pub(crate) fn soon(&mut self, bound: usize) -> u64 {
        self.rng.below(bound) as u64
    }

    /// Runs until a moment.
    pub(crate) fn run_until(&mut self, end: u64) {
        while let Some(next) = self.events.first_entry() {
            if next.key().0 > end {
                break;
            }
            let (when, (life, event)) = next.remove_entry();
            self.now = Millis(when.0);
            self.steps += 1;
            let lasts = matches!(
                event,
                Event::Act(_) | Event::Commit | Event::Crash | Event::Bye | Event::Leaves
            );
            if lasts || life == self.life {
                if self.trace {
                    eprintln!("{:>8} {event:?}", self.now.0 - 1_000_000);
                }
                self.happen(event);
            }
        }
        self.now = Millis(self.now.0.max(end));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Mail(at, message) => {
                self.nodes[at].mailbox.push_back(message);
                self.pump_soon(at);
            }
            Event::Pump(at) => self.pump(at),
            Event::Tick(at) => {
                let node = &mut self.nodes[at];
                node.tick = None;
                node.shard.tick(self.now, &mut node.net);
                self.settle(at);
            }
            Event::Commit => {
                self.committing = false;
                let told = self
                    .engine
                    .commit(self.now, &mut self.oracle, &mut self.rng);
                self.post(told);
            }
            Event::Leaves => {
                let told = self.engine.tick(self.now);
                self.post(told);
                self.at(100, Event::Leaves);
            }
            Event::Head(at, channel) => {
                let pos = self.oracle.head(&channel);
                self.at(
                    0,
                    Event::Mail(at, ToShard::Notice(Notice::Head { channel, pos })),
                );
            }
            Event::Up(at, number) => self.up(at, number),
            Event::Read(at, number) => self.read(at, number),
            Event::Over(at, number) => self.over(at, number),
            Event::Act(client) => self.act(client),
            Event::Crash => self.crash(),
            Event::Bye => {
                let at = self.rng.below(self.nodes.len());
                let sessions: Vec<_> = self.nodes[at].shard.sessions().collect();
                if !sessions.is_empty() && !self.healed {
                    let session = sessions[self.rng.below(sessions.len())];
                    let node = &mut self.nodes[at];
                    node.shard.bye(
                        self.now,
                        session,
                        CloseReason::Shutdown,
                        Some(50),
                        &mut node.net,
                    );
                    self.settle(at);
                }
            }
        }
    }

    /// Tells what happens, if somebody wants to know.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("         {}", what());
        }
    }

    fn pump_soon(&mut self, at: usize) {
        if !std::mem::replace(&mut self.nodes[at].pumping, true) {
            let delay = self.soon(3);
            self.at(delay, Event::Pump(at));
        }
    }

    fn pump(&mut self, at: usize) {
        let (messages, visits) = (1 + self.rng.below(12), 1 + self.rng.below(12));
        let node = &mut self.nodes[at];
        node.pumping = false;
        for message in node.mailbox.drain(..messages.min(node.mailbox.len())) {
            match message {
                ToShard::Done(ticket, done) => {
                    node.shard.complete(self.now, ticket, done, &mut node.net);
                }
                ToShard::Notice(notice) => node.shard.notice(self.now, notice, &mut node.net),
            }
        }
        let more = node.shard.turn(self.now, Budget { visits }, &mut node.net);
        let more = more || !node.mailbox.is_empty();
        self.settle_after(at, more);
    }

    /// Does what the shard has asked for.
    pub(crate) fn settle(&mut self, at: usize) {
        self.settle_after(at, true);
    }

    fn settle_after(&mut self, at: usize, more: bool) {
        for (ticket, effect) in std::mem::take(&mut self.nodes[at].net.effects) {
            if self.trace {
                eprintln!("         shard {at} asks {ticket:?} {effect:?}");
            }
            let faults = self.plan.faults(self.healed);
            let (engine, oracle, rng) = (&mut self.engine, &mut self.oracle, &mut self.rng);
            let told = engine.submit(self.now, ShardId(at), ticket, effect, faults, oracle, rng);
            self.post(told);
        }
        if self.engine.waits() && !std::mem::replace(&mut self.committing, true) {
            let delay = self.soon(self.plan.commit);
            self.at(delay, Event::Commit);
        }
        for number in std::mem::take(&mut self.nodes[at].net.resumed) {
            if let Some(conn) = self.nodes[at].net.conns.get_mut(&number) {
                conn.held = false;
            }
            self.at(0, Event::Up(at, number));
        }
        for number in std::mem::take(&mut self.nodes[at].net.touched) {
            self.look_at(at, number);
        }
        if let Some(deadline) = self.nodes[at].shard.next_deadline()
            && self.nodes[at].tick.is_none_or(|planned| planned > deadline)
        {
            self.nodes[at].tick = Some(deadline);
            self.at(deadline.0.saturating_sub(self.now.0), Event::Tick(at));
        }
        if more {
            self.pump_soon(at);
        }
    }

    fn crash(&mut self) {
        if self.healed {
            return;
        }
        self.life += 1;
        self.engine.crash(self.now, &mut self.oracle, &mut self.rng);
        for at in 0..self.nodes.len() {
            let fresh = Node::new(&self.settings);
            let old = std::mem::replace(&mut self.nodes[at], fresh);
            self.delivered += old.net.delivered;
            for conn in old.net.conns.values().filter(|conn| !conn.gone) {
                self.clients[conn.client].lost(conn.role);
            }
        }
    }
}
