//! From a host to a TCP connection: the look-up of its addresses, and the race between them.
//!
//! - [`eyeballs`]: the race

mod eyeballs;

use super::error::{ConnectError, ConnectStage, Unreachable};
use super::url::Host;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::{fmt, io};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Who is asked for the addresses of a name.
#[derive(Clone, Default)]
pub(crate) enum Resolver {
    #[default]
    System,
    Custom(Arc<dyn Fn(String, u16) -> Addresses + Send + Sync>),
}

impl Resolver {
    pub(crate) fn custom<F, R>(ask: F) -> Self
    where
        F: Fn(String, u16) -> R + Send + Sync + 'static,
        R: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self::Custom(Arc::new(move |host, port| Box::pin(ask(host, port))))
    }

    /// The addresses of a host, at least one; an address is its own.
    pub(crate) async fn addresses(
        &self,
        host: &Host,
        port: u16,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let name = match host {
            Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
            Host::Name(name) => name.as_str(),
        };
        let ask = async {
            match self {
                Self::System => Ok(tokio::net::lookup_host((name, port)).await?.collect()),
                Self::Custom(ask) => ask(name.to_owned(), port).await,
            }
        };
        let outcome = timeout_at(deadline, ask)
            .await
            .map_err(|_| ConnectError::Timeout(ConnectStage::Resolve))?;
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        outcome
            .and_then(|list: Vec<_>| {
                if list.is_empty() {
                    Err(none())
                } else {
                    Ok(list)
                }
            })
            .map_err(|error| ConnectError::Resolve {
                host: name.to_owned(),
                error,
            })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Custom(_) => "Custom",
        })
    }
}

/// How TCP connections are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialer {
    pub(crate) resolver: Resolver,
    /// The address of ours to connect from.
    pub(crate) from: Option<IpAddr>,
}

/// A TCP connection to `to`, from an address of ours if one is given.
async fn tcp(from: Option<IpAddr>, to: SocketAddr) -> io::Result<TcpStream> {
    let Some(from) = from else {
        return TcpStream::connect(to).await;
    };
    let socket = if from.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
}

/// Connects to the first address of a host that answers.
pub(crate) async fn dial(
    dialer: &Dialer,
    host: &Host,
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, ConnectError> {
    let mut addresses = dialer.resolver.addresses(host, port, deadline).await?;
    let from = dialer.from;
    if let Some(from) = from {
        addresses.retain(|to| to.is_ipv4() == from.is_ipv4());
        if addresses.is_empty() {
            return Err(ConnectError::Resolve {
                host: host.to_string(),
                error: io::Error::new(
                    io::ErrorKind::AddrNotAvailable,
                    format!("it has none of the family of {from}, which to connect from"),
                ),
            });
        }
    }
    let order = eyeballs::interleave(addresses);
    let lost = match eyeballs::race(order, deadline, |to| tcp(from, to)).await {
        Ok(tcp) => return Ok(tcp),
        Err(lost) => lost,
    };
    if lost.failed.is_empty() {
        return Err(ConnectError::Timeout(ConnectStage::Connect));
    }
    let silence = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    let mut attempts = lost.failed;
    attempts.extend(lost.silent.into_iter().map(|address| (address, silence())));
    let host = format!("{host}:{port}");
    Err(ConnectError::Unreachable(Box::new(Unreachable {
        host,
        attempts,
    })))
}
