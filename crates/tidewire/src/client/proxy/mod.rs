//! Proxies: which one a connection goes through, and how it gets through.
//!
//! - [`server`]: what a proxy's URL says
//! - [`env`]: what the environment says
//! - [`tunnel`]: HTTP CONNECT
//! - [`socks`]: the SOCKS protocol, version 5
//! - [`error`]: why a proxy did not connect us

mod env;
pub(crate) mod error;
mod server;
mod socks;
mod tunnel;

use server::Kind;
pub(super) use server::Server;

use super::dial::{self, Dialer};
use super::error::{ConnectError, ConnectStage};
use super::rewound::Rewound;
use super::url::{self, Host};
use crate::driver::stream::{Io, Stream};
use crate::observe::events;
#[cfg(feature = "tls")]
use crate::tls::ClientTls;
use error::{ProxyError, ProxyReason};
use std::fmt;
use tokio::time::{Instant, timeout_at};

/// Which proxy a [`Client`](crate::Client) connects through. What it prints holds no password.
#[derive(Clone)]
pub struct Proxy {
    choice: Choice,
    /// Who is reached directly, as `NO_PROXY` lists it.
    except: Option<String>,
    #[cfg(feature = "tls")]
    tls: ClientTls,
}

#[derive(Clone)]
enum Choice {
    None,
    Environment,
    Given(Result<Server, &'static str>),
}

impl Proxy {
    fn of(choice: Choice) -> Self {
        Self {
            choice,
            except: None,
            #[cfg(feature = "tls")]
            tls: ClientTls::new(),
        }
    }

    /// No proxy, whatever the environment says.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Choice::None)
    }

    /// What the environment says when the connection is made; a client's default. `HTTPS_PROXY`
    /// counts for `wss://`, `HTTP_PROXY` for `ws://` (not in a CGI program, where a request could set
    /// it), `ALL_PROXY` for both; `NO_PROXY` lists names, addresses and networks to reach directly.
    /// All may be written in small letters too. Unix sockets, `localhost` and loopback addresses are
    /// never reached through a proxy that only the environment names.
    #[must_use]
    pub fn from_env() -> Self {
        Self::of(Choice::Environment)
    }

    /// This proxy, for all targets but unix sockets: `http://host:port` or `https://…` (HTTP
    /// CONNECT), `socks5://…` (names are looked up here) or `socks5h://…` (the proxy looks them up),
    /// with `user:password@` before the host if it wants that, percent-encoded. Default ports: 80,
    /// 443, 1080. A URL that cannot be used is an error of [`Client::connect`](crate::Client::connect).
    pub fn new(url: impl AsRef<str>) -> Self {
        Self::of(Choice::Given(Server::parse(url.as_ref())))
    }

    /// Reaches these directly: names (with all below them), addresses and networks (`10.0.0.0/8`), with
    /// commas between them, as `NO_PROXY` lists them; `*`: everybody. For a proxy that the environment
    /// names, in addition to what that lists. Default: none but those.
    #[must_use]
    pub fn except(mut self, list: impl Into<String>) -> Self {
        self.except = Some(list.into());
        self
    }

    /// How to speak TLS with an `https://` proxy. Default: [`ClientTls::new`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = tls;
        self
    }

    /// The proxy for a target; `None`: it is reached directly.
    pub(super) fn server(&self, tls: bool, host: &Host) -> Result<Option<Server>, ConnectError> {
        if let Some(list) = &self.except {
            if env::listed(list, host) {
                return Ok(None);
            }
        }
        let outcome = match &self.choice {
            Choice::None => return Ok(None),
            Choice::Environment => env::server(tls, host).transpose(),
            Choice::Given(server) => Some(server.clone()),
        };
        outcome
            .transpose()
            .map_err(|why| ProxyError::because(None, ProxyReason::Invalid(why)))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choice {
            Choice::None => f.write_str("Proxy(none)"),
            Choice::Environment => f.write_str("Proxy(from the environment)"),
            Choice::Given(Ok(server)) => write!(f, "Proxy({server})"),
            Choice::Given(Err(why)) => write!(f, "Proxy(unusable: {why})"),
        }
    }
}

/// A stream to `host:port` through `server`.
pub(super) async fn reach(
    server: &Server,
    proxy: &Proxy,
    dialer: &Dialer,
    host: &Host,
    port: u16,
    deadline: Instant,
) -> Result<Stream, ConnectError> {
    events::proxied(server);
    let late = |_| ConnectError::Timeout(ConnectStage::Proxy);
    timeout_at(
        deadline,
        through(server, proxy, dialer, host, port, deadline),
    )
    .await
    .map_err(late)?
}

async fn through(
    server: &Server,
    proxy: &Proxy,
    dialer: &Dialer,
    host: &Host,
    port: u16,
    deadline: Instant,
) -> Result<Stream, ConnectError> {
    #[cfg(not(feature = "tls"))]
    if let (Kind::Https, _) = (server.kind, proxy) {
        let why = "https:// proxies need the feature `tls` of the crate tidewire";
        return Err(server.failed(ProxyReason::Invalid(why)));
    }
    if let Kind::Socks5 | Kind::Socks5h = server.kind {
        return socks::connect(server, dialer, host, port, deadline).await;
    }
    let io = dial_proxy(server, dialer, deadline).await?;
    #[cfg(feature = "tls")]
    if let Kind::Https = server.kind {
        let tls = proxy.tls.connect(&server.host.bare(), io).await;
        let io = tls.map_err(|error| server.failed(ProxyReason::Tls(error)))?;
        let (io, rest) = tunnel::open(server, io, host, port, deadline).await?;
        return Ok(rewound(io, rest));
    }
    let (io, rest) = tunnel::open(server, io, host, port, deadline).await?;
    Ok(rewound(io, rest))
}

/// A stream whose first bytes were read already.
fn rewound<S: Io>(io: S, read: Vec<u8>) -> Stream {
    if read.is_empty() {
        Stream::new(io)
    } else {
        Stream::new(Rewound::new(io, read))
    }
}

/// A TCP connection to the proxy itself.
async fn dial_proxy(
    server: &Server,
    dialer: &Dialer,
    deadline: Instant,
) -> Result<tokio::net::TcpStream, ConnectError> {
    dial::dial(dialer, &server.host, server.port, deadline)
        .await
        .map_err(|error| match error {
            ConnectError::Timeout(_) => ConnectError::Timeout(ConnectStage::Proxy),
            error => server.failed(ProxyReason::Unreachable(error)),
        })
}

impl Server {
    /// The error that this proxy is the cause of.
    fn failed(&self, reason: ProxyReason) -> ConnectError {
        ProxyError::because(Some(self), reason)
    }
}
