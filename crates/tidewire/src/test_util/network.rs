//! [`Network`]: what lies between a client and a server, to be chosen.

use super::control::{Control, Way, Wire};
use super::io::{Cuts, TestIo};
use super::lane::{Lane, Quality};
use super::random::Random;
use crate::{Client, Server, WebSocket};
use std::future::{Future, poll_fn};
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A client and a server, connected through the real handshake over a perfect wire, with the defaults
/// of [`Client`] and [`Server`]. The client comes first.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let (mut client, server) = tidewire::test_util::pair().await;
/// server.send("hello").await.unwrap();
/// assert_eq!(client.recv().await.unwrap().unwrap(), "hello");
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropped before it resolves, both ends are dropped with it.
pub async fn pair() -> (WebSocket, WebSocket) {
    let (client, server, _) = Network::new().pair().await;
    (client, server)
}

/// What lies between a client and a server. Both directions are alike; each connection that is made
/// from it is a wire of its own, and repeats the same run: give another [`seed`](Self::seed) for
/// another.
#[derive(Clone, Debug)]
pub struct Network {
    seed: u64,
    torn: Option<RangeInclusive<usize>>,
    quality: Quality,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            seed: 0,
            torn: None,
            quality: Quality {
                latency: Duration::ZERO,
                jitter: Duration::ZERO,
                bandwidth: None,
                buffer: 64 * 1024,
                recorded: false,
            },
        }
    }
}

impl Network {
    /// A perfect network: bytes arrive at once and whole, 64 KiB of them may be under way.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What chance does, if [`torn`](Self::torn) or [`jitter`](Self::jitter) leave something to it:
    /// the same seed, the same run. It is printed when a test panics. Default 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How long every byte takes, one way. Default: no time. It passes at once if tokio's clock is
    /// paused.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.quality.latency = latency;
        self
    }

    /// How much longer it takes by chance, at most; bytes never overtake others. Default: none.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.quality.jitter = jitter;
        self
    }

    /// Every read and write passes so many bytes, by chance, and every other one nothing at all, so
    /// that others run between: frames are cut anywhere, and futures are pending everywhere. Small
    /// pieces find more and take longer: a message of 1 MiB in pieces of a few bytes takes a second. Default: not.
    #[must_use]
    pub fn torn(mut self, bytes: RangeInclusive<usize>) -> Self {
        self.torn = Some(bytes);
        self
    }

    /// How many bytes a second pass, at most. Default: any number.
    #[must_use]
    pub fn bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.quality.bandwidth = Some(bytes_per_second);
        self
    }

    /// How many bytes may be under way in each direction before a write has to wait: those that have
    /// not arrived, and those that the reader has not taken. Default 64 KiB; at least 1. Small ones
    /// show what a handler does when its peer is slow to read.
    #[must_use]
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.quality.buffer = bytes.max(1);
        self
    }

    /// Keeps every byte that goes over, for [`Control::take_recording`]. Default: no, which saves the
    /// memory.
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.quality.recorded = true;
        self
    }

    /// A wire without a WebSocket on it: the client's end, the server's end, and a hand on it. For
    /// [`Client::handshake`], [`Server::accept`], and peers that write bytes by hand.
    #[must_use]
    pub fn io(&self) -> (TestIo, TestIo, Control) {
        let random = |part| Random::new(self.seed, part);
        let lane = |part| Lane::new(self.quality.clone(), random(part));
        let by_chance = self.torn.is_some() || !self.quality.jitter.is_zero();
        let seed = by_chance.then_some(self.seed);
        let wire = Arc::new(Wire::new(lane(0), lane(1), seed));
        let end = |way, part| {
            let cuts = |part| Cuts::new(self.torn.clone(), random(part));
            TestIo::new(&wire, way, cuts(part), cuts(part + 1))
        };
        let (client, server) = (end(Way::Up, 2), end(Way::Down, 4));
        let control = client.control();
        (client, server, control)
    }

    /// A client, its server, and a hand on the wire between them, with the defaults of [`Client`] and
    /// [`Server`].
    ///
    /// # Panics
    ///
    /// As [`pair_with`](Self::pair_with).
    ///
    /// # Cancel safety
    ///
    /// As [`pair_with`](Self::pair_with).
    pub async fn pair(&self) -> (WebSocket, WebSocket, Control) {
        let client = Client::new("ws://localhost/");
        self.pair_with(client, &Server::new()).await
    }

    /// As [`pair`](Self::pair), between a client and a server of your choice, through the real
    /// handshake. The client's URL gives the Host header and the path.
    ///
    /// # Panics
    ///
    /// If the handshake fails, as it does when the server refuses the client: to test that, do the
    /// handshakes yourself over [`io`](Self::io).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, both ends are dropped with it.
    pub async fn pair_with(
        &self,
        client: Client,
        server: &Server,
    ) -> (WebSocket, WebSocket, Control) {
        let (client_io, server_io, control) = self.io();
        match join(client.handshake(client_io), server.accept(server_io)).await {
            (Ok(client), Ok(server)) => (client, server, control),
            (client, server) => {
                panic!("the handshake failed: the client got {client:?}, the server got {server:?}")
            }
        }
    }
}

/// Both at once.
async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut got_a, mut got_b) = (None, None);
    poll_fn(|cx| {
        if got_a.is_none() {
            if let Poll::Ready(got) = a.as_mut().poll(cx) {
                got_a = Some(got);
            }
        }
        if got_b.is_none() {
            if let Poll::Ready(got) = b.as_mut().poll(cx) {
                got_b = Some(got);
            }
        }
        match (got_a.take(), got_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (got_a, got_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
