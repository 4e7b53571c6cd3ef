//! The connection as its handles, the flusher and the timer share it.

use super::core::{Core, Flush, Settings};
use super::outbox::Outbox;
use super::scratch::Unread;
use super::service::{Served, Service};
use super::stream::Stream;
use super::{core::Meta, linger, scratch};
use crate::observe::{events, traffic::Traffic};
use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tidewire_proto::{Compression, Connection, Role, State, TcpEnd};

/// One connection. Its parts that change are behind a lock, held only while something is polled:
/// never across an await, and never while user code waits.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    pub(crate) service: Arc<Service>,
}

/// What the handshake settled.
pub(crate) struct Opened {
    pub(crate) role: Role,
    pub(crate) settings: Settings,
    pub(crate) compression: Option<Compression>,
    /// Bytes that came with the handshake and belong to the connection.
    pub(crate) leftover: Vec<u8>,
    pub(crate) meta: Option<Box<Meta>>,
}

impl Shared {
    /// A connection over `stream`, whose handshake is complete.
    pub(crate) fn new(stream: Stream, opened: Opened) -> Arc<Self> {
        let service = Service::current();
        let now = service.now();
        let Opened {
            role,
            settings,
            compression,
            leftover,
            meta,
        } = opened;
        let shared = Arc::new_cyclic(|this: &Weak<Self>| Self {
            service,
            core: Mutex::new(Core {
                this: this.clone(),
                stream: Some(stream),
                connection: Connection::new(role, settings.config, compression, now),
                outbox: Outbox::default(),
                unread: (!leftover.is_empty()).then(|| {
                    Box::new(Unread {
                        bytes: leftover,
                        at: 0,
                    })
                }),
                clock: now,
                reader: None,
                blocked: false,
                unwritable: false,
                with_flusher: false,
                armed: None,
                high_water: settings.high_water,
                traffic: Traffic::default(),
                rare: None,
                meta,
            }),
        });
        let mut core = shared.lock();
        shared.arm(&mut core);
        events::opened(&core.seen());
        drop(core);
        shared
    }

    /// A panic while the lock was held (in a visitor) leaves a connection that is at worst out of
    /// step with its peer, which the protocol finds out; so poison is ignored.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what waits written once the current poll has returned.
    pub(crate) fn defer_flush(self: &Arc<Self>, core: &mut Core) {
        if !core.with_flusher {
            core.with_flusher = true;
            self.service.defer_flush(self.clone());
        }
    }

    /// Sets the timer for the next deadline, unless it is set for an earlier one.
    pub(crate) fn arm(&self, core: &mut Core) {
        if let Some(deadline) = core.connection.next_deadline() {
            self.service.arm(&core.this, deadline, &mut core.armed);
        }
    }

    /// Writes what waits, wakes who waited for that, and ends the connection if it is over.
    pub(crate) fn flush_and_settle(&self, core: &mut Core) -> Flush {
        let flush = scratch::with(|scratch| core.flush(&mut scratch.tools));
        self.settle(core, flush);
        flush
    }

    /// Does what is due with the TCP connection when the WebSocket is over.
    pub(crate) fn settle(&self, core: &mut Core, flush: Flush) {
        match core.connection.tcp_end() {
            TcpEnd::Keep | TcpEnd::AwaitPeer => {}
            // The answer to the peer's Close waits for room in the socket, until its deadline.
            TcpEnd::CloseNow
                if flush == Flush::Blocked && core.connection.state() != State::Closed => {}
            TcpEnd::CloseNow => core.end(),
            TcpEnd::Linger => {
                if let Some(stream) = core.take_stream() {
                    // The Close that says why may still wait for room.
                    scratch::with(|scratch| core.collect_all_control(&mut scratch.tools));
                    let rest = std::mem::take(&mut core.outbox);
                    let time = core.connection.config().close_timeout;
                    self.service.spawn(linger::linger(stream, rest, time));
                }
                core.end();
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let this: *const Self = self;
        let core = self.core.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(tick) = core.armed {
            self.service.disarm(this.cast(), tick);
        }
        drop(core.take_stream());
    }
}

impl Served for Shared {
    fn flush_turn(&self, unblocked: bool) {
        let mut core = self.lock();
        if unblocked {
            core.blocked = false;
            events::unblocked(&core.seen());
        } else {
            core.with_flusher = false;
        }
        core.clock = self.service.now();
        self.flush_and_settle(&mut core);
    }

    fn give_up(&self) {
        let panicked = io::Error::other("the stream below the connection panicked");
        self.lock().network_failed(panicked);
    }

    fn service(&self) -> &Service {
        &self.service
    }

    /// A Ping that is due, a deadline that has passed.
    fn timer_fired(self: Arc<Self>, tick: NonZeroU32) {
        let mut core = self.lock();
        if core.armed != Some(tick) {
            return; // a newer tick stands for this connection
        }
        core.armed = None;
        core.clock = self.service.now();
        let now = core.clock;
        if core
            .connection
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            // Nobody may have received for a while: bytes that lie here are a sign of life.
            scratch::with(|scratch| core.look(&mut scratch.read));
        }
        // The failure, if there is one, is told by the connection's story.
        let _ = core.connection.handle_timeout(now);
        self.flush_and_settle(&mut core);
        if core.connection.is_over() {
            core.wake_all();
        }
        self.arm(&mut core);
    }
}
