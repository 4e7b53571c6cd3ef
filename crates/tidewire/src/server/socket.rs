//! Sockets that listen: TCP, and Unix sockets with their files.

use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};

#[cfg(unix)]
use std::os::unix::fs::{FileTypeExt, MetadataExt};
#[cfg(unix)]
use std::path::{Path, PathBuf};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        listener: UnixListener,
        _file: SocketFile,
    },
}

/// A client's connection.
#[derive(Debug)]
pub(super) enum Client {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// The next connection, and its address if it has one.
    pub(super) async fn accept(&self) -> io::Result<(Client, Option<SocketAddr>)> {
        match self {
            Self::Tcp(tcp) => {
                let (tcp, peer) = tcp.accept().await?;
                Ok((Client::Tcp(tcp), Some(peer)))
            }
            #[cfg(unix)]
            Self::Unix { listener, .. } => Ok((Client::Unix(listener.accept().await?.0), None)),
        }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(tcp) => tcp.local_addr(),
            #[cfg(unix)]
            Self::Unix { .. } => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a Unix socket has a path, not an address",
            )),
        }
    }

    /// Listens on a Unix socket; a file that a server left behind when it died is replaced.
    #[cfg(unix)]
    pub(super) async fn bind_unix(path: &Path) -> io::Result<Self> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path).await => {
                std::fs::remove_file(path)?;
                UnixListener::bind(path)
            }
            bound => bound,
        }?;
        let _file = SocketFile::new(path);
        Ok(Self::Unix { listener, _file })
    }
}

/// Whether a path is a socket on which nobody listens.
#[cfg(unix)]
async fn is_stale(path: &Path) -> bool {
    // A regular file refuses connections too, and is nobody's to remove.
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if !is_socket {
        return false;
    }
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    UnixStream::connect(path).await.is_err_and(refused)
}

/// The file of a Unix socket, removed when nobody listens on it any more.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

#[cfg(unix)]
impl SocketFile {
    fn new(path: &Path) -> Self {
        Self {
            // The process may go to another directory meanwhile.
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            identity: identity(path),
        }
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another server may have put its own in the place.
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
