//! Commands in, bytes out: whole messages, prepared frames, Ping and Pong.

use super::control::{Frame, put_frame};
use super::state::Phase;
use super::{Connection, MaskSource};
use crate::deflate::Pool;
use crate::error::SendError;
use crate::frame::{FrameHead, Header, Kind, Opcode, Role, header};
use crate::prepared::PreparedFrame;
use bytes::Bytes;
use tidewire_simd::mask;

impl Connection {
    /// Appends a text message to `out`, compressed if that was agreed and is worth it.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`], [`SendError::FragmentedMessageOpen`]; `out` is unchanged then.
    pub fn send_text(
        &mut self,
        text: &str,
        masks: &mut (impl MaskSource + ?Sized),
        pool: &mut Pool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.send(Kind::Text, text.as_bytes(), masks, pool, out)
    }

    /// Appends a binary message to `out`, compressed if that was agreed and is worth it.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(
        &mut self,
        data: &[u8],
        masks: &mut (impl MaskSource + ?Sized),
        pool: &mut Pool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.send(Kind::Binary, data, masks, pool, out)
    }

    /// Appends a message of either kind to `out`. A text must be UTF-8: the caller sees to that, and a
    /// peer that is told otherwise closes with 1007.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    #[inline]
    pub fn send(
        &mut self,
        kind: Kind,
        payload: &[u8],
        masks: &mut (impl MaskSource + ?Sized),
        pool: &mut Pool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.may_send_message()?;
        self.timers.sending();
        let opcode = kind.into();
        if self
            .codec
            .as_ref()
            .is_some_and(|codec| codec.wants(payload.len()))
            && self.send_compressed(opcode, payload, masks, pool, out)
        {
            return Ok(());
        }
        put_frame(
            Frame {
                fin: true,
                rsv1: false,
                opcode,
                payload,
            },
            self.role,
            masks,
            out,
        );
        Ok(())
    }

    /// Compresses behind room for the longest header, then closes the gap. False, with `out` as it
    /// was, if compression gains nothing.
    fn send_compressed(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        masks: &mut (impl MaskSource + ?Sized),
        pool: &mut Pool,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(codec) = &mut self.codec else {
            return false;
        };
        let gap = Gap::open(out);
        if !codec.compress(payload, pool, out) {
            gap.give_up(out);
            return false;
        }
        let head = Header {
            fin: true,
            rsv1: true,
            opcode,
            mask: (self.role == Role::Client).then(|| masks.next_mask()),
            len: 0,
        };
        gap.close(head, out);
        true
    }

    /// The header of a whole message of `len` bytes that the caller writes from where it lies, right
    /// behind the header. `None` if the payload cannot go out as it is: a client masks it (§5.3), and
    /// a compressed one is another payload; send it with `send_text` or `send_binary` then.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_head(&mut self, kind: Kind, len: usize) -> Result<Option<FrameHead>, SendError> {
        self.may_send_message()?;
        self.timers.sending();
        if self.role == Role::Client || self.codec.as_ref().is_some_and(|codec| codec.wants(len)) {
            return Ok(None);
        }
        let opcode = kind.into();
        let header = Header {
            fin: true,
            rsv1: false,
            opcode,
            mask: None,
            len: len as u64,
        };
        Ok(Some(FrameHead::new(header)))
    }

    /// Sends a frame that was made once for many connections. A server gives back the shared bytes
    /// to be written, compressed if that was agreed; a client, which must mask, appends its own copy
    /// to `out` and gives back `None`.
    ///
    /// # Errors
    ///
    /// As [`send_text`](Self::send_text).
    pub fn send_prepared(
        &mut self,
        frame: &PreparedFrame,
        masks: &mut (impl MaskSource + ?Sized),
        pool: &mut Pool,
        out: &mut Vec<u8>,
    ) -> Result<Option<Bytes>, SendError> {
        if self.role == Role::Client {
            return self
                .send(frame.kind(), frame.payload(), masks, pool, out)
                .map(|()| None);
        }
        self.may_send_message()?;
        self.timers.sending();
        Ok(Some(match &mut self.codec {
            Some(codec) => codec.prepared(frame, pool),
            None => frame.plain(),
        }))
    }

    /// Queues a Ping of at most 125 bytes.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`], [`SendError::ControlTooLong`], [`SendError::ControlQueueFull`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.queue_control(Opcode::Ping, payload)
    }

    /// Queues an unasked Pong of at most 125 bytes. Answers to Pings need no call.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.queue_control(Opcode::Pong, payload)
    }

    fn queue_control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        self.may_send()?;
        if payload.len() > header::MAX_CONTROL_PAYLOAD {
            return Err(SendError::ControlTooLong);
        }
        if self.control.len() >= self.config.max_queued_control {
            return Err(SendError::ControlQueueFull);
        }
        self.control.push(opcode, payload);
        Ok(())
    }

    /// §5.5.1: after a Close frame an endpoint "MUST NOT send any more data frames".
    #[inline]
    pub(super) fn may_send(&self) -> Result<(), SendError> {
        if self.phase == Phase::Open {
            Ok(())
        } else {
            Err(SendError::Closing)
        }
    }

    /// §5.4: fragments of one message "MUST NOT be interleaved" with another message.
    #[inline]
    fn may_send_message(&self) -> Result<(), SendError> {
        self.may_send()?;
        if self.fragmented.is_some() {
            Err(SendError::FragmentedMessageOpen)
        } else {
            Ok(())
        }
    }
}

/// Room for a header in front of a payload whose length is known only once it is written.
pub(super) struct Gap {
    start: usize,
}

impl Gap {
    const LEN: usize = header::MAX_LEN;

    pub(super) fn open(out: &mut Vec<u8>) -> Self {
        let start = out.len();
        out.resize(start + Self::LEN, 0);
        Self { start }
    }

    /// Whether nothing was written behind it.
    pub(super) fn is_last(&self, out: &[u8]) -> bool {
        out.len() == self.start + Self::LEN
    }

    /// Takes everything back.
    pub(super) fn give_up(self, out: &mut Vec<u8>) {
        out.truncate(self.start);
    }

    /// Masks the payload, and writes the header with its length in front.
    pub(super) fn close(self, mut head: Header, out: &mut Vec<u8>) {
        let body = self.start + Self::LEN;
        if let Some(key) = head.mask {
            mask(key, &mut out[body..]);
        }
        head.len = (out.len() - body) as u64;
        let head = FrameHead::new(head);
        let head = head.as_bytes();
        out[self.start..self.start + head.len()].copy_from_slice(head);
        out.drain(self.start + head.len()..body);
    }
}
