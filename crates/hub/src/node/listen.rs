//! The ports: opening them, and accepting from them.

use super::{HubEvent, Node};
use crate::door::Refusing;
use crate::error::StartError;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Connections the kernel may hold ready for us; it caps this by `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// How long to wait when nothing can be accepted: out of descriptors, say.
const PAUSE: Duration = Duration::from_millis(50);

/// Opens every address.
///
/// # Errors
///
/// [`StartError::Address`] and [`StartError::Listen`].
pub(crate) async fn bind_all(
    listen: &[String],
) -> Result<(Vec<SocketAddr>, Vec<std::net::TcpListener>), StartError> {
    let mut addrs = Vec::new();
    let mut listeners = Vec::new();
    for text in listen {
        let (addr, listener) = bind(text).await?;
        addrs.push(addr);
        listeners.push(listener);
    }
    Ok((addrs, listeners))
}

/// Opens the first address of a name that can be opened.
async fn bind(listen: &str) -> Result<(SocketAddr, std::net::TcpListener), StartError> {
    let unknown = || StartError::Address {
        listen: listen.to_owned(),
    };
    let found = lookup_host(listen).await.map_err(|_| unknown())?;
    let mut first_error = None;
    for addr in found {
        match open(addr) {
            Ok(opened) => return Ok(opened),
            Err(error) => _ = first_error.get_or_insert(StartError::Listen { addr, error }),
        }
    }
    Err(first_error.unwrap_or_else(unknown))
}

fn open(addr: SocketAddr) -> io::Result<(SocketAddr, std::net::TcpListener)> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A restart need not wait for the last run's connections to time out. On Windows the option
    // means something else (two servers on one port).
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    Ok((listener.local_addr()?, listener))
}

/// Accepts until the node is shut down, and gives each socket to a shard.
pub(crate) async fn accept(
    node: Arc<Node>,
    listener: TcpListener,
    mut leaving: watch::Receiver<Option<Instant>>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = leaving.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let accepted = accepted.and_then(|(tcp, peer)| {
            // Without it small messages would wait for the peer's acknowledgement.
            _ = tcp.set_nodelay(true);
            Ok((tcp.into_std()?, peer))
        });
        match accepted {
            Ok((tcp, peer)) => node.hand_over(tcp, peer),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                node.tell(HubEvent::CannotAccept(error));
                sleep(PAUSE).await;
            }
        }
    }
}

/// Tells a client that there is no room, and hangs up when it has read that.
pub(crate) async fn refuse(tcp: std::net::TcpStream, refusing: Refusing) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n\
        content-length: 0\r\nconnection: close\r\n\r\n";
    let tell = async {
        let mut tcp = TcpStream::from_std(tcp)?;
        tcp.write_all(ANSWER).await?;
        tcp.shutdown().await?;
        // Closing with input unread would make the kernel reset the connection, and the answer could
        // be lost with it: read what is still coming, a little and for a moment.
        let mut rest = [0; 1024];
        for _ in 0..64 {
            if tcp.read(&mut rest).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    _ = timeout(Duration::from_secs(1), tell).await;
    drop(refusing);
}

/// Whether a failed accept says something about one connection and nothing about the next.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}
