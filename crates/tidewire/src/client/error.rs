//! Why a connection could not be opened, sorted by who must act.

#[cfg(feature = "proxy")]
use super::proxy::error::ProxyError;
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use std::net::SocketAddr;
use std::{fmt, io};
use tidewire_proto::handshake::error::{RequestMisuse, ResponseError};

/// Why a connection could not be opened. No password, token or query is in what it prints.
///
/// The first four are the caller's to mend; the next four are the network's, and may be gone at the
/// next attempt; the others are the server's, or of what stands in between.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be used; the caller's to mend.
    InvalidUrl(&'static str),
    /// This header's name or value holds what no header may; the caller's to mend.
    InvalidHeader(String),
    /// The cookie of this name, or the name itself, holds what no cookie may; the caller's to mend.
    InvalidCookie(String),
    /// A header, origin or subprotocol of the request cannot be used; the caller's to mend.
    InvalidRequest(RequestMisuse),
    /// This host has no address, or nobody could be asked for it.
    Resolve {
        /// The name that was looked up.
        host: String,
        /// What the look-up said.
        error: io::Error,
    },
    /// Nobody answered at any address of the host.
    Unreachable(Box<Unreachable>),
    /// The network failed after the connection was made.
    Io(io::Error),
    /// A stage took longer than it may: see [`Client::connect_timeout`](crate::Client::connect_timeout)
    /// and [`Client::handshake_timeout`](crate::Client::handshake_timeout).
    Timeout(ConnectStage),
    /// TLS with the server failed.
    #[cfg(feature = "tls")]
    Tls(TlsError),
    /// The proxy could not be reached, or did not connect us.
    #[cfg(feature = "proxy")]
    Proxy(Box<ProxyError>),
    /// The server sent us elsewhere, and that is not followed.
    Redirect(Box<RedirectError>),
    /// The server answered, but not with a WebSocket: its answer, with the beginning of the body
    /// (at most 64 KiB, and what came within a second; chunks are put together).
    Refused(Box<http::Response<Vec<u8>>>),
    /// The server's answer breaks a rule of RFC 6455 or RFC 7692.
    Handshake(ResponseError),
}

/// What was under way when the time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectStage {
    /// Looking up the host's addresses.
    Resolve,
    /// The TCP connection, or that to a unix socket.
    Connect,
    /// All that concerns the proxy: its address, the connection to it, what it takes to connect us.
    Proxy,
    /// TLS with the server.
    Tls,
    /// The WebSocket handshake.
    Handshake,
}

impl fmt::Display for ConnectStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the look-up of the host's name",
            Self::Connect => "the connection to the server",
            Self::Proxy => "the connection through the proxy",
            Self::Tls => "the TLS handshake with the server",
            Self::Handshake => "the WebSocket handshake",
        })
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(why) => write!(f, "the URL cannot be used: {why}"),
            Self::InvalidHeader(name) => write!(f, "the header {name:?} cannot be sent"),
            Self::InvalidCookie(name) => write!(
                f,
                "the cookie {name:?} cannot be sent: a name is a token, a value visible ASCII \
                 without semicolon"
            ),
            Self::InvalidRequest(error) => error.fmt(f),
            Self::Resolve { host, error } => {
                write!(f, "no address of the host {host:?}: {error}")
            }
            Self::Unreachable(error) => error.fmt(f),
            Self::Io(error) => write!(f, "could not connect: {error}"),
            Self::Timeout(stage) => write!(f, "{stage} was not complete in time"),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.fmt(f),
            #[cfg(feature = "proxy")]
            Self::Proxy(error) => error.fmt(f),
            Self::Redirect(error) => error.fmt(f),
            Self::Refused(response) => {
                write!(
                    f,
                    "the server refused the handshake with status {}",
                    response.status()
                )
            }
            Self::Handshake(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) | Self::Resolve { error, .. } => error.source(),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.source(),
            #[cfg(feature = "proxy")]
            Self::Proxy(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<RequestMisuse> for ConnectError {
    fn from(misuse: RequestMisuse) -> Self {
        Self::InvalidRequest(misuse)
    }
}

/// A host at none of whose addresses somebody answered. If all of them were silent until the time
/// was over, the error is a timeout instead.
#[derive(Debug)]
pub struct Unreachable {
    pub(super) host: String,
    pub(super) attempts: Vec<(SocketAddr, io::Error)>,
}

impl Unreachable {
    /// The host and port that were to be reached.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What was tried: each address with the reason of its failure, in the order of failure.
    #[must_use]
    pub fn attempts(&self) -> &[(SocketAddr, io::Error)] {
        &self.attempts
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nobody answers at {}", self.host)?;
        for (index, (address, error)) in self.attempts.iter().enumerate() {
            let before = if index == 0 { ": " } else { "; " };
            write!(f, "{before}{address}: {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Unreachable {}

/// A redirect that was not followed.
#[derive(Debug)]
pub struct RedirectError {
    chain: Vec<String>,
    reason: RedirectReason,
}

/// Why a redirect was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectReason {
    /// More than [`Client::redirects`](crate::Client::redirects) allows, which is named here; a loop
    /// ends so too.
    TooMany(usize),
    /// From `wss://` to `ws://`: what was to be secret would not be.
    Downgrade,
    /// Its Location cannot be used.
    Location(&'static str),
}

impl RedirectError {
    pub(super) fn because(chain: Vec<String>, reason: RedirectReason) -> ConnectError {
        ConnectError::Redirect(Box::new(Self { chain, reason }))
    }

    /// The URLs that were asked, the first one first; without users and queries.
    #[must_use]
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    /// Why the redirect of the last of them was not followed.
    #[must_use]
    pub fn reason(&self) -> RedirectReason {
        self.reason
    }
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            RedirectReason::TooMany(most) => write!(f, "redirected more than {most} times: ")?,
            RedirectReason::Downgrade => {
                f.write_str("redirected from wss:// to ws://, which is not followed: ")?;
            }
            RedirectReason::Location(why) => {
                write!(f, "redirected to a URL that cannot be used ({why}): ")?;
            }
        }
        f.write_str(&self.chain.join(" → "))
    }
}

impl std::error::Error for RedirectError {}
