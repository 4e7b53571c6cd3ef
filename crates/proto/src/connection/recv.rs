//! Bytes in, events out (RFC 6455 §5, §6.2), and what each violation is called.

use super::state::Phase;
use super::under_way::{Flow, Message, Partial, take};
use super::{Connection, codec::Codec};
use crate::deflate::Pool;
use crate::error::{Failure, LimitExceeded, ProtocolViolation as Violation};
use crate::event::{Event, Payload, TextPayload};
use crate::frame::header::{self, Header, Rules};
use crate::frame::{CloseFrame, Kind, Opcode};
use crate::message::Budget;
use std::time::Instant;
use tidewire_simd::{from_utf8, mask};

/// Where the reading of the byte stream stands. Between whole messages it owns no buffer.
#[derive(Debug, Default)]
pub(super) struct Recv {
    /// A header that has not arrived whole.
    head: [u8; header::MAX_LEN],
    head_len: u8,
    /// A frame whose payload has not arrived whole.
    pub(super) frame: Option<Partial>,
    /// A message that has not arrived whole. Boxed, as what follows: an idle connection has neither.
    pub(super) message: Option<Box<Message>>,
    /// The payload, so far, of a control frame that has not arrived whole.
    #[allow(clippy::box_collection)] // 8 bytes of an idle connection instead of 24
    control: Option<Box<Vec<u8>>>,
}

impl Recv {
    /// Whether a message has begun and not ended.
    pub(super) fn is_in_message(&self) -> bool {
        let data = |frame: &Partial| !frame.opcode.is_control();
        self.message.is_some() || self.frame.as_ref().is_some_and(data)
    }

    /// Lets go of what was gathered: no message follows.
    pub(super) fn drop_message(&mut self) {
        *self = Self::default();
    }
}

