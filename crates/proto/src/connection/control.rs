//! Control frames that wait to be sent, unmasked, in order, bounded.

use super::MaskSource;
use crate::frame::{Header, Opcode, Role, header};
use tidewire_simd::mask_copy;

/// A queue of control frames. It owns no memory while it is empty, which it mostly is: so it is a
/// single pointer.
#[derive(Debug, Default)]
pub(super) struct ControlQueue(Option<Box<Waiting>>);

/// Opcode, length, payload, one frame after another in one buffer.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    frames: u32,
    /// The length of the last frame, if it is a Pong; otherwise 0.
    last_pong: u8,
}

impl ControlQueue {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.frames as usize)
    }

    pub(super) fn push(&mut self, opcode: Opcode, payload: &[u8]) {
        debug_assert!(payload.len() <= header::MAX_CONTROL_PAYLOAD);
        let waiting = self.0.get_or_insert_default();
        waiting.last_pong = if opcode == Opcode::Pong {
            2 + payload.len() as u8
        } else {
            0
        };
        waiting.bytes.reserve(2 + payload.len());
        waiting
            .bytes
            .extend_from_slice(&[opcode as u8, payload.len() as u8]);
        waiting.bytes.extend_from_slice(payload);
        waiting.frames += 1;
    }

    /// Queues a Pong. When `limit` frames wait, it takes the place of the last Pong: §5.5.3 allows to
    /// answer "only the most recently processed Ping frame".
    pub(super) fn push_pong(&mut self, payload: &[u8], limit: usize) {
        if let Some(waiting) = &mut self.0 {
            if waiting.frames as usize >= limit && waiting.last_pong > 0 {
                let kept = waiting.bytes.len() - usize::from(waiting.last_pong);
                waiting.bytes.truncate(kept);
                waiting.frames -= 1;
            }
        }
        self.push(Opcode::Pong, payload);
    }

    /// Drops what waits: for a connection that has nobody to tell.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Appends all frames to `out`, masked if this is a client. Whether there was one.
    pub(super) fn drain(
        &mut self,
        role: Role,
        masks: &mut (impl MaskSource + ?Sized),
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(waiting) = self.0.take() else {
            return false;
        };
        let mut rest = &waiting.bytes[..];
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
