//! What goes over the wire, as it goes: the way to a server, the heads of the handshake, each frame.
//!
//! For tools that show a connection to a person. [`Client::watch`](crate::Client::watch) tells what a
//! client does; [`Frames`] finds the frames in any stream of bytes, of a proxy in between for example.
//! Nothing is judged here: what breaks the protocol is shown as it is.
//!
//! ```no_run
//! # async fn example() -> Result<(), tidewire::ConnectError> {
//! use tidewire::wire::{Seen, Way};
//! let client = tidewire::Client::new("wss://example.com/feed").watch(|seen| match seen {
//!     Seen::Connected(address) => println!("* connected to {address}"),
//!     Seen::Head(Way::Out, head) => print!("{}", String::from_utf8_lossy(head)),
//!     Seen::Frame(way, frame) => println!("{way:?} {} of {} bytes", frame.name(), frame.len()),
//!     _ => {}
//! });
//! let ws = client.connect().await?;
//! # Ok(()) }
//! ```

mod frames;
mod tape;

pub use frames::{Frame, Frames};
pub(crate) use tape::watched;

#[cfg(feature = "tls")]
use crate::tls::TlsStream;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Which way something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// To us.
    In,
    /// From us.
    Out,
}

/// Something that a [watched](crate::Client::watch) client did or met, in the order in which it
/// happened. With redirects all of it comes anew for each server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// The connection goes through this proxy: its URL, without the user.
    Proxy(&'a str),
    /// There is a TCP connection to this address: the server's, or the proxy's. Not told of what is
    /// no TCP connection, or cannot be seen to be one.
    Connected(SocketAddr),
    /// TLS with the server is established.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    Secured(&'a TlsStream),
    /// The head of the request, or of an answer, as on the wire, with the empty line that ends it. An
    /// answer that is no head of HTTP, or was cut off, comes when the connection ends, as far as it
    /// came, 64 KiB at most. What is secret in it is there too.
    Head(Way, &'a [u8]),
    /// A frame, told when its header is complete: its payload may be still to come.
    Frame(Way, Frame),
}

/// Who is told what a client does.
#[derive(Clone)]
pub(crate) struct Watcher(Arc<dyn Fn(Seen<'_>) + Send + Sync>);

impl Watcher {
    pub(crate) fn new(tell: impl Fn(Seen<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, seen: Seen<'_>) {
        (self.0)(seen);
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