impl Connection {
    /// Takes bytes that arrived. Gives the next event in them and moves `input` past it; `None` means
    /// that all of `input` was taken, so call it until then. Payloads are unmasked in place.
    ///
    /// A whole, unfragmented, uncompressed message is handed out where it lies: no allocation, no
    /// copy. What arrives in parts is gathered, and handed out owned.
    ///
    /// A message that [`receive_part`](Self::receive_part) began to hand out is not begun again: its
    /// rest is checked, and thrown away.
    ///
    /// Once the connection is [over](Self::is_over), input is discarded (§7.1.7).
    ///
    /// # Errors
    ///
    /// The peer broke a rule or went over a limit: the connection has failed, the Close that says so
    /// is queued, and the rest of `input` is dropped. Reported once.
    #[inline]
    pub fn receive<'b>(
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
        let outcome = self.advance(now, pool, input);
        self.note_received(now, &outcome);
        outcome.map_err(|failure| {
            *input = &mut [];
            self.fail(now, failure)
        })
    }

    fn advance<'b>(
        &mut self,
        now: Instant,
        pool: &mut Pool,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Event<'b>>, Failure> {
        loop {
            if let Some(partial) = self.recv.frame {
                let event = self.part(now, pool, partial, input)?;
                if event.is_some() || self.recv.frame.is_some() {
                    return Ok(event);
                }
                continue;
            }
            let Some(header) = self.read_header(input)? else {
                return Ok(None);
            };
            let discarded = self.begin::<false>(&header)?;
            let whole = usize::try_from(header.len)
                .ok()
                .filter(|&len| len <= input.len() && !discarded);
            let Some(len) = whole else {
                self.recv.frame = Some(Partial::new(&header));
                continue;
            };
            let payload = take(input, len);
            if let Some(key) = header.mask {
                mask(key, payload);
            }
            let payload: &'b [u8] = payload;
            let event = match header.opcode {
                Opcode::Text if self.recv.message.is_none() => {
                    // §8.1: text that is not UTF-8 MUST fail the connection.
                    let text = from_utf8(payload).map_err(|_| Violation::InvalidUtf8)?;
                    Some(Event::Text(TextPayload::Borrowed(text)))
                }
                Opcode::Binary if self.recv.message.is_none() => {
                    Some(Event::Binary(Payload::Borrowed(payload)))
                }
                Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                    self.data(payload, header.len, header.fin, pool)?
                }
                control => Some(self.control(now, control, Payload::Borrowed(payload))?),
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// The next header, from `input` and what was kept of an earlier part of it.
    #[inline]
    pub(super) fn read_header(
        &mut self,
        input: &mut &mut [u8],
    ) -> Result<Option<Header>, Violation> {
        let rules = Rules {
            role: self.role,
            rsv1: self.codec.is_some(),
        };
        let recv = &mut self.recv;
        if recv.head_len == 0 {
            if let Some((header, len)) = Header::decode(input, rules)? {
                take(input, len);
                return Ok(Some(header));
            }
        }
        let kept = usize::from(recv.head_len);
        let more = input.len().min(header::MAX_LEN - kept);
        recv.head[kept..kept + more].copy_from_slice(&input[..more]);
        match Header::decode(&recv.head[..kept + more], rules)? {
            Some((header, len)) => {
                take(input, len - kept);
                recv.head_len = 0;
                Ok(Some(header))
            }
            None => {
                take(input, more);
                recv.head_len = (kept + more) as u8;
                Ok(None)
            }
        }
    }

    /// Judges a frame by its header, before any of its payload is kept, and begins a message if its
    /// payload cannot be handed out where it lies. Whether the message goes on to be discarded. `PARTS`:
    /// whether the caller wants parts.
    #[inline]
    pub(super) fn begin<const PARTS: bool>(&mut self, header: &Header) -> Result<bool, Failure> {
        let (limit, opcode) = (self.config.max_frame, header.opcode);
        if opcode.is_control() {
            return Ok(false);
        }
        if !PARTS && header.len > limit as u64 && !self.is_handing_out() {
            return Err(LimitExceeded::Frame {
                claimed: header.len,
                limit,
            }
            .into());
        }
        let kind = match (opcode, &mut self.recv.message) {
            // §5.4: a fragmented message continues with opcode 0, and nothing else does.
            (Opcode::Continuation, None) => return Err(Violation::StrayContinuation.into()),
            (Opcode::Continuation, Some(message)) => {
                message.turn::<PARTS>(None, &self.config)?;
                message.next_fragment()?;
                if !message.compressed {
                    message.budget.charge(header.len)?;
                }
                return Ok(message.flow == Flow::Discarded);
            }
            (_, Some(_)) => return Err(Violation::MessageInsideMessage.into()),
            (Opcode::Text, None) => Kind::Text,
            (_, None) => Kind::Binary,
        };
        let mut budget = Budget::new(&self.config, PARTS);
        if !header.rsv1 {
            budget.charge(header.len)?;
        }
        // `advance` hands a whole frame out in place when there is no message. Whether this one is
        // whole it knows only with the payload; so a frame that ends its message begins none here.
        if !header.fin || header.rsv1 {
            self.recv.message = Some(Message::new(kind, budget, header.rsv1));
        }
        Ok(false)
    }

    /// Takes the next part of a payload that does not arrive whole.
    pub(super) fn part<'b>(
        &mut self,
        now: Instant,
        pool: &mut Pool,
        mut partial: Partial,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Event<'b>>, Failure> {
        if !partial.opcode.is_control() {
            if let Some(message) = &mut self.recv.message {
                message.turn::<false>(Some(partial), &self.config)?;
                if message.flow == Flow::Discarded {
                    return self.next_part(pool, partial, input);
                }
            }
        }
        if input.is_empty() {
            return Ok(None);
        }
        let available = input
            .len()
            .min(usize::try_from(partial.remaining).unwrap_or(usize::MAX));
        let claimed = partial.remaining;
        let begun = partial;
        let piece = partial.take(input, available);
        let ended = partial.remaining == 0;
        self.recv.frame = (!ended).then_some(partial);

        if partial.opcode.is_control() {
            let control = self.recv.control.get_or_insert_default();
            control.extend_from_slice(piece);
            if !ended {
                return Ok(None);
            }
            let payload = Payload::Owned(std::mem::take(&mut **control).into());
            self.recv.control = None;
            return self.control(now, partial.opcode, payload).map(Some);
        }
        self.open_message::<false>(begun)?;
        self.data(piece, claimed, ended && partial.fin, pool)
    }

    /// Begins the message of an unfragmented, uncompressed frame that turned out to arrive in parts.
    pub(super) fn open_message<const PARTS: bool>(
        &mut self,
        partial: Partial,
    ) -> Result<(), LimitExceeded> {
        if self.recv.message.is_some() {
            return Ok(());
        }
        let kind = if partial.opcode == Opcode::Text {
            Kind::Text
        } else {
            Kind::Binary
        };
        let mut message = Message::new(kind, Budget::new(&self.config, !PARTS), false);
        // Its header may have been judged for a caller who wanted the other thing.
        message.turn::<PARTS>(Some(partial), &self.config)?;
        self.recv.message = Some(message);
        Ok(())
    }

    /// Adds unmasked payload to the message under way; `last` ends it. `claimed`: how many bytes the
    /// frame says are to come, `piece` included.
    fn data(
        &mut self,
        piece: &[u8],
        claimed: u64,
        last: bool,
        pool: &mut Pool,
    ) -> Result<Option<Event<'static>>, Failure> {
        let Some(message) = &mut self.recv.message else {
            return Ok(None);
        };
        match &mut self.codec {
            Some(codec) if message.compressed => codec.inflate(piece, last, message, pool)?,
            _ => {
                message.gather.reserve(piece.len(), claimed);
                message.gather.push(piece)?;
            }
        }
        if last {
            self.finish_message()
        } else {
            Ok(None)
        }
    }

    pub(super) fn finish_message(&mut self) -> Result<Option<Event<'static>>, Failure> {
        self.recv
            .message
            .take()
            .map(|message| message.gather.finish())
            .transpose()
    }

    /// Takes a whole control frame (§5.5).
    pub(super) fn control<'b>(
        &mut self,
        now: Instant,
        opcode: Opcode,
        payload: Payload<'b>,
    ) -> Result<Event<'b>, Failure> {
        Ok(match opcode {
            Opcode::Ping => {
                // §5.5.2: "MUST send a Pong frame in response, unless it already received a Close",
                // with (§5.5.3) "identical Application data". Behind our own Close nothing is sent:
                // the answer would come after what is to be the last frame.
                if self.phase == Phase::Open {
                    self.control
                        .push_pong(&payload, self.config.max_queued_control);
                }
                Event::Ping(payload)
            }
            Opcode::Pong => {
                self.timers.pong(now, &payload);
                Event::Pong(payload)
            }
            _ => {
                let frame = CloseFrame::decode(&payload)?;
                self.receive_close(now, frame.clone());
                Event::Close(frame)
            }
        })
    }
}

impl Codec {
    /// Inflates `piece` into the message, under its budget and with its check.
    pub(super) fn inflate(
        &mut self,
        piece: &[u8],
        last: bool,
        message: &mut Message,
        pool: &mut Pool,
    ) -> Result<(), Failure> {
        let Message { gather, budget, .. } = message;
        self.decode(piece, last, pool, &mut |inflated: &[u8]| {
            // RFC 7692 §8.1's danger: a small message that inflates without end.
            // What fits is judged first, so that the verdict does not depend on the inflater's pieces.
            gather.push(&inflated[..inflated.len().min(budget.left())])?;
            Ok(budget.charge(inflated.len() as u64)?)
        })
    }
}
