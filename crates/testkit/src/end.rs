//! [`End`]: one connection and the loop around it, as a socket would drive it.

use crate::heard::Heard;
use crate::pipe::{Arrival, Pipe};
use crate::random::Random;
use std::sync::Arc;
use std::time::Instant;
use tidewire_proto::deflate::Pool;
use tidewire_proto::{Compression, Config, Connection, Failure, Role, State, TcpEnd};

/// One side of a [`Pair`](crate::Pair): the connection and the loop around it.
#[derive(Debug)]
pub struct End {
    /// The connection.
    pub connection: Connection,
    pub(crate) pool: Pool,
    pub(crate) masks: Random,
    /// Written by the connection, not yet taken by the socket.
    pub(crate) out: Vec<u8>,
    /// How much of `out` the socket has taken.
    taken: usize,
    blocked: bool,
    heard: Vec<Heard>,
    failure: Option<Failure>,
    /// This side has ended its half of the TCP connection.
    pub(crate) shut: bool,
    /// This side reads no more: it closed its socket.
    pub(crate) deaf: bool,
    /// How often `handle_timeout` was due.
    alarms: usize,
}

impl End {
    pub(crate) fn new(
        role: Role,
        config: Config,
        compression: Option<Compression>,
        now: Instant,
        seed: u64,
    ) -> Self {
        Self {
            connection: Connection::new(role, Arc::new(config), compression, now),
            pool: Pool::default(),
            masks: Random::new(seed),
            out: Vec::new(),
            taken: 0,
            blocked: false,
            heard: Vec::new(),
            failure: None,
            shut: false,
            deaf: false,
            alarms: 0,
        }
    }

    /// Everything the connection told its owner, so far.
    #[must_use]
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// The messages it told its owner, so far.
    #[must_use]
    pub fn messages(&self) -> Vec<Heard> {
        self.heard
            .iter()
            .filter(|heard| heard.is_message())
            .cloned()
            .collect()
    }

    /// The failure it reported.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Bytes that the socket has not taken.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.out.len() - self.taken
    }

    /// How often a deadline of this side has come.
    #[must_use]
    pub fn alarms(&self) -> usize {
        self.alarms
    }

    /// Whether this side has ended its half of the TCP connection.
    #[must_use]
    pub fn has_shut(&self) -> bool {
        self.shut
    }

    fn failed(&mut self, outcome: Result<(), Failure>) {
        if let Err(failure) = outcome {
            assert!(
                self.failure.is_none(),
                "{failure}: reported after {:?}",
                self.failure
            );
            self.failure = Some(failure);
        }
    }

    /// Takes what has arrived. Whether there was something.
    pub(crate) fn read(&mut self, now: Instant, pipe: &mut Pipe) -> bool {
        match pipe.read(now) {
            None => return false,
            Some(_) if self.deaf => {}
            Some(Arrival::Eof) => {
                let outcome = self.connection.receive_eof(now);
                self.failed(outcome);
            }
            Some(Arrival::Bytes(mut bytes)) => {
                let mut input = &mut bytes[..];
                let outcome = loop {
                    match self.connection.receive(now, &mut self.pool, &mut input) {
                        Ok(Some(event)) => self.heard.push(event.into()),
                        Ok(None) => break Ok(()),
                        Err(failure) => break Err(failure),
                    }
                };
                self.failed(outcome);
            }
        }
        true
    }

    /// Writes what the socket takes, and does with the TCP connection what is to be done.
    pub(crate) fn write(&mut self, now: Instant, pipe: &mut Pipe) -> bool {
        /// Control frames wait in the connection while this much waits in front of them.
        const HIGH_WATER: usize = 64 * 1024;
        if self.unwritten() < HIGH_WATER {
            self.connection
                .poll_transmit(now, &mut self.masks, &mut self.out);
        }
        let mut moved = false;
        if !self.out.is_empty() && !self.shut {
            let count = pipe.write(now, &self.out[self.taken..]);
            self.taken += count;
            if self.taken == self.out.len() {
                self.out.clear();
                self.taken = 0;
            }
            let blocked = self.unwritten() > 0;
            if count > 0 || blocked != self.blocked {
                self.connection.wrote(now, count, blocked);
                moved = true;
            }
            self.blocked = blocked;
        }
        let closed = self.connection.state() == State::Closed;
        let flushed = self.out.is_empty();
        let shut = match self.connection.tcp_end() {
            TcpEnd::Keep | TcpEnd::AwaitPeer => false,
            TcpEnd::CloseNow => flushed || closed,
            TcpEnd::Linger => flushed,
        };
        if shut && !self.shut {
            self.shut = true;
            pipe.end(now);
            moved = true;
        }
        self.deaf |= shut && self.connection.tcp_end() == TcpEnd::CloseNow;
        if self.deaf && !closed {
            // The socket is closed: nothing more arrives, which is an end as well.
            let outcome = self.connection.receive_eof(now);
            self.failed(outcome);
        }
        moved
    }

    pub(crate) fn fire(&mut self, now: Instant) -> bool {
        if self
            .connection
            .next_deadline()
            .is_none_or(|deadline| deadline > now)
        {
            return false;
        }
        self.alarms += 1;
        let outcome = self.connection.handle_timeout(now);
        self.failed(outcome);
        true
    }
}
