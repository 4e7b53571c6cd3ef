//! The life over all connections, as states: what one poll does, and what an end leads to.
//!
//! ```text
//!   Due ──▶ Attempting ──opened──▶ Open ──close()──▶ Closing ──▶ Over
//!    ▲          │ failed            │ ended                       ▲
//!    │          ▼                   ▼                             │
//!    └────── Waiting ◀──retry── the verdict ──final, given up─────┘
//! ```

use super::Reconnecting;
use super::attempt::Boxed;
use super::event::{Attempt, GaveUp, GiveUpReason, ReconnectError, ReconnectEvent};
use super::verdict::{End, Verdict};
use crate::error::Error;
use crate::handle;
use crate::message::Message;
use crate::observe::events;
use crate::websocket::WebSocket;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tidewire_proto::{CloseStory, ClosedBy};
use tokio::time::{Instant, Sleep, sleep};

pub(super) enum Phase {
    /// The next attempt is due now.
    Due,
    /// The next attempt is due later.
    Waiting(Pin<Box<Sleep>>),
    /// An attempt is under way.
    Attempting(Boxed<Result<WebSocket, End>>),
    /// A connection is open, or has ended and that has not been received yet.
    Open { socket: WebSocket, since: Instant },
    /// The caller closes.
    Closing(WebSocket),
    /// Nothing more will come; the reason, if it is an error.
    Over(Option<GaveUp>),
}

impl Phase {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Due => "Due",
            Self::Waiting(_) => "Waiting",
            Self::Attempting(_) => "Attempting",
            Self::Open { .. } => "Open",
            Self::Closing(_) => "Closing",
            Self::Over(_) => "Over",
        }
    }
}

/// What counts the failures since the last stable connection.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Attempts that began.
    pub(super) attempts: u32,
    /// Attempts and connections that ended.
    ends: u32,
    /// Since when there has been no stable connection.
    since: Option<Instant>,
}

impl Reconnecting {
    /// The next event, whatever it takes.
    pub(super) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<ReconnectEvent>, GaveUp>> {
        loop {
            if let Some(event) = self.pending.pop() {
                return Poll::Ready(Ok(Some(event)));
            }
            match &self.phase {
                Phase::Over(None) => return Poll::Ready(Ok(None)),
                Phase::Over(Some(gave_up)) => return Poll::Ready(Err(gave_up.clone())),
                Phase::Open { .. } => {
                    if let Some(message) = ready!(self.poll_message(cx)) {
                        return Poll::Ready(Ok(Some(ReconnectEvent::Message(message))));
                    }
                }
                _ => ready!(self.poll_step(cx)),
            }
        }
    }

