//! One WebSocket connection, after its handshake.
//!
//! - [`state`]: open, closing, closed, every transition, and the story of the end
//! - `recv`: bytes in, events out, and what each violation is called
//! - `parts`: the same for messages that are too large to hold
//! - `under_way`: the message under way: where its bytes go, and what bounds it
//! - `direct`: the same for large payloads that are read into their own buffer
//! - `send`: commands in, bytes out
//! - `fragments`: the same for messages that are too large to hold
//! - `control`: control frames that wait to be sent
//! - `close`: the closing handshake
//! - `codec`: permessage-deflate, as one connection uses it
//! - `timers`: which deadline is next

mod close;
mod codec;
mod control;
mod direct;
mod fragments;
mod parts;
mod recv;
mod send;
pub mod state;
mod timers;
mod under_way;

#[cfg(test)]
mod tests;

pub use codec::Compression;
pub use state::{CloseStory, ClosedBy, State, TcpEnd};

use crate::config::Config;
use crate::frame::Role;
use control::ControlQueue;
use state::Phase;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a client gets its masking keys.
///
/// RFC 6455 §5.3: the key "needs to be unpredictable", and so must come from a strong source of
/// entropy. A server never asks.
pub trait MaskSource {
    /// A fresh key.
    fn next_mask(&mut self) -> [u8; 4];
}

/// One WebSocket connection as a state machine, in either role.
///
/// It has four groups of methods:
///
/// - getters: [`state`](Self::state), [`story`](Self::story), [`tcp_end`](Self::tcp_end), …
/// - what happened: [`receive`](Self::receive), [`receive_eof`](Self::receive_eof),
///   [`wrote`](Self::wrote), [`handle_timeout`](Self::handle_timeout)
/// - commands: [`send_text`](Self::send_text), [`send_binary`](Self::send_binary),
///   [`ping`](Self::ping), [`close`](Self::close), …
/// - what to do: [`poll_transmit`](Self::poll_transmit), [`next_deadline`](Self::next_deadline)
///
/// An idle connection owns no buffer.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    config: Arc<Config>,
    codec: Option<Box<codec::Codec>>,
    phase: Phase,
    story: Option<Box<CloseStory>>,
    recv: recv::Recv,
    control: ControlQueue,
    /// The message that is being sent in fragments.
    fragmented: Option<fragments::Fragmented>,
    timers: timers::Timers,
}

impl Connection {
    /// A connection whose handshake is complete. `compression` is what the handshake agreed.
    #[must_use]
    pub fn new(
        role: Role,
        config: Arc<Config>,
        compression: Option<Compression>,
        now: Instant,
    ) -> Self {
        let timers = timers::Timers::new(now, &config);
        Self {
            role,
            config,
            codec: compression.map(|agreed| Box::new(codec::Codec::new(role, agreed))),
            phase: Phase::Open,
            story: None,
            recv: recv::Recv::default(),
            control: ControlQueue::default(),
            fragmented: None,
            timers,
        }
    }

    /// Which side this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The limits and deadlines in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The permessage-deflate parameters in force.
    #[must_use]
    pub fn compression(&self) -> Option<crate::deflate::params::Params> {
        self.codec.as_ref().map(|codec| codec.params())
    }

    /// The round-trip time of the last keepalive Ping that was answered.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.timers.rtt()
    }
}
