//! Which deadline is next: keepalive Ping due, its answer overdue, Close overdue. Time is a value.

use super::state::Phase;
use super::{Connection, MaskSource};
use crate::config::{Config, MAX_UNPROVEN, SLOWEST_READER};
use crate::error::{Failure, Timeout};
use crate::frame::Opcode;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Timers {
    /// When the peer last gave a sign of life; any byte is one.
    heard: Instant,
    /// When the state of the socket last said that waiting is no proof of anything.
    excused: Instant,
    /// The keepalive Ping that waits for its Pong: when it was sent, how many unproven bytes were
    /// in front of it.
    ping: Option<(Instant, u64)>,
    /// Names the last keepalive Ping, so that its Pong is known.
    ping_number: u32,
    /// Bytes written since the last proof that the peer reads.
    unproven: u64,
    /// Whether the socket was full at some time since that proof.
    was_full: bool,
    /// Whether the socket takes no more bytes just now.
    blocked: bool,
    rtt: Option<Duration>,
    close_by: Option<Instant>,
}

impl Timers {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            excused: now,
            ping: None,
            ping_number: 0,
            unproven: 0,
            was_full: false,
            blocked: false,
            rtt: None,
            close_by: None,
        }
    }

    pub(super) fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    #[inline]
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    pub(super) fn close_by(&mut self, deadline: Instant) {
        self.close_by = Some(deadline);
    }

    /// A Pong: if it answers the keepalive Ping, the peer has read everything before it.
    pub(super) fn pong(&mut self, now: Instant, payload: &[u8]) {
        if let Some((sent, _)) = self.ping {
            if payload == self.ping_number.to_be_bytes() {
                self.rtt = Some(now.saturating_duration_since(sent));
                self.ping = None;
                self.unproven = 0;
                self.was_full = false;
            }
        }
    }

    /// How many bytes may lie in socket buffers in front of a Ping sent now. A socket that was never
    /// full hides less.
    fn ahead(&self) -> u64 {
        self.unproven.min(if self.was_full { MAX_UNPROVEN } else { MAX_UNPROVEN / 8 })
    }

    fn since(&self) -> Instant {
        self.heard.max(self.excused)
    }

    fn next(&self, phase: Phase, config: &Config) -> Option<Instant> {
        match phase {
            Phase::Open => {
                let interval = config.ping_interval?;
                Some(match self.ping {
                    Some((sent, ahead)) if self.heard <= sent => {
                        let patience = Duration::from_secs(ahead / SLOWEST_READER);
                        sent.max(self.excused) + config.pong_timeout + patience
                    }
                    _ => self.since() + interval,
                })
            }
            Phase::CloseSent | Phase::Complete | Phase::Failed => self.close_by,
            Phase::Ended => None,
        }
    }
}

impl Connection {
    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None`: never, unless
    /// something happens first. It only ever moves later while the connection is open, so a timer
    /// set for an earlier answer may fire and ask again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next(self.phase, &self.config)
    }

    /// Time has passed: sends the keepalive Ping that is due, or gives up on a silent peer. Calling
    /// it early does nothing.
    ///
    /// # Errors
    ///
    /// [`Failure::Timeout`] if a deadline has passed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Failure> {
        let Some(deadline) = self.next_deadline() else { return Ok(()) };
        if now < deadline {
            return Ok(());
        }
        if self.phase != Phase::Open {
            return self.close_overdue(now);
        }
        if self.timers.blocked {
            // The peer is slow to read: a Ping could not reach it, and its silence says nothing. If
            // it is gone, TCP's own retransmission timeout says so.
            self.timers.excused = now;
            return Ok(());
        }
        match self.timers.ping {
            Some((sent, _)) if self.timers.heard <= sent => {
                Err(self.fail(now, Failure::Timeout(Timeout::Pong)))
            }
            _ => {
                self.timers.ping_number = self.timers.ping_number.wrapping_add(1);
                self.timers.ping = Some((now, self.timers.ahead()));
                self.control.push(Opcode::Ping, &self.timers.ping_number.to_be_bytes());
                Ok(())
            }
        }
    }

    /// The socket took `count` bytes, and `blocked` says whether more wait that it did not take.
    pub fn wrote(&mut self, now: Instant, count: usize, blocked: bool) {
        let timers = &mut self.timers;
        timers.unproven = (timers.unproven + count as u64).min(MAX_UNPROVEN);
        timers.was_full |= blocked;
        if timers.blocked || blocked {
            // Progress after a block is a sign that the peer reads, if slowly.
            timers.excused = now;
            if count > 0 && self.phase != Phase::Open && timers.close_by.is_some() {
                timers.close_by = Some(now + self.config.close_timeout);
            }
        }
        timers.blocked = blocked;
    }

    /// Whether control frames wait to be taken with [`poll_transmit`](Self::poll_transmit).
    #[inline]
    #[must_use]
    pub fn has_control(&self) -> bool {
        self.control.len() > 0
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
