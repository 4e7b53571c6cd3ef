//! The way to a server: TCP, a unix socket, through a proxy, TLS on top.

use super::dial::{self, Resolver};
use super::error::{ConnectError, ConnectStage};
#[cfg(feature = "proxy")]
use super::proxy::{self, Proxy};
#[cfg(feature = "proxy")]
use super::rewound::Rewound;
use super::url::{Host, Place};
use crate::driver::shared::{Opened, Shared};
use crate::driver::stream::{Io, Stream};
#[cfg(feature = "tls")]
use crate::tls::{ClientTls, TlsStream};
use crate::websocket::WebSocket;
#[cfg(unix)]
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout_at};

/// How servers are reached.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) resolver: Resolver,
    pub(super) connect_timeout: Duration,
    #[cfg(feature = "tls")]
    pub(super) tls: ClientTls,
    #[cfg(feature = "proxy")]
    pub(super) proxy: Proxy,
}

/// A stream to a server, of whatever kind: kept apart so that a TCP socket or TLS stays without
/// indirection.
pub(super) enum Wire {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
    #[cfg(feature = "proxy")]
    Rewound(Box<dyn Io>),
}

/// The end of a time that begins now.
pub(super) fn deadline(time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    let now = Instant::now();
    now.checked_add(time).unwrap_or_else(|| now + FAR)
}

const NO_TLS: ConnectError =
    ConnectError::InvalidUrl("wss:// needs the feature `tls` of the crate tidewire");

impl Network {
    pub(super) fn new() -> Self {
        Self {
            resolver: Resolver::default(),
            connect_timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            tls: ClientTls::new(),
            #[cfg(feature = "proxy")]
            proxy: Proxy::from_env(),
        }
    }

    /// A stream to `place`, over which nothing has been said of the WebSocket yet.
    pub(super) async fn reach(&self, place: &Place) -> Result<Wire, ConnectError> {
        let deadline = deadline(self.connect_timeout);
        let (tls, host, port) = match place {
            Place::Tcp { tls, host, port } => (*tls, host, *port),
            Place::Unix(path) => return unix(path, deadline).await,
        };
        if tls && cfg!(not(feature = "tls")) {
            return Err(NO_TLS);
        }
        let wire = self.plain(tls, host, port, deadline).await?;
        #[cfg(feature = "tls")]
        if tls {
            return self.secure(wire, host, deadline).await;
        }
        Ok(wire)
    }

    /// A stream to `place` over one that is connected already: TLS is begun if the place wants it and
    /// the stream is not secure.
    pub(super) async fn over(&self, place: &Place, stream: Stream) -> Result<Stream, ConnectError> {
        let Place::Tcp {
            tls: true, host, ..
        } = place
        else {
            return Ok(stream);
        };
        #[cfg(feature = "tls")]
        {
            if let Stream::Tls(_) = stream {
                return Ok(stream);
            }
            let deadline = deadline(self.connect_timeout);
            let host = host.bare();
            let stream = timeout_at(deadline, self.tls.connect(&host, stream))
                .await
                .map_err(|_| ConnectError::Timeout(ConnectStage::Tls))?;
            Ok(Stream::new(stream.map_err(ConnectError::Tls)?))
        }
        #[cfg(not(feature = "tls"))]
        {
            let _ = (host, stream);
            Err(NO_TLS)
        }
    }

    async fn plain(
        &self,
        _tls: bool,
        host: &Host,
        port: u16,
        deadline: Instant,
    ) -> Result<Wire, ConnectError> {
        #[cfg(feature = "proxy")]
        if let Some(server) = self.proxy.server(_tls, host)? {
            return proxy::reach(&server, self, host, port, deadline).await;
        }
        dial::dial(&self.resolver, host, port, deadline)
            .await
            .map(Wire::Tcp)
    }

    #[cfg(feature = "tls")]
    async fn secure(
        &self,
        wire: Wire,
        host: &Host,
        deadline: Instant,
    ) -> Result<Wire, ConnectError> {
        let host = host.bare();
        let handshake = async {
            match wire {
                Wire::Tcp(io) => self.tls.connect(&host, io).await,
                #[cfg(unix)]
                Wire::Unix(io) => self.tls.connect(&host, io).await,
                Wire::Tls(io) => self.tls.connect(&host, *io).await,
                #[cfg(feature = "proxy")]
                Wire::Rewound(io) => self.tls.connect(&host, io).await,
            }
        };
        let stream = timeout_at(deadline, handshake)
            .await
            .map_err(|_| ConnectError::Timeout(ConnectStage::Tls))?;
        Ok(Wire::Tls(Box::new(stream.map_err(ConnectError::Tls)?)))
    }
}

#[cfg(unix)]
async fn unix(path: &Path, deadline: Instant) -> Result<Wire, ConnectError> {
    let socket = timeout_at(deadline, UnixStream::connect(path))
        .await
        .map_err(|_| ConnectError::Timeout(ConnectStage::Connect))?;
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    Ok(Wire::Unix(socket.map_err(named)?))
}

#[cfg(not(unix))]
async fn unix(_: &Path, _: Instant) -> Result<Wire, ConnectError> {
    Err(ConnectError::InvalidUrl(
        "this system has no unix sockets that tidewire knows: use ws://",
    ))
}

impl Wire {
    /// A stream whose first bytes were read already.
    #[cfg(feature = "proxy")]
    pub(super) fn rewound<S: Io>(io: S, read: Vec<u8>, plain: fn(S) -> Self) -> Self {
        if read.is_empty() {
            plain(io)
        } else {
            Self::Rewound(Box::new(Rewound::new(io, read)))
        }
    }

    pub(super) fn io(&mut self) -> &mut dyn Io {
        match self {
            Self::Tcp(io) => io,
            #[cfg(unix)]
            Self::Unix(io) => io,
            #[cfg(feature = "tls")]
            Self::Tls(io) => &mut **io,
            #[cfg(feature = "proxy")]
            Self::Rewound(io) => io,
        }
    }

    pub(super) fn open(self, opened: Opened) -> WebSocket {
        let stream = match self {
            Self::Tcp(io) => Stream::new(io),
            #[cfg(unix)]
            Self::Unix(io) => Stream::new(io),
            #[cfg(feature = "tls")]
            Self::Tls(io) => Stream::new(*io),
            #[cfg(feature = "proxy")]
            Self::Rewound(io) => Stream::new(io),
        };
        WebSocket::new(Shared::new(stream, opened))
    }
}
