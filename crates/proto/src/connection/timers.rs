//! Which deadline is next: keepalive Ping due, its answer overdue, Close overdue. Time is a value.

use super::state::Phase;
use super::{Connection, MaskSource};
use crate::config::{Config, MAX_UNPROVEN, SLOWEST_READER};
use crate::error::{Failure, Timeout};
use crate::event::Event;
use crate::frame::{CloseCode, Opcode};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Timers {
    /// When the peer last gave a sign of life; any byte is one.
    heard: Instant,
    /// When the state of the socket last said that waiting is no proof of anything.
    excused: Instant,
    /// What we wait for the peer to say.
    awaited: Awaited,
    /// Bytes that were written before the last keepalive Ping and not proven to be read.
    ahead: u32,
    /// Names the last keepalive Ping, so that its Pong is known.
    ping_number: u32,
    /// Bytes written since the last proof that the peer reads.
    unproven: u32,
    /// Whether the socket was full at some time since that proof.
    was_full: bool,
    /// Whether the socket takes no more bytes just now.
    blocked: bool,
    /// Whether the next deadline may have moved earlier since the owner last asked.
    moved: bool,
    /// In microseconds; 0 if it is not known.
    rtt: u32,
    /// There only if idle connections are to be closed.
    idle: Option<Box<Idle>>,
}

/// When a message last went either way.
#[derive(Debug)]
struct Idle {
    since: Instant,
    /// Whether one was sent since, at a moment that is not known yet.
    sent: bool,
}

#[derive(Clone, Copy, Debug)]
enum Awaited {
    Nothing,
    /// The Pong to a keepalive Ping that was sent then.
    Pong(Instant),
    /// The answer to our Close, or the end of TCP, by then.
    End(Instant),
}

impl Timers {
    pub(super) fn new(now: Instant, config: &Config) -> Self {
        let idle = config.idle_timeout.map(|_| {
            Box::new(Idle {
                since: now,
                sent: false,
            })
        });
        Self {
            heard: now,
            excused: now,
            awaited: Awaited::Nothing,
            ahead: 0,
            ping_number: 0,
            unproven: 0,
            was_full: false,
            blocked: false,
            moved: false,
            rtt: 0,
            idle,
        }
    }

    pub(super) fn rtt(&self) -> Option<Duration> {
        (self.rtt > 0).then(|| Duration::from_micros(self.rtt.into()))
    }

    #[inline]
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The answer to our Close, or the end of TCP, is due within `time`.
    pub(super) fn end_within(&mut self, now: Instant, time: Duration) {
        self.awaited = now.checked_add(time).map_or(Awaited::Nothing, Awaited::End);
        self.moved = true;
    }

    /// A Pong: if it answers the keepalive Ping, the peer has read everything before it.
    pub(super) fn pong(&mut self, now: Instant, payload: &[u8]) {
        if let Awaited::Pong(sent) = self.awaited {
            if payload == self.ping_number.to_be_bytes() {
                let rtt = now.saturating_duration_since(sent).as_micros();
                self.rtt = u32::try_from(rtt).unwrap_or(u32::MAX).max(1);
                self.awaited = Awaited::Nothing;
                self.moved = true;
                self.unproven = 0;
                self.was_full = false;
            }
        }
    }

    /// How many bytes may lie in socket buffers in front of a Ping sent now. A socket that was never
    /// full hides less.
    fn hidden(&self) -> u32 {
        self.unproven.min(if self.was_full {
            MAX_UNPROVEN
        } else {
            MAX_UNPROVEN / 8
        })
    }

    /// When the Ping was sent since which nothing at all has arrived.
    fn unanswered(&self) -> Option<Instant> {
        match self.awaited {
            Awaited::Pong(sent) if self.heard <= sent => Some(sent),
            _ => None,
        }
    }

    /// A message, or a part of one, is being sent.
    #[inline]
    pub(super) fn sending(&mut self) {
        if let Some(idle) = &mut self.idle {
            idle.sent = true;
        }
    }

    /// Now it is known when that was.
    #[inline]
    fn sent(&mut self, now: Instant) {
        if let Some(idle) = &mut self.idle {
            if std::mem::take(&mut idle.sent) {
                idle.since = now;
            }
        }
    }

    fn idle_until(&self, config: &Config) -> Option<Instant> {
        let idle = self.idle.as_ref()?;
        idle.since.checked_add(config.idle_timeout?)
    }

    fn since(&self) -> Instant {
        self.heard.max(self.excused)
    }

    fn next(&self, phase: Phase, config: &Config) -> Option<Instant> {
        match phase {
            Phase::Open => {
                let (alive, idle) = (self.keepalive(config), self.idle_until(config));
                match (alive, idle) {
                    (Some(alive), Some(idle)) => Some(alive.min(idle)),
                    (alive, idle) => alive.or(idle),
                }
            }
            Phase::CloseSent | Phase::Complete | Phase::Failed => match self.awaited {
                Awaited::End(deadline) => Some(deadline),
                _ => None,
            },
            Phase::Ended => None,
        }
    }

