//! The ports: opening them, and accepting from them.

use super::error::StartError;
use super::{HubEvent, Node};
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Connections the kernel may hold ready for us; it caps this by `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// How long to wait when nothing can be accepted: out of descriptors, say.
const PAUSE: Duration = Duration::from_millis(50);

/// Opens every address.
///
/// # Errors
///
/// [`StartError::Address`] and [`StartError::Listen`].
pub(super) async fn bind_all(
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

/// Tells a client that there is no room, if its socket takes that much at once, and hangs up.
pub(super) fn refuse(mut tcp: std::net::TcpStream) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n\
        content-length: 0\r\nconnection: close\r\n\r\n";
    _ = tcp.write(ANSWER);
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
