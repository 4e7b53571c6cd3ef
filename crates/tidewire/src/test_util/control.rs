//! [`Control`]: breaks a wire in the middle of a test, and tells what went over it.

use super::lane::Lane;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// A direction of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Way {
    /// Up and down.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// The other direction.
    #[must_use]
    pub const fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// A wire: what both ends and the control share. Locked for moments, never while a task is polled.
#[derive(Debug)]
pub(super) struct Wire {
    state: Mutex<State>,
    /// The seed to print, if the run depends on it.
    seed: Option<u64>,
}

#[derive(Debug)]
pub(super) struct State {
    up: Lane,
    down: Lane,
    pub(super) reset: bool,
}

impl State {
    pub(super) fn lane(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

impl Wire {
    pub(super) fn new(up: Lane, down: Lane, seed: Option<u64>) -> Self {
        let reset = false;
        Self {
            state: Mutex::new(State { up, down, reset }),
            seed,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(seed) = self.seed.filter(|_| std::thread::panicking()) {
            eprintln!("tidewire::test_util: this network had the seed {seed}");
        }
    }
}

/// A hand on the wire between two ends. Clones hold the same wire; dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct Control {
    pub(super) wire: Arc<Wire>,
}

impl Control {
    /// Cuts the connection as a reset does: what is under way is lost, and both ends get
    /// [`ConnectionReset`](std::io::ErrorKind::ConnectionReset) for all they do.
    pub fn reset(&self) {
        let mut state = self.wire.lock();
        state.reset = true;
        for way in Way::BOTH {
            state.lane(way).lose();
        }
    }

    /// Ends one direction in order: what is under way arrives, then the reader sees the end (EOF).
    /// Who still writes there gets [`BrokenPipe`](std::io::ErrorKind::BrokenPipe).
    pub fn end(&self, way: Way) {
        self.wire.lock().lane(way).end(Instant::now());
    }

    /// From now on nothing arrives in this direction, not even the end. Writes are taken until the
    /// buffer is full: a peer that does not read, or a network that lost its way.
    pub fn stall(&self, way: Way) {
        self.wire.lock().lane(way).stall(true);
    }

    /// Undoes [`stall`](Self::stall) and [`silence`](Self::silence) in one direction: what was held
    /// up arrives.
    pub fn resume(&self, way: Way) {
        self.wire.lock().lane(way).stall(false);
    }

    /// Stalls both directions: each end sees a peer that vanished without a word.
    pub fn silence(&self) {
        for way in Way::BOTH {
            self.stall(way);
        }
    }

    /// Bytes that were written in this direction, the handshake included.
    #[must_use]
    pub fn sent(&self, way: Way) -> u64 {
        self.wire.lock().lane(way).sent
    }

    /// Bytes that were read in this direction, the handshake included.
    #[must_use]
    pub fn arrived(&self, way: Way) -> u64 {
        self.wire.lock().lane(way).arrived
    }

    /// Writes in this direction that took something: what would be system calls and, mostly, packets.
    #[must_use]
    pub fn writes(&self, way: Way) -> u64 {
        self.wire.lock().lane(way).writes
    }

    /// Every byte that was written in this direction since the last call, the handshake included.
    /// Empty, unless the network is [`recorded`](super::Network::recorded).
    #[must_use]
    pub fn take_recording(&self, way: Way) -> Vec<u8> {
        std::mem::take(&mut self.wire.lock().lane(way).record)
    }
}
