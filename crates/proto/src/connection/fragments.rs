//! Messages that are sent in fragments (RFC 6455 §5.4), compressed as a whole or not at all
//! (RFC 7692 §6.1).

use super::control::{Frame, put_frame};
use super::send::Gap;
use super::{Connection, MaskSource};
use crate::deflate::Pool;
use crate::error::SendError;
use crate::frame::{FrameHead, Header, Kind, Opcode, Role};

/// The message that is being sent in fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fragmented {
    Plain(Kind),
    /// Compressed; its first frame waits until the compressor gives something out.
    DeflatedUnbegun(Kind),
    /// Compressed, with a frame on its way.
    Deflated(Kind),
}

impl Fragmented {
    fn kind(self) -> Kind {
        match self {
            Self::Plain(kind) | Self::DeflatedUnbegun(kind) | Self::Deflated(kind) => kind,
        }
    }
}

impl Connection {
    /// Whether a message is being sent in fragments: no other may go out until it has ended.
    #[inline]
    #[must_use]
    pub fn is_fragmenting(&self) -> bool {
        self.fragmented.is_some()
    }

    /// Appends a fragment of a message, uncompressed: the first one begins the message, `fin` ends
    /// it (§5.4). Control frames may go between fragments; other messages may not.
    ///
    /// A text message may be cut anywhere, but must be UTF-8 as a whole: the caller sees to that.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`]; [`SendError::FragmentedMessageOpen`] if `kind` is not that of the
    /// message under way, or that one is compressed.
    pub fn send_fragment(
        &mut self,
        kind: Kind,
        fin: bool,
        payload: &[u8],
        masks: &mut (impl MaskSource + ?Sized),
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let opcode = self.plain_fragment(kind, fin)?;
        let frame = Frame {
            fin,
            rsv1: false,
            opcode,
            payload,
        };
        put_frame(frame, self.role, masks, out);
        Ok(())
    }

    /// The header of an uncompressed fragment of `len` bytes that the caller writes from where it
    /// lies, right behind the header. `None`, and nothing has happened, on a client, which masks its
    /// payloads (§5.3), and while a compressed message is under way.
    ///
    /// # Errors
    ///
    /// As [`send_fragment`](Self::send_fragment).
    pub fn send_fragment_head(
        &mut self,
        kind: Kind,
        fin: bool,
        len: usize,
    ) -> Result<Option<FrameHead>, SendError> {
        let deflated = !matches!(self.fragmented, None | Some(Fragmented::Plain(_)));
        if self.role == Role::Client || deflated {
            return Ok(None);
        }
        let opcode = self.plain_fragment(kind, fin)?;
        Ok(Some(FrameHead::new(Header {
            fin,
            rsv1: false,
            opcode,
            mask: None,
            len: len as u64,
        })))
    }

    /// The opcode of the next uncompressed fragment, which is as good as sent.
    fn plain_fragment(&mut self, kind: Kind, fin: bool) -> Result<Opcode, SendError> {
        self.may_send()?;
        self.timers.sending();
        let opcode = match self.fragmented {
            None => kind.into(),
            Some(Fragmented::Plain(open)) if open == kind => Opcode::Continuation,
            Some(_) => return Err(SendError::FragmentedMessageOpen),
        };
        self.fragmented = (!fin).then_some(Fragmented::Plain(kind));
        Ok(opcode)
    }

    /// As [`send_fragment`](Self::send_fragment), compressed if that was agreed: the first call
    /// settles it for the whole message. What the compressor holds back goes out with a later
    /// fragment, at the latest with the last; so a call may append nothing. A message whose first
    /// fragment is its last is sent as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// As [`send_fragment`](Self::send_fragment).
    pub fn send_fragment_compressed(
        &mut self,
        kind: Kind,
        fin: bool,
        payload: &[u8],
        masks: &mut (impl MaskSource + ?Sized),
        pool: &mut Pool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        match self.fragmented {
            None if fin => return self.send(kind, payload, masks, pool, out),
            None if self.codec.is_none() => {
                return self.send_fragment(kind, fin, payload, masks, out);
            }
            Some(Fragmented::Plain(_)) => {
                return self.send_fragment(kind, fin, payload, masks, out);
            }
            Some(open) if open.kind() != kind => return Err(SendError::FragmentedMessageOpen),
            _ => {}
        }
        self.may_send()?;
        self.timers.sending();
        self.fragmented
            .get_or_insert(Fragmented::DeflatedUnbegun(kind));
        self.deflated_fragment(kind, fin, masks, out, |codec, out| {
            codec.compress_part(payload, fin, pool, out);
        });
        Ok(())
    }

    /// Appends what the compressor holds back of the message under way, so that the peer can read all
    /// that was sent so far. Nothing if there is no such message. Costs some bytes each time: for
    /// messages whose parts are awaited, not for each fragment.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`].
    pub fn flush_fragments(
        &mut self,
        masks: &mut (impl MaskSource + ?Sized),
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let kind = match self.fragmented {
            None | Some(Fragmented::Plain(_)) => return Ok(()),
            Some(open) => open.kind(),
        };
        self.may_send()?;
        self.timers.sending();
        self.deflated_fragment(kind, false, masks, out, super::codec::Codec::flush_part);
        Ok(())
    }

    /// Appends a fragment with what `write` gives out; none if that is nothing and not the last.
    fn deflated_fragment(
        &mut self,
        kind: Kind,
        fin: bool,
        masks: &mut (impl MaskSource + ?Sized),
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut super::codec::Codec, &mut Vec<u8>),
    ) {
        let gap = Gap::open(out);
        if let Some(codec) = &mut self.codec {
            write(codec, out);
        }
        if gap.is_last(out) && !fin {
            return gap.give_up(out);
        }
        // RFC 7692 §6.1: RSV1 is set on the first fragment, and on no other.
        let first = self.fragmented == Some(Fragmented::DeflatedUnbegun(kind));
        let head = Header {
            fin,
            rsv1: first,
            opcode: if first {
                kind.into()
            } else {
                Opcode::Continuation
            },
            mask: (self.role == Role::Client).then(|| masks.next_mask()),
            len: 0,
        };
        gap.close(head, out);
        self.fragmented = (!fin).then_some(Fragmented::Deflated(kind));
    }
}
