//! Why a proxy did not connect us, sorted by who must act.

use super::ConnectError;
use super::server::Server;
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use http::Response;
use std::{fmt, io};
use tidewire_proto::handshake::ResponseError;

/// A proxy that could not be reached or did not connect us. What it prints holds no password.
#[derive(Debug)]
pub struct ProxyError {
    proxy: Option<String>,
    reason: ProxyReason,
}

/// Why a proxy did not connect us.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyReason {
    /// Its URL cannot be used; the caller's, or the environment's, to mend.
    Invalid(&'static str),
    /// It wants a user name and a password, and there is none in its URL. An HTTP proxy's answer is
    /// there: it may name a way of authentication other than Basic, the only one that is spoken here.
    LoginWanted(Option<Box<Response<Vec<u8>>>>),
    /// It does not take the user name and password of its URL.
    LoginRejected(Option<Box<Response<Vec<u8>>>>),
    /// It could not be reached.
    Unreachable(ConnectError),
    /// The connection to it failed.
    Io(io::Error),
    /// TLS with the proxy failed.
    #[cfg(feature = "tls")]
    Tls(TlsError),
    /// An HTTP proxy refused: its answer, with the beginning of the body (at most 64 KiB).
    Refused(Box<Response<Vec<u8>>>),
    /// A SOCKS proxy refused, or could not reach the target: what it says.
    SocksRefused(&'static str),
    /// What answers is no HTTP proxy.
    NotHttp(ResponseError),
    /// What answers is no SOCKS5 proxy.
    NotSocks(&'static str),
}

impl ProxyError {
    pub(super) fn because(proxy: Option<&Server>, reason: ProxyReason) -> ConnectError {
        ConnectError::Proxy(Box::new(Self {
            proxy: proxy.map(ToString::to_string),
            reason,
        }))
    }

    /// The proxy's URL, without user and password; `None` if it cannot be used.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// Why it did not connect us.
    #[must_use]
    pub fn reason(&self) -> &ProxyReason {
        &self.reason
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proxy {
            Some(proxy) => write!(f, "the proxy {proxy} "),
            None => f.write_str("the proxy "),
        }?;
        match &self.reason {
            ProxyReason::Invalid(why) => write!(f, "cannot be used: its URL: {why}"),
            ProxyReason::LoginWanted(_) => f.write_str(
                "wants a user name and a password: put them into its URL, http://user:password@…",
            ),
            ProxyReason::LoginRejected(_) => {
                f.write_str("does not take the user name and password of its URL")
            }
            ProxyReason::Unreachable(error) => write!(f, "cannot be reached: {error}"),
            ProxyReason::Io(error) => write!(f, "was lost before it had connected us: {error}"),
            #[cfg(feature = "tls")]
            ProxyReason::Tls(error) => write!(f, "speaks no TLS that we take: {error}"),
            ProxyReason::Refused(response) => {
                write!(f, "refused to connect us: status {}", response.status())
            }
            ProxyReason::SocksRefused(why) => write!(f, "did not connect us: {why}"),
            ProxyReason::NotHttp(error) => {
                write!(f, "does not answer as an HTTP proxy would: {error}")
            }
            ProxyReason::NotSocks(why) => {
                write!(f, "does not answer as a SOCKS5 proxy would: {why}")
            }
        }
    }
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            ProxyReason::Unreachable(error) => error.source(),
            ProxyReason::Io(error) => error.source(),
            #[cfg(feature = "tls")]
            ProxyReason::Tls(error) => error.source(),
            _ => None,
        }
    }
}
