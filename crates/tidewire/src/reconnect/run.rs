//! Receiving, sending and closing over all connections.

use super::Reconnecting;
use super::event::{GaveUp, ReconnectError, ReconnectEvent};
use super::machine::{Phase, Tally};
use super::pending::Pending;
use crate::error::Error;
use crate::handle;
use crate::message::Message;
use crate::websocket::WebSocket;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tidewire_proto::{CloseCode, CloseStory};
use tokio::time::timeout;

/// How long a connection that takes nothing more may hold back its end.
const DRAIN_TIME: Duration = Duration::from_secs(5);

impl Reconnecting {
    /// The next message, of whatever connection. `None`: [`close`](Self::close) was called, or the
    /// server closed in order and that is [final](super::Verdict::Final), as 1000 is by default.
    ///
    /// Messages may be missing between two connections: [`next_event`](Self::next_event) tells when.
    ///
    /// # Errors
    ///
    /// There will be no further attempt. Called again, it says so again; see
    /// [`retry_now`](Self::retry_now).
    ///
    /// # Cancel safety
    ///
    /// Safe: a message is either returned or still there for the next call, and an attempt to
    /// connect goes on with the next call.
    pub fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, GaveUp>> + Send + '_ {
        poll_fn(|cx| self.poll_recv(cx))
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, GaveUp>> {
        loop {
            match ready!(self.poll_event(cx))? {
                Some(ReconnectEvent::Message(message)) => return Poll::Ready(Ok(Some(message))),
                Some(ReconnectEvent::Opened(_) | ReconnectEvent::Lost { .. }) => {}
                None => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// As [`recv`](Self::recv), for those who must know about gaps: also tells of connections that
    /// were opened and lost. While the caller does nothing but send, only the last 64 of those are
    /// kept.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// As [`recv`](Self::recv): no event is lost.
    pub fn next_event(
        &mut self,
    ) -> impl Future<Output = Result<Option<ReconnectEvent>, GaveUp>> + Send + '_ {
        poll_fn(|cx| self.poll_event(cx))
    }

    /// Waits until a connection is open: it may have ended meanwhile, which is found out by using it.
    ///
    /// # Errors
    ///
    /// [`ReconnectError::GaveUp`] or [`ReconnectError::Closed`]: there will be none.
    ///
    /// # Cancel safety
    ///
    /// Safe: an attempt to connect goes on with the next call.
    pub fn open(&mut self) -> impl Future<Output = Result<(), ReconnectError>> + Send + '_ {
        poll_fn(|cx| self.poll_open(cx))
    }

    /// Sends a message; waits for a connection first if none is open, however long that takes.
    /// Resolves when the whole of it is queued on one connection, as
    /// [`WebSocket::send`](crate::WebSocket::send) does, and it is not sent again on another. If the
    /// connection is lost before it has left, that is told by [`unsent`](Self::unsent) and
    /// [`ReconnectEvent::Lost`].
    ///
    /// For a message that makes sense on the present connection alone, or must not be late, use
    /// [`socket`](Self::socket).
    ///
    /// Nothing is received meanwhile. If the connection turns out to be over, what it still holds is
    /// kept for [`recv`](Self::recv), up to 1 MiB; what is more is lost with the connection.
    ///
    /// # Errors
    ///
    /// [`ReconnectError::GaveUp`] or [`ReconnectError::Closed`]: there will be no further connection. The
    /// message was not queued.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, nothing of the message was queued.
    pub fn send(
        &mut self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), ReconnectError>> + Send + '_ {
        self.send_message(message.into())
    }

    async fn send_message(&mut self, message: Message) -> Result<(), ReconnectError> {
        loop {
            self.open().await?;
            let Some(socket) = self.socket() else {
                continue;
            };
            match socket.send(message.clone()).await {
                Ok(()) => {
                    self.unsent = self.unsent.saturating_add(1);
                    self.count_written();
                    return Ok(());
                }
                Err(Error::Misuse(error)) => return Err(ReconnectError::Misuse(error)),
                // Not queued. What the connection brought before its end comes first, for the caller
                // and for the verdict.
                Err(_) => {
                    let drained = poll_fn(|cx| self.poll_drain(cx));
                    if timeout(DRAIN_TIME, drained).await.is_err() {
                        self.dead("the peer takes nothing more, and does not end the connection");
                    }
                }
            }
        }
    }

    /// How many messages [`send`](Self::send) took on the present or, while there is none, on the
    /// last connection, that have not left this machine as far as is known: some of them may have,
    /// none of the others is still here. Those that left are not known to have arrived.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// The present connection, if one is open as far as is known: for what concerns it alone, such as
    /// [`flush`](WebSocket::flush), [`rtt`](WebSocket::rtt) or
    /// [`subprotocol`](WebSocket::subprotocol).
    #[must_use]
    pub fn socket(&self) -> Option<&WebSocket> {
        match &self.phase {
            Phase::Open { socket, .. } => Some(socket),
            _ => None,
        }
    }

    /// Makes the next attempt due at once, because the caller knows something: the machine woke up,
    /// the network is back, the user pressed a button. After [giving up](GaveUp) it begins anew.
    /// Without effect while a connection is open or being opened, and after the end.
    pub fn retry_now(&mut self) {
        match &self.phase {
            Phase::Waiting(_) => self.phase = Phase::Due,
            Phase::Over(Some(_)) => {
                self.tally = Tally::default();
                self.phase = Phase::Due;
                #[cfg(feature = "futures")]
                {
                    self.told = false;
                }
            }
            _ => {}
        }
    }

    /// Ends it: closes the connection as [`WebSocket::close`] does, and gives its story; or ends the
    /// wait or the attempt, if none is open. Messages that have not been received are thrown away.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if `code` may not be sent or `reason` is over 123 bytes: the connection goes
    /// on. After any other, it is over.
    ///
    /// # Cancel safety
    ///
    /// Safe: the Close frame is sent once; call it again to go on waiting. No connection follows.
    pub fn close(
        &mut self,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> impl Future<Output = Result<Option<CloseStory>, Error>> + Send {
        let code = code.into();
        async move {
            self.begin_close(code, reason)?;
            let Phase::Closing(socket) = &self.phase else {
                return Ok(None);
            };
            let story = handle::closed(&socket.shared).await;
            self.phase = Phase::Over(None);
            story.map(Some)
        }
    }

    fn begin_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        if let Phase::Open { socket, .. } = &self.phase {
            socket.begin_close(code, reason)?;
        }
        self.pending = Pending::default();
        self.phase = match std::mem::replace(&mut self.phase, Phase::Over(None)) {
            Phase::Open { socket, .. } | Phase::Closing(socket) => Phase::Closing(socket),
            Phase::Over(reason) => Phase::Over(reason),
            Phase::Due | Phase::Waiting(_) | Phase::Attempting(_) => Phase::Over(None),
        };
        Ok(())
    }
}

/// Messages, as [`recv`](Reconnecting::recv) gives them; the error, if there is one, is the last item.
#[cfg(feature = "futures")]
impl futures_core::Stream for Reconnecting {
    type Item = Result<Message, GaveUp>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Self::Item>> {
        if self.told {
            return Poll::Ready(None);
        }
        let result = ready!(self.poll_recv(cx)).transpose();
        self.told = matches!(result, Some(Err(_)));
        Poll::Ready(result)
    }
}
