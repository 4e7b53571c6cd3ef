//! One connection's state, and how its bytes are written.

use super::outbox::{MAX_SLICES, Outbox};
use super::rare::Rare;
use super::scratch::{Tools, Unread};
use super::service::{self, Served};
use super::stream::Stream;
use crate::error::Error;
use crate::observe::{
    events::{self, Seen},
    traffic::Traffic,
};
use bytes::Bytes;
use std::io::{self, IoSlice};
use std::num::NonZeroU32;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tidewire_proto::{Connection, Kind, PreparedFrame, SendError};

/// Payloads above this many bytes are written from where they lie, not copied, where that is
/// possible: below it, a copy is cheaper than one more slice.
pub(crate) const COPY_LIMIT: usize = 4 * 1024;

/// Whether everything queued is with the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Nothing waits any more.
    Flushed,
    /// The peer reads too slowly: the rest is written by itself once the socket takes it.
    Blocked,
}

/// What is known of a connection besides its state; kept only where there is something to keep.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    pub(crate) subprotocol: Option<String>,
    pub(crate) target: Option<http::Uri>,
}

impl Meta {
    pub(crate) fn worth_keeping(&self) -> bool {
        self.subprotocol.is_some() || self.target.is_some()
    }
}

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) this: Weak<dyn Served>,
    /// `None` once the TCP connection is over for us.
    pub(crate) stream: Option<Stream>,
    pub(crate) connection: Connection,
    pub(crate) outbox: Outbox,
    /// What was read and not yet handed to the protocol; boxed, as an idle connection has none.
    pub(crate) unread: Option<Box<Unread>>,
    /// When something last happened; read once per system call, not per frame.
    pub(crate) clock: Instant,
    /// The task in `poll_receive`.
    pub(crate) reader: Option<Waker>,
    pub(crate) blocked: bool,
    /// Whether writing has failed: what the peer said before may still be read.
    pub(crate) unwritable: bool,
    /// Whether the flusher has this connection on its list.
    pub(crate) with_flusher: bool,
    /// The tick of the timer wheel that stands for this connection.
    pub(crate) armed: Option<NonZeroU32>,
    pub(crate) high_water: u32,
    pub(crate) traffic: Traffic,
    /// What most connections never have.
    pub(crate) rare: Option<Box<Rare>>,
    pub(crate) meta: Option<Box<Meta>>,
}

impl Core {
    /// The error that explains why nothing can be sent.
    pub(crate) fn closed_error(&self) -> Error {
        match self.connection.story() {
            Some(story) => Error::from_story(story),
            None => {
                let error = self.rare.as_ref().and_then(|rare| rare.io_error.as_ref());
                Error::Io(
                    error
                        .map_or(io::ErrorKind::NotConnected, io::Error::kind)
                        .into(),
                )
            }
        }
    }

    pub(crate) fn refused(&self, error: SendError) -> Error {
        match error {
            SendError::Closing => self.closed_error(),
            misuse => Error::Misuse(misuse),
        }
    }

