//! [`Pipe`]: one direction of a TCP connection in virtual time: late, cut anywhere, narrow, or gone.

use crate::random::Random;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Bytes on their way. By default: no delay, whole writes, no limit.
#[derive(Debug)]
pub struct Pipe {
    latency: Duration,
    /// The largest piece a reader gets at once.
    piece: usize,
    /// Cuts pieces at random below `piece`.
    cuts: Option<Random>,
    /// How many bytes may be under way before a write blocks.
    limit: usize,
    /// Bytes a second that the reader takes.
    rate: Option<u64>,
    /// Nothing arrives any more: the reader does not read, or the network is gone.
    stalled: bool,
    queue: VecDeque<(Instant, Vec<u8>)>,
    in_flight: usize,
    last_arrival: Option<Instant>,
    eof: Option<Instant>,
}

impl Default for Pipe {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            piece: usize::MAX,
            cuts: None,
            limit: usize::MAX,
            rate: None,
            stalled: false,
            queue: VecDeque::new(),
            in_flight: 0,
            last_arrival: None,
            eof: None,
        }
    }
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Some bytes.
    Bytes(Vec<u8>),
    /// The writer has ended; once only.
    Eof,
}

impl Pipe {
    /// Every byte takes this long.
    pub fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    /// A reader gets at most this many bytes at once.
    pub fn set_piece(&mut self, bytes: usize) {
        self.piece = bytes.max(1);
    }

    /// A reader gets pieces of 1 to [`set_piece`](Self::set_piece) bytes, by chance.
    pub fn set_random_cuts(&mut self, seed: u64) {
        self.cuts = Some(Random::new(seed));
    }

    /// At most this many bytes are under way; a writer blocks beyond.
    pub fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// The reader takes this many bytes a second.
    pub fn set_rate(&mut self, bytes_per_second: Option<u64>) {
        self.rate = bytes_per_second;
    }

    /// Whether nothing arrives any more: bytes are accepted up to the limit, and stay under way.
    pub fn set_stalled(&mut self, stalled: bool) {
        self.stalled = stalled;
    }

    /// Bytes under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Writes what fits; how much that was.
    pub fn write(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let mut rest = &bytes[..bytes.len().min(self.limit.saturating_sub(self.in_flight))];
        let written = rest.len();
        self.in_flight += written;
        while !rest.is_empty() {
            let most = rest.len().min(self.piece);
            let size = self.cuts.as_mut().map_or(most, |cuts| 1 + cuts.below(most));
            let (piece, tail) = rest.split_at(size);
            rest = tail;
            let start = self
                .last_arrival
                .map_or(now + self.latency, |t| t.max(now + self.latency));
            let spent = self.rate.map_or(Duration::ZERO, |rate| {
                Duration::from_nanos((size as u64).saturating_mul(1_000_000_000) / rate.max(1))
            });
            self.last_arrival = Some(start + spent);
            self.queue.push_back((start + spent, piece.to_vec()));
        }
        written
    }

    /// The writer ends.
    pub fn end(&mut self, now: Instant) {
        let at = self
            .last_arrival
            .map_or(now + self.latency, |t| t.max(now + self.latency));
        self.eof.get_or_insert(at);
    }

    /// What has arrived by now.
    pub fn read(&mut self, now: Instant) -> Option<Arrival> {
        if self.next_arrival()? > now {
            return None;
        }
        match self.queue.pop_front() {
            Some((_, bytes)) => {
                self.in_flight -= bytes.len();
                Some(Arrival::Bytes(bytes))
            }
            None => {
                // Once is enough.
                self.stalled = true;
                Some(Arrival::Eof)
            }
        }
    }

    /// When something arrives next; `None`: nothing does.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        if self.stalled {
            return None;
        }
        self.queue.front().map(|(at, _)| *at).or(self.eof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_late_in_pieces_and_in_order() {
        let now = crate::beginning();
        let mut pipe = Pipe::default();
        pipe.set_latency(Duration::from_millis(5));
        pipe.set_piece(2);
        pipe.set_limit(4);
        assert_eq!(pipe.write(now, b"abcdef"), 4);
        pipe.end(now);
        assert_eq!(pipe.read(now), None);
        let later = now + Duration::from_millis(5);
        assert_eq!(pipe.read(later), Some(Arrival::Bytes(b"ab".to_vec())));
        assert_eq!(pipe.in_flight(), 2);
        assert_eq!(pipe.read(later), Some(Arrival::Bytes(b"cd".to_vec())));
        assert_eq!(pipe.read(later), Some(Arrival::Eof));
        assert_eq!(pipe.read(later), None);
    }

    #[test]
    fn a_slow_reader_takes_its_time_and_a_stalled_one_takes_nothing() {
        let now = crate::beginning();
        let mut pipe = Pipe::default();
        pipe.set_rate(Some(10));
        assert_eq!(pipe.write(now, b"twenty bytes of text"), 20);
        assert_eq!(pipe.next_arrival(), Some(now + Duration::from_secs(2)));
        pipe.set_stalled(true);
        assert_eq!(pipe.next_arrival(), None);
        assert_eq!(pipe.read(now + Duration::from_secs(9)), None);
        assert_eq!(pipe.in_flight(), 20);
    }
}
