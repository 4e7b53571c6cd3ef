//! The two halves of a connection, for different tasks.

use crate::driver::core::Flush;
use crate::driver::link::Link;
#[cfg(feature = "futures")]
use crate::driver::rare::{NO_PLACE, Place};
use crate::driver::receive::Received;
use crate::driver::shared::Shared;
use crate::error::Error;
use crate::handle;
use crate::message::Message;
use crate::observe::traffic::Traffic;
use std::future::Future;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tidewire_proto::deflate::params::Params;
use tidewire_proto::{CloseCode, CloseStory, Event, PreparedFrame};

/// The sending half of a connection. Clones send into the same connection, each message whole.
///
/// Ping, Pong and Close keep working as long as the [`Receiver`] is being received from.
///
/// # Dropping
///
/// The connection ends when all of its halves are dropped. A sender whose [`Receiver`] is dropped goes
/// on sending, but nobody reads: it learns of the end only when a deadline or the network tells, so keep
/// receiving, or close.
#[derive(Clone, Debug)]
pub struct Sender {
    pub(crate) shared: Arc<Shared>,
    #[cfg(feature = "futures")]
    pub(crate) place: SinkPlace,
}

impl Sender {
    /// As [`WebSocket::send`](crate::WebSocket::send).
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

    /// As [`WebSocket::feed`](crate::WebSocket::feed).
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

    /// As [`WebSocket::flush`](crate::WebSocket::flush).
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

    /// As [`WebSocket::ping`](crate::WebSocket::ping).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        handle::ping(&self.shared, payload)
    }

    /// Sends a Pong of at most 125 bytes that nobody asked for: a sign of life (RFC 6455 §5.5.3).
    /// Answers to Pings need no call.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping).
    pub fn pong(&self, payload: &[u8]) -> Result<(), Error> {
        handle::pong(&self.shared, payload)
    }

    /// As [`WebSocket::poll_writable`](crate::WebSocket::poll_writable). Only one task at a time can
    /// wait for a connection so.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        handle::poll_writable(&self.shared, cx)
    }

    /// As [`WebSocket::queue`](crate::WebSocket::queue).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn queue(&self, frame: &PreparedFrame) -> Result<usize, Error> {
        handle::queue(&self.shared, frame)
    }

    /// As [`WebSocket::try_flush`](crate::WebSocket::try_flush).
    pub fn try_flush(&self) -> Flush {
        handle::try_flush(&self.shared)
    }

    /// Begins to close, behind what is queued. Does not wait: the [`Receiver`] sees the end.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if `code` may not be sent or `reason` is over 123 bytes.
    pub fn begin_close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        handle::begin_close(&self.shared, code.into(), reason)
    }

    /// As [`WebSocket::subprotocol`](crate::WebSocket::subprotocol).
    #[must_use]
    pub fn subprotocol(&self) -> Option<String> {
        self.shared.lock().meta.as_ref()?.subprotocol.clone()
    }

    /// As [`WebSocket::deflate`](crate::WebSocket::deflate).
    #[must_use]
    pub fn deflate(&self) -> Option<Params> {
        self.shared.lock().connection.compression()
    }

    /// As [`WebSocket::peer_addr`](crate::WebSocket::peer_addr).
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.shared.lock().stream.as_ref()?.tcp()?.peer_addr().ok()
    }

    /// As [`WebSocket::traffic`](crate::WebSocket::traffic).
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.lock().traffic
    }

    /// As [`WebSocket::queued`](crate::WebSocket::queued).
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.lock().outbox.len()
    }

    /// As [`WebSocket::rtt`](crate::WebSocket::rtt).
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.shared.lock().connection.rtt()
    }

    /// How the connection ended, or is ending; `None` while it is open.
    #[must_use]
    pub fn close_story(&self) -> Option<CloseStory> {
        self.shared.lock().connection.story().cloned()
    }

    /// Whether this sends into the connection that `receiver` receives from.
    #[must_use]
    pub fn belongs_to(&self, receiver: &Receiver) -> bool {
        Arc::ptr_eq(&self.shared, &receiver.shared)
    }
}

/// The receiving half of a connection. While nobody receives from it, Pings are not answered.
#[derive(Debug)]
pub struct Receiver {
    pub(crate) shared: Arc<Shared>,
}

impl Receiver {
    /// As [`WebSocket::recv`](crate::WebSocket::recv).
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// Safe: a message is either returned or still there for the next call.
    pub fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> + Send + '_ {
        handle::recv(&self.shared)
    }

    /// Throws away messages that still come, until the connection is over. After a
    /// [`begin_close`](Sender::begin_close) this waits for the rest of the closing handshake.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv); an end by any Close frame is no error here, and is in the story.
    ///
    /// # Cancel safety
    ///
    /// Safe: call it again to go on waiting.
    pub fn closed(&mut self) -> impl Future<Output = Result<CloseStory, Error>> + Send + '_ {
        handle::closed(&self.shared)
    }

    /// As [`WebSocket::poll_receive`](crate::WebSocket::poll_receive).
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

    /// As [`WebSocket::for_each`](crate::WebSocket::for_each).
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
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

    /// As [`WebSocket::subprotocol`](crate::WebSocket::subprotocol).
    #[must_use]
    pub fn subprotocol(&self) -> Option<String> {
        self.shared.lock().meta.as_ref()?.subprotocol.clone()
    }

    /// As [`WebSocket::deflate`](crate::WebSocket::deflate).
    #[must_use]
    pub fn deflate(&self) -> Option<Params> {
        self.shared.lock().connection.compression()
    }

    /// As [`WebSocket::peer_addr`](crate::WebSocket::peer_addr).
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.shared.lock().stream.as_ref()?.tcp()?.peer_addr().ok()
    }

    /// As [`WebSocket::traffic`](crate::WebSocket::traffic).
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.lock().traffic
    }

    /// As [`WebSocket::queued`](crate::WebSocket::queued).
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.lock().outbox.len()
    }

    /// As [`WebSocket::rtt`](crate::WebSocket::rtt).
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.shared.lock().connection.rtt()
    }

    /// How the connection ended, or is ending; `None` while it is open.
    #[must_use]
    pub fn close_story(&self) -> Option<CloseStory> {
        self.shared.lock().connection.story().cloned()
    }
}

/// Where a [`Sender`] waits, as a sink, for room. A clone waits in a place of its own, so that the
/// tasks of both are woken.
#[cfg(feature = "futures")]
#[derive(Debug)]
pub(crate) struct SinkPlace(pub(crate) Place);

#[cfg(feature = "futures")]
impl Default for SinkPlace {
    fn default() -> Self {
        Self(NO_PLACE)
    }
}

#[cfg(feature = "futures")]
impl Clone for SinkPlace {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(feature = "futures")]
impl Drop for Sender {
    fn drop(&mut self) {
        if self.place.0 != NO_PLACE {
            self.shared.lock().leave(self.place.0);
        }
    }
}
