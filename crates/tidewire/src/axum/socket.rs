//! The WebSocket of the shape of axum's: messages with control frames, as `Stream` and `Sink`.

use super::Error;
use super::message::{CloseFrame, Message};
use crate::driver::core::Flush;
use crate::driver::link::Link;
use crate::driver::rare::POLL_PLACE;
use crate::driver::receive::Received;
use crate::driver::scratch;
use crate::handle;
use crate::{CloseCode, CloseStory, Event, Kind};
use bytes::Bytes;
use futures_core::stream::{FusedStream, Stream};
use futures_sink::Sink;
use http::HeaderValue;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// An open WebSocket, with the methods of axum's; see the [module](super) for what differs.
///
/// As with every connection of this crate, Pings are answered and Closes are noticed while somebody
/// receives, and dropping it ends the connection: see [`tidewire::WebSocket`](crate::WebSocket).
#[derive(Debug)]
pub struct WebSocket {
    inner: crate::WebSocket,
    protocol: Option<Box<HeaderValue>>,
    /// Whether the end, or the error that is it, was handed out.
    ended: bool,
}

impl WebSocket {
    pub(super) fn new(inner: crate::WebSocket) -> Self {
        let protocol = inner.subprotocol();
        let protocol = protocol.and_then(|name| HeaderValue::try_from(name).ok());
        Self {
            inner,
            protocol: protocol.map(Box::new),
            ended: false,
        }
    }

    /// The next message, control frames included. `None`: the connection is over, and both sides
    /// said Close; the peer's, if it came first, was the last message. An error is the last item too.
    ///
    /// # Cancel safety
    ///
    /// Safe: a message is either returned or still there for the next call.
    pub async fn recv(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Sends a message or a control frame. Resolves when it is written, so that a handler may end
    /// after it; but answers to messages that arrived together leave together, right after: a handler
    /// that ends while more of them wait unread should [`close`](Self::close) first.
    ///
    /// # Errors
    ///
    /// The connection is closing or over; or a control frame is too long, its close code may not be
    /// sent, or too many of them wait. The error within is a [`tidewire::Error`](crate::Error).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the message is queued whole or not at all, and the connection
    /// goes on.
    pub async fn send(&mut self, msg: Message) -> Result<(), Error> {
        let message = match msg {
            Message::Text(text) => crate::Message::Text(text.into()),
            Message::Binary(bytes) => crate::Message::Binary(bytes),
            control => {
                self.queue(control)?;
                return self.written().await;
            }
        };
        self.inner.send(message).await.map_err(Error::new)?;
        if self.leaves_together() {
            return Ok(());
        }
        self.written().await
    }

    /// Whether what is queued is little, and will be written with what is queued next.
    fn leaves_together(&self) -> bool {
        let core = self.inner.shared.lock();
        core.has_unread() && !core.blocked && !core.is_full()
    }

    async fn written(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_written(cx))
            .await
            .map_err(Error::new)
    }

    /// Sends a Close frame without a code and waits until it is written, as `SinkExt::close` does.
    /// Receive until `None` for an end in good order; to say a code, send a [`Message::Close`], or
    /// use [`into_inner`](Self::into_inner) and its `close(code, reason)`, which does it all.
    ///
    /// # Errors
    ///
    /// The connection ended before.
    ///
    /// # Cancel safety
    ///
    /// Safe: the Close frame is sent once.
    pub async fn close(&mut self) -> Result<(), Error> {
        poll_fn(|cx| Pin::new(&mut *self).poll_close(cx)).await
    }

    /// The subprotocol that was agreed on.
    #[must_use]
    pub fn protocol(&self) -> Option<&HeaderValue> {
        self.protocol.as_deref()
    }

    /// The connection with this crate's own methods: halves that need no lock, prepared frames, the
    /// story of its end. Nothing that was received is lost.
    #[must_use]
    pub fn into_inner(self) -> crate::WebSocket {
        self.inner
    }