    /// When a Ping is due, or its answer overdue. A time too long for the clock is never.
    fn keepalive(&self, config: &Config) -> Option<Instant> {
        let interval = config.ping_interval?;
        match self.unanswered() {
            Some(sent) => {
                let patience = Duration::from_secs((self.ahead / SLOWEST_READER).into());
                let patience = config.pong_timeout.checked_add(patience)?;
                sent.max(self.excused).checked_add(patience)
            }
            None => self.since().checked_add(interval),
        }
    }
}

impl Connection {
    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None`: never, unless
    /// something happens first. Mostly it only moves later, so a timer set for an earlier answer may
    /// fire and ask again; [`deadline_moved`](Self::deadline_moved) tells of the exceptions.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next(self.phase, &self.config)
    }

    /// Whether the next deadline may have moved earlier since this was last asked: closing has begun,
    /// or a keepalive Ping was answered while long patience was in force. Ask after anything that
    /// happened, and set the timer anew if so.
    #[inline]
    pub fn deadline_moved(&mut self) -> bool {
        std::mem::take(&mut self.timers.moved)
    }

    /// Time has passed: sends the keepalive Ping that is due, or gives up on a silent peer. Calling
    /// it early does nothing.
    ///
    /// # Errors
    ///
    /// [`Failure::Timeout`] if a deadline has passed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Failure> {
        let Some(deadline) = self.next_deadline() else {
            return Ok(());
        };
        if now < deadline {
            return Ok(());
        }
        if self.phase != Phase::Open {
            return self.close_overdue(now);
        }
        self.timers.sent(now);
        if self
            .timers
            .idle_until(&self.config)
            .is_some_and(|end| end <= now)
        {
            // Nothing about it can be misused: the code may be sent, and the reason is short.
            let _ = self.close(now, CloseCode::GOING_AWAY, "idle");
            return Ok(());
        }
        if self
            .timers
            .keepalive(&self.config)
            .is_none_or(|due| due > now)
        {
            return Ok(());
        }
        if self.timers.blocked {
            // The peer is slow to read: a Ping could not reach it, and its silence says nothing. If
            // it is gone, TCP's own retransmission timeout says so.
            self.timers.excused = now;
            return Ok(());
        }
        if self.timers.unanswered().is_some() {
            return Err(self.fail(now, Failure::Timeout(Timeout::Pong)));
        }
        self.timers.ping_number = self.timers.ping_number.wrapping_add(1);
        self.timers.awaited = Awaited::Pong(now);
        self.timers.ahead = self.timers.hidden();
        self.control
            .push(Opcode::Ping, &self.timers.ping_number.to_be_bytes());
        Ok(())
    }

    /// A message, or a part of one, has come.
    #[inline]
    pub(super) fn note_received(
        &mut self,
        now: Instant,
        outcome: &Result<Option<Event<'_>>, Failure>,
    ) {
        if let Some(idle) = &mut self.timers.idle {
            let control = matches!(
                outcome,
                Ok(Some(Event::Ping(_) | Event::Pong(_) | Event::Close(_)))
            );
            let message = matches!(outcome, Ok(Some(_))) && !control;
            if message || self.recv.is_in_message() {
                idle.since = now;
            }
        }
    }

    /// Bytes of the peer arrived that are not handed in yet: it lives. `receive` says so by itself.
    pub fn heard(&mut self, now: Instant) {
        self.timers.heard(now);
    }

    /// The socket took `count` bytes, and `blocked` says whether more wait that it did not take.
    pub fn wrote(&mut self, now: Instant, count: usize, blocked: bool) {
        let timers = &mut self.timers;
        let count_capped = u32::try_from(count).unwrap_or(MAX_UNPROVEN);
        timers.unproven = timers
            .unproven
            .saturating_add(count_capped)
            .min(MAX_UNPROVEN);
        self.drained(now, count > 0, blocked);
    }

    /// Bytes that the socket had taken as far as [`wrote`](Self::wrote) knows went on from a layer
    /// below, TLS for example: whether `some` did, and whether it is `blocked` now.
    pub fn drained(&mut self, now: Instant, some: bool, blocked: bool) {
        let timers = &mut self.timers;
        timers.sent(now);
        timers.was_full |= blocked;
        if timers.blocked || blocked {
            // Progress after a block is a sign that the peer reads, if slowly.
            timers.excused = now;
            if let (Awaited::End(_), true) = (timers.awaited, some) {
                timers.end_within(now, self.config.close_timeout);
            }
        }
        timers.blocked = blocked;
    }

    /// Whether control frames wait to be taken with [`poll_transmit`](Self::poll_transmit).
    #[inline]
    #[must_use]
    pub fn has_control(&self) -> bool {
        !self.control.is_empty()
    }

    /// Appends the control frames that wait to `out`, masked if this is a client; whether there was
    /// one. Call it after `receive`, `handle_timeout`, and every command, unless too much waits to be
    /// written already: what waits here is bounded.
    pub fn poll_transmit(
        &mut self,
        _now: Instant,
        masks: &mut (impl MaskSource + ?Sized),
        out: &mut Vec<u8>,
    ) -> bool {
        self.control.drain(self.role, masks, out)
    }
}
