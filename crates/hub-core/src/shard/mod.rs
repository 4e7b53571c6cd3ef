//! One core's share of the hub: its sessions, and the channels they listen to.

mod commands;
mod counters;
mod fanout;
mod feed;
mod recovery;
mod session;
mod subscribe;
mod table;
mod tail;

pub use counters::Counters;

use self::feed::{Feed, Phase, Sub};
use self::session::{Session, SubRef};
use self::table::{Key, Table};
use crate::Millis;
use crate::contract::{Done, Effect, Notice, Ticket};
use crate::host::{Host, SessionId};
use crate::settings::{Namespace, Settings};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use tidewire_hub_proto::{
    Channel, CloseReason, CommandId, ErrorCode, Origin, Push, Reply, Request,
};

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

/// One core's share of the hub: sessions, and the channels they listen to.
///
/// Everything it says goes to the [`Host`] that each call brings; what is queued there is flushed by
/// [`turn`](Self::turn), which must be called after any other call, until it says that nothing is left.
pub struct Shard<H: Host> {
    settings: Arc<Settings>,
    namespaces: BTreeMap<Box<str>, Rc<Namespace>>,
    sessions: Table<Session>,
    feeds: Table<Feed<H::Encoded>>,
    by_channel: BTreeMap<Channel, Key>,
    pending: Table<Pending>,
    /// Feeds that have something to deliver: a ring.
    busy: VecDeque<Key>,
    /// Sessions that have something to flush, each once.
    dirty: VecDeque<Key>,
    timers: BTreeMap<(Millis, u64), Timer>,
    next_timer: u64,
    /// Feeds whose end is planned.
    lingering: usize,
    /// Bytes that all windows hold.
    at_hand: usize,
    counters: Counters,
}

impl<H: Host> fmt::Debug for Shard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// An effect that is under way, and for whom.
#[derive(Debug)]
enum Pending {
    Watch {
        feed: Key,
    },
    CatchUp {
        feed: Key,
    },
    Recover {
        feed: Key,
        session: Key,
    },
    Publish {
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
    },
    History {
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
    },
    Presence {
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
    },
    /// A session enters a channel's presence; nobody waits for it.
    Enter {
        feed: Key,
        /// What it counts as under way: something if the session renames itself.
        weight: usize,
        session: Key,
    },
}

/// Something that is done later.
#[derive(Clone, Copy, Debug)]
enum Timer {
    /// Nobody has listened to it for a while.
    Forget(Key),
    /// A feed's catching up had failed.
    CatchUp(Key),
    /// A subscription's recovery had failed.
    Recover { session: Key },
    /// The engine had no room for who is present.
    Enter { feed: Key, session: Key },
}

/// How long a feed is kept after its last subscriber has left: many come back at once.
const LINGER: u64 = 5_000;

/// How many feeds are kept so: one session can go through any number of channels.
const LINGERING: usize = 4_096;

/// How long to wait before a session that could not enter a channel's presence tries again.
const RETRY_ENTER: u64 = 5_000;

/// How long to wait before a failed read is tried again.
const RETRY: u64 = 500;

/// When a client should repeat what the engine had no room for, in milliseconds.
const RETRY_CLIENT: u64 = 1_000;

