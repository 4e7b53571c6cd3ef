//! What is sent: rings of messages that all differ, so that loss, reordering and corruption show.
//!
//! A connection sends the messages of its ring in turn and expects them back in the same turn. With
//! one message more in the ring than can be under way, an answer that is missing, repeated or early
//! never looks like the one that is due.

use crate::plan::Plan;
use std::sync::Arc;
use tidewire::PreparedFrame;

/// What the rings may take in all before connections share them: so much fits into a cache that is
/// near, and a generator that waits for memory measures itself.
const BUDGET: usize = 4 << 20;

/// What a message costs besides its payload.
const OVERHEAD: usize = 512;

/// One ring, as it is sent over each transport.
#[derive(Clone, Debug)]
pub(crate) enum Ring {
    Frames(Arc<[PreparedFrame]>),
    /// Masked frames of equal length, one behind the other.
    Bytes {
        all: Arc<[u8]>,
        frame: usize,
    },
}

/// The rings of a plan; connection `n` uses the one at `n` modulo their number.
pub(crate) fn rings(plan: &Plan) -> Vec<Ring> {
    let per_ring = (plan.size + OVERHEAD).saturating_mul(plan.depth + 1);
    let count = (BUDGET / per_ring).max(2).min(plan.connections);
    (0..count).map(|ring| make(plan, ring)).collect()
}

fn make(plan: &Plan, ring: usize) -> Ring {
    let payloads = (0..=plan.depth).map(|index| payload(ring, index, plan.size));
    if !plan.raw {
        return Ring::Frames(payloads.map(PreparedFrame::binary).collect());
    }
    let mut all = Vec::new();
    for (index, payload) in payloads.enumerate() {
        put_masked(&payload, (ring ^ index) as u32, &mut all);
    }
    Ring::Bytes {
        frame: all.len() / (plan.depth + 1),
        all: all.into(),
    }
}

/// A payload unlike every other of its ring and of other rings, as far as its size allows: its place
/// in the ring, the ring, and then text that compresses about as well as text does.
fn payload(ring: usize, index: usize, size: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "tide ",
        "wave ",
        "shore ",
        "harbour ",
        "{\"id\":",
        "\"text\":\"",
        "\"},",
        "current ",
        "0123456789",
        "wind ",
        "and ",
        "the ",
        "keel ",
        "true,",
        "anchor ",
        "bell\n",
    ];
    let mut bytes = Vec::with_capacity(size + 16);
    bytes.extend_from_slice(&(index as u32).to_le_bytes());
    bytes.extend_from_slice(&(ring as u32).to_le_bytes());
    let mut state = (ring as u64) << 32 | index as u64;
    while bytes.len() < size {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut random = state;
        random = (random ^ random >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        random = (random ^ random >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        bytes.extend_from_slice(WORDS[(random >> 60) as usize].as_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Appends what a WebSocket client would send (RFC 6455 §5.2): a binary frame, masked with `key`.
fn put_masked(payload: &[u8], key: u32, out: &mut Vec<u8>) {
    const FIN_BINARY: u8 = 0x82;
    const MASKED: u8 = 0x80;
    out.push(FIN_BINARY);
    match payload.len() {
        len @ 0..=125 => out.push(MASKED | len as u8),
        len @ 126..=0xFFFF => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let key = key.wrapping_mul(0x9E37_79B9).to_be_bytes();
    out.extend_from_slice(&key);
    out.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_messages_are_alike_in_a_ring_or_between_rings() {
        for size in [8, 9, 32, 1000] {
            let mut seen = HashSet::new();
            for (ring, index) in (0..50).flat_map(|ring| (0..17).map(move |index| (ring, index))) {
                let payload = payload(ring, index, size);
                assert_eq!(payload.len(), size);
                assert!(
                    seen.insert(payload),
                    "{size} bytes, ring {ring}, message {index}"
                );
            }
        }
    }

    #[test]
    fn even_one_byte_tells_neighbours_apart() {
        let ring: HashSet<_> = (0..17).map(|index| payload(3, index, 1)).collect();
        assert_eq!(ring.len(), 17);
        assert!(payload(0, 0, 0).is_empty());
    }

    #[test]
    fn large_rings_are_shared_and_small_ones_are_not() {
        let plan = Plan::default().connections(100);
        assert_eq!(rings(&plan.clone().depth(16)).len(), 100);
        assert_eq!(rings(&plan.clone().size(8 << 20)).len(), 2);
        assert_eq!(rings(&plan.connections(1).size(8 << 20)).len(), 1);
    }

    #[test]
    fn raw_frames_are_those_of_a_websocket_client() {
        let mut out = Vec::new();
        put_masked(b"Hello", 0, &mut out);
        assert_eq!(out, [&[0x82, 0x85, 0, 0, 0, 0][..], b"Hello"].concat());
        for (len, head) in [(125, 6), (126, 8), (65535, 8), (65536, 14)] {
            out.clear();
            put_masked(&vec![1; len], 7, &mut out);
            assert_eq!(out.len(), head + len);
        }
        let key: [u8; 4] = out[10..14].try_into().unwrap_or_default();
        assert_eq!([out[14], out[15]], [1 ^ key[0], 1 ^ key[1]]);
    }
}
