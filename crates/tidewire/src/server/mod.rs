//! The server: [`accept`], [`Server`] for what can be chosen, [`Listener`] and [`serve`].
//!
//! - [`exchange`]: reads a request from a byte stream, and judges it
//! - [`upgrade`]: a request that may become a WebSocket, in the application's hands
//! - [`answer`]: what is written to a client, and how a connection ends that is refused
//! - [`listener`]: a listening socket; [`serve`](mod@serve): one task per connection
//! - [`socket`]: TCP and Unix sockets that listen
//! - [`connections`]: which connections are open; [`drain`]: how they are made to leave

mod answer;
mod connections;
mod drain;
pub(crate) mod error;
mod exchange;
mod listener;
mod misuse;
mod serve;
mod socket;
mod upgrade;

#[cfg(feature = "hyper")]
pub(crate) use answer::add_header;
pub use connections::{Connections, Member};
pub use drain::{Drain, Drained};
pub use exchange::{Accepted, PlainRequest};
pub use listener::{Incoming, Listener};
pub use misuse::AnswerMisuse;
pub use serve::serve;
pub use upgrade::Upgrade;

use crate::driver::core::{Meta, Settings};
use crate::driver::shared::{Opened, Shared};
use crate::driver::stream::{Io, Stream};
use crate::websocket::WebSocket;
use crate::{Config, DeflateConfig, OriginPolicy};
use error::AcceptError;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidewire_proto::handshake::http1::HeadLimits;
use tidewire_proto::handshake::server::{self, Policy, Refusal};
use tidewire_proto::handshake::subprotocol::SubprotocolPolicy;
use tidewire_proto::{Compression, Role};

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
    answer_timeout: Option<Duration>,
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
            answer_timeout: Some(Duration::from_secs(30)),
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

    /// Agrees to the first subprotocol that a client offers, whatever it is: for test servers. A real
    /// one that does so promises to speak what it has never heard of. Default: not so.
    #[must_use]
    pub fn first_offered_subprotocol(self) -> Self {
        self.policy(|policy| policy.subprotocols = SubprotocolPolicy::FirstOffered)
    }

    /// Which pages may connect. Default: those of the same host and port. Too strict, and a page that
    /// lives elsewhere gets 403; [`OriginPolicy::Any`] lets every page in the world use the cookies of
    /// whoever looks at it.
    #[must_use]
    pub fn origin(self, origin: OriginPolicy) -> Self {
        self.policy(|policy| policy.origin = origin)
    }

    /// How an offer to compress is answered; `None`: it is declined. Default: accepted, without
    /// context takeover. Declined, JSON takes 2.5 to 4 times the bytes; with context takeover
    /// each connection holds hundreds of KiB: see [`DeflateConfig`].
    #[must_use]
    pub fn deflate(self, deflate: Option<DeflateConfig>) -> Self {
        self.policy(|policy| policy.deflate = deflate)
    }

    /// Limits and deadlines of the connections. Default: [`Config::new`], which says of each what a bad
    /// value costs.
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

    /// How much of a request is read: bytes and header lines. Default 16 KiB and 100 lines. Too small
    /// refuses users with many cookies (431); too large lets everybody who connects hold that much
    /// before proving anything.
    #[must_use]
    pub fn head_limits(mut self, limits: HeadLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How long the client may take over its handshake in all, however it drips. Default 10 s. The
    /// time that an application takes over an [`Upgrade`] is not counted. Too short loses clients on
    /// bad links; too long lets others hold sockets for nothing.
    #[must_use]
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = time;
        self
    }

    /// Whether [`WebSocket::target`] is kept. Default: no, which saves its memory in each connection;
    /// kept, a client decides how much that is, up to the [head limit](Self::head_limits).
    #[must_use]
    pub fn keep_target(mut self, keep: bool) -> Self {
        self.keep_target = keep;
        self
    }

    /// How long a handler of [`Listener::serve_upgrades`] may take to answer a request, from when it
    /// is handed over: one that takes longer is dropped, and its client answered with 500. Default
    /// 30 s; `None`: for ever. Too short loses clients while a database is slow; too long lets a
    /// handler that hangs hold sockets.
    #[must_use]
    pub fn answer_timeout(mut self, time: Option<Duration>) -> Self {
        self.answer_timeout = time;
        self
    }

    /// Reads a request over `io` and judges it, and hands it over to be answered: accepted, perhaps
    /// with more headers, another subprotocol or a configuration of its own, or refused with any
    /// HTTP response.
    ///
    /// ```no_run
    /// # async fn example(io: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn user_of(token: Option<&http::HeaderValue>) -> Option<String> { None }
    /// let upgrade = tidewire::Server::new().receive(io).await?;
    /// // Whatever it takes: a database, another service.
    /// match user_of(upgrade.request().headers().get("authorization")).await {
    ///     Some(user) => {
    ///         let mut ws = upgrade.header("X-User", user).accept().await?;
    ///         ws.send("welcome").await?;
    ///     }
    ///     None => {
    ///         let response = http::Response::builder()
    ///             .status(401)
    ///             .header("WWW-Authenticate", "Bearer")
    ///             .body("a token is needed\n")?;
    ///         upgrade.refuse(response).await?;
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`AcceptError`]. A request that breaks a rule or comes from an origin that is not allowed
    /// has been refused already, and its client told why.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the stream is dropped with it.
    pub fn receive<S: Io>(
        &self,
        io: S,
    ) -> impl Future<Output = Result<Upgrade, AcceptError>> + Send + use<S> {
        let server = self.clone();
        Box::pin(async move {
            let request = exchange::read(server, io, Arrival::default()).await?;
            request.judge().await
        })
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
        let server = self.clone();
        // Boxed, so that the future that lives as long as the connection does not hold the room that
        // only the handshake needs.
        Box::pin(async move {
            let request = exchange::read(server, io, Arrival::default()).await?;
            request.judge().await?.accept().await
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
        let server = self.clone();
        Box::pin(async move {
            let request = exchange::read(server, io, Arrival::default()).await?;
            if !request.is_upgrade() {
                return Ok(Accepted::Http(Box::new(request.into_plain())));
            }
            let socket = request.judge().await?.accept().await?;
            Ok(Accepted::WebSocket(socket))
        })
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

/// What is known of a connection before its first byte.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// The client's address, where the stream itself does not tell.
    pub(crate) peer: Option<SocketAddr>,
    /// Its place among the connections that are drained.
    ticket: Option<Arc<connections::Ticket>>,
    /// Dropped when the request has been answered.
    unanswered: Option<Arc<()>>,
}

impl Arrival {
    /// What `future` gives, unless a drain begins before.
    async fn unless_stopping<F: Future>(&self, future: F) -> Option<F::Output> {
        match &self.ticket {
            None => Some(future.await),
            Some(ticket) => match serve::first(ticket.stopping(), future).await {
                serve::First::Left(()) => None,
                serve::First::Right(output) => Some(output),
            },
        }
    }

    /// Whether a drain has begun.
    fn is_stopping(&self) -> bool {
        self.ticket
            .as_ref()
            .is_some_and(|ticket| ticket.is_stopping())
    }

    /// The connection is open.
    fn opened(&self, socket: &WebSocket) {
        if let Some(ticket) = &self.ticket {
            ticket.opened(socket);
        }
    }
}
