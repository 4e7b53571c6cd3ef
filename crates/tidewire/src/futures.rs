//! `Stream` and `Sink` for a connection and its halves: feature `futures`.

use crate::driver::rare::{POLL_PLACE, Place, Rare};
use crate::driver::scratch;
use crate::driver::shared::Shared;
use crate::error::Error;
use crate::handle::{self, Whose};
use crate::message::Message;
use crate::split::{Receiver, Sender};
use crate::websocket::WebSocket;
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tidewire_proto::CloseCode;

/// The next message, an error once, and then the end.
pub(crate) fn poll_next(
    shared: &Arc<Shared>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Message, Error>>> {
    if is_terminated(shared) {
        return Poll::Ready(None);
    }
    // Holds nothing between two polls, so it can be made anew for each.
    let received = ready!(pin!(handle::recv(shared)).poll(cx));
    if !matches!(received, Ok(Some(_))) {
        let mut core = shared.lock();
        core.rare.get_or_insert_default().end_was_told = true;
    }
    Poll::Ready(received.transpose())
}

fn is_terminated(shared: &Shared) -> bool {
    let told = |rare: &Rare| rare.end_was_told;
    shared.lock().rare.as_deref().is_some_and(told)
}

/// Ready when fewer bytes than the high-water mark wait.
pub(crate) fn poll_ready(
    shared: &Arc<Shared>,
    place: &mut Place,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    handle::poll_room(shared, &mut shared.lock(), place, Whose::Nobodys, cx)
}

/// Queues a message. It is written with what follows, by a flush or once the current poll returns.
pub(crate) fn start_send(shared: &Arc<Shared>, message: Message) -> Result<(), Error> {
    let mut core = shared.lock();
    if !core.is_writable() {
        return Err(core.closed_error());
    }
    let (kind, payload) = (message.kind(), message.into_bytes());
    let queued = scratch::with(|scratch| core.queue_shared(kind, payload, &mut scratch.tools));
    queued.map_err(|error| core.refused(error))?;
    shared.defer_flush(&mut core);
    Ok(())
}

/// Ready when everything queued is with the operating system.
pub(crate) fn poll_flush(
    shared: &Arc<Shared>,
    place: &mut Place,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    handle::poll_flush(shared, &mut shared.lock(), place, cx)
}

/// Begins to close; ready when the Close frame is with the operating system, or the connection is
/// over without a failure.
pub(crate) fn poll_close_sent(
    shared: &Arc<Shared>,
    place: &mut Place,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    handle::begin_close(shared, CloseCode::NORMAL, "")?;
    let flushed = ready!(poll_flush(shared, place, cx));
    let core = shared.lock();
    let in_order = |story: &tidewire_proto::CloseStory| story.failure.is_none();
    if core.connection.story().is_some_and(in_order) {
        return Poll::Ready(Ok(()));
    }
    Poll::Ready(flushed)
}

/// Begins to close; ready when the connection is over. Messages that still come are thrown away.
fn poll_closed(shared: &Arc<Shared>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
    handle::begin_close(shared, CloseCode::NORMAL, "")?;
    pin!(handle::closed(shared)).poll(cx).map_ok(drop)
}

/// Messages until the connection ends: after 1000, 1001 or no code the end, otherwise the error and
/// then the end. Messages that the peer sends are received by either this or
/// [`recv`](WebSocket::recv), whichever is polled.
impl Stream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_next(&self.shared, cx)
    }
}

impl FusedStream for WebSocket {
    fn is_terminated(&self) -> bool {
        is_terminated(&self.shared)
    }
}

/// As the `Stream` of [`WebSocket`].
impl Stream for Receiver {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        poll_next(&self.shared, cx)
    }
}

impl FusedStream for Receiver {
    fn is_terminated(&self) -> bool {
        is_terminated(&self.shared)
    }
}

/// Ready below the high-water mark, flushed when the operating system has everything. Closing it is
/// [`close`](WebSocket::close) with 1000: messages that still come are thrown away, and it waits for
/// the peer's Close. To close one direction's work while the other goes on,
/// [`split`](WebSocket::split) it: the `Sink` of [`Sender`] throws nothing away.
impl Sink<Message> for WebSocket {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        poll_ready(&self.shared, &mut { POLL_PLACE }, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        start_send(&self.shared, message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        poll_flush(&self.shared, &mut { POLL_PLACE }, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        poll_closed(&self.shared, cx)
    }
}

/// Ready below the high-water mark, flushed when the operating system has everything. Closing it sends
/// a Close with 1000 behind what was sent before; the [`Receiver`] goes on to receive what still
/// comes, and sees the end.
impl Sink<Message> for Sender {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        poll_ready(&this.shared, &mut this.place.0, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        start_send(&self.shared, message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        poll_flush(&this.shared, &mut this.place.0, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        poll_close_sent(&this.shared, &mut this.place.0, cx)
    }
}
