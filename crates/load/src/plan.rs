//! [`Plan`]: what load to make.

use crate::error::LoadError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidewire::Client;

/// What the connections do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Each message is to come back as it is.
    #[default]
    Echo,
    /// The server speaks, and is listened to.
    Push,
    /// Pings and Pongs, which every server has.
    Ping,
    /// Connections are held, with a few Pings now and then.
    Idle,
    /// One publisher and many subscribers of a channel of the hub.
    PubSub,
    /// Connections are opened and closed.
    Connect,
}

impl Mode {
    /// Its name on the command line and in the JSON report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Push => "push",
            Self::Ping => "ping",
            Self::Idle => "idle",
            Self::PubSub => "pubsub",
            Self::Connect => "connect",
        }
    }
}

/// Ends a run early, from any thread: what was measured until then is reported.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the run.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What load to make. [`Default`] is an echo over 100 connections, 32 bytes, one message under way on
/// each, for 5 seconds after 1 second of warm-up, from one thread; only the URL is missing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// `ws://host:port/path`, `wss://…`, or `tcp://host:port` if [`raw`](Self::raw).
    pub url: String,
    /// How to get to the server; cloned for each connection. Default: a client for the URL.
    pub client: Option<Client>,
    /// What the connections do. Default [`Mode::Echo`].
    pub mode: Mode,
    /// Connections open at once; with [`Mode::PubSub`] subscribers, besides the one publisher.
    /// Default 100.
    pub connections: usize,
    /// Bytes of payload of each message. Default 32. Below 16, lost and reordered messages are
    /// noticed only as far as so few bytes can differ.
    pub size: usize,
    /// Messages kept under way on each connection. Default 1, which measures latency and the
    /// kernel; 16 shows who answers many messages with one write.
    pub depth: usize,
    /// Messages a second in all, by a schedule that nothing holds up: an *open* load. Default none:
    /// each connection waits for answers, which is a *closed* load.
    pub rate: Option<f64>,
    /// Threads that make the load. Default 1.
    pub threads: usize,
    /// Messages go as text. Default off: binary.
    pub text: bool,
    /// What each connection says first. Default nothing.
    pub hello: Option<String>,
    /// The channel of [`Mode::PubSub`]. Default `live:bench`.
    pub channel: String,
    /// How long to measure. Default 5 s. Below a second, CPU time and percentiles are coarse.
    pub duration: Duration,
    /// How long to run before that, unmeasured. Default 1 s. Too short measures cold caches.
    pub warmup: Duration,
    /// The server's process, to tell its CPU time (Linux; elsewhere it is not told). Default none.
    pub pid: Option<u32>,
    /// Never let the generator sleep, at the price of a whole core. Default off. A sleeping
    /// generator has to be woken, and on another core that costs the *server* up to 30 µs a message.
    pub busy_poll: bool,
    /// The peer is a TCP echo, not a WebSocket: frames are sent without a handshake and come back
    /// byte for byte. Default off.
    pub raw: bool,
    /// Offer permessage-deflate. Default off.
    pub deflate: bool,
    /// How many connections may be in their handshake at once. Default 64. Too many overrun the
    /// server's listen queue.
    pub connecting: usize,
    /// How long one connection may take until it is open. Default 10 s.
    pub connect_timeout: Duration,
    /// Ends the run early.
    pub stop: Stop,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            url: String::new(),
            client: None,
            mode: Mode::Echo,
            connections: 100,
            size: 32,
            depth: 1,
            rate: None,
            threads: 1,
            text: false,
            hello: None,
            channel: "live:bench".to_owned(),
            duration: Duration::from_secs(5),
            warmup: Duration::from_secs(1),
            pid: None,
            busy_poll: false,
            raw: false,
            deflate: false,
            connecting: 64,
            connect_timeout: Duration::from_secs(10),
            stop: Stop::default(),
        }
    }
}

/// What the payloads under way on all connections may take.
const MAX_MEMORY: usize = 1 << 30;

/// What a publication holds at least: number and checksum, and when it was due and sent.
pub(crate) const PUBLICATION: usize = 48;

/// A Ping holds no more (RFC 6455 §5.5).
pub(crate) const MAX_PING: usize = 125;

