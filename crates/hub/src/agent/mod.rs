//! The local agent of the tester: opens WebSockets for a page that a browser would not let it open so,
//! and tells it what goes over the wire.
//!
//! - [`tokens`]: links, and the keys they are exchanged for
//! - [`gate`]: who may ask
//! - [`wire`]: what a page and its agent say to each other
//! - [`session`]: one page's socket and the far one; [`dial`] opens that, [`relay`] passes on
//! - [`tape`]: what is to be told to the page, in its order
//! - [`trouble`]: what went wrong, and what to do

mod dial;
mod gate;
mod relay;
mod session;
mod tape;
mod tokens;
mod trouble;
mod wire;

pub(crate) use gate::judge;
pub(crate) use session::run;
pub(crate) use tokens::{Refused, Secret};
pub(crate) use wire::PROTOCOL;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tidewire::{DeflateConfig, OriginPolicy, Server};
use tokens::Tokens;

/// Sockets of pages at once.
pub(crate) const SOCKETS: usize = 64;
/// Largest message that a server may send, in bytes.
const MESSAGE: usize = 16 << 20;
/// Largest message of a page: text that is to be sent is JSON, where it may take twice as much.
const COMMAND: usize = 2 * MESSAGE;
/// How often a page is asked whether it is still there: nothing is read from it while the far server reads
/// nothing, so that its goodbye is not heard.
const PING: Duration = Duration::from_secs(5);

/// What the shards of a node know of its agent. A node that other machines reach has none.
pub(crate) struct Agent {
    tokens: Mutex<Tokens>,
    sockets: Arc<AtomicUsize>,
    pub(crate) server: Server,
}

/// A page's place among those that the agent serves.
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Agent {
    /// The agent of a hub that listens on `addrs`, if it is `wanted`: none unless every address is
    /// loopback. `random` makes its first token.
    pub(crate) fn new(wanted: bool, addrs: &[SocketAddr], random: [u8; 16]) -> Option<Self> {
        let here = addrs.iter().all(|addr| addr.ip().is_loopback());
        let config = tidewire::Config::new()
            .max_message(COMMAND)
            .max_frame(COMMAND)
            .ping_interval(Some(PING))
            .pong_timeout(PING);
        (wanted && here).then(|| Self {
            tokens: Mutex::new(Tokens::new(Secret::new(random))),
            sockets: Arc::default(),
            // Who may come was judged before.
            server: Server::new()
                .origin(OriginPolicy::Any)
                .subprotocols([wire::PROTOCOL])
                .deflate(None::<DeflateConfig>)
                .config(config),
        })
    }

    /// The token of the link that works now.
    pub(crate) fn token(&self) -> String {
        self.tokens().current().reveal()
    }

    /// Exchanges the token of a link for `key`; the next link has `next`.
    ///
    /// # Errors
    ///
    /// It is not the token of the link that works now, or too many were tried.
    pub(crate) fn redeem(&self, token: &str, key: Secret, next: Secret) -> Result<(), Refused> {
        self.tokens().redeem(token, Instant::now(), key, next)
    }

    fn admits(&self, key: &str) -> bool {
        self.tokens().admits(key)
    }

    /// A place for one more socket, if there is one.
    pub(crate) fn seat(&self) -> Option<Seat> {
        let before = self.sockets.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(self.sockets.clone());
        (before < SOCKETS).then_some(seat)
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_none_where_other_machines_could_ask() {
        let addrs = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().filter_map(|text| text.parse().ok()).collect()
        };
        for (wanted, listen, there) in [
            (true, &["127.0.0.1:4000", "[::1]:4000"][..], true),
            (false, &["127.0.0.1:4000"], false),
            (true, &["127.0.0.1:4000", "192.168.0.1:4000"], false),
            (true, &["0.0.0.0:4000"], false),
        ] {
            let agent = Agent::new(wanted, &addrs(listen), [7; 16]);
            assert_eq!(agent.is_some(), there, "{listen:?}");
        }
    }

    #[test]
    fn seats_are_counted_and_given_back() {
        let agent = Agent::new(true, &[], [7; 16]);
        let seats: Vec<_> = (0..SOCKETS + 3)
            .filter_map(|_| agent.as_ref().and_then(Agent::seat))
            .collect();
        assert_eq!(seats.len(), SOCKETS);
        assert!(agent.as_ref().and_then(Agent::seat).is_none());
        drop(seats);
        assert!(agent.as_ref().and_then(Agent::seat).is_some());
    }
}