    /// Queues a message or a control frame, to be written by what flushes next.
    fn queue(&self, message: Message) -> Result<(), Error> {
        let (kind, payload) = match message {
            Message::Text(text) => (Kind::Text, Bytes::from(text)),
            Message::Binary(bytes) => (Kind::Binary, bytes),
            Message::Ping(payload) => return self.inner.ping(&payload).map_err(Error::new),
            Message::Pong(payload) => return self.pong(&payload).map_err(Error::new),
            Message::Close(frame) => return self.begin_close(frame).map_err(Error::new),
        };
        let shared = &self.inner.shared;
        let mut core = shared.lock();
        if !core.is_writable() {
            return Err(Error::new(core.closed_error()));
        }
        let queued = scratch::with(|scratch| core.queue_shared(kind, payload, &mut scratch.tools));
        queued.map_err(|error| Error::new(core.refused(error)))
    }

    fn pong(&self, payload: &[u8]) -> Result<(), crate::Error> {
        let mut core = self.inner.shared.lock();
        let queued = core.connection.pong(payload);
        queued.map_err(|error| core.refused(error))
    }

    fn begin_close(&self, frame: Option<CloseFrame>) -> Result<(), crate::Error> {
        let (code, reason) = match frame {
            Some(frame) => (CloseCode(frame.code), frame.reason),
            None => (CloseCode::NO_STATUS, Default::default()),
        };
        self.inner.begin_close(code, &reason)
    }

    /// Ready when everything queued is with the operating system.
    fn poll_written(&self, cx: &Context<'_>) -> Poll<Result<(), crate::Error>> {
        let shared = &self.inner.shared;
        let mut core = shared.lock();
        let was_writable = core.is_writable();
        core.clock = shared.service.now();
        let flush = shared.flush_and_settle(&mut core);
        if core.is_writable() {
            if flush == Flush::Blocked {
                core.wait_for_room(&mut { POLL_PLACE }, cx);
                return Poll::Pending;
            }
            return Poll::Ready(Ok(()));
        }
        // What was written may have been the end itself: the answer to the peer's Close.
        if was_writable && is_orderly(core.connection.story()) {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(core.closed_error()))
    }
}

/// Whether both sides have said Close, and nothing went wrong.
fn is_orderly(story: Option<&CloseStory>) -> bool {
    story.is_some_and(|story| story.received.is_some() && story.failure.is_none())
}

impl Stream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut message = None;
        let mut visitor = |event: Event<'_>, _: &mut Link<'_>| {
            message = Some(match event {
                Event::Text(text) => Message::Text(text.into_text().into()),
                Event::Binary(bytes) => Message::Binary(bytes.into_bytes()),
                Event::Ping(payload) => Message::Ping(payload.into_bytes()),
                Event::Pong(payload) => Message::Pong(payload.into_bytes()),
                Event::Close(frame) if frame.code == CloseCode::NO_STATUS => Message::Close(None),
                Event::Close(frame) => Message::Close(Some(frame.into())),
                _ => return ControlFlow::Continue(()),
            });
            ControlFlow::Break(())
        };
        let received = ready!(self.inner.shared.poll_receive(cx, &mut visitor));
        Poll::Ready(match (received, message) {
            (Ok(Received::Paused), Some(message)) => Some(Ok(message)),
            (Err(error), _) => {
                self.ended = true;
                Some(Err(Error::new(error)))
            }
            (Ok(_), _) => {
                self.ended = true;
                None
            }
        })
    }
}

impl FusedStream for WebSocket {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

/// Waits for room in `poll_ready`. What was fed is written by `poll_flush`, and by receiving.
impl Sink<Message> for WebSocket {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        handle::poll_writable(&self.inner.shared, cx).map_err(Error::new)
    }

    fn start_send(self: Pin<&mut Self>, item: Message) -> Result<(), Error> {
        self.queue(item)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_written(cx).map_err(Error::new)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if is_orderly(self.inner.close_story().as_ref()) {
            // Over, or the peer began: what answers its Close is written without help.
            self.inner.try_flush();
            return Poll::Ready(Ok(()));
        }
        if let Err(error) = self.begin_close(None) {
            return Poll::Ready(Err(Error::new(error)));
        }
        self.poll_written(cx).map_err(Error::new)
    }
}
