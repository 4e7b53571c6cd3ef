//! The local agent of the tester: opens WebSockets for a page that a browser would not let it open so,
//! and tells it what goes over the wire.
//!
//! - [`tokens`]: links, and the keys they are exchanged for
//! - [`gate`]: who may ask
//! - [`wire`]: what a page and its agent say to each other
//! - [`session`]: one page's socket and the far one; [`dial`] opens that, [`relay`] passes on
//! - [`tape`]: what is to be told to the page, in its order
//! - [`trouble`]: what went wrong, and what to do; [`certificate`]: what a certificate says

mod certificate;
mod dial;
mod gate;
mod relay;
mod session;
mod tape;
mod tokens;
mod trouble;
mod wire;

use crate::node::{HubEvent, Node};
use crate::shard::Local;
use crate::web::caller::Caller;
use crate::web::pages;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tidewire::hyper::Upgrade;
use tidewire::{DeflateConfig, OriginPolicy, Server};
use tokens::{Refused, Secret, Tokens};
use tokio::task::spawn_local;
use tokio::time::timeout;

/// Sockets of pages at once.
const SOCKETS: usize = 64;
/// Largest message that a server may send, in bytes.
const MESSAGE: usize = 16 << 20;
/// Largest message of a page: text that is to be sent is JSON, where it may take twice as much.
const COMMAND: usize = 2 * MESSAGE;
/// How often a page is asked whether it is still there: nothing is read from it while the far server reads
/// nothing, so that its goodbye is not heard.
const PING: Duration = Duration::from_secs(5);
/// Largest body of `POST /agent`, in bytes, and how long it may take.
const TOKEN: usize = 256;
const PATIENCE: Duration = Duration::from_secs(10);

/// What the shards of a node know of its agent. A node that other machines reach has none.
pub(crate) struct Agent {
    tokens: Mutex<Tokens>,
    sockets: Arc<AtomicUsize>,
    server: Server,
}

/// A page's place among those that the agent serves.
struct Seat(Arc<AtomicUsize>);

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

    fn admits(&self, key: &str) -> bool {
        self.tokens().admits(key)
    }

    fn seat(&self) -> Option<Seat> {
        let before = self.sockets.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(self.sockets.clone());
        (before < SOCKETS).then_some(seat)
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NONE: &str = "There is no agent here: it is on where the server listens on loopback alone, unless its configuration \
    says agent = false.";

/// The shard and its agent, if the request may reach it; otherwise the answer.
fn reach(request: &Request) -> Result<std::rc::Rc<Local>, Box<Response>> {
    let local = Local::here().filter(|local| local.node.agent.is_some());
    let local = local.ok_or_else(|| Box::new(pages::sentence(StatusCode::NOT_FOUND, NONE)))?;
    gate::judge(request)
        .map_err(|words| Box::new(pages::sentence(StatusCode::FORBIDDEN, words)))?;
    Ok(local)
}

/// `POST /agent`: exchanges the token of a link for a key.
pub(crate) async fn redeem(request: Request) -> Response {
    let node = match reach(&request) {
        Ok(local) => local.node.clone(),
        Err(answer) => return *answer,
    };
    let body = timeout(PATIENCE, to_bytes(request.into_body(), TOKEN)).await;
    let body = body.ok().and_then(Result::ok);
    let token = body
        .as_deref()
        .and_then(|body| std::str::from_utf8(body).ok());
    let Some(token) = token else {
        let words = "The body of this request is the token of a link, and nothing else.";
        return pages::sentence(StatusCode::BAD_REQUEST, words);
    };
    match exchange(&node, token.trim()) {
        Some(Ok(key)) => {
            node.tell(HubEvent::TesterLinkUsed);
            let body = serde_json::json!({ "key": key.reveal() }).to_string();
            pages::answer(StatusCode::OK, "application/json", body)
        }
        Some(Err(refused)) => {
            let status = match refused {
                Refused::Used => StatusCode::GONE,
                Refused::Unknown => StatusCode::FORBIDDEN,
                Refused::TooManyTries => StatusCode::TOO_MANY_REQUESTS,
            };
            pages::sentence(status, refused.to_string())
        }
        None => {
            let words = "The system has no randomness just now; try again.";
            pages::sentence(StatusCode::SERVICE_UNAVAILABLE, words)
        }
    }
}

/// `None`: there is no randomness.
fn exchange(node: &Node, token: &str) -> Option<Result<Secret, Refused>> {
    let mut random = [[0; 16]; 2];
    for bytes in &mut random {
        getrandom::fill(bytes).ok()?;
    }
    let [key, next] = random.map(Secret::new);
    let mut tokens = node.agent.as_ref()?.tokens();
    let redeemed = tokens.redeem(token, Instant::now(), key, next);
    Some(redeemed.map(|()| key))
}

/// `GET /agent`: the socket of a page.
pub(crate) async fn open(mut request: Request) -> Response {
    let local = match reach(&request) {
        Ok(local) => local,
        Err(answer) => return *answer,
    };
    let Some(agent) = &local.node.agent else {
        return pages::missing();
    };
    let leaving = local.leaving.clone();
    if leaving.borrow().is_some() {
        let words = "The server is stopping; come back in a moment.";
        return pages::sentence(StatusCode::SERVICE_UNAVAILABLE, words);
    }
    let Some(caller) = request.extensions_mut().remove::<Caller>() else {
        return pages::missing();
    };
    let upgrade = match Upgrade::new(&mut request, &agent.server) {
        Ok(upgrade) => upgrade,
        Err(error) => return Response::from(error).map(Into::into),
    };
    if !upgrade
        .offered_subprotocols()
        .any(|offer| offer == wire::PROTOCOL)
    {
        let words = "The agent speaks the subprotocol tidewire-agent.v1, which was not offered.";
        return pages::sentence(StatusCode::BAD_REQUEST, words);
    }
    let Some(seat) = agent.seat() else {
        let words = format!("The agent has {SOCKETS} sockets open: close one of them.");
        return pages::sentence(StatusCode::SERVICE_UNAVAILABLE, words);
    };
    let (response, upgrading) = upgrade.accept();
    let node = local.node.clone();
    spawn_local(async move {
        let _held = (seat, caller.admission);
        // Who leaves before it is upgraded is nobody.
        if let Ok(page) = upgrading.await {
            session::run(page, &node, leaving).await;
        }
    });
    response.map(Into::into)
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
