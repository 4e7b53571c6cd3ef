//! [`WebSocket`]: an open connection.

use crate::driver::core::Flush;
use crate::driver::link::Link;
use crate::driver::receive::Received;
use crate::driver::shared::Shared;
use crate::error::Error;
use crate::handle;
use crate::message::Message;
use crate::observe::traffic::Traffic;
use crate::split::{Receiver, Sender};
use std::future::Future;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tidewire_proto::deflate::params::Params;
use tidewire_proto::{CloseCode, CloseStory, Event, PreparedFrame};

/// An open WebSocket connection, client or server.
///
/// Pings are answered, the closing handshake is completed, and keepalive Pings are sent without the
/// application's help, as long as something is being received. A connection that nobody receives from
/// does not answer Pings, so a peer with keepalive of its own may give it up (a Tidewire peer after
/// about a minute by default), and it does not notice that its peer closes: a handler that is busy for long
/// should [`split`](Self::split) and receive in another task.
///
/// # Dropping
///
/// Dropping it ends the TCP connection; the peer sees an abnormal closure (1006). What `send` took and
/// the socket did not is lost. Call [`close`](Self::close) to end it in order.
#[derive(Debug)]
pub struct WebSocket {
    pub(crate) shared: Arc<Shared>,
}

impl WebSocket {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The next message. `None`: the connection was closed with 1000, 1001 or no code.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if it was closed with another code or without a Close frame; otherwise what
    /// went wrong. After an error or `None` there is nothing more to receive.
    ///
    /// # Cancel safety
    ///
    /// Safe: a message is either returned or still there for the next call.
    pub fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> + Send + '_ {
        handle::recv(&self.shared)
    }

    /// Sends a message. Resolves when the whole of it is queued, not when it is on the wire: at once,
    /// unless more bytes than the high-water mark wait to be written, or a message is half
    /// [streamed](Self::send_stream).
    ///
    /// Replies to messages that arrived together leave together: while more of them lie here unread,
    /// what is sent is written when [`recv`](Self::recv) finds none left, on [`flush`](Self::flush),
    /// or, whatever the caller awaits instead, right after. Otherwise it is written now.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] and its kin if the connection is closing or over.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, nothing of the message was queued.
    pub fn send(
        &self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), Error>> + Send + '_ {
        handle::send(&self.shared, message.into(), handle::Then::Write)
    }

    /// As [`send`](Self::send), but leaves the writing for later, so that a burst of messages leaves
    /// in one write: at the next [`flush`](Self::flush), or when the caller next awaits something
    /// that is not ready.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub fn feed(
        &self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), Error>> + Send + '_ {
        handle::send(&self.shared, message.into(), handle::Then::Later)
    }

    /// Sends a frame that was encoded once for many connections, as [`send`](Self::send) sends a
    /// message: waits while too much is queued.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub fn send_prepared<'a>(
        &'a self,
        frame: &'a PreparedFrame,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'a {
        handle::send_prepared(&self.shared, frame)
    }

    /// Waits until everything queued is with the operating system.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] and its kin if the connection ends before.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn flush(&self) -> impl Future<Output = Result<(), Error>> + Send + '_ {
        handle::flush(&self.shared)
    }

    /// Sends a Ping with at most 125 bytes. Keepalive needs no call; this is for measuring and tests.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if `payload` is too long or too many control frames wait;
    /// [`Error::Closed`] and its kin if the connection is closing or over.
    pub fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        handle::ping(&self.shared, payload)
    }

    /// Closes the connection: sends a Close frame behind what was sent before, throws away messages
    /// that still come, and waits for the peer's Close and, on a client, for the end of the TCP
    /// connection; at most `close_timeout` of the [`Config`](crate::Config) after the peer last took some
    /// of what still waits to be written.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if `code` may not be sent or `reason` is over 123 bytes: the connection goes
    /// on. [`Error::Timeout`] if the peer does not answer. Otherwise what went wrong.
    ///
    /// # Cancel safety
    ///
    /// Safe: the Close frame is sent once; call it again to go on waiting.
    pub async fn close(
        &mut self,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> Result<CloseStory, Error> {
        handle::begin_close(&self.shared, code.into(), reason)?;
        handle::closed(&self.shared).await
    }

    /// Splits into two halves that can live in different tasks. The sending half can be cloned.
    #[must_use]
    pub fn split(self) -> (Sender, Receiver) {
        (
            Sender {
                shared: self.shared.clone(),
                #[cfg(feature = "futures")]
                place: Default::default(),
            },
            Receiver {
                shared: self.shared,
            },
        )
    }

    /// The subprotocol that the handshake agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<String> {
        self.shared.lock().meta.as_ref()?.subprotocol.clone()
    }

    /// On a server: the path and query that the client asked for, if the server was told to
    /// [keep](crate::Server::keep_target) it.
    #[must_use]
    pub fn target(&self) -> Option<http::Uri> {
        self.shared.lock().meta.as_ref()?.target.clone()
    }

    /// The permessage-deflate parameters in force; `None`: nothing is compressed.
    #[must_use]
    pub fn deflate(&self) -> Option<Params> {
        self.shared.lock().connection.compression()
    }

    /// The peer's address, if the connection runs over TCP and is not over.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.shared.lock().stream.as_ref()?.tcp()?.peer_addr().ok()
    }

    /// The round-trip time of the last keepalive Ping.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.shared.lock().connection.rtt()
    }

    /// What the connection has carried so far, both ways.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.lock().traffic
    }

    /// Bytes that wait to be written: a number that stays high belongs to a peer that reads too slowly.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.lock().outbox.len()
    }

    /// How the connection ended, or is ending: both Close frames, who began, what went wrong.
    #[must_use]
    pub fn close_story(&self) -> Option<CloseStory> {
        self.shared.lock().connection.story().cloned()
    }

    /// The low layer under [`recv`](Self::recv): reads what has arrived and hands each event to
    /// `visitor`, in place, with the means to answer at once. What the visitor queues leaves in one
    /// vectored write when it has seen everything that came, which is before the socket is read
    /// again.
    ///
    /// Ready when the visitor breaks or the connection is over. A visitor that answers should break
    /// when [`Link::is_full`], and its caller wait with [`poll_writable`](Self::poll_writable) before
    /// it receives again: that is how a peer that never reads is not read from.
    ///
    /// The visitor must not block, and must not touch this connection but through its [`Link`]: the
    /// connection is locked while it runs.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        mut visitor: impl FnMut(Event<'_>, &mut Link<'_>) -> ControlFlow<()>,
    ) -> Poll<Result<Received, Error>> {
        self.shared.poll_receive(cx, &mut visitor)
    }

    /// Ready when fewer bytes than the high-water mark wait to be written.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        handle::poll_writable(&self.shared, cx)
    }

    /// Low layer: queues a frame that was encoded once for many connections, without waiting and
    /// without writing; [`try_flush`](Self::try_flush) writes. Gives the number of bytes that wait:
    /// nothing bounds them here.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn queue(&self, frame: &PreparedFrame) -> Result<usize, Error> {
        handle::queue(&self.shared, frame)
    }

    /// Low layer: writes what is queued, as far as the socket takes it, without waiting and without a
    /// task context. What it does not take is written by itself when it does.
    pub fn try_flush(&self) -> Flush {
        handle::try_flush(&self.shared)
    }

    /// Low layer: begins to close, behind what is queued, without waiting. The end is seen by
    /// receiving.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if `code` may not be sent or `reason` is over 123 bytes.
    pub fn begin_close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        handle::begin_close(&self.shared, code.into(), reason)
    }

    /// Receives until the connection is over, handing every event to `visitor`; pauses reading while
    /// too much waits to be written. This is the loop of an echo server or a hub: see
    /// [`poll_receive`](Self::poll_receive) for what a visitor may do.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv); how an orderly end came about is in the story.
    ///
    /// # Cancel safety
    ///
    /// Safe: what was not handed to the visitor is still there.
    pub fn for_each<'a>(
        &'a mut self,
        visitor: impl FnMut(Event<'_>, &mut Link<'_>) + Send + 'a,
    ) -> impl Future<Output = Result<CloseStory, Error>> + Send + 'a {
        handle::for_each(&self.shared, visitor)
    }
}
