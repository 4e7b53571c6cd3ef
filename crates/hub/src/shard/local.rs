//! A shard on its thread: what its tasks share, and what transports call.

use super::host::NodeHost;
use super::outboxes::Outboxes;
use crate::door::Admission;
use crate::engine::Engines;
use crate::errand::{Ask, Told};
use crate::node::Node;
use crate::outbox::Outbox;
use crate::protocol::{Format, Heard};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tidewire_hub_core::{
    Connect, Counters, Millis, NotGiven, SessionId, Shard, ShardId, TransportKind,
};
use tidewire_hub_proto::{CloseReason, Command, CommandId, ErrorCode, Request};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

thread_local! {
    pub(super) static HERE: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
}

/// What a shard serves connections with. Shards do not know HTTP: whoever starts them does.
#[derive(Clone, Copy)]
pub(crate) struct Front {
    /// Makes a shard's own router: shards share nothing that each request would count.
    pub(crate) router: fn() -> axum::Router,
    /// Begins a task that serves a connection until it ends. Called on the shard's thread.
    pub(crate) serve: fn(Rc<Local>, TcpStream, SocketAddr, Arc<Admission>),
}

/// A shard, on its own thread.
///
/// Transports call it from their tasks. Nothing here waits, and what it causes is written by the
/// shard's loop soon after the caller has returned.
pub(crate) struct Local {
    pub(crate) node: Arc<Node>,
    pub(crate) id: ShardId,
    pub(crate) router: axum::Router,
    pub(super) serve: fn(Rc<Self>, TcpStream, SocketAddr, Arc<Admission>),
    /// By when all is over, once the node is being shut down.
    pub(crate) leaving: watch::Receiver<Option<Instant>>,
    pub(super) state: RefCell<State>,
    /// Tells the loop that there is something to do.
    pub(super) poke: Notify,
    scratch: Cell<Vec<Heard>>,
}

pub(super) struct State {
    pub(super) shard: Shard<NodeHost>,
    pub(super) host: NodeHost,
}

impl Local {
    pub(super) fn new(
        node: Arc<Node>,
        front: Front,
        id: ShardId,
        leaving: watch::Receiver<Option<Instant>>,
    ) -> Rc<Self> {
        let engines = Engines::new(
            id,
            node.engines.clone(),
            node.post.clone(),
            &node.settings,
            node.term,
        );
        let state = State {
            shard: Shard::new(node.settings.clone()),
            host: NodeHost {
                outboxes: Outboxes::default(),
                engines,
                clock: node.clock,
            },
        };
        Rc::new(Self {
            node,
            id,
            router: (front.router)(),
            serve: front.serve,
            leaving,
            state: RefCell::new(state),
            poke: Notify::new(),
            scratch: Cell::default(),
        })
    }

    /// The shard whose thread this is; `None`: this is no shard's thread.
    pub(crate) fn here() -> Option<Rc<Self>> {
        HERE.with_borrow(Clone::clone)
    }

    pub(super) fn now(&self) -> Millis {
        self.node.clock.now()
    }

    /// Does something with the shard, and has the loop see to what comes of it.
    fn with<R>(&self, act: impl FnOnce(&mut Shard<NodeHost>, Millis, &mut NodeHost) -> R) -> R {
        let now = self.now();
        let mut state = self.state.borrow_mut();
        let State { shard, host } = &mut *state;
        let result = act(shard, now, host);
        self.poke.notify_one();
        result
    }

    /// A session begins. `format`: what its outbox is given.
    pub(crate) fn open(
        &self,
        format: Format,
        connect: Connect,
        outbox: Rc<dyn Outbox>,
    ) -> SessionId {
        self.with(|shard, now, host| {
            let lasts = matches!(
                connect.transport,
                TransportKind::WebSocket | TransportKind::Sse
            );
            let name = lasts.then(|| connect.session.clone());
            host.outboxes.announce(format, outbox);
            let session = shard.connect(now, connect, host);
            host.outboxes.settle(session, name.as_deref());
            session
        })
    }

    /// A command of a session. The answer is pushed to its outbox, now or later.
    pub(crate) fn request(&self, session: SessionId, request: Request) {
        self.with(|shard, now, host| {
            if let Command::Auth { binary: true, .. } = &request.command {
                host.outboxes.set_format(session, Format::NativeBinary);
            }
            shard.request(now, session, request, host);
        });
    }

    /// What a session sent is no command.
    pub(crate) fn refuse(
        &self,
        session: SessionId,
        id: Option<CommandId>,
        code: ErrorCode,
        message: &str,
    ) {
        self.with(|shard, now, host| shard.refuse(now, session, id, code, message, host));
    }

    /// Whether the session's next commands should not be read for now;
    /// [`Outbox::resume`] tells when they may be.
    pub(crate) fn is_full(&self, session: SessionId) -> bool {
        self.state.borrow_mut().shard.is_full(session)
    }

    /// More of the session's outbox was written; `queued` bytes wait now.
    pub(crate) fn drained(&self, session: SessionId, queued: usize) {
        self.with(|shard, now, host| shard.drained(now, session, queued, host));
    }

    /// The session's transport has ended.
    pub(crate) fn leave(&self, session: SessionId) {
        self.with(|shard, now, host| {
            shard.disconnect(now, session, host);
            host.outboxes.remove(session);
        });
    }

    /// A list to put what was heard into, with capacity if one is at hand.
    pub(crate) fn scratch(&self) -> Vec<Heard> {
        self.scratch.take()
    }

    /// Takes the emptied list back.
    pub(crate) fn give_back(&self, heard: Vec<Heard>) {
        if heard.capacity() <= 1024 {
            self.scratch.set(heard);
        }
    }

    /// What is asked of the session with this public id.
    pub(super) fn errand(&self, name: &str, ask: Ask) -> Told {
        self.with(|shard, _, host| {
            let found = host.outboxes.find(name);
            let known = found.and_then(|session| Some((session, shard.describe(session)?)));
            let Some((session, known)) = known.filter(|(_, known)| *known.session == *name) else {
                return Told::NotHere;
            };
            match ask {
                Ask::Describe => Told::Described(known),
                Ask::Direct(payload) => match shard.direct(session, payload, host) {
                    Ok(()) => Told::Given,
                    Err(NotGiven::Ended) => Told::NotHere,
                    Err(NotGiven::Full) => Told::Full,
                },
            }
        })
    }

    pub(super) fn counters(&self) -> Counters {
        self.state.borrow().shard.counters().clone()
    }

    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.state.borrow().shard.sessions().collect()
    }

    pub(super) fn bye(&self, session: SessionId, retry_after_ms: u64) {
        let retry = Some(retry_after_ms);
        self.with(|shard, now, host| {
            shard.bye(now, session, CloseReason::Shutdown, retry, host);
        });
    }
}
