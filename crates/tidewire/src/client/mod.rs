//! The client: [`connect`], and [`Client`] for what can be chosen.
//!
//! - [`url`]: what a WebSocket URL says
//! - [`request`]: what is asked for, and what of it goes to whom
//! - [`route`]: the way to a server, by [`dial`], [`proxy`] and TLS
//! - [`exchange`]: the handshake over a byte stream; [`answer`] and [`chunked`] read what comes back
//! - [`redirect`]: where a redirect leads
//! - [`error`]: what can go wrong

mod answer;
mod chunked;
pub(crate) mod dial;
pub(crate) mod error;
mod exchange;
#[cfg(feature = "proxy")]
pub(crate) mod proxy;
pub(crate) mod redirect;
mod request;
#[cfg(feature = "proxy")]
mod rewound;
mod route;
mod url;

use crate::driver::core::Settings;
use crate::driver::shared::Shared;
use crate::driver::stream::{Io, Stream};
use crate::observe::events;
use crate::observe::wire::{Seen, Watcher};
#[cfg(feature = "tls")]
use crate::tls::ClientTls;
use crate::websocket::WebSocket;
use crate::{Config, DeflateConfig};
use error::{ConnectError, ConnectStage, RedirectError, RedirectReason};
use exchange::Answer;
use http::{HeaderValue, Response};

use request::Wanted;
use route::{Network, deadline};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout_at;
use url::User;

/// Connects to a URL with the defaults. For its forms, see [`Client::new`].
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut ws = tidewire::connect("ws://127.0.0.1:4000/").await?;
/// ws.send("hello").await?;
/// while let Some(message) = ws.recv().await? {
///     println!("{message:?}");
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// See [`ConnectError`].
///
/// # Cancel safety
///
/// Safe: dropped before it resolves, the connection attempt ends.
pub async fn connect(url: impl AsRef<str>) -> Result<WebSocket, ConnectError> {
    Client::new(url).connect().await
}

/// A client to be: where to connect, how to get there, and what to ask for.
///
/// What it prints holds no password, token, cookie, query or value of a header.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let ws = tidewire::Client::new("ws://example.com/feed?from=now")
///     .bearer_auth("a token")
///     .cookie("theme", "dark")
///     .subprotocol("feed.v2")
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    url: String,
    wanted: Wanted,
    settings: Settings,
    network: Network,
    handshake_timeout: Duration,
    redirects: usize,
}

impl Client {
    /// A client for a URL: `ws://host:port/path?query` or `wss://…`, with `user:password@` before the
    /// host for Basic authentication (percent-encoded), an IPv6 address in brackets, a name beyond
    /// ASCII in its xn-- form; or `ws+unix:/path/of/the.sock:/path?query` for a unix socket, as Node's
    /// `ws` has it. A URL that cannot be used is an error of [`connect`](Self::connect).
    pub fn new(url: impl AsRef<str>) -> Self {
        Self {
            url: url.as_ref().to_owned(),
            wanted: Wanted::new(),
            settings: Settings::default(),
            network: Network::new(),
            handshake_timeout: Duration::from_secs(10),
            redirects: 5,
        }
    }

