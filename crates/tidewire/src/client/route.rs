//! The way to a server: TCP, a unix socket, through a proxy, TLS on top.

use super::dial::{self, Dialer};
use super::error::{ConnectError, ConnectStage};
#[cfg(feature = "proxy")]
use super::proxy::{self, Proxy};
use super::url::{Host, Place};
use crate::driver::stream::Stream;
use crate::observe::wire::{Seen, Watcher, watched};
#[cfg(feature = "tls")]
use crate::tls::ClientTls;
#[cfg(unix)]
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout_at};

/// How servers are reached.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) dialer: Dialer,
    /// Where to connect to instead of a URL's host.
    pub(super) socket: Option<PathBuf>,
    pub(super) connect_timeout: Duration,
    #[cfg(feature = "tls")]
    pub(super) tls: ClientTls,
    #[cfg(feature = "proxy")]
    pub(super) proxy: Proxy,
    pub(super) watcher: Option<Watcher>,
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
            dialer: Dialer::default(),
            socket: None,
            connect_timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            tls: ClientTls::new(),
            #[cfg(feature = "proxy")]
            proxy: Proxy::from_env(),
            watcher: None,
        }
    }

    /// A stream to `place`, over which nothing has been said of the WebSocket yet.
    pub(super) async fn reach(&self, place: &Place) -> Result<Stream, ConnectError> {
        let deadline = deadline(self.connect_timeout);
        let (tls, host, port) = match place {
            Place::Tcp { tls, host, port } => (*tls, host, *port),
            Place::Unix(path) => {
                let stream = unix(path, deadline).await?;
                return Ok(watched(stream, self.watcher.as_ref()));
            }
        };
        if tls && cfg!(not(feature = "tls")) {
            return Err(NO_TLS); // before anybody is bothered
        }
        let mut stream = match &self.socket {
            Some(path) => unix(path, deadline).await?,
            None => self.plain(tls, host, port, deadline).await?,
        };
        if let Some(address) = stream.tcp().and_then(|tcp| tcp.peer_addr().ok()) {
            self.tell(Seen::Connected(address));
        }
        if tls {
            stream = self.secure(stream, host, deadline).await?;
        }
        Ok(watched(stream, self.watcher.as_ref()))
    }

    fn tell(&self, seen: Seen<'_>) {
        if let Some(watcher) = &self.watcher {
            watcher.tell(seen);
        }
    }

    /// A stream to `place` over one that is connected already: TLS is begun if the place wants it and
    /// the stream is not secure.
    pub(super) async fn over(&self, place: &Place, stream: Stream) -> Result<Stream, ConnectError> {
        let stream = match place {
            Place::Tcp {
                tls: true, host, ..
            } if !stream.is_tls() => {
                let deadline = deadline(self.connect_timeout);
                self.secure(stream, host, deadline).await?
            }
            _ => stream,
        };
        Ok(watched(stream, self.watcher.as_ref()))
    }

    async fn plain(
        &self,
        _tls: bool,
        host: &Host,
        port: u16,
        deadline: Instant,
    ) -> Result<Stream, ConnectError> {
        #[cfg(feature = "proxy")]
        if let Some(server) = self.proxy.server(_tls, host)? {
            self.tell(Seen::Proxy(&server.to_string()));
            return proxy::reach(&server, &self.proxy, &self.dialer, host, port, deadline).await;
        }
        dial::dial(&self.dialer, host, port, deadline)
            .await
            .map(Stream::new)
    }

    /// TLS with `host` over `stream`.
    #[cfg(feature = "tls")]
    async fn secure(
        &self,
        stream: Stream,
        host: &Host,
        deadline: Instant,
    ) -> Result<Stream, ConnectError> {
        let host = host.bare();
        let stream = timeout_at(deadline, self.tls.connect(&host, stream))
            .await
            .map_err(|_| ConnectError::Timeout(ConnectStage::Tls))?;
        let stream = stream.map_err(ConnectError::Tls)?;
        self.tell(Seen::Secured(&stream));
        Ok(Stream::new(stream))
    }

    #[cfg(not(feature = "tls"))]
    async fn secure(&self, _: Stream, _: &Host, _: Instant) -> Result<Stream, ConnectError> {
        Err(NO_TLS)
    }
}

#[cfg(unix)]
async fn unix(path: &Path, deadline: Instant) -> Result<Stream, ConnectError> {
    let socket = timeout_at(deadline, UnixStream::connect(path))
        .await
        .map_err(|_| ConnectError::Timeout(ConnectStage::Connect))?;
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    Ok(Stream::new(socket.map_err(named)?))
}

#[cfg(not(unix))]
async fn unix(_: &Path, _: Instant) -> Result<Stream, ConnectError> {
    Err(ConnectError::InvalidUrl(
        "this system has no unix sockets that tidewire knows: use ws://",
    ))
}
