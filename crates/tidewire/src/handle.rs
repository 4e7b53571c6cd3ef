//! What the handles of a connection (`WebSocket`, `Sender`, `Receiver`) do to it.

use crate::driver::core::{Core, Flush};
use crate::driver::link::Link;
use crate::driver::rare::{NO_PLACE, POLL_PLACE, Place};
use crate::driver::receive::Received;
use crate::driver::scratch::{self, Tools};
use crate::driver::shared::Shared;
use crate::error::Error;
use crate::message::Message;
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tidewire_proto::{CloseCode, CloseStory, Event, PreparedFrame, SendError, State};

/// What follows the queueing of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is written at once, unless more replies are about to follow.
    Write,
    /// It is written with what follows.
    Later,
}

pub(crate) fn recv(
    shared: &Arc<Shared>,
) -> impl Future<Output = Result<Option<Message>, Error>> + Send + '_ {
    poll_fn(|cx| {
        let mut message = None;
        let received = ready!(shared.poll_receive(
            cx,
            &mut |event: Event<'_>, _: &mut Link<'_>| {
                message = match event {
                    Event::Text(text) => Some(Message::Text(text.into_text())),
                    Event::Binary(data) => Some(Message::Binary(data.into_bytes())),
                    _ => return ControlFlow::Continue(()),
                };
                ControlFlow::Break(())
            }
        ))?;
        Poll::Ready(match received {
            Received::Paused => Ok(message),
            Received::Closed(story) if story.is_clean() => Ok(None),
            Received::Closed(story) => Err(Error::Closed(story)),
        })
    })
}

pub(crate) fn send(
    shared: &Arc<Shared>,
    message: Message,
    then: Then,
) -> impl Future<Output = Result<(), Error>> + Send + '_ {
    let (kind, mut payload) = (message.kind(), message.into_bytes());
    send_with(shared, then, move |core, tools| {
        core.queue_shared(kind, std::mem::take(&mut payload), tools)
    })
}

pub(crate) fn send_prepared<'a>(
    shared: &'a Arc<Shared>,
    frame: &'a PreparedFrame,
) -> impl Future<Output = Result<(), Error>> + Send + 'a {
    send_with(shared, Then::Write, |core, tools| {
        core.queue_prepared(frame, tools)
    })
}

/// Waits for room, then queues; `queue` is called once.
fn send_with<'a>(
    shared: &'a Arc<Shared>,
    then: Then,
    mut queue: impl FnMut(&mut Core, &mut Tools) -> Result<(), SendError> + Send + 'a,
) -> impl Future<Output = Result<(), Error>> + Send + 'a {
    let mut waiting = Waiting {
        shared,
        place: NO_PLACE,
    };
    poll_fn(move |cx| {
        let mut core = shared.lock();
        ready!(poll_room(
            shared,
            &mut core,
            waiting.place(),
            Whose::Nobodys,
            cx
        ))?;
        let queued = scratch::with(|scratch| queue(&mut core, &mut scratch.tools));
        queued.map_err(|error| core.refused(error))?;
        write(shared, &mut core, then);
        Poll::Ready(Ok(()))
    })
}

/// Writes what was just queued, or has it written later.
pub(crate) fn write(shared: &Arc<Shared>, core: &mut Core, then: Then) {
    if then == Then::Later || core.has_unread() {
        shared.defer_flush(core);
    } else {
        core.clock = shared.service.now();
        shared.flush_and_settle(core);
    }
}

/// Whose the message is that is being sent in fragments, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// That of who asks.
    Mine,
    /// Not that of who asks: it has to end first (RFC 6455 §5.4).
    Nobodys,
}

/// A future that may wait for the outbox, and leaves the queue when it is dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    place: Place,
}

impl Waiting<'_> {
    /// A method, because a closure that names the field captures a copy of the field alone.
    fn place(&mut self) -> &mut Place {
        &mut self.place
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.place != NO_PLACE {
            self.shared.lock().leave(self.place);
        }
    }
}

/// Ready when fewer bytes than the high-water mark wait, and no message of somebody else is half sent.
pub(crate) fn poll_room(
    shared: &Arc<Shared>,
    core: &mut Core,
    place: &mut Place,
    fragments: Whose,
    cx: &Context<'_>,
) -> Poll<Result<(), Error>> {
    if !core.is_writable() || core.connection.state() != State::Open {
        return Poll::Ready(Err(core.closed_error()));
    }
    let must_wait = fragments != Whose::Mine && core.connection.is_fragmenting();
    if must_wait || core.is_full() {
        core.wait_for_room(place, cx);
        if core.is_full() && !core.blocked {
            // Frames that were only queued: nobody writes them unless somebody is asked to.
            shared.defer_flush(core);
        }
        return Poll::Pending;
    }
    Poll::Ready(Ok(()))
}

