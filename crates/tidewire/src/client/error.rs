//! Why a connection could not be opened, sorted by who must act.

use super::dial::Unreachable;
#[cfg(feature = "proxy")]
use super::proxy::error::ProxyError;
use super::redirect::RedirectError;
#[cfg(feature = "tls")]
use crate::tls::TlsError;
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
