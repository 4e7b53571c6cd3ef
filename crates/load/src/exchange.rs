//! [`Exchange`]: what is sent over a WebSocket is to come back, as an echo or as a Pong. The answer that
//! comes is checked, and the next message queued, in place.

use crate::clock::BatchClock;
use crate::error::{ErrorClass, Failure};
use crate::lane::Offer;
use crate::stamp::Stamp;
use crate::tally::Desk;
use crate::window::{Answer, Sent, Window};
use std::ops::ControlFlow;
use std::task::{Context, Poll};
use tidewire::{Event, Link, PreparedFrame, Received, WebSocket};

/// As what messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Binary,
    Text,
    Ping,
}

/// The load of one connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) window: Window,
    kind: Kind,
    /// Whether an answer is followed by the next message.
    closed: bool,
}

impl Exchange {
    pub(crate) fn new(connection: u32, kind: Kind, closed: bool) -> Self {
        Self {
            window: Window::new(connection),
            kind,
            closed,
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.window.waiting()
    }

    /// How many messages follow answers that gave room to so many.
    #[inline]
    pub(crate) fn follow(&self, room: usize, desk: &Desk) -> usize {
        if self.closed && desk.tally.goes_on() {
            room
        } else {
            0
        }
    }

    /// The next payload, which is under way from now on.
    #[inline]
    pub(crate) fn next<'a>(&mut self, sent: Sent, desk: &'a mut Desk) -> &'a [u8] {
        desk.tally.sent();
        self.window.send(sent, &mut desk.stamp)
    }

    /// Queues a message.
    pub(crate) fn send(&mut self, ws: &WebSocket, sent: Sent, desk: &mut Desk) -> Offer {
        if self.kind == Kind::Ping {
            return self.ping(ws, sent, desk);
        }
        let kind = self.kind;
        let payload = self.next(sent, desk);
        let frame = match kind {
            Kind::Text => PreparedFrame::text(String::from_utf8_lossy(payload).into_owned()),
            _ => PreparedFrame::binary(payload),
        };
        // A closing connection refuses this, and receiving tells why.
        match ws.queue(&frame) {
            Ok(_) => Offer::Taken,
            Err(_) => Offer::Over,
        }
    }

    fn ping(&mut self, ws: &WebSocket, sent: Sent, desk: &mut Desk) -> Offer {
        match ws.ping(self.window.peek(&mut desk.stamp)) {
            Ok(()) => {
                self.next(sent, desk);
                Offer::Taken
            }
            // Too many control frames wait.
            Err(tidewire::Error::Misuse(_)) => Offer::Full,
            Err(_) => Offer::Over,
        }
    }

    /// Receives; resolves when the connection has failed.
    pub(crate) fn poll(
        &mut self,
        ws: &mut WebSocket,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Poll<Failure> {
        let mut clock = BatchClock::new(desk.stamp.len());
        loop {
            let mut pings = 0;
            let received = ws.poll_receive(cx, |event, link| {
                let Some((answer, bytes)) = self.judge(&event, &desk.stamp) else {
                    return ControlFlow::Continue(());
                };
                let now = clock.now(&desk.tally);
                let room = desk.tally.judged(answer, now, bytes);
                let follow = self.follow(room, desk);
                if self.kind == Kind::Ping && follow > 0 {
                    // A Ping cannot be sent from in here.
                    pings = follow;
                    return ControlFlow::Break(());
                }
                for _ in 0..follow {
                    self.answer(link, Sent { due: now, at: now }, desk);
                }
                ControlFlow::Continue(())
            });
            match received {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(Received::Closed(story))) => {
                    let failure = Failure::new(ErrorClass::Closed, story.to_string());
                    return Poll::Ready(failure);
                }
                // The visitor broke off.
                Poll::Ready(Ok(_)) => {
                    for _ in 0..pings {
                        let at = desk.tally.now();
                        self.ping(ws, Sent { due: at, at }, desk);
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Failure::open(&error)),
            }
        }
    }

    /// Sends the next message from within the visitor.
    #[inline]
    fn answer(&mut self, link: &mut Link<'_>, sent: Sent, desk: &mut Desk) {
        let kind = self.kind;
        let payload = self.next(sent, desk);
        // A closing connection refuses this, and receiving tells why.
        _ = match (kind, std::str::from_utf8(payload)) {
            (Kind::Text, Ok(text)) => link.send_text(text),
            _ => link.send_binary(payload),
        };
    }

    /// What an event answers, if it answers anything.
    #[inline]
    fn judge(&mut self, event: &Event<'_>, stamp: &Stamp) -> Option<(Answer, usize)> {
        let (payload, right) = match event {
            Event::Binary(data) => (&data[..], self.kind == Kind::Binary),
            Event::Text(text) => (text.as_bytes(), self.kind == Kind::Text),
            // Pongs that nobody asked for are allowed.
            Event::Pong(data) if self.kind == Kind::Ping => {
                let known = self.window.knows(data, stamp);
                return known.then(|| (self.window.answer(data, stamp), data.len()));
            }
            _ => return None,
        };
        match self.kind {
            // What the server says on its own is not asked about.
            Kind::Ping => None,
            _ if right => Some((self.window.answer(payload, stamp), payload.len())),
            _ => Some((self.window.spoiled(), payload.len())),
        }
    }

    /// Counts what has not come back; `whole`: the connection is still open.
    pub(crate) fn settle(&mut self, whole: bool, desk: &mut Desk) {
        let now = desk.tally.now();
        for sent in self.window.unanswered() {
            desk.tally.given_up(sent.due, now);
        }
        // What waited on a connection that failed is counted with the failure; and of several Pings
        // only the last needs an answer (RFC 6455 §5.5.3).
        desk.tally.counts.lost += match (self.kind, whole) {
            (Kind::Ping, true) => self.window.waiting() as u64,
            (Kind::Ping, false) => 0,
            (_, true) => self.window.lost(),
            (_, false) => self.window.passed_over(),
        };
    }
}
