//! One core's share of the hub: its sessions, and the channels they listen to.

mod behind;
mod commands;
mod counters;
mod direct;
mod fanout;
mod feed;
mod leave;
mod life;
mod pages;
mod recovery;
mod session;
mod subscribe;
mod table;
mod tail;
mod work;

pub use counters::Counters;
pub use direct::{Described, NotGiven};

use self::feed::{Feed, Sub};
use self::session::Session;
use self::table::{Key, Table};
use self::work::{Pending, RETRY_ENTER, Timer, pending_key};
use crate::Millis;
use crate::contract::{Done, Effect, Notice, Ticket};
use crate::host::{Host, SessionId};
use crate::settings::{Namespace, Settings};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use tidewire_hub_proto::{Channel, CommandId, Origin, Push, Reply, Request};

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
    /// Pages that are being read for recoveries.
    reads: usize,
    /// Sessions that wait until others have read, each once.
    readers: VecDeque<Key>,
    counters: Counters,
}

impl<H: Host> fmt::Debug for Shard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

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
            reads: 0,
            readers: VecDeque::new(),
            counters: Counters::default(),
        }
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
            (Pending::Recover { feed, session }, done) => {
                self.reads -= 1;
                let page = match done {
                    Done::Page(page) => page,
                    _ => Err(commands::wrong_answer()),
                };
                self.recovered(now, feed, session, ticket, page, host);
                self.next_reader(now, host);
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
}

fn mark_dirty(dirty: &mut VecDeque<Key>, session: &mut Session, key: Key) {
    if !session.dirty {
        session.dirty = true;
        dirty.push_back(key);
    }
}