impl<H: Host> Shard<H> {
    /// A shard without sessions.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        let namespaces = settings.namespaces.iter();
        let namespaces = namespaces.map(|(name, options)| (name.clone(), Rc::new(options.clone())));
        Self {
            namespaces: namespaces.collect(),
            settings,
            sessions: Table::default(),
            feeds: Table::default(),
            by_channel: BTreeMap::new(),
            pending: Table::default(),
            busy: VecDeque::new(),
            dirty: VecDeque::new(),
            timers: BTreeMap::new(),
            next_timer: 0,
            lingering: 0,
            at_hand: 0,
            counters: Counters::default(),
        }
    }

    /// A session begins.
    pub fn connect(&mut self, _now: Millis, connect: Connect, host: &mut H) -> SessionId {
        let Connect {
            session: name,
            seed,
            client,
            name: guest,
            transport,
            hello,
            lease,
        } = connect;
        let key = &self.settings.client_key;
        let known = client.as_deref().and_then(|token| key.verify(token));
        let client = known.unwrap_or_else(|| key.issue(seed).id);
        let token = key.token(&client);
        let origin = Origin {
            user: None,
            client: Some(client),
            name: guest,
        };
        let session = self.sessions.insert(Session {
            name: name.clone(),
            origin,
            transport,
            lease,
            subs: Vec::new(),
            queued: 0,
            in_flight: 0,
            bad: 0,
            held: false,
            dirty: false,
            reading: false,
            waiting: false,
            rates: Vec::new(),
            moves: session::Rate::default(),
        });
        self.counters.sessions += 1;
        self.counters.connected += 1;
        if hello {
            self.push(
                session,
                Push::Hello {
                    session: name,
                    client: token,
                },
                host,
            );
        }
        session::id(session)
    }

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
        let key = session::key(session);
        self.answer(key, id, Reply::error(code, message), host);
        let Some(known) = self.sessions.get_mut(key) else {
            return;
        };
        known.bad += 1;
        if known.bad > self.settings.limits.bad_commands {
            self.bye(now, session, CloseReason::BadProtocol, None, host);
        }
    }

    /// Whether the session's next commands should wait; [`Host::resume`] says when they need not any more.
    pub fn is_full(&mut self, session: SessionId) -> bool {
        let Some(known) = self.sessions.get_mut(session::key(session)) else {
            return false;
        };
        known.held = known.is_full(&self.settings.limits);
        known.held
    }

    /// The session's transport has ended.
    pub fn disconnect(&mut self, now: Millis, session: SessionId, host: &mut H) {
        // Out of the table first: it is owed no more answers.
        let Some(known) = self.sessions.remove(session::key(session)) else {
            return;
        };
        self.counters.sessions -= 1;
        for sub in known.subs {
            self.detach(now, sub, &known.name, known.lease, host);
        }
    }

    /// More of the session's outbox was written; `queued` bytes wait now.
    pub fn drained(&mut self, now: Millis, session: SessionId, queued: usize, host: &mut H) {
        let key = session::key(session);
        let Some(known) = self.sessions.get_mut(key) else {
            return;
        };
        known.queued = queued;
        self.release(key, host);
        self.progress(now, key, host);
    }

    /// Says `bye` and ends the session.
    pub fn bye(
        &mut self,
        now: Millis,
        session: SessionId,
        reason: CloseReason,
        retry_after_ms: Option<u64>,
        host: &mut H,
    ) {
        let key = session::key(session);
        if self.sessions.get(key).is_none() {
            return;
        }
        self.push(
            key,
            Push::Bye {
                reason,
                retry_after_ms,
            },
            host,
        );
        self.disconnect(now, session, host);
        host.close(session, reason);
    }

    /// The answer to an effect.
    pub fn complete(&mut self, now: Millis, ticket: Ticket, done: Done, host: &mut H) {
        // A ticket that is not known was told twice, or comes from an earlier life.
        let Some(pending) = self.pending.remove(pending_key(ticket)) else {
            return;
        };
        match (pending, done) {
            (Pending::Watch { feed }, Done::Watched(head)) => self.watched(now, feed, head, host),
            (Pending::CatchUp { feed }, Done::Page(page)) => {
                self.caught_up(now, feed, ticket, page, host)
            }
            (Pending::Recover { feed, session }, Done::Page(page)) => {
                self.recovered(now, feed, session, ticket, page, host);
            }
            (
                Pending::Publish {
                    session,
                    id,
                    channel,
                },
                done,
            ) => self.published(session, id, channel, done, host),
            (
                Pending::History {
                    session,
                    id,
                    channel,
                },
                Done::Page(page),
            ) => {
                self.history_read(session, id, channel, page, host);
            }
            (
                Pending::Presence {
                    session,
                    id,
                    channel,
                },
                Done::Members(members),
            ) => {
                self.presence_read(session, id, channel, members, host);
            }
            (
                Pending::Enter {
                    feed,
                    session,
                    weight,
                },
                done,
            ) => {
                self.ended(session, weight, host);
                if let Done::Entered(Err(_)) = done
                    && let Some((sub, _)) = self.sub_mut(feed, session)
                    && !std::mem::replace(&mut sub.enters_again, true)
                {
                    self.later(now.plus(RETRY_ENTER), Timer::Enter { feed, session });
                }
            }
            // Anything else is an answer to another question: an engine that breaks its contract.
            _ => {}
        }
    }

    /// Something happened in a channel that is watched.
    pub fn notice(&mut self, now: Millis, notice: Notice, host: &mut H) {
        let Some(&feed) = self.by_channel.get(notice.channel()) else {
            return;
        };
        match notice {
            Notice::Record {
                prev, publication, ..
            } => self.record_told(now, feed, prev, publication, host),
            Notice::Relayed { publication, .. } => self.relayed(feed, publication),
            Notice::Head { pos, .. } => self.head_told(now, feed, pos, host),
            Notice::Presence {
                channel,
                v,
                member,
                joined,
                sessions,
            } => {
                let push = if joined {
                    Push::Join {
                        channel,
                        v,
                        member,
                        sessions,
                    }
                } else {
                    Push::Leave {
                        channel,
                        v,
                        member,
                        sessions,
                    }
                };
                self.presence_told(feed, push);
            }
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.timers.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Millis, host: &mut H) {
        while let Some(first) = self
            .timers
            .first_entry()
            .filter(|first| first.key().0 <= now)
        {
            match first.remove() {
                Timer::Forget(feed) => self.forget(feed, host),
                Timer::CatchUp(feed) => self.catch_up(feed, host),
                Timer::Enter { feed, session } => {
                    if let Some((sub, _)) = self.sub_mut(feed, session) {
                        sub.enters_again = false;
                    }
                    self.enter(feed, session, 0, host);
                }
                Timer::Recover { session } => {
                    if let Some(known) = self.sessions.get_mut(session) {
                        known.waiting = true;
                    }
                    self.progress(now, session, host);
                }
            }
        }
    }

    /// Who the session is; `None`: it has ended.
    #[must_use]
    pub fn origin(&self, session: SessionId) -> Option<&Origin> {
        self.sessions
            .get(session::key(session))
            .map(|known| &known.origin)
    }

    /// The sessions that are open.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.sessions.keys().map(session::id)
    }

    /// What it has done so far, and holds now.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A command of a session. Its answer is pushed now or later.
    pub fn request(&mut self, now: Millis, session: SessionId, request: Request, host: &mut H) {
        self.counters.commands += 1;
        self.command(now, session::key(session), request, host);
    }

    fn later(&mut self, at: Millis, timer: Timer) {
        self.next_timer += 1;
        self.timers.insert((at, self.next_timer), timer);
    }

    fn submit(&mut self, pending: Pending, effect: Effect, host: &mut H) -> Ticket {
        let Key { index, generation } = self.pending.insert(pending);
        let ticket = Ticket(u64::from(generation) << 32 | u64::from(index));
        host.submit(ticket, effect);
        ticket
    }

    /// Queues a push; it is flushed in a turn.
    fn push(&mut self, session: Key, push: Push, host: &mut H) {
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        known.queued = host.push(session::id(session), push);
        mark_dirty(&mut self.dirty, known, session);
    }

    /// Answers a command.
    fn answer(&mut self, session: Key, id: Option<CommandId>, reply: Reply, host: &mut H) {
        self.counters.errors += u64::from(matches!(reply, Reply::Error { .. }));
        self.push(session, Push::Reply { id, reply }, host);
    }

    /// Answers a command that was under way, which makes room for the next.
    fn answer_pending(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        weight: usize,
        reply: Reply,
        host: &mut H,
    ) {
        self.answer(session, id, reply, host);
        self.ended(session, weight, host);
    }

    /// Something is not under way any more, which makes room for the next command.
    fn ended(&mut self, session: Key, weight: usize, host: &mut H) {
        if let Some(known) = self.sessions.get_mut(session) {
            known.in_flight = known.in_flight.saturating_sub(weight);
        }
        self.release(session, host);
    }

    /// Lets the session send commands again, if it was told not to and there is room now.
    fn release(&mut self, session: Key, host: &mut H) {
        if let Some(known) = self.sessions.get_mut(session)
            && known.held
            && !known.is_full(&self.settings.limits)
        {
            known.held = false;
            host.resume(session::id(session));
        }
    }

    /// A subscription, found from its session.
    fn sub_mut(&mut self, feed: Key, session: Key) -> Option<(&mut Sub, &mut Session)> {
        let known = self.sessions.get_mut(session)?;
        let at = known.sub(feed)?;
        Some((self.feeds.get_mut(feed)?.subs.get_mut(at)?, known))
    }

    /// Takes a subscription away, and answers it if it was still waiting.
    fn remove_sub(&mut self, now: Millis, session: Key, sub: SubRef, host: &mut H) {
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        known.subs.retain(|other| other.feed != sub.feed);
        let lease = known.lease;
        let name = known.name.clone();
        if let Some(phase) = self.detach(now, sub, &name, lease, host) {
            self.unwind(session, phase, host);
        }
    }

    /// Takes a subscription out of its channel's list, and gives what it was doing.
    fn detach(
        &mut self,
        now: Millis,
        sub: SubRef,
        name: &str,
        lease: Option<u64>,
        host: &mut H,
    ) -> Option<Phase> {
        let feed = self.feeds.get_mut(sub.feed)?;
        let removed = take_sub(feed, sub, &mut self.sessions);
        feed.watchers -= usize::from(removed.presence);
        let is_joined = !matches!(removed.phase, Phase::Joining(_));
        let leaves = is_joined && lease.is_none() && feed.has_presence();
        let channel = leaves.then(|| feed.channel.clone());
        let is_last = feed.subs.is_empty() && !feed.forgotten;
        self.counters.subscriptions -= 1;
        if let Some(channel) = channel {
            self.submit_leave(channel, name.into(), host);
        }
        if is_last && self.lingering < LINGERING {
            if let Some(feed) = self.feeds.get_mut(sub.feed) {
                feed.forgotten = true;
            }
            self.lingering += 1;
            self.later(now.plus(LINGER), Timer::Forget(sub.feed));
        } else if is_last {
            self.forget(sub.feed, host);
        }
        Some(removed.phase)
    }

    fn submit_leave(&mut self, channel: Channel, session: Box<str>, host: &mut H) {
        // Nobody waits for it, and so no ticket is kept: this one is never given.
        host.submit(NO_TICKET, Effect::Leave { channel, session });
    }

    /// Forgets a feed that nobody listens to.
    fn forget(&mut self, key: Key, host: &mut H) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        self.lingering -= usize::from(feed.forgotten);
        feed.forgotten = false;
        if !feed.subs.is_empty() {
            return;
        }
        let Some(feed) = self.feeds.remove(key) else {
            return;
        };
        self.at_hand -= feed.window.bytes;
        self.counters.channels -= 1;
        self.by_channel.remove(&feed.channel);
        host.submit(
            NO_TICKET,
            Effect::Unwatch {
                channel: feed.channel,
            },
        );
    }
}