pub(crate) fn poll_writable(shared: &Arc<Shared>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
    let mut core = shared.lock();
    poll_room(shared, &mut core, &mut { POLL_PLACE }, Whose::Nobodys, cx)
}

pub(crate) fn flush(shared: &Arc<Shared>) -> impl Future<Output = Result<(), Error>> + Send + '_ {
    let mut waiting = Waiting {
        shared,
        place: NO_PLACE,
    };
    poll_fn(move |cx| poll_flush(shared, &mut shared.lock(), waiting.place(), cx))
}

/// Ready when everything queued is with the operating system.
pub(crate) fn poll_flush(
    shared: &Arc<Shared>,
    core: &mut Core,
    place: &mut Place,
    cx: &Context<'_>,
) -> Poll<Result<(), Error>> {
    core.clock = shared.service.now();
    let flush = shared.flush_and_settle(core);
    if !core.is_writable() {
        return Poll::Ready(Err(core.closed_error()));
    }
    if flush == Flush::Blocked {
        core.wait_for_room(place, cx);
        return Poll::Pending;
    }
    Poll::Ready(Ok(()))
}

pub(crate) fn ping(shared: &Arc<Shared>, payload: &[u8]) -> Result<(), Error> {
    let mut core = shared.lock();
    core.connection
        .ping(payload)
        .map_err(|error| core.refused(error))?;
    core.clock = shared.service.now();
    shared.flush_and_settle(&mut core);
    Ok(())
}

pub(crate) fn pong(shared: &Arc<Shared>, payload: &[u8]) -> Result<(), Error> {
    let mut core = shared.lock();
    core.connection
        .pong(payload)
        .map_err(|error| core.refused(error))?;
    core.clock = shared.service.now();
    shared.flush_and_settle(&mut core);
    Ok(())
}

pub(crate) fn queue(shared: &Shared, frame: &PreparedFrame) -> Result<usize, Error> {
    let mut core = shared.lock();
    if !core.is_writable() {
        return Err(core.closed_error());
    }
    let queued = scratch::with(|scratch| core.queue_prepared(frame, &mut scratch.tools));
    queued.map_err(|error| core.refused(error))?;
    Ok(core.outbox.len())
}

pub(crate) fn try_flush(shared: &Shared) -> Flush {
    let mut core = shared.lock();
    core.clock = shared.service.now();
    shared.flush_and_settle(&mut core)
}

pub(crate) fn begin_close(
    shared: &Arc<Shared>,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error> {
    let mut core = shared.lock();
    let now = shared.service.now();
    core.clock = now;
    core.connection
        .close(now, code, reason)
        .map_err(Error::Misuse)?;
    shared.flush_and_settle(&mut core);
    shared.arm(&mut core);
    Ok(())
}

/// Receives, and throws messages away, until the connection is over.
pub(crate) fn closed(
    shared: &Arc<Shared>,
) -> impl Future<Output = Result<CloseStory, Error>> + Send + '_ {
    poll_fn(|cx| {
        let mut ignore = |_: Event<'_>, _: &mut Link<'_>| ControlFlow::Continue(());
        match ready!(shared.poll_receive(cx, &mut ignore))? {
            Received::Closed(story) => Poll::Ready(Ok(*story)),
            // The visitor never breaks.
            Received::Paused => Poll::Pending,
        }
    })
}

/// See [`WebSocket::for_each`](crate::WebSocket::for_each).
pub(crate) fn for_each<'a>(
    shared: &'a Arc<Shared>,
    mut visitor: impl FnMut(Event<'_>, &mut Link<'_>) + Send + 'a,
) -> impl Future<Output = Result<CloseStory, Error>> + Send + 'a {
    poll_fn(move |cx| {
        loop {
            // An error here is told, with its cause, by what is received next.
            if poll_writable(shared, cx).is_pending() {
                return Poll::Pending;
            }
            let received = ready!(shared.poll_receive(
                cx,
                &mut |event: Event<'_>, link: &mut Link<'_>| {
                    visitor(event, link);
                    if link.is_full() {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                }
            ))?;
            if let Received::Closed(story) = received {
                return Poll::Ready(Ok(*story));
            }
        }
    })
}
