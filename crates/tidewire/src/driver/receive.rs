//! How bytes are read, and events are handed to a visitor.

use super::core::{Core, Flush};
use super::link::Link;
use super::scratch::{self, Scratch, Tools, Unread};
use super::shared::Shared;
use crate::error::Error;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tidewire_proto::{CloseStory, Event, State, TcpEnd};
use tokio::io::ReadBuf;

/// A payload with at least this many bytes to come is read into its own buffer.
const DIRECT: usize = 16 * 1024;

/// How `poll_receive` came to an end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// The visitor broke off; what it has not seen is kept for the next call.
    Paused,
    /// The connection is over; nothing more will come. The story says how.
    Closed(Box<CloseStory>),
}

/// Reads in one poll, at most: one connection's flood must not hold up the others of its thread.
const READS: usize = 16;

/// What an event leads to.
type Verdict = ControlFlow<()>;

impl Shared {
    /// See [`WebSocket::poll_receive`](crate::WebSocket::poll_receive).
    pub(crate) fn poll_receive<V>(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        visitor: &mut V,
    ) -> Poll<Result<Received, Error>>
    where
        V: FnMut(Event<'_>, &mut Link<'_>) -> Verdict,
    {
        self.poll_events::<V, false>(cx, visitor)
    }

    /// As [`poll_receive`](Self::poll_receive), but messages come in parts.
    pub(crate) fn poll_receive_parts<V>(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        visitor: &mut V,
    ) -> Poll<Result<Received, Error>>
    where
        V: FnMut(Event<'_>, &mut Link<'_>) -> Verdict,
    {
        self.poll_events::<V, true>(cx, visitor)
    }

    #[inline]
    fn poll_events<V, const PARTS: bool>(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        visitor: &mut V,
    ) -> Poll<Result<Received, Error>>
    where
        V: FnMut(Event<'_>, &mut Link<'_>) -> Verdict,
    {
        let mut core = self.lock();
        let poll =
            scratch::with(|scratch| self.receive::<V, PARTS>(&mut core, cx, scratch, visitor));
        if core.connection.deadline_moved() {
            self.arm(&mut core);
        }
        if matches!(poll, Poll::Ready(Ok(Received::Paused))) && core.has_output() {
            // Whatever the caller awaits next, what was queued so far goes out.
            self.defer_flush(&mut core);
        }
        if poll.is_pending()
            && !core
                .reader
                .as_ref()
                .is_some_and(|w| w.will_wake(cx.waker()))
        {
            core.reader = Some(cx.waker().clone());
        }
        poll
    }

    fn receive<V, const PARTS: bool>(
        self: &Arc<Self>,
        core: &mut Core,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        visitor: &mut V,
    ) -> Poll<Result<Received, Error>>
    where
        V: FnMut(Event<'_>, &mut Link<'_>) -> Verdict,
    {
        let Scratch { read, tools } = scratch;
        for _ in 0..READS {
            // What was gathered before parts were asked for needs no further byte to come out.
            let waiting = core.has_unread() || (PARTS && core.connection.has_gathered());
            if waiting && core.visit_unread::<V, PARTS>(tools, visitor).is_break() {
                return Poll::Ready(Ok(core.pause(tools)));
            }
            // Replies leave together, now that everything that came has been seen.
            let flush = core.flush(tools);
            if core.connection.is_over() {
                match self.poll_end(core, cx, flush, read) {
                    Poll::Ready(()) => return Poll::Ready(core.outcome()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let verdict = match core.poll_read::<V, PARTS>(cx, read, tools, visitor) {
                Poll::Pending => {
                    if core.holds_back() {
                        core.flush(tools); // TLS answered by itself
                    }
                    return Poll::Pending;
                }
                Poll::Ready(verdict) => verdict,
            };
            if verdict.is_break() {
                return Poll::Ready(Ok(core.pause(tools)));
            }
            if core.connection.is_inflating_waste() {
                break; // one read of it may be 64 MiB
            }
        }
        core.flush(tools);
        cx.waker().wake_by_ref(); // there may be more: after the others
        Poll::Pending
    }

    /// The connection is over: ready when there is nothing left to wait for.
    fn poll_end(
        &self,
        core: &mut Core,
        cx: &mut Context<'_>,
        flush: Flush,
        scrap: &mut [u8],
    ) -> Poll<()> {
        self.settle(core, flush);
        while let Some(stream) = &mut core.stream {
            if core.connection.tcp_end() != TcpEnd::AwaitPeer {
                return Poll::Pending; // the Close waits for room in the socket
            }
            // RFC 6455 §7.1.1: the client waits for the server to end the TCP connection.
            let mut buf = ReadBuf::new(scrap);
            match stream.poll_read(cx, &mut buf) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) => {
                    let _ = core.connection.receive_eof(core.clock);
                    core.end();
                }
            }
        }
        Poll::Ready(())
    }
}

impl Core {
    /// What the end of the connection means to who receives.
    fn outcome(&mut self) -> Result<Received, Error> {
        let io_error = self.take_io_error();
        match self.connection.story() {
            Some(story) if story.failure.is_none() => Ok(Received::Closed(Box::new(story.clone()))),
            _ => Err(io_error.map_or_else(|| self.closed_error(), Error::Io)),
        }
    }

    /// The visitor broke off. If that is because much waits to be written, it is written now, while it
    /// is in the cache.
    fn pause(&mut self, tools: &mut Tools) -> Received {
        if self.is_full() {
            self.flush(tools);
        } else {
            self.wake_writers(); // a large reply may have taken what waited along
        }
        Received::Paused
    }

