//! Gathers a message that did not arrive whole: fragments, split frames, inflated text. Memory
//! follows the bytes that arrived, not the length that was claimed.

use crate::config::Config;
use crate::error::{Failure, LimitExceeded, ProtocolViolation};
use crate::event::{Event, Payload, TextPayload};
use crate::frame::Kind;
use bytes::BytesMut;
use tidewire_simd::{Spare, Utf8Buf, mask_at};

/// A claimed length alone reserves at most this many bytes.
pub(crate) const EAGER: usize = 64 * 1024;

/// A message under way.
#[derive(Debug)]
pub(crate) enum Gather {
    /// Checked as it arrives.
    Text(Utf8Buf),
    Binary(BytesMut),
}

impl Gather {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Utf8Buf::new()),
            Kind::Binary => Self::Binary(BytesMut::new()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        match self {
            Self::Text(text) => text.capacity(),
            Self::Binary(bytes) => bytes.capacity(),
        }
    }

    /// Makes room for `next` bytes that have arrived or are about to, growing to
    /// min(claimed, max(64 KiB, 2 × arrived)), where `claimed` more are still to come.
    pub(crate) fn reserve(&mut self, next: usize, claimed: u64) {
        let arrived = self.len() + next;
        if arrived <= self.capacity() {
            return;
        }
        let claimed = (self.len() as u64).saturating_add(claimed);
        let target = claimed.min(EAGER.max(2 * arrived) as u64) as usize;
        let additional = target.max(arrived) - self.len();
        match self {
            Self::Text(text) => text.reserve(additional),
            Self::Binary(bytes) => bytes.reserve(additional),
        }
    }

    /// Appends bytes that are not masked.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), ProtocolViolation> {
        match self {
            Self::Text(text) => text.push(piece).map_err(|_| ProtocolViolation::InvalidUtf8),
            Self::Binary(bytes) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    /// Goes on in another buffer, with a copy of what has arrived.
    pub(crate) fn move_into(&mut self, mut buffer: BytesMut) {
        match self {
            Self::Text(text) => text.move_into(buffer),
            Self::Binary(bytes) => {
                buffer.clear();
                buffer.extend_from_slice(bytes);
                *bytes = buffer;
            }
        }
    }

    /// The reserved room, at most `limit` bytes of it, to read into.
    pub(crate) fn spare(&mut self, limit: usize) -> Spare<'_> {
        match self {
            Self::Text(text) => text.spare(limit),
            Self::Binary(bytes) => Spare::new(bytes, limit),
        }
    }

    /// Unmasks and checks the last `count` bytes, which were read into [`spare`](Self::spare).
    pub(crate) fn filled(
        &mut self,
        count: usize,
        mask: Option<([u8; 4], u64)>,
    ) -> Result<(), ProtocolViolation> {
        if let Some((key, offset)) = mask {
            let fresh = match self {
                Self::Text(text) => text.unchecked_mut(count),
                Self::Binary(bytes) => {
                    let from = bytes.len().saturating_sub(count);
                    &mut bytes[from..]
                }
            };
            mask_at(key, offset, fresh);
        }
        match self {
            Self::Text(text) => text.check().map_err(|_| ProtocolViolation::InvalidUtf8),
            Self::Binary(_) => Ok(()),
        }
    }

    /// The whole message; its buffer goes with it.
    pub(crate) fn finish(self) -> Result<Event<'static>, Failure> {
        Ok(match self {
            Self::Text(text) => Event::Text(TextPayload::Owned(
                // §8.1: a text message that ends inside a character is not UTF-8.
                text.finish().map_err(|_| ProtocolViolation::InvalidUtf8)?,
            )),
            Self::Binary(bytes) => Event::Binary(Payload::Owned(bytes.freeze())),
        })
    }
}

/// What a message may still cost: its bytes and, if it is gathered, an overhead for each fragment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    limit: u64,
    left: u64,
    streamed: bool,
}

impl Budget {
    /// That of a message which is gathered, or of one which is handed out in parts.
    pub(crate) fn new(config: &Config, streamed: bool) -> Self {
        let limit = if streamed {
            config.max_streamed.unwrap_or(u64::MAX)
        } else {
            config.max_message as u64
        };
        Self {
            limit,
            left: limit,
            streamed,
        }
    }

    /// Whether this is for a message that is handed out in parts.
    pub(crate) fn is_streamed(&self) -> bool {
        self.streamed
    }

    pub(crate) fn left(&self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX)
    }

    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), LimitExceeded> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| self.over())?;
        Ok(())
    }

    /// Allows `limit` bytes in all, those charged so far included.
    pub(crate) fn limit_to(&mut self, limit: u64) -> Result<(), LimitExceeded> {
        let used = self.limit - self.left;
        self.limit = limit;
        self.left = limit;
        self.charge(used)
    }

    #[cold]
    fn over(&self) -> LimitExceeded {
        if self.streamed {
            LimitExceeded::Streamed { limit: self.limit }
        } else {
            let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
            LimitExceeded::Message { limit }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_length_allocates_little() {
        let mut gather = Gather::new(Kind::Binary);
        gather.reserve(10, 1 << 40);
        assert!(gather.capacity() <= EAGER, "{}", gather.capacity());
        assert_eq!(gather.push(&[0; 10]), Ok(()));
        gather.reserve(EAGER, 1 << 40);
        assert!(
            gather.capacity() <= 2 * (EAGER + 10),
            "{}",
            gather.capacity()
        );
    }

    #[test]
    fn a_small_claim_is_reserved_exactly() {
        let mut gather = Gather::new(Kind::Binary);
        gather.reserve(1, 300);
        assert_eq!(gather.capacity(), 300);
    }
}
