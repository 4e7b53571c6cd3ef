//! [`Plan`]: what load to make.

use crate::error::LoadError;
use std::time::Duration;

/// What load to make. [`Default`] is 100 connections, 32 bytes, one message under way on each, for
/// 5 seconds after 1 second of warm-up; only the URL is missing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// `ws://host:port/path`, or `tcp://host:port` if [`raw`](Self::raw).
    pub url: String,
    /// Connections open at once. Default 100.
    pub connections: usize,
    /// Bytes of payload of each message. Default 32. Below 8, lost and reordered messages are
    /// noticed only as far as so few bytes can differ.
    pub size: usize,
    /// Messages kept under way on each connection. Default 1, which measures latency and the
    /// kernel; 16 shows who answers many messages with one write.
    pub depth: usize,
    /// How long to measure. Default 5 s. Below a second, CPU time and percentiles are coarse.
    pub duration: Duration,
    /// How long to run before that, unmeasured. Default 1 s. Too short measures cold caches.
    pub warmup: Duration,
    /// The server's process, to tell its CPU time (Linux; elsewhere it is not told). Default none.
    pub pid: Option<u32>,
    /// Never let the generator sleep, at the price of a whole core. Default off. A sleeping
    /// generator has to be woken, and on another core that costs the *server* up to 30 µs a message.
    pub busy_poll: bool,
    /// The peer is a TCP echo, not a WebSocket: the same masked frames are sent without a handshake
    /// and come back byte for byte. Default off.
    pub raw: bool,
    /// Offer permessage-deflate. Default off.
    pub deflate: bool,
    /// How many connections may be in their handshake at once. Default 64. Too many overrun the
    /// server's listen queue.
    pub connecting: usize,
    /// How long one connection may take for TCP and for its handshake, each. Default 10 s.
    pub connect_timeout: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            url: String::new(),
            connections: 100,
            size: 32,
            depth: 1,
            duration: Duration::from_secs(5),
            warmup: Duration::from_secs(1),
            pid: None,
            busy_poll: false,
            raw: false,
            deflate: false,
            connecting: 64,
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// What the payloads of one connection, or what is under way on all of them, may take.
const MAX_MEMORY: usize = 1 << 30;

impl Plan {
    /// The default load on `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    /// Sets [`connections`](Self::connections).
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets [`size`](Self::size) in bytes.
    #[must_use]
    pub fn size(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// Sets [`depth`](Self::depth).
    #[must_use]
    pub fn depth(mut self, messages: usize) -> Self {
        self.depth = messages;
        self
    }

    /// Sets [`duration`](Self::duration).
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Sets [`warmup`](Self::warmup).
    #[must_use]
    pub fn warmup(mut self, warmup: Duration) -> Self {
        self.warmup = warmup;
        self
    }

    /// Sets [`pid`](Self::pid).
    #[must_use]
    pub fn pid(mut self, pid: Option<u32>) -> Self {
        self.pid = pid;
        self
    }

    /// Sets [`busy_poll`](Self::busy_poll).
    #[must_use]
    pub fn busy_poll(mut self, busy_poll: bool) -> Self {
        self.busy_poll = busy_poll;
        self
    }

    /// Sets [`raw`](Self::raw).
    #[must_use]
    pub fn raw(mut self, raw: bool) -> Self {
        self.raw = raw;
        self
    }

    /// Sets [`deflate`](Self::deflate).
    #[must_use]
    pub fn deflate(mut self, deflate: bool) -> Self {
        self.deflate = deflate;
        self
    }

    /// Sets [`connecting`](Self::connecting).
    #[must_use]
    pub fn connecting(mut self, connections: usize) -> Self {
        self.connecting = connections;
        self
    }

    /// Sets [`connect_timeout`](Self::connect_timeout).
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Whether this can be done at all.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        let wrong = |what: &str| Err(LoadError::InvalidPlan(what.to_owned()));
        if self.connections == 0 || self.depth == 0 || self.connecting == 0 {
            return wrong("connections and depth must be at least 1");
        }
        if self.duration.is_zero() {
            return wrong("the duration must not be zero");
        }
        let ring = self
            .size
            .saturating_add(64)
            .saturating_mul(self.depth.saturating_add(1));
        if ring > MAX_MEMORY {
            return wrong("size times depth is over 1 GiB: lower one of them");
        }
        if self.depth.saturating_mul(self.connections) > MAX_MEMORY / 8 {
            return wrong("connections times depth is over 128 million: lower one of them");
        }
        if self.raw && self.deflate {
            return wrong("raw has no handshake in which compression could be agreed");
        }
        Ok(())
    }
}
