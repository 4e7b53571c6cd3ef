//! One core's share of the hub: its sessions, and the channels they listen to.

use crate::Millis;
use crate::contract::{Done, Notice, Ticket};
use crate::host::{Host, SessionId};
use crate::settings::Settings;
use std::marker::PhantomData;
use std::sync::Arc;
use tidewire_hub_proto::{CloseReason, CommandId, ErrorCode, Origin, Request};

/// What carries a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// Lasts, and takes commands.
    WebSocket,
    /// Lasts, and takes none.
    Sse,
    /// One request that waits for what comes.
    Poll,
    /// One request that carries commands.
    Uplink,
}

/// A session that begins.
#[derive(Clone, Debug)]
pub struct Connect {
    /// Its public id: random, by the caller.
    pub session: Box<str>,
    /// Randomness for the client id of a new guest.
    pub seed: [u8; 12],
    /// The signed client id that came with the request, if one did.
    pub client: Option<Box<str>>,
    /// What the guest calls itself.
    pub name: Option<Box<str>>,
    /// What carries it.
    pub transport: TransportKind,
    /// Whether its first word is `hello`.
    pub hello: bool,
    /// How long it stays present after it has ended, in milliseconds: for polls, which come and go.
    /// `None`: it leaves when it ends.
    pub lease: Option<u64>,
}

/// How much one [`Shard::turn`] may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Subscribers that are visited.
    pub visits: usize,
}

/// What a shard has done so far, and holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Sessions open now.
    pub sessions: u64,
    /// Sessions opened.
    pub connected: u64,
    /// Channels that somebody here listens to now.
    pub channels: u64,
    /// Subscriptions now.
    pub subscriptions: u64,
    /// Commands taken.
    pub commands: u64,
    /// Commands that failed.
    pub errors: u64,
    /// Publishes acknowledged.
    pub published: u64,
    /// Publications that arrived here to be delivered.
    pub received: u64,
    /// Deliveries to subscribers.
    pub delivered: u64,
    /// Records delivered by recovery.
    pub recovered: u64,
    /// Recoveries that could not give everything.
    pub not_recovered: u64,
    /// Records skipped for slow sessions.
    pub skipped: u64,
    /// Sessions closed for being slow.
    pub slow_closed: u64,
    /// Times that a channel found itself behind its log and read.
    pub gaps: u64,
}

/// One core's share of the hub.
#[derive(Debug)]
pub struct Shard<H: Host> {
    settings: Arc<Settings>,
    counters: Counters,
    host: PhantomData<fn(H)>,
}

#[allow(missing_docs, unused_variables)]
impl<H: Host> Shard<H> {
    /// A shard without sessions.
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            counters: Counters::default(),
            host: PhantomData,
        }
    }
    /// A session begins.
    pub fn connect(&mut self, now: Millis, connect: Connect, host: &mut H) -> SessionId {
        unreachable!()
    }
    /// A command of a session. Its answer is pushed now or later.
    pub fn request(&mut self, now: Millis, session: SessionId, request: Request, host: &mut H) {}
    /// What the session sent is no command: answers, and closes who sends too many of them.
    pub fn refuse(
        &mut self,
        now: Millis,
        session: SessionId,
        id: Option<CommandId>,
        code: ErrorCode,
        message: &str,
        host: &mut H,
    ) {
    }
    /// Whether the session's next commands should wait; [`Host::resume`] says when they need not any more.
    pub fn is_full(&self, session: SessionId) -> bool {
        false
    }
    /// The session's transport has ended.
    pub fn disconnect(&mut self, now: Millis, session: SessionId, host: &mut H) {}
    /// More of the session's outbox was written; `queued` bytes wait now.
    pub fn drained(&mut self, now: Millis, session: SessionId, queued: usize, host: &mut H) {}
    /// Says `bye` and ends the session.
    pub fn bye(
        &mut self,
        now: Millis,
        session: SessionId,
        reason: CloseReason,
        retry_after_ms: Option<u64>,
        host: &mut H,
    ) {
    }
    /// The answer to an effect.
    pub fn complete(&mut self, now: Millis, ticket: Ticket, done: Done, host: &mut H) {}
    /// Something happened in a channel that is watched.
    pub fn notice(&mut self, now: Millis, notice: Notice, host: &mut H) {}
    /// Delivers what has arrived, as far as the budget goes, and flushes whom it visited once each;
    /// whether there is more to do.
    pub fn turn(&mut self, now: Millis, budget: Budget, host: &mut H) -> bool {
        false
    }
    /// Who the session is; `None`: it has ended.
    pub fn origin(&self, session: SessionId) -> Option<&Origin> {
        None
    }
    /// The sessions that are open.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        std::iter::empty()
    }
    /// What it has done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
