//! The server: [`accept`], [`Server`] for what can be chosen, [`Listener`] and [`serve`].
//!
//! - [`exchange`]: the handshake over a byte stream
//! - [`listener`]: a listening socket, and one task per connection

mod exchange;
mod listener;

pub use exchange::{Accepted, PlainRequest};
pub use listener::{Incoming, Listener, serve};

use crate::driver::core::{Meta, Settings};
use crate::driver::shared::{Opened, Shared};
use crate::driver::stream::{Io, Stream};
use crate::error::AcceptError;
use crate::websocket::WebSocket;
use crate::{Config, DeflateConfig, OriginPolicy};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tidewire_proto::handshake::http1::HeadLimits;
use tidewire_proto::handshake::server::{self, Policy, Refusal};
use tidewire_proto::handshake::subprotocol::SubprotocolPolicy;
use tidewire_proto::{Compression, Role};
use tokio::time::timeout;

/// Accepts a WebSocket connection over `io` with the defaults: pages of the same host and port only,
/// no subprotocol, compression if the client offers it.
///
/// # Errors
///
/// See [`AcceptError`]. A client that is refused has been told why.
///
/// # Cancel safety
///
/// Dropped before it resolves, the stream is dropped with it.
pub async fn accept<S: Io>(io: S) -> Result<WebSocket, AcceptError> {
    Server::new().accept(io).await
}

/// What a server agrees to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Server {
    policy: Arc<Policy>,
    settings: Settings,
    limits: HeadLimits,
    handshake_timeout: Duration,
    keep_target: bool,
}

impl Default for Server {
    fn default() -> Self {
        let mut policy = Policy::default();
        policy.deflate = Some(DeflateConfig::default());
        Self {
            policy: Arc::new(policy),
            settings: Settings::default(),
            limits: HeadLimits::default(),
            handshake_timeout: Duration::from_secs(10),
            keep_target: false,
        }
    }
}

impl Server {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(Arc::make_mut(&mut self.policy));
        self
    }

    /// The subprotocols it speaks, the preferred one first. Default: none. A client that offers none
    /// of them is accepted without one.
    #[must_use]
    pub fn subprotocols<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.policy(|policy| policy.subprotocols = SubprotocolPolicy::Preferred(names))
    }

    /// Agrees to the first subprotocol that a client offers, whatever it is: for test servers.
    #[must_use]
    pub fn first_offered_subprotocol(self) -> Self {
        self.policy(|policy| policy.subprotocols = SubprotocolPolicy::FirstOffered)
    }

    /// Which pages may connect. Default: those of the same host and port.
    #[must_use]
    pub fn origin(self, origin: OriginPolicy) -> Self {
        self.policy(|policy| policy.origin = origin)
    }

    /// How an offer to compress is answered; `None`: it is declined. Default: accepted, without
    /// context takeover.
    #[must_use]
    pub fn deflate(self, deflate: Option<DeflateConfig>) -> Self {
        self.policy(|policy| policy.deflate = deflate)
    }

    /// Limits and deadlines of the connections.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.settings.config = config.into();
        self
    }

    /// How many bytes may wait to be written before `send` waits. Default 64 KiB. Too small writes
    /// often and little; too large hides a slow peer and holds that much for each.
    #[must_use]
    pub fn high_water(mut self, bytes: usize) -> Self {
        self.settings.high_water = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
        self
    }

    /// How much of a request is read: bytes and header lines.
    #[must_use]
    pub fn head_limits(mut self, limits: HeadLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How long the handshake may take in all, however the client drips it. Default 10 s. Too short
    /// loses clients on bad links; too long lets others hold sockets for nothing.
    #[must_use]
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = time;
        self
    }

    /// Whether [`WebSocket::target`] is kept. Default: no, which saves its memory in each connection.
    #[must_use]
    pub fn keep_target(mut self, keep: bool) -> Self {
        self.keep_target = keep;
        self
    }

    /// Accepts a WebSocket connection over `io`.
    ///
    /// # Errors
    ///
    /// See [`AcceptError`]. A client that is refused has been told why.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the stream is dropped with it.
    pub fn accept<S: Io>(
        &self,
        io: S,
    ) -> impl Future<Output = Result<WebSocket, AcceptError>> + Send + use<S> {
        let handshake = self.exchange(io, false);
        // Boxed, so that the future that lives as long as the connection does not hold the room that
        // only the handshake needs.
        Box::pin(async move {
            match handshake.await? {
                Accepted::WebSocket(socket) => Ok(socket),
                Accepted::Http(_) => unreachable!("not given unless asked for"),
            }
        })
    }

    /// Accepts a WebSocket connection over `io`, or hands out a request that does not ask for one, to
    /// be served as plain HTTP.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    ///
    /// # Cancel safety
    ///
    /// As [`accept`](Self::accept).
    pub fn accept_or_http<S: Io>(
        &self,
        io: S,
    ) -> impl Future<Output = Result<Accepted<S>, AcceptError>> + Send + use<S> {
        Box::pin(self.exchange(io, true))
    }

    fn exchange<S: Io>(
        &self,
        io: S,
        http: bool,
    ) -> impl Future<Output = Result<Accepted<S>, AcceptError>> + Send + use<S> {
        let time = self.handshake_timeout;
        let mut exchange = exchange::Exchange::new(self.clone(), io);
        async move {
            match timeout(time, exchange.run(http)).await {
                Ok(Ok(outcome)) => Ok(exchange.finish(outcome)),
                Ok(Err(AcceptError::Refused(refusal))) => Err(exchange.refuse(refusal).await),
                Ok(Err(error)) => Err(error),
                Err(_) => {
                    exchange.refuse(Box::new(Refusal::timeout())).await;
                    Err(AcceptError::Timeout)
                }
            }
        }
    }

    /// The limits and deadlines, to change them.
    #[cfg(feature = "axum")]
    pub(crate) fn config_mut(&mut self) -> &mut Config {
        Arc::make_mut(&mut self.settings.config)
    }

    /// Whether a request may become a WebSocket; with what, or why not.
    pub(crate) fn judge<B>(
        &self,
        request: &http::Request<B>,
    ) -> Result<server::Accepted, Box<Refusal>> {
        server::judge(request, &self.policy).map_err(Box::new)
    }

    /// The connection over a stream on which `accepted` has been answered.
    pub(crate) fn open(
        self,
        stream: Stream,
        accepted: server::Accepted,
        target: http::Uri,
        leftover: Vec<u8>,
    ) -> WebSocket {
        let compression = match (accepted.deflate, &self.policy.deflate) {
            (Some(params), Some(config)) => Some(Compression::new(params, config)),
            _ => None,
        };
        let meta = Meta {
            subprotocol: accepted.subprotocol,
            target: self.keep_target.then_some(target),
        };
        let opened = Opened {
            role: Role::Server,
            settings: self.settings,
            compression,
            leftover,
            meta: meta.worth_keeping().then(|| Box::new(meta)),
        };
        WebSocket::new(Shared::new(stream, opened))
    }
}
