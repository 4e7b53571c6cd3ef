//! Why a hub does not start, and what to do about it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use tidewire_hub_sqlite::OpenError;

/// Why [`Hub::start`](crate::Hub::start) failed. Each is one sentence that says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// An address to listen on cannot be read, or its host is not known.
    Address {
        /// As it was given.
        listen: String,
    },
    /// The port cannot be opened.
    Listen {
        /// Which.
        addr: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The address is reachable from other machines, and nobody has to prove who they are.
    Public {
        /// Which.
        addr: SocketAddr,
    },
    /// The data folder or the store in it cannot be opened.
    Store(OpenError),
    /// The folder of files to serve cannot be read.
    Dir {
        /// Which.
        dir: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The system gives no thread, or no event loop.
    Thread(io::Error),
    /// The system gives no randomness.
    NoEntropy(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { listen } => write!(
                f,
                "{listen:?} is no address to listen on: give HOST:PORT, for example 127.0.0.1:4000, or [::1]:4000"
            ),
            Self::Listen { addr, error } => write_listen(f, *addr, error),
            Self::Public { addr } => write!(
                f,
                "{addr} can be reached from other machines, and whoever reaches it may use the hub: listen on 127.0.0.1, or say that this is meant with --allow-anonymous"
            ),
            Self::Store(error) => error.fmt(f),
            Self::Dir { dir, error } => write!(
                f,
                "cannot serve the files of {} ({error}): --dir takes a folder that can be read",
                dir.display()
            ),
            Self::Thread(error) => write!(
                f,
                "the system gives no event loop ({error}): raise its limits of threads and open files"
            ),
            Self::NoEntropy(error) => {
                write!(
                    f,
                    "the system has no randomness to give ({error}): no id would be safe"
                )
            }
        }
    }
}

fn write_listen(f: &mut fmt::Formatter<'_>, addr: SocketAddr, error: &io::Error) -> fmt::Result {
    let (ip, port) = (addr.ip(), addr.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => write!(
            f,
            "port {port} on {ip} is in use: stop the program that has it, or listen on another port, for example {}",
            SocketAddr::new(ip, port.max(1023).checked_add(1).unwrap_or(4000))
        ),
        io::ErrorKind::PermissionDenied => write!(
            f,
            "port {port} needs privileges that this user does not have: take a port from 1024 up"
        ),
        io::ErrorKind::AddrNotAvailable => write!(
            f,
            "{ip} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for every interface"
        ),
        _ => write!(f, "cannot listen on {addr} ({error}): try another address"),
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The others are told in full.
        match self {
            Self::Store(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_that_cannot_be_opened_says_what_to_do() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 80));
        let say = |kind: io::ErrorKind| {
            let error = kind.into();
            StartError::Listen { addr, error }.to_string()
        };
        assert!(say(io::ErrorKind::AddrInUse).contains("127.0.0.1:1024"));
        assert!(say(io::ErrorKind::PermissionDenied).contains("1024"));
        assert!(say(io::ErrorKind::AddrNotAvailable).contains("0.0.0.0"));
        assert!(say(io::ErrorKind::Other).contains("127.0.0.1:80"));
    }
}