    /// Ready when a connection is open. What happens on the way is kept for `poll_event`.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReconnectError>> {
        loop {
            match &self.phase {
                Phase::Open { .. } => return Poll::Ready(Ok(())),
                Phase::Over(None) => return Poll::Ready(Err(ReconnectError::Closed)),
                Phase::Over(Some(gave_up)) => {
                    return Poll::Ready(Err(ReconnectError::GaveUp(gave_up.clone())));
                }
                _ => ready!(self.poll_step(cx)),
            }
        }
    }

    /// Receives what the connection that has just failed to send still holds, and its end.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Phase::Open { .. } = self.phase {
            if let Some(message) = ready!(self.poll_message(cx)) {
                if !self.pending.message(message) {
                    self.dead("too much was unread on a connection that takes nothing more");
                }
            }
        }
        Poll::Ready(())
    }

    /// Gives up a connection that takes nothing more and does not end by itself.
    pub(super) fn dead(&mut self, why: &str) {
        let begun = self.socket().and_then(WebSocket::close_story);
        self.ended(match begun {
            Some(story) => End::Closed(Box::new(story)),
            None => End::Failed(Error::Io(io::Error::other(why))),
        });
    }

    /// One step of a phase that brings no messages.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.phase {
            Phase::Due => self.begin(),
            Phase::Waiting(wait) => {
                ready!(wait.as_mut().poll(cx));
                self.phase = Phase::Due;
            }
            Phase::Attempting(attempt) => match ready!(attempt.as_mut().poll(cx)) {
                Ok(socket) => self.opened(socket),
                Err(end) => self.ended(end),
            },
            Phase::Closing(socket) => {
                let _ = ready!(pin!(handle::closed(&socket.shared)).poll(cx));
                self.phase = Phase::Over(None);
            }
            Phase::Open { .. } | Phase::Over(_) => {}
        }
        Poll::Ready(())
    }

    /// The next message of the open connection; `None`: it ended, and the phase is another.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.count_written();
        let Phase::Open { socket, .. } = &mut self.phase else {
            return Poll::Ready(None);
        };
        let received = ready!(pin!(socket.recv()).poll(cx));
        let end = match received {
            Ok(Some(message)) => return Poll::Ready(Some(message)),
            Ok(None) => {
                let story = socket.close_story();
                End::Closed(Box::new(
                    story.unwrap_or(CloseStory::begun(ClosedBy::Network)),
                ))
            }
            Err(Error::Closed(story)) => End::Closed(story),
            Err(error) => End::Failed(error),
        };
        self.ended(end);
        Poll::Ready(None)
    }

    /// Forgets the messages that are with the operating system by now.
    pub(super) fn count_written(&mut self) {
        if self.unsent == 0 {
            return;
        }
        if let Phase::Open { socket, .. } = &self.phase {
            let core = socket.shared.lock();
            // One that takes nothing more has thrown away what waited.
            if core.is_writable() && !core.has_output() {
                self.unsent = 0;
            }
        }
    }

    fn begin(&mut self) {
        self.tally.since.get_or_insert_with(Instant::now);
        self.tally.attempts = self.tally.attempts.saturating_add(1);
        let attempt = self.attempt();
        let client = self.client.clone();
        let attempt = self.hooks.attempt(client, attempt, self.attempt_timeout);
        self.phase = Phase::Attempting(attempt);
    }

    fn attempt(&self) -> Attempt {
        Attempt {
            number: self.tally.attempts,
            opened: self.opened,
        }
    }

    fn opened(&mut self, socket: WebSocket) {
        let opened = ReconnectEvent::Opened(self.attempt());
        self.pending.notice(opened);
        self.opened = self.opened.saturating_add(1);
        self.unsent = 0;
        self.phase = Phase::Open {
            socket,
            since: Instant::now(),
        };
    }

    /// An attempt or a connection ended: what now?
    fn ended(&mut self, end: End) {
        if let Phase::Open { since, .. } = &self.phase {
            // A connection that was accepted and soon closed counts as one failure more.
            if since.elapsed() >= self.stable_after {
                self.tally = Tally::default();
            }
        }
        let since = *self.tally.since.get_or_insert_with(Instant::now);
        let ends = self.tally.ends;
        self.tally.ends = ends.saturating_add(1);
        let verdict = match &self.classify {
            Some(classify) => classify(&end),
            None => Verdict::of(&end),
        };
        let (least, spread) = match verdict {
            Verdict::Final if end.is_clean() => {
                self.phase = Phase::Over(None);
                return;
            }
            Verdict::Final => return self.give_up(GiveUpReason::Final, end),
            Verdict::Retry => (Duration::ZERO, Duration::ZERO),
            Verdict::RetryAfter { least, spread } => (least, spread),
        };
        if self.most_attempts.is_some_and(|n| self.tally.attempts >= n) {
            return self.give_up(GiveUpReason::Attempts, end);
        }
        let retry_in = self.backoff.draw(ends, least, spread);
        let next = since.elapsed().saturating_add(retry_in);
        if self.most_time.is_some_and(|time| next > time) {
            return self.give_up(GiveUpReason::Time, end);
        }
        events::retrying(&end, retry_in, self.tally.attempts);
        self.pending.notice(ReconnectEvent::Lost {
            end: Arc::new(end),
            retry_in,
            unsent: self.unsent,
        });
        self.phase = Phase::Waiting(Box::pin(sleep(retry_in)));
    }

    fn give_up(&mut self, why: GiveUpReason, end: End) {
        events::gave_up(&end, self.tally.attempts);
        self.phase = Phase::Over(Some(GaveUp {
            why,
            end: Arc::new(end),
            attempts: self.tally.attempts,
        }));
    }
}
