//! A listening socket, and the connections that arrive on it.

use super::connections::Ticket;
use super::error::AcceptError;
use super::exchange;
use super::socket::{Client, Socket};
use super::{Arrival, Server, Upgrade};
use crate::driver::stream::Io;
use crate::observe::events;
#[cfg(feature = "tls")]
use crate::tls::ServerTls;
use crate::websocket::WebSocket;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::Semaphore;

/// How long accepting pauses when the system lacks something, a file descriptor mostly: trying again at
/// once would only burn a core.
const BREATHER: Duration = Duration::from_millis(100);

/// A socket that listens for WebSocket connections.
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
    socket: Socket,
    server: Server,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
    pub(super) connections: Option<Arc<Semaphore>>,
    pub(super) handshakes: Option<Arc<Semaphore>>,
}

impl Listener {
    /// Listens on `addr`; port 0 picks a free one, see [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    ///
    /// The address cannot be had.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is left behind.
    pub async fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::from_tcp(TcpListener::bind(addr).await?))
    }

    /// Listens on a socket that listens already.
    #[must_use]
    pub fn from_tcp(tcp: TcpListener) -> Self {
        Self::new(Socket::Tcp(tcp))
    }

    /// Listens on a Unix socket, whose file is made here and removed when the listener is dropped. A
    /// socket file on which nobody listens, left behind by a server that died, is replaced.
    ///
    /// Who may connect is settled by the rights of the directory: the file's own come from the
    /// process's umask.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if somebody listens there or the path is something
    /// else than a socket; otherwise the file cannot be made.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is left behind.
    #[cfg(unix)]
    pub async fn bind_unix(path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        Ok(Self::new(Socket::bind_unix(path.as_ref()).await?))
    }

    fn new(socket: Socket) -> Self {
        Self {
            socket,
            server: Server::new(),
            #[cfg(feature = "tls")]
            tls: None,
            connections: None,
            handshakes: None,
        }
    }

    /// What connections are offered. Default: [`Server::new`].
    #[must_use]
    pub fn server(mut self, server: Server) -> Self {
        self.server = server;
        self
    }

    /// Speaks TLS with the clients (`wss://`). The TLS handshake is done in each connection's own task
    /// and has as long as the [handshake timeout](Server::handshake_timeout) says; what comes behind it
    /// has the same once more. Default: no TLS.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn chat(ws: tidewire::WebSocket) {}
    /// let tls = tidewire::tls::ServerTls::from_files("chain.pem", "key.pem")?;
    /// let listener = tidewire::Listener::bind("0.0.0.0:443").await?.tls(tls);
    /// listener.serve(chat).await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// How many connections [`serve`](Self::serve) and its kin hold at once, those in their handshake
    /// included: when so many are open, accepting pauses, and clients wait in the system's queue.
    /// Default: as many as the process may have file descriptors. Too small turns clients away while
    /// there is room; too large runs into the limit of descriptors or memory, which hurts everybody.
    /// 0 counts as 1.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> Self {
        self.connections = Some(seats(count));
        self
    }

    /// How many handshakes [`serve`](Self::serve) and its kin do at once; accepting pauses meanwhile.
    /// Default: any number. It bounds the memory and the TLS work of a rush; too small lets a few
    /// clients that drip keep the others waiting for the
    /// [handshake timeout](Server::handshake_timeout). 0 counts as 1.
    #[must_use]
    pub fn max_handshakes(mut self, count: usize) -> Self {
        self.handshakes = Some(seats(count));
        self
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// The operating system does not tell; a Unix socket has none.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The next connection. Its handshake is still to be done with [`Incoming::accept`] or
    /// [`Incoming::request`], best in a task of its own: a slow client then delays nobody.
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
            match self.socket.accept().await {
                Ok((client, peer)) => {
                    let arrival = Arrival {
                        peer,
                        ..Arrival::default()
                    };
                    return Ok(Incoming {
                        client,
                        arrival,
                        server: self.server.clone(),
                        #[cfg(feature = "tls")]
                        tls: self.tls.clone(),
                    });
                }
                Err(error) if is_passing(&error) => {}
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    events::accepting_paused(&error);
                    tokio::time::sleep(BREATHER).await;
                }
            }
        }
    }
}

fn seats(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)))
}

/// A connection whose handshake is still to be done.
#[derive(Debug)]
pub struct Incoming {
    client: Client,
    arrival: Arrival,
    pub(super) server: Server,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

impl Incoming {
    /// The client's address; a client of a Unix socket has none.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.arrival.peer
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
        Box::pin(async move { self.request().await?.accept().await })
    }

    /// Reads the request and judges it, and hands it over to be answered: see [`Server::receive`].
    ///
    /// # Errors
    ///
    /// As [`Server::receive`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the connection ends.
    pub fn request(self) -> impl Future<Output = Result<Upgrade, AcceptError>> + Send {
        Box::pin(async move {
            let terms = Terms {
                server: self.server,
                arrival: self.arrival,
                #[cfg(feature = "tls")]
                tls: self.tls,
            };
            match self.client {
                Client::Tcp(tcp) => terms.request(tcp).await,
                #[cfg(unix)]
                Client::Unix(unix) => terms.request(unix).await,
            }
        })
    }

    /// The TCP connection, for a handshake done elsewhere; nothing of TLS has been done on it.
    ///
    /// # Errors
    ///
    /// It came over a Unix socket, and is given back.
    pub fn into_tcp(self) -> Result<TcpStream, Box<Self>> {
        match self.client {
            Client::Tcp(tcp) => Ok(tcp),
            #[cfg(unix)]
            Client::Unix(_) => Err(Box::new(self)),
        }
    }

    /// Gives it a place among the connections that are drained.
    pub(super) fn enter(&mut self, ticket: &Arc<Ticket>) {
        self.arrival.ticket = Some(ticket.clone());
    }

    /// What is dropped when the request has been answered.
    pub(super) fn watch(&mut self, unanswered: Arc<()>) {
        self.arrival.unanswered = Some(unanswered);
    }
}

/// What a client is met with.
struct Terms {
    server: Server,
    arrival: Arrival,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

impl Terms {
    async fn request<S: Io>(self, io: S) -> Result<Upgrade, AcceptError> {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls {
            let time = self.server.handshake_timeout;
            let secured = tokio::time::timeout(time, tls.accept(io));
            let io = match self.arrival.unless_stopping(secured).await {
                Some(Ok(secured)) => secured.map_err(AcceptError::Tls)?,
                Some(Err(_)) => return Err(AcceptError::Timeout),
                None => return Err(AcceptError::Stopping),
            };
            let request = exchange::read(self.server, io, self.arrival).await?;
            return request.judge().await;
        }
        let request = exchange::read(self.server, io, self.arrival).await?;
        request.judge().await
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