/// The ticket of effects that have no answer.
const NO_TICKET: Ticket = Ticket(u64::MAX);

fn pending_key(ticket: Ticket) -> Key {
    Key {
        index: ticket.0 as u32,
        generation: (ticket.0 >> 32) as u32,
    }
}

fn mark_dirty(dirty: &mut VecDeque<Key>, session: &mut Session, key: Key) {
    if !session.dirty {
        session.dirty = true;
        dirty.push_back(key);
    }
}

/// Takes a subscription out of a feed's list. A pass may be under way: whoever takes its place must
/// neither be visited twice nor never.
fn take_sub<X>(feed: &mut Feed<X>, sub: SubRef, sessions: &mut Table<Session>) -> Sub {
    let mut at = sub.at as usize;
    let mut moved = |feed: &Feed<X>, to: usize| {
        let Some(other) = feed.subs.get(to) else {
            return;
        };
        let refs = sessions
            .get_mut(other.session)
            .map(|session| &mut session.subs);
        let place = refs
            .into_iter()
            .flatten()
            .find(|place| place.feed == sub.feed);
        if let Some(place) = place {
            place.at = to as u32;
        }
    };
    if at < feed.cursor {
        feed.cursor -= 1;
        feed.subs.swap(at, feed.cursor);
        moved(feed, at);
        at = feed.cursor;
    }
    let removed = feed.subs.swap_remove(at);
    moved(feed, at);
    removed
}