    /// What events tell of it.
    #[inline]
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen {
            connection: &self.connection,
            socket: self.stream.as_ref().and_then(Stream::tcp),
            queued: self.outbox.len(),
            traffic: &self.traffic,
        }
    }

    /// Whether so much waits that no more messages are taken.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.len() >= self.high_water as usize
    }

    /// Whether bytes lie here that the protocol has not seen.
    #[inline]
    pub(crate) fn has_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// Whether anything waits to be written.
    #[inline]
    pub(crate) fn has_output(&self) -> bool {
        !self.outbox.is_empty() || self.connection.has_control() || self.holds_back()
    }

    /// Whether bytes wait in the stream below: what TLS has encrypted, or says by itself.
    #[inline]
    pub(crate) fn holds_back(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| stream.held_back() > 0)
    }

    /// Queues a message, by copy.
    #[inline]
    pub(crate) fn queue(
        &mut self,
        kind: Kind,
        payload: &[u8],
        tools: &mut Tools,
    ) -> Result<(), SendError> {
        self.collect_control(tools); // a Pong goes out before the reply to what came after its Ping
        let (connection, outbox) = self.parts(tools);
        let Tools { pool, masks, .. } = tools;
        outbox.append(|out| connection.send(kind, payload, masks, pool, out))?;
        self.traffic.sent.message(payload.len());
        Ok(())
    }

    /// Queues a message whose payload is shared: not copied if it is large and can go out as it is.
    pub(crate) fn queue_shared(
        &mut self,
        kind: Kind,
        payload: Bytes,
        tools: &mut Tools,
    ) -> Result<(), SendError> {
        if payload.len() > COPY_LIMIT {
            if let Some(head) = self.connection.send_head(kind, payload.len())? {
                self.collect_control(tools);
                self.append(tools, |out| out.extend_from_slice(head.as_bytes()));
                self.traffic.sent.message(payload.len());
                self.outbox.push_shared(payload);
                return Ok(());
            }
        }
        self.queue(kind, &payload, tools)
    }

    /// Queues a frame that was encoded once for many connections.
    pub(crate) fn queue_prepared(
        &mut self,
        frame: &PreparedFrame,
        tools: &mut Tools,
    ) -> Result<(), SendError> {
        self.collect_control(tools);
        let (connection, outbox) = self.parts(tools);
        let Tools { pool, masks, .. } = tools;
        let shared = outbox.append(|out| connection.send_prepared(frame, masks, pool, out))?;
        match shared {
            Some(bytes) if bytes.len() > COPY_LIMIT => self.outbox.push_shared(bytes),
            Some(bytes) => self.append(tools, |out| out.extend_from_slice(&bytes)),
            None => {}
        }
        self.traffic.sent.message(frame.payload().len());
        Ok(())
    }

    pub(super) fn append(&mut self, tools: &mut Tools, write: impl FnOnce(&mut Vec<u8>)) {
        self.parts(tools).1.append(write);
    }

    /// The connection, and the outbox with a buffer to append to.
    #[inline]
    pub(super) fn parts(&mut self, tools: &mut Tools) -> (&mut Connection, &mut Outbox) {
        if !self.outbox.has_buffer() {
            self.outbox.give_buffer(tools.buffer());
        }
        (&mut self.connection, &mut self.outbox)
    }

    /// Moves the control frames that wait into the outbox, unless too much waits there: they are
    /// bounded where they are.
    #[inline]
    pub(crate) fn collect_control(&mut self, tools: &mut Tools) {
        if self.connection.has_control() && !self.is_full() {
            self.collect_all_control(tools);
        }
    }

    /// Moves the control frames that wait into the outbox, come what may: the last of a connection.
    pub(crate) fn collect_all_control(&mut self, tools: &mut Tools) {
        if self.connection.has_control() {
            let now = self.clock;
            let (connection, outbox) = self.parts(tools);
            outbox.append(|out| connection.poll_transmit(now, &mut tools.masks, out));
        }
    }

    /// Writes what waits, as far as the socket takes it, and wakes who waited for that. Without
    /// progress nobody is woken: who waits in `flush` comes here each time, and would wake itself.
    pub(crate) fn flush(&mut self, tools: &mut Tools) -> Flush {
        let before = self.outbox.len();
        let flush = self.write_out(tools);
        if flush == Flush::Flushed || self.outbox.len() < before {
            self.wake_writers();
        }
        flush
    }

    fn write_out(&mut self, tools: &mut Tools) -> Flush {
        loop {
            if !self.is_writable() {
                self.outbox.clear();
                return Flush::Flushed;
            }
            self.collect_control(tools);
            if self.outbox.is_empty() {
                return self.flushed(tools);
            }
            if self.blocked {
                return Flush::Blocked;
            }
            if self.write(&[], tools).is_none() {
                return if self.outbox.is_empty() {
                    Flush::Flushed
                } else {
                    Flush::Blocked
                };
            }
        }
    }

    /// Writes what waits and then `payload`, in one system call and without a copy; what the socket
    /// does not take of it is copied behind.
    pub(crate) fn write_through(&mut self, head: &[u8], payload: &[u8], tools: &mut Tools) {
        self.collect_control(tools);
        self.append(tools, |out| out.extend_from_slice(head));
        self.traffic.sent.message(payload.len());
        let waiting = self.outbox.len();
        let taken = if self.blocked {
            None
        } else {
            self.write(payload, tools)
        };
        if !self.is_writable() {
            return;
        }
        let done = taken.unwrap_or(0).saturating_sub(waiting);
        if done < payload.len() {
            self.append(tools, |out| out.extend_from_slice(&payload[done..]));
        } else if !self.blocked {
            self.flushed(tools); // a layer below may hold it back, and nobody may come again soon
        }
    }

    /// One write of what waits, and `extra` behind it if all of that fits into the call. The bytes
    /// that the socket took, `extra` included; `None` if it took none: it is full, or gone.
    fn write(&mut self, extra: &[u8], tools: &mut Tools) -> Option<usize> {
        let Self {
            stream,
            outbox,
            rare,
            this,
            ..
        } = self;
        let stream = stream.as_mut()?;
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut count = outbox.slices(&mut slices);
        let waiting: usize = slices[..count].iter().map(|slice| slice.len()).sum();
        if !extra.is_empty() && waiting == outbox.len() && count < MAX_SLICES {
            slices[count] = IoSlice::new(extra);
            count += 1;
        }
        let held = stream.held_back();
        match with_waker(rare, this, |cx| stream.poll_write(cx, &slices[..count])) {
            Poll::Ready(Ok(0)) => self.write_failed(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(written)) => {
                let waiting = self.outbox.len();
                let done = |bytes| tools.give_back_large(bytes);
                self.outbox.advance(written.min(waiting), done);
                self.connection.wrote(self.clock, written, false);
                self.traffic.sent.wire(written);
                return Some(written);
            }
            Poll::Ready(Err(error)) => self.write_failed(error),
            Poll::Pending => {
                self.blocked = true;
                let some = stream.held_back() < held;
                self.connection.drained(self.clock, some, true);
                events::blocked(&self.seen());
            }
        }
        None
    }

    fn flushed(&mut self, tools: &mut Tools) -> Flush {
        if let Some(spare) = self.outbox.take_spare() {
            tools.give_back(spare);
        }
        let Self {
            stream, rare, this, ..
        } = self;
        if let Some(stream) = stream.as_mut().filter(|stream| stream.needs_flush()) {
            let held = stream.held_back();
            let flushed = with_waker(rare, this, |cx| stream.poll_flush(cx));
            let some = stream.held_back() < held;
            match flushed {
                Poll::Ready(Ok(())) => self.connection.drained(self.clock, some, false),
                Poll::Ready(Err(error)) => self.write_failed(error),
                Poll::Pending => {
                    self.connection.drained(self.clock, some, true);
                    return Flush::Blocked;
                }
            }
        }
        Flush::Flushed
    }

    /// Whether what is queued can still reach the peer.
    pub(crate) fn is_writable(&self) -> bool {
        self.stream.is_some() && !self.unwritable
    }
}

/// Polls with the waker that is woken when the socket takes bytes again, which is made only for a
/// socket that does not: most never need one.
fn with_waker<R>(
    rare: &mut Option<Box<Rare>>,
    this: &Weak<dyn Served>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>,
) -> Poll<R> {
    if rare.as_ref().is_none_or(|rare| rare.unblocked.is_none()) {
        if let ready @ Poll::Ready(_) = poll(&mut Context::from_waker(Waker::noop())) {
            return ready;
        }
    }
    let unblocked = &mut rare.get_or_insert_default().unblocked;
    let waker = unblocked.get_or_insert_with(|| service::unblocked_waker(this.clone()));
    poll(&mut Context::from_waker(waker))
}

/// The configuration of a connection, as a builder made it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) config: Arc<tidewire_proto::Config>,
    pub(crate) high_water: u32,
}

/// Bytes that may wait to be written before `send` waits. See `WebSocket::send`.
pub(crate) const HIGH_WATER: u32 = 64 * 1024;

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: Arc::default(),
            high_water: HIGH_WATER,
        }
    }
}
