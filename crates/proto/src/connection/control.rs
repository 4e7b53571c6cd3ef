//! Control frames that wait to be sent, unmasked, in order, bounded.

use super::MaskSource;
use crate::frame::{Header, Opcode, Role, header};
use tidewire_simd::mask_copy;

/// A queue of control frames: opcode, length, payload, one after another in one buffer. It owns no
/// memory while it is empty.
#[derive(Debug, Default)]
pub(super) struct ControlQueue {
    bytes: Vec<u8>,
    frames: u32,
    /// The length of the last frame, if it is a Pong; otherwise 0.
    last_pong: u8,
}

impl ControlQueue {
    pub(super) fn len(&self) -> usize {
        self.frames as usize
    }

    pub(super) fn push(&mut self, opcode: Opcode, payload: &[u8]) {
        debug_assert!(payload.len() <= header::MAX_CONTROL_PAYLOAD);
        self.last_pong = if opcode == Opcode::Pong {
            2 + payload.len() as u8
        } else {
            0
        };
        self.bytes.reserve(2 + payload.len());
        self.bytes
            .extend_from_slice(&[opcode as u8, payload.len() as u8]);
        self.bytes.extend_from_slice(payload);
        self.frames += 1;
    }

    /// Queues a Pong. When `limit` frames wait, it takes the place of the last Pong: §5.5.3 allows to
    /// answer "only the most recently processed Ping frame".
    pub(super) fn push_pong(&mut self, payload: &[u8], limit: usize) {
        if self.len() >= limit && self.last_pong > 0 {
            self.bytes
                .truncate(self.bytes.len() - usize::from(self.last_pong));
            self.frames -= 1;
        }
        self.push(Opcode::Pong, payload);
    }

    /// Drops what waits: for a connection that has nobody to tell.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Appends all frames to `out`, masked if this is a client. Whether there was one.
    pub(super) fn drain(
        &mut self,
        role: Role,
        masks: &mut (impl MaskSource + ?Sized),
        out: &mut Vec<u8>,
    ) -> bool {
        if self.frames == 0 {
            return false;
        }
        let queue = std::mem::take(self);
        let mut rest = &queue.bytes[..];
        while let [opcode, len, tail @ ..] = rest {
            let (payload, tail) = tail.split_at(usize::from(*len));
            rest = tail;
            let Some(opcode) = Opcode::from_bits(*opcode) else {
                continue;
            };
            put_frame(
                Frame {
                    fin: true,
                    rsv1: false,
                    opcode,
                    payload,
                },
                role,
                masks,
                out,
            );
        }
        true
    }
}

/// A frame to be written.
pub(super) struct Frame<'a> {
    pub(super) fin: bool,
    pub(super) rsv1: bool,
    pub(super) opcode: Opcode,
    pub(super) payload: &'a [u8],
}

/// Appends a frame to `out`; a client's payload is masked while it is copied (§5.3).
#[inline]
pub(super) fn put_frame(
    frame: Frame<'_>,
    role: Role,
    masks: &mut (impl MaskSource + ?Sized),
    out: &mut Vec<u8>,
) {
    let Frame {
        fin,
        rsv1,
        opcode,
        payload,
    } = frame;
    let mask = (role == Role::Client).then(|| masks.next_mask());
    let mut head = [0; header::MAX_LEN];
    let n = Header {
        fin,
        rsv1,
        opcode,
        mask,
        len: payload.len() as u64,
    }
    .encode(&mut head);
    out.reserve(n + payload.len());
    out.extend_from_slice(&head[..n]);
    match mask {
        Some(key) => mask_copy(key, payload, out),
        None => out.extend_from_slice(payload),
    }
}