/// Pings a second by which held connections are sampled.
const IDLE_RATE: f64 = 10.0;

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        #[doc = concat!("Sets [`", stringify!($name), "`](Self::", stringify!($name), ").")]
        #[must_use]
        pub fn $name(mut self, $name: $type) -> Self {
            self.$name = $name;
            self
        }
    )*};
}

impl Plan {
    /// The default load on `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    setters! {
        client: Option<Client>,
        mode: Mode,
        connections: usize,
        size: usize,
        depth: usize,
        rate: Option<f64>,
        threads: usize,
        text: bool,
        hello: Option<String>,
        channel: String,
        duration: Duration,
        warmup: Duration,
        pid: Option<u32>,
        busy_poll: bool,
        raw: bool,
        deflate: bool,
        connecting: usize,
        connect_timeout: Duration,
        stop: Stop,
    }

    /// Messages a second of an open load.
    pub(crate) fn pace(&self) -> Option<f64> {
        match self.mode {
            Mode::Push => None,
            Mode::Idle => Some(self.rate.unwrap_or(IDLE_RATE)),
            _ => self.rate,
        }
    }

    /// Bytes of each payload.
    pub(crate) fn payload(&self) -> usize {
        match self.mode {
            Mode::Ping | Mode::Idle => self.size.clamp(16, MAX_PING),
            _ => self.size,
        }
    }

    /// Threads that have something to do.
    pub(crate) fn crew(&self) -> usize {
        self.threads.min(self.connections)
    }

    /// How many of the connections are those of thread `index`.
    pub(crate) fn share(&self, index: usize) -> usize {
        let (crew, all) = (self.crew(), self.connections);
        all / crew + usize::from(index < all % crew)
    }

    /// Whether this can be done at all.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        let wrong = |what: &str| Err(LoadError::InvalidPlan(what.to_owned()));
        if self.connections == 0 || self.depth == 0 || self.connecting == 0 || self.threads == 0 {
            return wrong("connections, depth and threads must be at least 1");
        }
        if self.duration.is_zero() {
            return wrong("the duration must not be zero");
        }
        let rate_is_odd = |rate: f64| !(rate.is_finite() && (0.001..=1e9).contains(&rate));
        if self.rate.is_some_and(rate_is_odd) {
            return wrong("the rate must be between 0.001 and 1000000000 messages a second");
        }
        let under_way = self
            .depth
            .saturating_add(1)
            .saturating_mul(self.size.saturating_add(64));
        if under_way > MAX_MEMORY {
            return wrong("size times depth is over 1 GiB: lower one of them");
        }
        if self.depth.saturating_mul(self.connections) > MAX_MEMORY / 8 {
            return wrong("connections times depth is over 128 million: lower one of them");
        }
        if self.raw && self.deflate {
            return wrong("raw has no handshake in which compression could be agreed");
        }
        if self.raw && (self.mode != Mode::Echo || self.text || self.hello.is_some()) {
            return wrong("raw is an echo of bytes: it has no other mode, no text and no hello");
        }
        if self.mode == Mode::PubSub && self.size < PUBLICATION {
            return wrong(
                "a publication needs a size of at least 48 bytes, to tell when it was sent",
            );
        }
        if self.mode == Mode::Push && self.rate.is_some() {
            return wrong("in mode push the server speaks: there is no rate to keep");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_connections() {
        let plan = Plan::new("ws://h").connections(10).threads(4);
        let shares: Vec<_> = (0..4).map(|index| plan.share(index)).collect();
        assert_eq!(shares, [3, 3, 2, 2]);
        assert_eq!(plan.connections(2).crew(), 2, "none is without work");
    }

    #[test]
    fn what_a_mode_cannot_have_is_refused() {
        let plan = || Plan::new("ws://h");
        for plan in [
            plan().mode(Mode::PubSub),
            plan().mode(Mode::Push).rate(Some(1.0)),
            plan().rate(Some(0.0)),
            plan().rate(Some(f64::NAN)),
            plan().rate(Some(-5.0)),
            plan().threads(0),
            plan().raw(true).mode(Mode::Ping),
        ] {
            assert!(plan.check().is_err(), "{plan:?}");
        }
        assert_eq!(plan().mode(Mode::Ping).size(4000).payload(), MAX_PING);
        assert_eq!(plan().mode(Mode::Idle).pace(), Some(IDLE_RATE));
    }
}
