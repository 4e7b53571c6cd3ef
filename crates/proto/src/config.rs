//! Limits and deadlines: meaning, default, and the price of a bad value.

use std::time::Duration;

/// What a connection accepts and how long it waits.
///
/// Shared by many connections in an `Arc`; compression has its own
/// [`DeflateConfig`](crate::deflate::DeflateConfig), because it is settled in the handshake.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The largest message in bytes, after decompression. Default 16 MiB.
    ///
    /// Each fragment after the first is charged [`FRAGMENT_OVERHEAD`] bytes, so that a flood of
    /// tiny or empty fragments ends too; 65,536 fragments of 64 bytes are fine by default. One peer
    /// can make a connection hold this much: too large, and a few peers exhaust memory; too small,
    /// and honest messages are refused with 1009.
    pub max_message: usize,
    /// The largest frame in bytes, as it is on the wire. Default 16 MiB. A larger claim is refused
    /// with 1009 before its payload is read. Smaller than `max_message`, it forces large messages to
    /// be sent in fragments, which many clients never do.
    pub max_frame: usize,
    /// The largest message that is received in parts
    /// ([`receive_part`](crate::Connection::receive_part)), in bytes, after decompression; `None`: any
    /// size. Default `None`.
    ///
    /// Nothing of such a message is held, so neither `max_message` nor `max_frame` bounds it: without
    /// this limit a peer decides how much its receiver writes to a disk. Too small, and honest uploads
    /// are refused with 1009.
    pub max_streamed: Option<u64>,
    /// How many control frames may wait to be sent. Default 64.
    ///
    /// When that many wait, a further Ping replaces the last Pong instead of adding one, which
    /// §5.5.3 allows. Too small delays nothing; too large lets a peer that pings and never reads
    /// hold 127 bytes a frame.
    pub max_queued_control: usize,
    /// Send a Ping when nothing arrived for this long; `None`: never. Default 20 s.
    ///
    /// Any byte from the peer counts as life. Too long, and proxies that drop idle connections
    /// (often after 30 or 60 s) do so; too short wakes phones and costs traffic.
    pub ping_interval: Option<Duration>,
    /// How long after a keepalive Ping the peer may stay silent. Default 20 s.
    ///
    /// The time counts once the Ping has been written, and stretches while data waits in front of
    /// it (see [`SLOWEST_READER`]), so that a peer that is only slow to read is not closed. Too
    /// short closes peers behind a bad radio link; too long keeps dead ones.
    pub pong_timeout: Duration,
    /// Close with 1001 when no message has gone either way for this long; `None`: never. Default
    /// `None`.
    ///
    /// Bytes of a message count, Pings do not: keepalive ends connections that are dead, this ends those
    /// that nobody uses. Too short, and clients that only listen come back again and again; too long,
    /// and forgotten pages hold connections.
    pub idle_timeout: Option<Duration>,
    /// How long the answer to our Close, and the end of the TCP connection after it, may take.
    /// Default 5 s. Too short cuts off peers that still have data to read before our Close.
    pub close_timeout: Duration,
}

/// Bytes charged against `max_message` for each fragment after the first.
pub const FRAGMENT_OVERHEAD: usize = 64;

/// Fragments in a row that may bring nothing to hand out of a message that is received in parts. They
/// hold no memory, but would go on for ever.
pub const MAX_EMPTY_FRAGMENTS: u32 = 1000;

/// Bytes a second: the speed of the slowest reader whose Pong is still waited for. Data written
/// since the last proof that the peer reads stretches `pong_timeout` by the time it takes at this
/// speed (at most [`MAX_UNPROVEN`] bytes are counted).
pub const SLOWEST_READER: u32 = 16 * 1024;

/// The most bytes that can hide in socket buffers in front of a Ping.
pub const MAX_UNPROVEN: u32 = 8 * 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message: 16 * 1024 * 1024,
            max_frame: 16 * 1024 * 1024,
            max_streamed: None,
            max_queued_control: 64,
            ping_interval: Some(Duration::from_secs(20)),
            pong_timeout: Duration::from_secs(20),
            idle_timeout: None,
            close_timeout: Duration::from_secs(5),
        }
    }
}

impl Config {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`max_message`](Self::max_message) in bytes, and raises
    /// [`max_frame`](Self::max_frame) to it if that is smaller.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self.max_frame = self.max_frame.max(bytes);
        self
    }

    /// Sets [`max_frame`](Self::max_frame) in bytes.
    #[must_use]
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Sets [`max_streamed`](Self::max_streamed) in bytes.
    #[must_use]
    pub fn max_streamed(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_streamed = bytes.into();
        self
    }

    /// Sets [`max_queued_control`](Self::max_queued_control).
    #[must_use]
    pub fn max_queued_control(mut self, frames: usize) -> Self {
        self.max_queued_control = frames;
        self
    }

    /// Sets [`ping_interval`](Self::ping_interval).
    #[must_use]
    pub fn ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.ping_interval = interval;
        self
    }

    /// Sets [`pong_timeout`](Self::pong_timeout).
    #[must_use]
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = timeout;
        self
    }

    /// Sets [`idle_timeout`](Self::idle_timeout).
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets [`close_timeout`](Self::close_timeout).
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }
}