    /// Adds a header to the request. The same name twice makes two lines. `Host` takes the place of
    /// the URL's; those of the handshake itself, and what cannot be sent, are an error of
    /// [`connect`](Self::connect). A [`HeaderValue`] that is marked as sensitive does not follow a
    /// redirect to another origin, as `Authorization` and `Cookie` never do. Default: none.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.wanted.header(name.as_ref(), value.try_into().ok());
        self
    }

    /// Sends this Host (`name` or `name:port`, RFC 9110 §7.2) instead of the URL's: for a server that
    /// is reached by another name than its own. TLS still asks for the URL's host: see
    /// `ClientTls::server_name`. Not sent after a redirect to another origin, which is not the server
    /// that was meant. Takes the place of a `Host` among the [headers](Self::header). What is no host is
    /// an error of [`connect`](Self::connect). Default: the URL's.
    #[must_use]
    pub fn host(mut self, host: impl AsRef<str>) -> Self {
        self.wanted.host(host.as_ref());
        self
    }

    /// Adds a cookie. All go in one `Cookie` header, as they are: encode what is not visible ASCII or
    /// holds a semicolon, which is an error of [`connect`](Self::connect). Default: none.
    #[must_use]
    pub fn cookie(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.wanted.cookie(name.as_ref(), value.as_ref());
        self
    }

    /// Says who we are with `Authorization: Basic` (RFC 7617). Takes the place of any other
    /// authorization, that of the URL too. A colon in `user`, or a control character, is an error of
    /// [`connect`](Self::connect). Over `ws://` whoever is in between reads the password. Default: the
    /// URL's user and password, if it has them.
    #[must_use]
    pub fn basic_auth(mut self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let user = User {
            name: user.as_ref().as_bytes().to_vec(),
            password: password.as_ref().as_bytes().to_vec(),
        };
        self.wanted.authorization(user.basic());
        self
    }

    /// Says who we are with `Authorization: Bearer` (RFC 6750). Takes the place of any other
    /// authorization, that of the URL too. Over `ws://` whoever is in between reads the token. Default:
    /// none.
    #[must_use]
    pub fn bearer_auth(mut self, token: impl AsRef<str>) -> Self {
        let value = format!("Bearer {}", token.as_ref());
        self.wanted.authorization(request::secret(&value));
        self
    }

    /// Sends an `Origin`, as a browser does. Default: none, which says that this is no page; servers
    /// that are picky about pages judge one that is sent.
    #[must_use]
    pub fn origin(mut self, origin: impl AsRef<str>) -> Self {
        self.wanted.origin = Some(origin.as_ref().to_owned());
        self
    }

    /// Offers a subprotocol, after those offered before. The server may pick one of them or none:
    /// see [`WebSocket::subprotocol`]. Default: none is offered.
    #[must_use]
    pub fn subprotocol(mut self, name: impl AsRef<str>) -> Self {
        self.wanted.subprotocols.push(name.as_ref().to_owned());
        self
    }

    /// Asks for this version of the protocol instead of 13, the only one there is (RFC 6455 §4.1 item
    /// 9): to see how a server refuses others, which is with 426 and the versions it knows (§4.4). If it
    /// agrees nevertheless, what follows is spoken as version 13. Default: 13.
    #[must_use]
    pub fn danger_version(mut self, version: u8) -> Self {
        self.wanted.version = Some(version);
        self
    }

    /// How compression is offered; `None`: not at all. Default: offered, without context takeover. Not
    /// offered, JSON takes 2.5 to 4 times the bytes; what it costs is said at [`DeflateConfig`].
    #[must_use]
    pub fn deflate(mut self, deflate: Option<DeflateConfig>) -> Self {
        self.wanted.deflate = deflate;
        self
    }

    /// Limits and deadlines of the connection. Default: [`Config::new`], which says of each what a bad
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

    /// How to speak TLS with a `wss://` server: its roots, our certificate. Default:
    /// [`ClientTls::new`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.network.tls = tls;
        self
    }

    /// Which proxy to connect through. Default: [`Proxy::from_env`](proxy::Proxy::from_env), so that who
    /// writes the environment decides; [`Proxy::none`](proxy::Proxy::none) where that may not be.
    #[cfg(feature = "proxy")]
    #[must_use]
    pub fn proxy(mut self, proxy: proxy::Proxy) -> Self {
        self.network.proxy = proxy;
        self
    }

    /// How many redirects (301, 302, 303, 307, 308) are followed; 0: none, they are refusals like
    /// others. Default 5. Many only prolong a loop. To another origin no credentials, cookies or
    /// sensitive headers are sent, and from `wss://` to `ws://` no redirect is followed.
    #[must_use]
    pub fn redirects(mut self, max: usize) -> Self {
        self.redirects = max;
        self
    }

    /// How long it may take to look up the host, connect to it (through the proxy, if there is one)
    /// and secure the connection, in all; anew for each redirect. Default 10 s. Too short fails over
    /// slow networks, too long waits for a server that is gone.
    #[must_use]
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.network.connect_timeout = time;
        self
    }

    /// How long the WebSocket handshake may take once connected; anew for each redirect. Default 10 s.
    /// Too short fails with busy servers, too long waits for one that does not answer.
    #[must_use]
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = time;
        self
    }

    /// Asks `ask` for the addresses of a host instead of the system: it is given the name and the
    /// port, and the addresses are connected to with the ports they have. Proxies are looked up so
    /// too. An address in the URL is not asked for. Default: the system's resolver. An answer that does
    /// not come is the [`connect_timeout`](Self::connect_timeout)'s to end.
    #[must_use]
    pub fn resolver<F, R>(mut self, ask: F) -> Self
    where
        F: Fn(String, u16) -> R + Send + Sync + 'static,
        R: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        self.network.dialer.resolver = dial::Resolver::custom(ask);
        self
    }

    /// Connects from this address of ours, to those of a host's that are of its family; to the proxy,
    /// if there is one. Unix sockets have none. Default: the system picks one. An address that is not
    /// this machine's is an error of [`connect`](Self::connect).
    #[must_use]
    pub fn local_address(mut self, address: IpAddr) -> Self {
        self.network.dialer.from = Some(address);
        self
    }

    /// Connects to this unix socket instead of the URL's host, which still gives Host, path and the name
    /// for TLS; redirects lead there too. No proxy is asked. Default: none. A `ws+unix:` URL keeps its
    /// own.
    #[must_use]
    pub fn unix_socket(mut self, path: impl AsRef<Path>) -> Self {
        self.network.socket = Some(path.as_ref().to_owned());
        self
    }

    /// Tells `watcher` what happens on the way and goes over the wire: see [`wire`](crate::wire). For
    /// tools that show it to a person: it costs a look at each byte that is sent and received, and
    /// [`WebSocket::peer_addr`] is not known. It is called in the midst of reading and writing, so it
    /// must not block, and must not touch the connection. Default: nobody is told.
    #[must_use]
    pub fn watch(mut self, watcher: impl Fn(Seen<'_>) + Send + Sync + 'static) -> Self {
        self.network.watcher = Some(Watcher::new(watcher));
        self
    }

    /// Connects: to the first of the host's addresses that answers (RFC 8305), through the proxy if
    /// one is set, with TLS for `wss://`, and follows redirects.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, the connection attempt ends.
    pub fn connect(self) -> impl Future<Output = Result<WebSocket, ConnectError>> + Send {
        // Boxed, so that the future that lives as long as the connection does not hold the room that
        // only the handshake needs.
        Box::pin(async move { Ok(self.connect_with_response().await?.0) })
    }

    /// As [`connect`](Self::connect), and gives the head of the server's answer too: for its headers,
    /// such as a cookie. The connection does not keep it.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    ///
    /// # Cancel safety
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_with_response(
        self,
    ) -> impl Future<Output = Result<(WebSocket, Response<()>), ConnectError>> + Send {
        Box::pin(async move {
            let mut target = url::parse(&self.url)?;
            let mut chain = Vec::new();
            let mut stranger = false;
            loop {
                let request = self.wanted.compose(&target, stranger)?;
                let mut stream = self.network.reach(&target.place).await?;
                let location = match self.ask(&mut stream, &request, self.redirects > 0).await? {
                    Answer::Refused(response) => {
                        return Err(ConnectError::Refused(Box::new(response)));
                    }
                    Answer::Agreed(agreed, response, rest) => {
                        let offered = self.wanted.deflate.as_ref();
                        let opened = exchange::opened(agreed, offered, self.settings, rest);
                        return Ok((WebSocket::new(Shared::new(stream, opened)), response));
                    }
                    Answer::Moved(location) => location,
                };
                let next = if chain.len() < self.redirects {
                    redirect::follow(&target, &location)
                } else {
                    Err(RedirectReason::TooMany(self.redirects))
                };
                chain.push(target.to_string());
                let next = match next {
                    Ok(next) => next,
                    Err(reason) => return Err(RedirectError::because(chain, reason)),
                };
                // Once lost, trust does not come back with the next redirect.
                stranger |= !redirect::same_origin(&target, &next);
                target = next;
                events::redirected(&target);
            }
        })
    }

    /// Goes the way to the server as [`connect`](Self::connect) would, through the proxy and with TLS,
    /// and stops before the handshake: the stream is the caller's, for tools that speak HTTP or frames
    /// of their own. Of the request nothing is sent, and a [watcher](Self::watch) is told of the way
    /// and of what then goes over the stream.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`]; none of those of the handshake.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, the connection attempt ends.
    pub fn open_stream(self) -> impl Future<Output = Result<Box<dyn Io>, ConnectError>> + Send {
        Box::pin(async move {
            let target = url::parse(&self.url)?;
            let stream = self.network.reach(&target.place).await?;
            Ok(Box::new(stream) as Box<dyn Io>)
        })
    }

    /// Performs the handshake over a stream that is connected already; the URL gives the Host header,
    /// the path and the user. For a `wss://` URL TLS is begun first, as [`tls`](Self::tls) says, unless
    /// `io` is a [`TlsStream`](crate::tls::TlsStream); over a stream that another library has secured,
    /// use a `ws://` URL with its port. Redirects are refusals.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the stream is dropped with it.
    pub fn handshake<S: Io>(
        self,
        io: S,
    ) -> impl Future<Output = Result<WebSocket, ConnectError>> + Send {
        Box::pin(async move {
            let target = url::parse(&self.url)?;
            let request = self.wanted.compose(&target, false)?;
            let mut stream = self.network.over(&target.place, Stream::new(io)).await?;
            match self.ask(&mut stream, &request, false).await? {
                Answer::Agreed(agreed, _, rest) => {
                    let offered = self.wanted.deflate.as_ref();
                    let opened = exchange::opened(agreed, offered, self.settings, rest);
                    Ok(WebSocket::new(Shared::new(stream, opened)))
                }
                Answer::Refused(response) => Err(ConnectError::Refused(Box::new(response))),
                Answer::Moved(_) => {
                    let reason = RedirectReason::TooMany(0);
                    Err(RedirectError::because(vec![target.to_string()], reason))
                }
            }
        })
    }

    async fn ask(
        &self,
        io: &mut dyn Io,
        request: &tidewire_proto::handshake::client::Request,
        followed: bool,
    ) -> Result<Answer, ConnectError> {
        let deadline = deadline(self.handshake_timeout);
        timeout_at(deadline, exchange::ask(io, request, followed, deadline))
            .await
            .map_err(|_| ConnectError::Timeout(ConnectStage::Handshake))?
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Client");
        match url::parse(&self.url) {
            Ok(target) => out.field("url", &target),
            Err(error) => out.field("url", &error),
        };
        out.field("wanted", &self.wanted)
            .field("settings", &self.settings)
            .field("network", &self.network)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("redirects", &self.redirects)
            .finish()
    }
}
