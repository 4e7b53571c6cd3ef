//! Opening a port or a Unix socket to listen on, and saying what to do when that fails.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use crate::addr::ListenAddr;

/// Connections the kernel may hold ready for us; it caps this by `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Opens the first address of `addr` that can be opened. `example` is the command that a user would
/// try with another port, up to the port: `tidewire echo `.
///
/// # Errors
/// A sentence that says what to do.
pub(crate) async fn tcp(addr: &ListenAddr, example: &str) -> Result<TcpListener, String> {
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
        Some((candidate, error)) => explain(candidate, &error, example),
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

fn explain(addr: SocketAddr, error: &io::Error, example: &str) -> String {
    let port = addr.port();
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "port {port} on {} is in use: stop the program that has it, or take another port, \
             for example: {example}{}",
            addr.ip(),
            if port < 65535 {
                port.max(1023) + 1
            } else {
                4000
            }
        ),
        ErrorKind::PermissionDenied => format!(
            "port {port} needs privileges that this user does not have: take a port from 1024 up, \
             for example: {example}8080"
        ),
        ErrorKind::AddrNotAvailable => format!(
            "{} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for every interface",
            addr.ip()
        ),
        _ => format!("cannot listen on {addr}: {error}"),
    }
}

/// Where to listen, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A TCP port.
    Tcp(ListenAddr),
    /// A Unix socket at this path.
    Unix(String),
}

impl Place {
    /// Reads `PORT`, `HOST:PORT` or `unix:/PATH`. Unlike wscat's, a word that is no port is an error
    /// and not the name of a socket.
    pub(crate) fn parse(text: &str) -> Result<Place, String> {
        let wrong = || {
            format!(
                "{text:?} is no place to listen: write PORT, HOST:PORT or unix:/PATH, for example \
                 3000, 0.0.0.0:3000 or unix:/tmp/ws.sock"
            )
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(wrong()),
                path => Ok(Place::Unix(path.to_owned())),
            };
        }
        let port = text.rsplit(':').next().unwrap_or_default();
        let has_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        if !has_port || text.parse::<std::net::Ipv6Addr>().is_ok() {
            return Err(wrong());
        }
        crate::addr::listen(text)
            .map(Place::Tcp)
            .map_err(|_| wrong())
    }

    /// The host that a certificate would be for.
    pub(crate) fn host(&self) -> &str {
        match self {
            Place::Tcp(addr) => &addr.host,
            Place::Unix(_) => "localhost",
        }
    }

    /// Opens it; `example` as for [`tcp`].
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(crate) async fn open(&self, example: &str) -> Result<Door, String> {
        match self {
            Place::Tcp(addr) => tcp(addr, example).await.map(Door::Tcp),
            #[cfg(unix)]
            Place::Unix(path) => unix(path).await,
            #[cfg(not(unix))]
            Place::Unix(_) => Err("there are no Unix sockets on this system".to_owned()),
        }
    }
}

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Door {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, SocketFile),
}

/// A connection that came in.
#[derive(Debug)]
pub(crate) enum Arrived {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Arrived {
    /// Who it is, for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Arrived::Tcp(_, peer) => peer.to_string(),
            #[cfg(unix)]
            Arrived::Unix(_) => "a unix socket".to_owned(),
        }
    }
}

impl Door {
    /// The next connection. What concerns one connection alone is passed over; when the system is
    /// out of descriptors it waits a little.
    pub(crate) async fn accept(&self) -> Arrived {
        loop {
            let accepted = match self {
                Door::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
                    // Without it small answers would wait for the peer's acknowledgement.
                    _ = stream.set_nodelay(true);
                    Arrived::Tcp(stream, peer)
                }),
                #[cfg(unix)]
                Door::Unix(listener, _) => listener
                    .accept()
                    .await
                    .map(|(stream, _)| Arrived::Unix(stream)),
            };
            match accepted {
                Ok(arrived) => return arrived,
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    }

    /// `127.0.0.1:3000`, or the path.
    pub(crate) fn name(&self) -> String {
        match self {
            Door::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "?".to_owned(), |addr| addr.to_string()),
            #[cfg(unix)]
            Door::Unix(_, file) => file.path.display().to_string(),
        }
    }

    /// Whether only this machine reaches it.
    pub(crate) fn is_private(&self) -> bool {
        match self {
            Door::Tcp(listener) => listener
                .local_addr()
                .is_ok_and(|addr| addr.ip().to_canonical().is_loopback()),
            #[cfg(unix)]
            Door::Unix(..) => true,
        }
    }
}

#[cfg(unix)]
async fn unix(path: &str) -> Result<Door, String> {
    let opened = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_stale(Path::new(path)).await => {
            _ = std::fs::remove_file(path);
            UnixListener::bind(path)
        }
        opened => opened,
    };
    match opened {
        Ok(listener) => Ok(Door::Unix(listener, SocketFile::new(path))),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(format!(
            "{path} is in use: a program listens there, or it is a file of another kind; take another path"
        )),
        Err(error) => Err(format!("cannot listen on {path}: {error}")),
    }
}

/// Whether a path is a socket on which nobody listens; a file of another kind is nobody's to remove.
#[cfg(unix)]
async fn is_stale(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == ErrorKind::ConnectionRefused;
    is_socket && UnixStream::connect(path).await.is_err_and(refused)
}

/// The file of a Unix socket, removed with it, unless another server has put its own in its place.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

#[cfg(unix)]
impl SocketFile {
    fn new(path: &str) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        let identity = identity(&path);
        Self { path, identity }
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether a failed accept says something about one connection and nothing about the next.
pub(crate) fn is_of_one_connection(error: &io::Error) -> bool {
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
        let say = |kind: ErrorKind| explain(addr, &kind.into(), "tidewire echo ");
        assert!(say(ErrorKind::AddrInUse).contains("tidewire echo 1024"));
        assert!(say(ErrorKind::PermissionDenied).contains("tidewire echo 8080"));
        assert!(say(ErrorKind::AddrNotAvailable).contains("127.0.0.1"));
        assert!(say(ErrorKind::Other).starts_with("cannot listen on 127.0.0.1:80"));
    }

    #[test]
    fn places_are_ports_addresses_and_sockets_and_no_bare_word() {
        let tcp = |host: &str, port| {
            Ok(Place::Tcp(ListenAddr {
                host: host.to_owned(),
                port,
            }))
        };
        assert_eq!(Place::parse("3000"), tcp("127.0.0.1", 3000));
        assert_eq!(Place::parse("0.0.0.0:80"), tcp("0.0.0.0", 80));
        assert_eq!(Place::parse("[::1]:0"), tcp("::1", 0));
        assert_eq!(
            Place::parse("unix:/tmp/x"),
            Ok(Place::Unix("/tmp/x".to_owned()))
        );
        for text in [
            "notaport",
            "",
            "::1",
            "70000",
            "a b:1",
            "unix:",
            "/tmp/x",
            "localhost:",
        ] {
            assert!(Place::parse(text).is_err(), "{text:?}");
        }
    }

    #[tokio::test]
    async fn an_unknown_host_is_told() {
        let addr = ListenAddr {
            host: "no.such.host.invalid".to_owned(),
            port: 0,
        };
        assert!(
            tcp(&addr, "tidewire -l ")
                .await
                .is_err_and(|sentence| sentence.contains("cannot find the host"))
        );
    }
}
