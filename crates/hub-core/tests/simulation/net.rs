//! The world around one shard: connections with outboxes and sockets of a size, and effects to be done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tidewire_hub_core::{Effect, Host, Item, SessionId, Ticket, TransportKind};
use tidewire_hub_proto::{Channel, CloseReason, Publication, Push, Reply, Request};

/// What the hub said to one session.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// A publication; `own`: its key is shown.
    Message {
        channel: Channel,
        publication: Publication,
        own: bool,
    },
    /// Anything else.
    Push(Push),
}

impl Said {
    fn size(&self) -> usize {
        match self {
            Self::Message { publication, .. } => size_of_message(publication),
            Self::Push(Push::Reply { reply, .. }) => match reply {
                Reply::History { messages, .. } => {
                    64 + messages.iter().map(size_of_message).sum::<usize>()
                }
                Reply::Presence { members, .. } => 64 + 64 * members.len(),
                _ => 64,
            },
            Self::Push(_) => 64,
        }
    }
}

fn size_of_message(publication: &Publication) -> usize {
    40 + publication
        .payload
        .as_ref()
        .map_or(0, |payload| payload.bytes().len())
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It listens.
    Main,
    /// It carries one publish.
    Uplink,
}

/// One connection: the hub's end and the client's.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Whose.
    pub(crate) client: usize,
    /// What for.
    pub(crate) role: Role,
    /// The public id of its session.
    pub(crate) name: Box<str>,
    /// What carries it.
    pub(crate) transport: TransportKind,
    /// The hub's name for it; `None`: ended there.
    pub(crate) session: Option<SessionId>,
    /// What was written and not read yet.
    pub(crate) wire: VecDeque<Said>,
    wired: usize,
    room: usize,
    outbox: VecDeque<Said>,
    /// Bytes in the outbox.
    pub(crate) queued: usize,
    /// The hub waits until it can write.
    pub(crate) blocked: bool,
    /// Commands on their way.
    pub(crate) up: VecDeque<Request>,
    /// The hub reads no command until `resume`.
    pub(crate) held: bool,
    /// Commands that the hub has not answered.
    pub(crate) unanswered: usize,
    /// Most bytes that its outbox held.
    pub(crate) most: usize,
    /// A read is planned.
    pub(crate) reading: bool,
    /// The client has dropped it and the hub does not know.
    pub(crate) gone: bool,
    /// A request that waits has what it waits for.
    pub(crate) answered: bool,
    /// Why the hub closed it.
    pub(crate) closed: Option<CloseReason>,
}

impl Conn {
    /// A connection whose socket takes `room` bytes.
    pub(crate) fn new(
        client: usize,
        role: Role,
        name: &str,
        transport: TransportKind,
        room: usize,
    ) -> Self {
        Self {
            client,
            role,
            name: name.into(),
            transport,
            session: None,
            wire: VecDeque::new(),
            wired: 0,
            room,
            outbox: VecDeque::new(),
            queued: 0,
            blocked: false,
            up: VecDeque::new(),
            held: false,
            unanswered: 0,
            most: 0,
            reading: false,
            gone: false,
            answered: false,
            closed: None,
        }
    }

    fn queue(&mut self, said: Said) -> usize {
        self.queued += said.size();
        self.most = self.most.max(self.queued);
        self.outbox.push_back(said);
        self.queued
    }

    /// Writes what the socket takes; whether that was anything.
    pub(crate) fn write(&mut self) -> bool {
        let mut moved = false;
        while self.wired < self.room {
            let Some(said) = self.outbox.pop_front() else {
                break;
            };
            self.answered |= match self.role {
                Role::Main => matches!(said, Said::Message { .. }),
                Role::Uplink => matches!(said, Said::Push(Push::Reply { .. })),
            };
            self.queued -= said.size();
            self.wired += said.size();
            self.wire.push_back(said);
            moved = true;
        }
        moved
    }

    /// The client reads one.
    pub(crate) fn read(&mut self) -> Option<Said> {
        let said = self.wire.pop_front()?;
        self.wired -= said.size();
        Some(said)
    }
}

/// The world around one shard.
#[derive(Debug, Default)]
pub(crate) struct Net {
    /// By number.
    pub(crate) conns: BTreeMap<u64, Conn>,
    ids: BTreeMap<SessionId, u64>,
    /// The connection that is being told to the shard.
    pub(crate) opening: Option<u64>,
    /// Effects that were asked for.
    pub(crate) effects: Vec<(Ticket, Effect)>,
    /// Whose commands are read again.
    pub(crate) resumed: Vec<u64>,
    /// Connections to look after.
    pub(crate) touched: BTreeSet<u64>,
    /// Deliveries.
    pub(crate) delivered: u64,
}

impl Net {
    fn number(&mut self, session: SessionId) -> u64 {
        if let Some(&number) = self.ids.get(&session) {
            return number;
        }
        let number = self
            .opening
            .unwrap_or_else(|| panic!("the shard spoke to {session:?}, which has ended"));
        self.bind(number, session);
        number
    }

    /// The shard calls connection `number` so.
    pub(crate) fn bind(&mut self, number: u64, session: SessionId) {
        self.ids.insert(session, number);
        self.opening = None;
        if let Some(conn) = self.conns.get_mut(&number) {
            conn.session = Some(session);
        }
    }

    /// The shard has been told that the session ended.
    pub(crate) fn unbind(&mut self, session: SessionId) {
        self.ids.remove(&session);
    }

    fn conn(&mut self, session: SessionId) -> &mut Conn {
        let number = self.number(session);
        self.touched.insert(number);
        self.conns
            .get_mut(&number)
            .unwrap_or_else(|| panic!("the connection of {session:?} has ended"))
    }
}

impl Host for Net {
    type Encoded = ();

    fn deliver(&mut self, session: SessionId, item: &Item<()>, own: bool) -> usize {
        self.delivered += 1;
        self.conn(session).queue(Said::Message {
            channel: item.channel.clone(),
            publication: item.publication.clone(),
            own,
        })
    }

    fn push(&mut self, session: SessionId, push: Push) -> usize {
        let conn = self.conn(session);
        if matches!(push, Push::Reply { .. }) {
            assert!(conn.unanswered > 0, "an answer without a command: {push:?}");
            conn.unanswered -= 1;
        }
        conn.queue(Said::Push(push))
    }

    fn flush(&mut self, session: SessionId) -> usize {
        let conn = self.conn(session);
        conn.write();
        conn.blocked = conn.queued > 0;
        conn.queued
    }

    fn close(&mut self, session: SessionId, reason: CloseReason) {
        let conn = self.conn(session);
        conn.write();
        conn.session = None;
        conn.closed = Some(reason);
        self.ids.remove(&session);
    }

    fn resume(&mut self, session: SessionId) {
        let number = self.number(session);
        self.resumed.push(number);
    }

    fn submit(&mut self, ticket: Ticket, effect: Effect) {
        self.effects.push((ticket, effect));
    }
}
