//! What all connections on a thread share while they are polled: the read buffer, spare buffers, the
//! compressors, and masking keys. This is why an idle connection owns none of them.

use bytes::{Bytes, BytesMut};
use std::cell::Cell;
use tidewire_proto::MaskSource;
use tidewire_proto::deflate::Pool;

/// Bytes taken from a socket at a time.
const READ_LEN: usize = 64 * 1024;

/// How many spare buffers a thread keeps: as many as connections may wait for their flush in one turn
/// of a loop that sends to many. How many bytes they have in all, and how large one may be.
const SPARES: usize = 1024;
const SPARE_BYTES: usize = 1024 * 1024;
const SPARE_CAPACITY: usize = 128 * 1024;

/// How many emptied lists of unread bytes a thread keeps.
const UNREAD: usize = 16;

#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) read: Box<[u8]>,
    pub(crate) tools: Tools,
}

/// What is needed to answer while the read buffer is borrowed.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    pub(crate) pool: Pool,
    pub(crate) masks: Masks,
    spares: Vec<Vec<u8>>,
    /// The capacity of all spares.
    spare_bytes: usize,
    /// What was read and handed out since, for the next of its kind. Boxed already: that allocation
    /// is what is spared.
    #[allow(clippy::vec_box)]
    unread: Vec<Box<Unread>>,
    /// Buffers of large messages that were sent on, for the next large message.
    pub(crate) large: Vec<BytesMut>,
}

/// Bytes that were read for one connection and not handed out yet: those from `at` on, which are some.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: usize,
}

/// How many large buffers a thread keeps, and how large they are: below, there is little to gain.
const LARGE: usize = 4;
const LARGE_CAPACITY: std::ops::RangeInclusive<usize> = 128 * 1024..=4 * 1024 * 1024;

impl Tools {
    /// Takes a payload back that was sent, if nobody else holds it.
    pub(crate) fn give_back_large(&mut self, payload: Bytes) {
        if self.large.len() >= LARGE || !LARGE_CAPACITY.contains(&payload.len()) {
            return;
        }
        let Ok(mut buffer) = payload.try_into_mut() else {
            return;
        };
        buffer.clear();
        // A slice holds on to the whole of what it was cut from, which may be any size.
        if !buffer.try_reclaim(LARGE_CAPACITY.end() + 1) {
            self.large.push(buffer);
        }
    }

    /// A copy of what was read and not handed out.
    pub(crate) fn unread(&mut self, bytes: &[u8]) -> Box<Unread> {
        let mut unread = self.unread.pop().unwrap_or_default();
        unread.bytes.extend_from_slice(bytes);
        unread
    }

    /// All of it is handed out.
    pub(crate) fn give_back_unread(&mut self, mut unread: Box<Unread>) {
        if self.unread.len() < UNREAD && unread.bytes.capacity() <= SPARE_CAPACITY {
            unread.bytes.clear();
            unread.at = 0;
            self.unread.push(unread);
        }
    }

    /// An empty buffer, with capacity if one is at hand.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        let spare = self.spares.pop().unwrap_or_default();
        self.spare_bytes -= spare.capacity();
        spare
    }

    /// Takes a buffer back.
    pub(crate) fn give_back(&mut self, mut buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        let worth_keeping = (1..=SPARE_CAPACITY).contains(&capacity);
        let room = self.spares.len() < SPARES && self.spare_bytes + capacity <= SPARE_BYTES;
        if worth_keeping && room {
            buffer.clear();
            self.spare_bytes += capacity;
            self.spares.push(buffer);
        }
    }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Runs `f` with the thread's scratch, which is out of the thread-local meanwhile: a nested call (a
/// visitor that polls another connection) gets one of its own, never the one in use.
pub(crate) fn with<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH.take().unwrap_or_else(|| {
        let read = vec![0; READ_LEN].into_boxed_slice();
        Box::new(Scratch {
            read,
            tools: Tools::default(),
        })
    });
    let result = f(&mut scratch);
    SCRATCH.set(Some(scratch));
    result
}

/// Masking keys from the operating system's random source (RFC 6455 §5.3), fetched in bulk.
#[derive(Debug)]
pub(crate) struct Masks {
    keys: [u8; Self::LEN],
    at: usize,
}

impl Masks {
    const LEN: usize = 1024;
}

impl Default for Masks {
    fn default() -> Self {
        Self {
            keys: [0; Self::LEN],
            at: Self::LEN,
        }
    }
}

impl MaskSource for Masks {
    #[allow(clippy::expect_used)]
    fn next_mask(&mut self) -> [u8; 4] {
        if self.at == Self::LEN {
            // Without entropy a client must not send at all: predictable masks let a web page
            // choose the bytes on the wire (§10.3).
            getrandom::fill(&mut self.keys).expect("the operating system has a random source");
            self.at = 0;
        }
        let mut key = [0; 4];
        key.copy_from_slice(&self.keys[self.at..self.at + 4]);
        self.at += 4;
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_spares_for_many_connections_and_no_more_than_a_mebibyte() {
        let mut tools = Tools::default();
        for _ in 0..2 * SPARES {
            tools.give_back(Vec::with_capacity(512));
        }
        assert_eq!(tools.spares.len(), SPARES);
        for _ in 0..SPARES {
            assert_eq!(tools.buffer().capacity(), 512);
        }
        assert_eq!((tools.buffer().capacity(), tools.spare_bytes), (0, 0));
        for _ in 0..SPARES {
            tools.give_back(Vec::with_capacity(SPARE_CAPACITY));
        }
        assert_eq!(tools.spare_bytes, SPARE_BYTES);
        tools.give_back(Vec::with_capacity(SPARE_CAPACITY + 1));
        assert_eq!(tools.spares.len(), SPARE_BYTES / SPARE_CAPACITY);
    }

    #[test]
    fn keeps_large_buffers_few_and_none_that_hide_a_huge_one() {
        let mut tools = Tools::default();
        let huge = Bytes::from(vec![0; 64 << 20]);
        let slice = huge.slice(1000..300_000);
        drop(huge);
        tools.give_back_large(slice);
        assert!(tools.large.is_empty(), "64 MiB behind a slice of 300 kB");
        let shared = Bytes::from(vec![0; 200_000]);
        tools.give_back_large(shared.clone());
        assert!(tools.large.is_empty(), "somebody else reads it");
        tools.give_back_large(Bytes::from(vec![0; 1000]));
        assert!(tools.large.is_empty(), "too small to be worth it");
        for _ in 0..10 {
            tools.give_back_large(Bytes::from(vec![0; 200_000]));
        }
        assert_eq!(tools.large.len(), LARGE);
    }
}