    /// Hands out events of the bytes that were kept from an earlier read.
    fn visit_unread<V, const PARTS: bool>(&mut self, tools: &mut Tools, visitor: &mut V) -> Verdict
    where
        V: FnMut(Event<'_>, &mut Link<'_>) -> Verdict,
    {
        self.clock = tokio::time::Instant::now().into_std(); // these bytes may have waited long
        let mut unread = self.unread.take().unwrap_or_else(|| tools.unread(&[]));
        let at = unread.at;
        let (verdict, left) = self.visit::<V, PARTS>(&mut unread.bytes[at..], tools, visitor);
        if left > 0 && self.stream.is_some() {
            unread.at = unread.bytes.len() - left;
            self.unread = Some(unread);
        } else {
            tools.give_back_unread(unread);
        }
        verdict
    }

    /// Hands out events of `input` until it is used up or the visitor breaks. Gives how many bytes
    /// are left.
    #[inline]
    fn visit<V, const PARTS: bool>(
        &mut self,
        mut input: &mut [u8],
        tools: &mut Tools,
        visitor: &mut V,
    ) -> (Verdict, usize)
    where
        V: FnMut(Event<'_>, &mut Link<'_>) -> Verdict,
    {
        loop {
            let (now, pool) = (self.clock, &mut tools.pool);
            let event = if PARTS {
                self.connection.receive_part(now, pool, &mut input)
            } else {
                self.connection.receive(now, pool, &mut input)
            };
            match event {
                Ok(Some(event)) => {
                    self.traffic.received.event(&event);
                    if visitor(event, &mut Link { core: self, tools }).is_break() {
                        return (Verdict::Break(()), input.len());
                    }
                }
                // A failure is told by the connection's story, once its Close is on the way.
                Ok(None) | Err(_) => return (Verdict::Continue(()), 0),
            }
        }
    }

    /// Looks for a sign of life, in the name of whoever receives: a peer is not silent because
    /// nobody listens. What is read waits for the next `poll_receive`, one buffer of it at most.
    pub(crate) fn look(&mut self, read: &mut [u8]) {
        if self.connection.state() != State::Open {
            return;
        }
        if !self.has_unread() {
            let Some(stream) = &mut self.stream else {
                return;
            };
            // The socket keeps one waker for reading: that of the task that receives stays.
            let waker = self.reader.clone().unwrap_or_else(|| Waker::noop().clone());
            let mut buf = ReadBuf::new(read);
            let Poll::Ready(outcome) = stream.poll_read(&mut Context::from_waker(&waker), &mut buf)
            else {
                return;
            };
            let count = buf.filled().len();
            if !self.alive(outcome.map(|()| count)) {
                return;
            }
            let bytes = read[..count].to_vec();
            self.unread = Some(Box::new(Unread { bytes, at: 0 }));
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
        self.connection.heard(self.clock);
    }

    /// Reads once and hands out what came.
    fn poll_read<V, const PARTS: bool>(
        &mut self,
        cx: &mut Context<'_>,
        read: &mut [u8],
        tools: &mut Tools,
        visitor: &mut V,
    ) -> Poll<Verdict>
    where
        V: FnMut(Event<'_>, &mut Link<'_>) -> Verdict,
    {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Verdict::Continue(()));
        };
        if !PARTS && self.connection.direct_len() >= DIRECT {
            self.connection.use_spare(&mut tools.large);
            let Some(mut room) = self.connection.direct() else {
                return Poll::Ready(Verdict::Continue(()));
            };
            let outcome = std::task::ready!(tokio_util::io::poll_read_buf(
                Pin::new(stream),
                cx,
                &mut room
            ));
            return Poll::Ready(self.took_direct(outcome, tools, visitor));
        }
        let mut buf = ReadBuf::new(read);
        let outcome = std::task::ready!(stream.poll_read(cx, &mut buf));
        let count = buf.filled().len();
        self.clock = tokio::time::Instant::now().into_std();
        if !self.alive(outcome.map(|()| count)) {
            return Poll::Ready(Verdict::Continue(()));
        }
        let (verdict, left) = self.visit::<V, PARTS>(&mut read[..count], tools, visitor);
        if left > 0 && self.stream.is_some() {
            self.unread = Some(tools.unread(&read[count - left..count]));
        }
        Poll::Ready(verdict)
    }

    fn took_direct<V>(
        &mut self,
        outcome: io::Result<usize>,
        tools: &mut Tools,
        visitor: &mut V,
    ) -> Verdict
    where
        V: FnMut(Event<'_>, &mut Link<'_>) -> Verdict,
    {
        self.clock = tokio::time::Instant::now().into_std();
        let count = *outcome.as_ref().unwrap_or(&0);
        if !self.alive(outcome) {
            return Verdict::Continue(());
        }
        match self.connection.received_direct(self.clock, count) {
            Ok(Some(event)) => {
                self.traffic.received.event(&event);
                visitor(event, &mut Link { core: self, tools })
            }
            Ok(None) | Err(_) => Verdict::Continue(()),
        }
    }

    /// Whether a read brought bytes; otherwise the connection has ended.
    fn alive(&mut self, outcome: io::Result<usize>) -> bool {
        match outcome {
            Ok(0) => {
                // Whether that is a failure is told by the connection's story.
                let _ = self.connection.receive_eof(self.clock);
                self.end();
                false
            }
            Ok(count) => {
                self.traffic.received.wire(count);
                true
            }
            Err(error) => {
                self.network_failed(error);
                false
            }
        }
    }
}
