//! Bytes that wait to be written: small frames copied together, large payloads by reference.

use bytes::Bytes;
use std::collections::VecDeque;
use std::io::IoSlice;

/// Most slices given to one vectored write.
pub(crate) const MAX_SLICES: usize = 64;

/// Written bytes that may lie at the front of the buffer before the rest is moved over them.
const COMPACT: usize = 16 * 1024;

/// A queue of bytes. It owns no memory while it is empty, if its buffer is taken back with
/// [`take_spare`](Self::take_spare).
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Written before `tail`; there only while something large waits.
    #[allow(clippy::box_collection)] // 8 bytes of an idle connection instead of 32
    front: Option<Box<VecDeque<Chunk>>>,
    /// Where small frames are appended.
    tail: Vec<u8>,
    /// Bytes of the first chunk that are written already.
    written: usize,
    /// Bytes that wait, in all.
    len: usize,
}

#[derive(Debug)]
enum Chunk {
    Copied(Vec<u8>),
    Shared(Bytes),
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Outbox {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there is a buffer to append to.
    #[inline]
    pub(crate) fn has_buffer(&self) -> bool {
        self.tail.capacity() > 0
    }

    /// Takes a buffer to append to, where [`has_buffer`](Self::has_buffer) says that there is none.
    #[inline]
    pub(crate) fn give_buffer(&mut self, buffer: Vec<u8>) {
        self.tail = buffer;
    }

    /// Lets `write` append to the copied bytes at the end.
    #[inline]
    pub(crate) fn append<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.compact();
        let before = self.tail.len();
        let result = write(&mut self.tail);
        self.len += self.tail.len() - before;
        result
    }

    /// Forgets what is written. A peer that reads, but never everything, would otherwise have the
    /// buffer grow by all that it ever read. Moves at most as many bytes as it forgets.
    fn compact(&mut self) {
        if self.front.is_none() && self.written >= COMPACT && 2 * self.written >= self.tail.len() {
            self.tail.drain(..self.written);
            self.written = 0;
        }
    }

    /// Appends bytes by reference.
    pub(crate) fn push_shared(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let front = self.front.get_or_insert_default();
        if !self.tail.is_empty() {
            front.push_back(Chunk::Copied(std::mem::take(&mut self.tail)));
        }
        self.len += bytes.len();
        front.push_back(Chunk::Shared(bytes));
    }

    /// The bytes that wait, as slices; as many as fit into `slices`. Gives how many it filled.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let front = self.front.iter().flat_map(|front| front.iter());
        let chunks = front.map(Chunk::bytes).chain([&self.tail[..]]);
        let mut count = 0;
        let mut skip = self.written;
        for chunk in chunks {
            let rest = &chunk[skip.min(chunk.len())..];
            skip = 0;
            if rest.is_empty() {
                continue;
            }
            let Some(slot) = slices.get_mut(count) else {
                break;
            };
            *slot = IoSlice::new(rest);
            count += 1;
        }
        count
    }

    /// `count` bytes were written. Large payloads that are done with go to `done`.
    pub(crate) fn advance(&mut self, count: usize, mut done: impl FnMut(Bytes)) {
        self.len -= count;
        self.written += count;
        if let Some(front) = &mut self.front {
            while let Some(first) = front.front() {
                let len = first.bytes().len();
                if self.written < len {
                    break;
                }
                self.written -= len;
                if let Some(Chunk::Shared(bytes)) = front.pop_front() {
                    done(bytes);
                }
            }
            if front.is_empty() {
                self.front = None;
            }
        }
        if self.len == 0 {
            self.written = 0;
            self.tail.clear();
        }
    }

    /// The buffer of an empty outbox.
    pub(crate) fn take_spare(&mut self) -> Option<Vec<u8>> {
        (self.len == 0 && self.tail.capacity() > 0).then(|| std::mem::take(&mut self.tail))
    }

    /// Throws away what waits.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(outbox: &Outbox) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let count = outbox.slices(&mut slices);
        slices[..count]
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect()
    }

    fn put(outbox: &mut Outbox, bytes: &[u8]) {
        outbox.append(|out| out.extend_from_slice(bytes));
    }

    #[test]
    fn keeps_order_over_partial_writes() {
        let mut whole: Vec<u8> = Vec::new();
        for step in 1..12 {
            let mut outbox = Outbox::default();
            let mut expected = Vec::new();
            for round in 0..5u8 {
                put(&mut outbox, &[round; 3]);
                outbox.push_shared(Bytes::from(vec![round + 100; 4]));
                expected.extend([vec![round; 3], vec![round + 100; 4]].concat());
            }
            put(&mut outbox, b"end");
            expected.extend(b"end");
            whole.clear();
            while !outbox.is_empty() {
                assert_eq!(content(&outbox), expected[whole.len()..]);
                let count = step.min(outbox.len());
                whole.extend(&content(&outbox)[..count]);
                outbox.advance(count, drop);
            }
            assert_eq!(whole, expected);
        }
    }

    #[test]
    fn a_peer_that_never_reads_everything_does_not_make_it_grow() {
        let (mut outbox, mut expected) = (Outbox::default(), 0u8);
        put(&mut outbox, &[0; 1]);
        for round in 0..100_000u32 {
            put(&mut outbox, &[round as u8; 100]);
            if round % 8 == 7 {
                outbox.advance(outbox.len() - 1, drop); // the last byte never leaves
                expected = round as u8;
            }
        }
        assert_eq!(content(&outbox), [expected]);
        assert!(
            outbox.tail.capacity() < 4 * COMPACT,
            "{}",
            outbox.tail.capacity()
        );
    }

    #[test]
    fn small_frames_share_one_buffer_and_one_slice() {
        let mut outbox = Outbox::default();
        for _ in 0..100 {
            put(&mut outbox, b"frame");
        }
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        assert_eq!(outbox.slices(&mut slices), 1);
    }

    #[test]
    fn an_empty_outbox_gives_its_buffer_away() {
        let mut outbox = Outbox::default();
        put(&mut outbox, b"x");
        assert!(outbox.take_spare().is_none());
        outbox.advance(1, drop);
        assert!(outbox.take_spare().is_some());
        assert!(outbox.take_spare().is_none());
    }
}
