//! The message under way: where its bytes go, and what bounds it.

use crate::config::{Config, FRAGMENT_OVERHEAD, MAX_EMPTY_FRAGMENTS};
use crate::error::{LimitExceeded, ProtocolViolation as Violation};
use crate::event::{Event, Payload, TextPayload};
use crate::frame::header::Header;
use crate::frame::{Kind, Opcode};
use crate::message::{Budget, Gather};
use tidewire_simd::{from_utf8, mask_at};

/// Compressed bytes that are inflated at once. DEFLATE makes at most 1032 bytes of one: some 65 KiB.
const INFLATE_STEP: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(super) struct Partial {
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
    pub(super) mask: Option<[u8; 4]>,
    /// Payload bytes that have arrived.
    pub(super) offset: u64,
    /// Payload bytes still to come.
    pub(super) remaining: u64,
}

impl Partial {
    /// A frame of which nothing but the header has arrived.
    pub(super) fn new(header: &Header) -> Self {
        let Header {
            fin,
            opcode,
            mask,
            len,
            ..
        } = *header;
        Self {
            opcode,
            fin,
            mask,
            offset: 0,
            remaining: len,
        }
    }

    /// Takes the next `count` payload bytes out of `input`, unmasked.
    pub(super) fn take<'b>(&mut self, input: &mut &'b mut [u8], count: usize) -> &'b mut [u8] {
        let piece = take(input, count);
        if let Some(key) = self.mask {
            mask_at(key, self.offset, piece);
        }
        self.offset += count as u64;
        self.remaining -= count as u64;
        piece
    }
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) gather: Gather,
    pub(super) budget: Budget,
    pub(super) compressed: bool,
    pub(super) flow: Flow,
    /// Fragments since something was handed out.
    pub(super) quiet: u32,
}

/// Where the bytes of a message under way go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// They are gathered; nothing was handed out.
    Gathered,
    /// They are handed out in parts.
    HandedOut,
    /// Parts were handed out, and nobody wants the rest.
    Discarded,
}

/// The first `count` bytes of `input`, which is moved past them.
#[inline]
pub(super) fn take<'b>(input: &mut &'b mut [u8], count: usize) -> &'b mut [u8] {
    let (taken, rest) = std::mem::take(input).split_at_mut(count);
    *input = rest;
    taken
}

impl Message {
    pub(super) fn new(kind: Kind, budget: Budget, compressed: bool) -> Box<Self> {
        Box::new(Self {
            gather: Gather::new(kind),
            budget,
            compressed,
            flow: Flow::Gathered,
            quiet: 0,
        })
    }
}

impl Message {
    /// Changes over to what the caller wants, parts or whole messages. `frame`: the data frame that is
    /// under way, with none of the bytes that are about to be taken.
    pub(super) fn turn<const PARTS: bool>(
        &mut self,
        frame: Option<Partial>,
        config: &Config,
    ) -> Result<(), LimitExceeded> {
        match self.flow {
            Flow::HandedOut if !PARTS => self.flow = Flow::Discarded,
            Flow::Gathered if self.budget.is_streamed() != PARTS => {
                return self.judge_again::<PARTS>(frame, config);
            }
            _ => {}
        }
        Ok(())
    }

    /// Other limits hold from here on, for what has arrived too.
    #[cold]
    fn judge_again<const PARTS: bool>(
        &mut self,
        frame: Option<Partial>,
        config: &Config,
    ) -> Result<(), LimitExceeded> {
        let (mut claimed, limit) = (0, config.max_frame);
        if let Some(frame) = frame {
            let len = frame.offset.saturating_add(frame.remaining);
            if !PARTS && len > limit as u64 {
                return Err(LimitExceeded::Frame {
                    claimed: len,
                    limit,
                });
            }
            claimed = frame.remaining;
        }
        let mut budget = Budget::new(config, PARTS);
        budget.charge(self.gather.len() as u64)?;
        if !self.compressed {
            budget.charge(claimed)?;
        }
        self.budget = budget;
        Ok(())
    }

    /// A further fragment has begun: it costs its overhead, or must bring something.
    pub(super) fn next_fragment(&mut self) -> Result<(), LimitExceeded> {
        if !self.budget.is_streamed() {
            return self.budget.charge(FRAGMENT_OVERHEAD as u64);
        }
        self.quiet += 1;
        if self.quiet > MAX_EMPTY_FRAGMENTS {
            let limit = MAX_EMPTY_FRAGMENTS;
            return Err(LimitExceeded::EmptyFragments { limit });
        }
        Ok(())
    }

    /// Whether payloads may be read into the buffer of the message.
    pub(super) fn may_go_direct(&self) -> bool {
        !self.compressed && self.flow == Flow::Gathered && !self.budget.is_streamed()
    }

    /// How many bytes of payload to take at once.
    pub(super) fn step(&self) -> usize {
        match &self.gather {
            _ if self.compressed => INFLATE_STEP,
            // The character that was cut comes first, by itself: what follows it stays in place.
            Gather::Text(text) if !text.is_empty() => text.missing().max(1),
            _ => usize::MAX,
        }
    }

    /// Bytes that wait and can be handed out.
    pub(super) fn ready(&self) -> usize {
        match &self.gather {
            Gather::Text(text) => text.valid_len(),
            Gather::Binary(bytes) => bytes.len(),
        }
    }

    pub(super) fn ends_inside_a_character(&self) -> bool {
        matches!(&self.gather, Gather::Text(text) if !text.is_empty())
    }

    /// What waits and can be handed out.
    pub(super) fn take_ready(&mut self, last: bool) -> Event<'static> {
        match &mut self.gather {
            Gather::Text(text) => {
                let text = TextPayload::Owned(text.take_valid());
                Event::TextPart { text, last }
            }
            Gather::Binary(bytes) => {
                let data = Payload::Owned(bytes.split().freeze());
                Event::BinaryPart { data, last }
            }
        }
    }

    /// The next part of an uncompressed message.
    pub(super) fn plain_part<'b>(
        &mut self,
        piece: &'b [u8],
        last: bool,
    ) -> Result<Event<'b>, Violation> {
        match &mut self.gather {
            Gather::Binary(_) => {
                let data = Payload::Borrowed(piece);
                Ok(Event::BinaryPart { data, last })
            }
            Gather::Text(text) if text.is_empty() => {
                let (whole, rest) = piece.split_at(whole_characters(piece));
                let whole = from_utf8(whole).map_err(|_| Violation::InvalidUtf8)?;
                self.gather.push(rest)?;
                let text = TextPayload::Borrowed(whole);
                Ok(Event::TextPart { text, last })
            }
            Gather::Text(_) => {
                self.gather.push(piece)?;
                Ok(self.take_ready(last))
            }
        }
    }
}

/// The length of `text` without a character that is cut at its end.
fn whole_characters(text: &[u8]) -> usize {
    let end = text.iter().rev().take(3);
    for (behind, byte) in end.enumerate() {
        let width = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        return text.len() - if width > behind + 1 { behind + 1 } else { 0 };
    }
    text.len()
}
