//! A listening socket, and one task per connection.

use super::Server;
use crate::error::AcceptError;
use crate::websocket::WebSocket;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};

/// How long accepting pauses when the system lacks something, a file descriptor mostly: trying again at
/// once would only burn a core.
const BREATHER: Duration = Duration::from_millis(100);

/// A TCP socket that listens for WebSocket connections.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let listener = tidewire::Listener::bind("127.0.0.1:4000").await?;
/// listener
///     .serve(|mut ws| async move {
///         while let Ok(Some(message)) = ws.recv().await {
///             if ws.send(message).await.is_err() {
///                 break;
///             }
///         }
///     })
///     .await
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    server: Server,
}

impl Listener {
    /// Listens on `addr`; port 0 picks a free one, see [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    ///
    /// The address cannot be had.
    pub async fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::from_tcp(TcpListener::bind(addr).await?))
    }

    /// Listens on a socket that listens already.
    #[must_use]
    pub fn from_tcp(tcp: TcpListener) -> Self {
        Self {
            tcp,
            server: Server::new(),
        }
    }

    /// What connections are offered. Default: [`Server::new`].
    #[must_use]
    pub fn server(mut self, server: Server) -> Self {
        self.server = server;
        self
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// The operating system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next TCP connection. Its handshake is still to be done with [`Incoming::accept`], best in
    /// a task of its own: a slow client then delays nobody.
    ///
    /// # Errors
    ///
    /// Only those that will not pass: a client that left early or a lack of file descriptors is
    /// waited out.
    ///
    /// # Cancel safety
    ///
    /// Safe: no connection is lost.
    pub async fn accept(&self) -> io::Result<Incoming> {
        loop {
            match self.tcp.accept().await {
                Ok((tcp, peer)) => {
                    return Ok(Incoming {
                        tcp,
                        peer,
                        server: self.server.clone(),
                    });
                }
                Err(error) if is_passing(&error) => {}
                Err(error) if is_final(&error) => return Err(error),
                Err(_) => tokio::time::sleep(BREATHER).await,
            }
        }
    }

    /// Serves connections for ever, each in a task of its own: `handler` gets it once its handshake
    /// is done. Clients that are refused are told so and not handed on.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it accepts no more; connections that are being served go on.
    pub async fn serve<H, F>(&self, handler: H) -> io::Result<()>
    where
        H: Fn(WebSocket) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            let incoming = self.accept().await?;
            let handler = handler.clone();
            let handshake = incoming.accept();
            tokio::spawn(async move {
                if let Ok(socket) = handshake.await {
                    handler(socket).await;
                }
            });
        }
    }
}

/// Serves `handler` on `addr` with the defaults, for ever: see [`Listener::serve`].
///
/// # Errors
///
/// The address cannot be had, or accepting fails for good.
pub async fn serve<H, F>(addr: impl ToSocketAddrs, handler: H) -> io::Result<()>
where
    H: Fn(WebSocket) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    Listener::bind(addr).await?.serve(handler).await
}

/// A TCP connection whose handshake is still to be done.
#[derive(Debug)]
pub struct Incoming {
    tcp: TcpStream,
    peer: SocketAddr,
    server: Server,
}

impl Incoming {
    /// The client's address.
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Performs the handshake.
    ///
    /// # Errors
    ///
    /// See [`AcceptError`]. A client that is refused has been told why.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the connection ends.
    pub fn accept(self) -> impl Future<Output = Result<WebSocket, AcceptError>> + Send {
        self.server.accept(self.tcp)
    }

    /// The TCP connection, for a handshake done elsewhere.
    #[must_use]
    pub fn into_tcp(self) -> TcpStream {
        self.tcp
    }
}

/// The client left between its SYN and our accept.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// The listening socket itself is unusable (EBADF 9, EFAULT 14, EINVAL 22, ENOTSOCK 88; WSAEINVAL
/// 10022, WSAENOTSOCK 10038), or the runtime is gone. Anything else is a lack of something, or an
/// error of the one connection, which accept(2) says to try again after.
fn is_final(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        None | Some(9 | 14 | 22 | 88 | 10022 | 10038)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_broken_listener_ends_the_listening() {
        for code in [9, 14, 22, 88] {
            assert!(is_final(&io::Error::from_raw_os_error(code)), "{code}");
        }
        // EPERM, EMFILE, EPROTO, ENETDOWN, ENOBUFS, EHOSTUNREACH
        for code in [1, 24, 71, 100, 105, 113] {
            assert!(!is_final(&io::Error::from_raw_os_error(code)), "{code}");
        }
        assert!(is_final(&io::Error::other(
            "the runtime is being shut down"
        )));
    }
}
