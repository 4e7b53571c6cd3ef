//! Large payloads, read from the socket into the buffer of their message.

use super::Connection;
use crate::error::Failure;
use crate::event::Event;
use crate::message::EAGER;
use bytes::BytesMut;
use std::time::Instant;
use tidewire_simd::Spare;

impl Connection {
    /// How many bytes of payload [`direct`](Self::direct) can still take in; 0 if it cannot be used.
    #[inline]
    #[must_use]
    pub fn direct_len(&self) -> usize {
        match (&self.recv.frame, &self.recv.message) {
            (Some(partial), Some(message))
                if !partial.opcode.is_control() && message.may_go_direct() =>
            {
                usize::try_from(partial.remaining).unwrap_or(usize::MAX)
            }
            _ => 0,
        }
    }

    /// Where the payload of a large frame can be read in without passing through the caller's
    /// buffer: `Some` while an uncompressed data frame is under way. At most what is left of the
    /// frame fits, and 64 KiB. Report what was read with [`received_direct`](Self::received_direct).
    pub fn direct(&mut self) -> Option<Spare<'_>> {
        /// One read takes at most this: it is unmasked and checked while it is in the cache.
        const STEP: usize = 64 * 1024;
        let partial = self
            .recv
            .frame
            .filter(|partial| !partial.opcode.is_control())?;
        let message = self
            .recv
            .message
            .as_mut()
            .filter(|message| message.may_go_direct())?;
        let step = usize::try_from(partial.remaining).map_or(STEP, |left| left.min(STEP));
        message
            .gather
            .reserve(step.min(message.gather.len().max(1)), partial.remaining);
        Some(message.gather.spare(step))
    }

    /// Moves the message under way into one of `spares`, if one holds all that its frame claims and
    /// the message has begun to arrive in earnest: it need not grow then. What is left of `spares` is
    /// whatever did not suit; their content does not matter.
    pub fn use_spare(&mut self, spares: &mut Vec<BytesMut>) {
        if self.direct_len() == 0 {
            return;
        }
        let (Some(partial), Some(message)) = (&self.recv.frame, &mut self.recv.message) else {
            return;
        };
        let arrived = message.gather.len();
        let Ok(whole) = usize::try_from(partial.remaining.saturating_add(arrived as u64)) else {
            return;
        };
        // A claim alone takes nothing from others.
        if arrived < EAGER / 2 || whole <= message.gather.capacity() {
            return;
        }
        let suits =
            |spare: &BytesMut| (whole..=whole.saturating_mul(4)).contains(&spare.capacity());
        if let Some(at) = spares.iter().position(suits) {
            message.gather.move_into(spares.swap_remove(at));
        }
    }

    /// `count` bytes were read into [`direct`](Self::direct).
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn received_direct(
        &mut self,
        now: Instant,
        count: usize,
    ) -> Result<Option<Event<'static>>, Failure> {
        self.timers.heard(now);
        let outcome = self.filled(count);
        self.note_received(now, &outcome);
        outcome.map_err(|failure| self.fail(now, failure))
    }

    fn filled(&mut self, count: usize) -> Result<Option<Event<'static>>, Failure> {
        let (Some(partial), Some(message)) = (&mut self.recv.frame, &mut self.recv.message) else {
            return Ok(None);
        };
        let count = count.min(usize::try_from(partial.remaining).unwrap_or(usize::MAX));
        message
            .gather
            .filled(count, partial.mask.map(|key| (key, partial.offset)))?;
        partial.offset += count as u64;
        partial.remaining -= count as u64;
        if partial.remaining > 0 {
            return Ok(None);
        }
        let fin = partial.fin;
        self.recv.frame = None;
        if fin { self.finish_message() } else { Ok(None) }
    }
}
