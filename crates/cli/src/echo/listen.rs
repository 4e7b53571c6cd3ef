//! Opening the port, and saying what to do when that fails.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::addr::ListenAddr;

/// Connections the kernel may hold ready for us; it caps this by `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Opens the first address of `addr` that can be opened.
///
/// # Errors
/// A sentence that says what to do.
pub(super) async fn bind(addr: &ListenAddr) -> Result<TcpListener, String> {
    let host = &addr.host;
    let found = lookup_host((host.as_str(), addr.port)).await.map_err(|_| {
        format!("this machine cannot find the host {host:?}: use 127.0.0.1, or 0.0.0.0 for every interface")
    })?;
    let mut first_error = None;
    for candidate in found {
        match open(candidate) {
            Ok(listener) => return Ok(listener),
            Err(error) => _ = first_error.get_or_insert((candidate, error)),
        }
    }
    Err(match first_error {
        Some((candidate, error)) => explain(candidate, &error),
        None => format!("the host {host:?} has no address"),
    })
}

fn open(addr: SocketAddr) -> io::Result<TcpListener> {
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
    socket.listen(BACKLOG)
}

fn explain(addr: SocketAddr, error: &io::Error) -> String {
    let port = addr.port();
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "port {port} on {} is in use: stop the program that has it, or take another port, \
             for example: tidewire echo {}",
            addr.ip(),
            if port < 65535 {
                port.max(1023) + 1
            } else {
                4000
            }
        ),
        ErrorKind::PermissionDenied => format!(
            "port {port} needs privileges that this user does not have: take a port from 1024 up, \
             for example: tidewire echo 8080"
        ),
        ErrorKind::AddrNotAvailable => format!(
            "{} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for every interface",
            addr.ip()
        ),
        _ => format!("cannot listen on {addr}: {error}"),
    }
}

/// Whether a failed accept says something about one connection and nothing about the next.
pub(super) fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 80));
        let say = |kind: ErrorKind| explain(addr, &kind.into());
        assert!(say(ErrorKind::AddrInUse).contains("tidewire echo 1024"));
        assert!(say(ErrorKind::PermissionDenied).contains("tidewire echo 8080"));
        assert!(say(ErrorKind::AddrNotAvailable).contains("127.0.0.1"));
        assert!(say(ErrorKind::Other).starts_with("cannot listen on 127.0.0.1:80"));
    }

    #[tokio::test]
    async fn an_unknown_host_is_told() {
        let addr = ListenAddr {
            host: "no.such.host.invalid".to_owned(),
            port: 0,
        };
        assert!(
            bind(&addr)
                .await
                .is_err_and(|sentence| sentence.contains("cannot find the host"))
        );
    }
}
