//! Bytes in, parts of messages out: for messages that are too large to hold.

use super::Connection;
use super::under_way::{Flow, Partial, take};
use crate::deflate::Pool;
use crate::error::{Failure, ProtocolViolation as Violation};
use crate::event::{Event, Payload, TextPayload};
use crate::frame::Opcode;
use std::time::Instant;
use tidewire_simd::{from_utf8, mask};

/// Inflated bytes that are worth handing out.
const ENOUGH: usize = 16 * 1024;

impl Connection {
    /// As [`receive`](Self::receive), but hands messages out in parts, as their bytes arrive:
    /// [`Event::TextPart`] and [`Event::BinaryPart`]. Memory stays bounded whatever the size of a
    /// message: uncompressed parts lie in `input`, unmasked in place, and compressed ones are inflated
    /// a piece at a time, into some 80 KiB at most. A part is never empty, unless it is the last.
    ///
    /// Text is checked as it arrives (§8.1) and cut between characters: up to three bytes of an
    /// unfinished one wait for the rest.
    ///
    /// Neither `max_message` nor `max_frame` bounds such a message: `max_streamed` does, or
    /// [`limit_message`](Self::limit_message).
    ///
    /// The two may be mixed at any byte: which rules hold is decided anew by each call. What `receive`
    /// has gathered of a message comes out as the first part. When part of a message was handed out and
    /// `receive` is called, the rest of that message is thrown away.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn receive_part<'b>(
        &mut self,
        now: Instant,
        pool: &mut Pool,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Event<'b>>, Failure> {
        if self.is_over() {
            *input = &mut [];
            return Ok(None);
        }
        if !input.is_empty() {
            self.timers.heard(now);
        }
        let outcome = self.advance_parts(now, pool, input);
        self.note_received(now, &outcome);
        outcome.map_err(|failure| {
            *input = &mut [];
            self.fail(now, failure)
        })
    }

    /// Whether part of a message was gathered that [`receive_part`](Self::receive_part) would hand out
    /// without any further input.
    #[must_use]
    pub fn has_gathered(&self) -> bool {
        self.recv
            .message
            .as_ref()
            .is_some_and(|message| message.flow == Flow::Gathered && message.ready() > 0)
    }

    /// Whether bytes are inflated only to be thrown away: little input can be much work then, and an
    /// owner with other connections lets them have their turn.
    #[must_use]
    pub fn is_inflating_waste(&self) -> bool {
        self.recv
            .message
            .as_ref()
            .is_some_and(|message| message.flow == Flow::Discarded && message.compressed)
    }

    /// Throws away the rest of the message that is being handed out: its bytes are still checked, but
    /// no part of it follows. Without such a message nothing happens.
    pub fn discard_message(&mut self) {
        if let Some(message) = &mut self.recv.message {
            if message.flow == Flow::HandedOut {
                message.flow = Flow::Discarded;
            }
        }
    }

    /// Allows the message that is being handed out at most `bytes` in all, after decompression, and
    /// instead of `max_streamed`. Without such a message nothing happens.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded::Streamed`](crate::LimitExceeded::Streamed) if it is larger already, or its frame claims to be: the connection
    /// has failed.
    pub fn limit_message(&mut self, now: Instant, bytes: u64) -> Result<(), Failure> {
        match &mut self.recv.message {
            Some(message) if message.flow == Flow::HandedOut => message
                .budget
                .limit_to(bytes)
                .map_err(|over| self.fail(now, over.into())),
            _ => Ok(()),
        }
    }

    /// Whether parts of the message under way were handed out.
    pub(super) fn is_handing_out(&self) -> bool {
        self.recv
            .message
            .as_ref()
            .is_some_and(|message| message.flow != Flow::Gathered)
    }

    fn advance_parts<'b>(
        &mut self,
        now: Instant,
        pool: &mut Pool,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Event<'b>>, Failure> {
        if let Some(event) = self.gathered()? {
            return Ok(Some(event));
        }
        loop {
            if let Some(partial) = self.recv.frame {
                let event = if partial.opcode.is_control() {
                    self.part(now, pool, partial, input)?
                } else {
                    self.next_part(pool, partial, input)?
                };
                if event.is_some() || self.recv.frame.is_some() {
                    return Ok(event);
                }
                continue;
            }
            let Some(header) = self.read_header(input)? else {
                return Ok(None);
            };
            self.begin::<true>(&header)?;
            let in_place = header.opcode.is_control() || self.recv.message.is_none();
            let whole = usize::try_from(header.len)
                .ok()
                .filter(|&len| len <= input.len() && in_place);
            let Some(len) = whole else {
                self.recv.frame = Some(Partial::new(&header));
                continue;
            };
            let payload = take(input, len);
            if let Some(key) = header.mask {
                mask(key, payload);
            }
            let payload: &'b [u8] = payload;
            return Ok(Some(match header.opcode {
                Opcode::Text => {
                    // §8.1: text that is not UTF-8 MUST fail the connection.
                    let text = from_utf8(payload).map_err(|_| Violation::InvalidUtf8)?;
                    let text = TextPayload::Borrowed(text);
                    Event::TextPart { text, last: true }
                }
                control if control.is_control() => {
                    self.control(now, control, Payload::Borrowed(payload))?
                }
                _ => {
                    let data = Payload::Borrowed(payload);
                    Event::BinaryPart { data, last: true }
                }
            }));
        }
    }

    /// What was gathered before parts were asked for.
    fn gathered(&mut self) -> Result<Option<Event<'static>>, Failure> {
        if !self.has_gathered() {
            return Ok(None);
        }
        let Some(message) = &mut self.recv.message else {
            return Ok(None);
        };
        let data = self.recv.frame.filter(|frame| !frame.opcode.is_control());
        message.turn::<true>(data, &self.config)?;
        message.flow = Flow::HandedOut;
        Ok(Some(message.take_ready(false)))
    }

    /// Takes the next part of a payload. `None`: the frame has ended, or `input` is used up.
    pub(super) fn next_part<'b>(
        &mut self,
        pool: &mut Pool,
        mut partial: Partial,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Event<'b>>, Failure> {
        self.open_message::<true>(partial)?;
        loop {
            let Some(message) = &mut self.recv.message else {
                return Ok(None);
            };
            message.turn::<true>(Some(partial), &self.config)?;
            let left = usize::try_from(partial.remaining).unwrap_or(usize::MAX);
            let count = input.len().min(left).min(message.step());
            if count == 0 && left > 0 {
                return Ok(None);
            }
            let piece = partial.take(input, count);
            let ended = partial.remaining == 0;
            let last = ended && partial.fin;
            self.recv.frame = (!ended).then_some(partial);

            let event = match &mut self.codec {
                Some(codec) if message.compressed => {
                    codec.inflate(piece, last, message, pool)?;
                    if !ended && message.gather.len() < ENOUGH && !input.is_empty() {
                        continue;
                    }
                    message.take_ready(last)
                }
                _ => message.plain_part(piece, last)?,
            };
            if last && message.ends_inside_a_character() {
                // §8.1: a text message that ends inside a character is not UTF-8.
                return Err(Violation::InvalidUtf8.into());
            }
            let discarded = message.flow == Flow::Discarded;
            let empty = is_empty(&event);
            if !empty {
                message.quiet = 0;
            }
            if last {
                self.recv.message = None;
            } else if !empty && !discarded {
                message.flow = Flow::HandedOut;
            }
            if (last || !empty) && !discarded {
                return Ok(Some(event));
            }
            if ended {
                return Ok(None);
            }
        }
    }
}

fn is_empty(event: &Event<'_>) -> bool {
    match event {
        Event::TextPart { text, .. } => text.is_empty(),
        Event::BinaryPart { data, .. } => data.is_empty(),
        _ => false,
    }
}
