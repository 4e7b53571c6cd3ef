//! The closing handshake (RFC 6455 §7): who began, what was said, and failing the connection.

use super::Connection;
use super::state::{CloseStory, ClosedBy, Phase};
use crate::error::{Failure, SendError, Timeout};
use crate::frame::close::MAX_REASON;
use crate::frame::{CloseCode, CloseFrame, Opcode};
use std::time::Instant;

impl Connection {
    /// Begins to close. The Close frame is queued behind what was sent before; messages of the peer
    /// may still come until its own Close. [`CloseCode::NO_STATUS`] sends a Close without a code.
    ///
    /// Closing twice, or after the peer, changes nothing and is no error.
    ///
    /// # Errors
    ///
    /// [`SendError::CodeNotAllowed`] and [`SendError::ReasonTooLong`]; nothing was queued then.
    pub fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
        // §7.4.1: 1005, 1006, 1015 "MUST NOT be set as a status code in a Close control frame".
        if !code.may_be_sent() && code != CloseCode::NO_STATUS {
            return Err(SendError::CodeNotAllowed(code));
        }
        if reason.len() > MAX_REASON {
            return Err(SendError::ReasonTooLong);
        }
        if self.phase == Phase::Open {
            self.phase = Phase::CloseSent;
            self.tell(ClosedBy::Us, None);
            self.queue_close(
                now,
                CloseFrame {
                    code,
                    reason: reason.into(),
                },
            );
        }
        Ok(())
    }

    /// Takes the peer's Close, and queues the answer if it needs one.
    pub(super) fn receive_close(&mut self, now: Instant, frame: CloseFrame) {
        self.tell(ClosedBy::Peer, None).received = Some(frame.clone());
        if self.phase == Phase::Open {
            // §5.5.1: an endpoint that has not sent a Close "MUST send a Close frame in response",
            // and "typically echos the status code it received".
            let answer = CloseFrame {
                code: frame.code,
                reason: Default::default(),
            };
            self.queue_close(now, answer);
        } else {
            self.timers.end_within(now, self.config.close_timeout);
        }
        self.phase = Phase::Complete;
        self.recv.drop_message();
    }

    /// Fails the connection (§7.1.7): says why in a Close frame, and reads no further.
    #[cold]
    pub(super) fn fail(&mut self, now: Instant, failure: Failure) -> Failure {
        match failure.close_code() {
            // §7.1.7: "SHOULD send a Close frame with an appropriate status code".
            Some(code) if self.phase == Phase::Open => {
                self.tell(ClosedBy::Us, Some(failure));
                let reason = failure.to_string();
                let reason = &reason[..floor_char_boundary(&reason, MAX_REASON)];
                self.queue_close(
                    now,
                    CloseFrame {
                        code,
                        reason: reason.into(),
                    },
                );
                self.phase = Phase::Failed;
            }
            // Our Close is already on its way: nothing may follow it (§5.5.1).
            Some(_) if self.phase == Phase::CloseSent => {
                self.tell(ClosedBy::Us, Some(failure));
                self.phase = Phase::Failed;
            }
            Some(_) => {}
            None => {
                self.tell(ClosedBy::Network, Some(failure));
                self.control.clear();
                self.phase = Phase::Ended;
            }
        }
        self.recv.drop_message();
        failure
    }

    /// The TCP connection ended on the peer's side.
    ///
    /// # Errors
    ///
    /// [`Failure::Eof`] if that was before both Close frames were there.
    pub fn receive_eof(&mut self, now: Instant) -> Result<(), Failure> {
        match self.phase {
            Phase::Open | Phase::CloseSent => Err(self.fail(now, Failure::Eof)),
            Phase::Complete | Phase::Failed | Phase::Ended => {
                self.phase = Phase::Ended;
                Ok(())
            }
        }
    }

    /// The close deadline has passed.
    pub(super) fn close_overdue(&mut self, now: Instant) -> Result<(), Failure> {
        match self.phase {
            Phase::CloseSent => Err(self.fail(now, Failure::Timeout(Timeout::Close))),
            _ => {
                self.phase = Phase::Ended;
                Ok(())
            }
        }
    }

    fn queue_close(&mut self, now: Instant, frame: CloseFrame) {
        let mut body = Vec::new();
        frame.encode(&mut body);
        self.control.push(Opcode::Close, &body);
        self.timers.end_within(now, self.config.close_timeout);
        if let Some(story) = &mut self.story {
            story.sent = Some(frame);
        }
    }

    /// The story so far; begun `by` whom, if this is its beginning.
    fn tell(&mut self, by: ClosedBy, failure: Option<Failure>) -> &mut CloseStory {
        let story = self
            .story
            .get_or_insert_with(|| Box::new(CloseStory::begun(by)));
        story.failure = story.failure.or(failure);
        story
    }
}

/// As `str::floor_char_boundary`, which is younger than the oldest compiler this crate builds with.
fn floor_char_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at)
        .rev()
        .find(|&i| text.is_char_boundary(i))
        .unwrap_or(0)
}
