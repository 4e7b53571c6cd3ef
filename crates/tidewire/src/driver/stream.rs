//! The byte stream under a connection: a TCP socket or TLS without indirection, or anything else in a
//! box.

#[cfg(feature = "tls")]
use crate::tls::TlsStream;
use std::any::Any;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a connection can run over.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

pub(crate) enum Stream {
    Tcp(TcpStream),
    /// In a box of its own.
    #[cfg(feature = "tls")]
    Tls(TlsStream),
    /// In a mutex that is never locked: with it a stream can be looked at from several threads,
    /// though what is in the box may not say so.
    Other(Mutex<Box<dyn Io>>),
}

fn exclusive(io: &mut Mutex<Box<dyn Io>>) -> &mut Box<dyn Io> {
    io.get_mut().unwrap_or_else(PoisonError::into_inner)
}

impl Stream {
    /// Takes any stream, and finds out whether it is one of those that need no box.
    pub(crate) fn new<S: Io>(io: S) -> Self {
        let mut io = Some(io);
        if let Some(tcp) = take::<TcpStream>(&mut io) {
            // A message is a unit: waiting to fill a segment only adds delay. Failing to say so
            // costs speed, nothing else.
            let _ = tcp.set_nodelay(true);
            return Self::Tcp(tcp);
        }
        if let Some(stream) = take::<Self>(&mut io) {
            return stream;
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = take::<TlsStream>(&mut io) {
            return Self::Tls(tls);
        }
        match io {
            Some(io) => Self::Other(Mutex::new(Box::new(io))),
            None => unreachable!("taken only when it is returned above"),
        }
    }

    /// The socket at the bottom, where it can be seen.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.tcp(),
            Self::Other(_) => None,
        }
    }

    /// Whether what goes through is encrypted by us.
    pub(crate) fn is_tls(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(_) => true,
            _ => false,
        }
    }

    /// How many bytes are known to wait in the stream itself for [`poll_flush`](Self::poll_flush).
    #[inline]
    pub(crate) fn held_back(&self) -> usize {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.held_back(),
            _ => 0,
        }
    }

    /// Whether a flush can have something to do.
    #[inline]
    pub(crate) fn needs_flush(&self) -> bool {
        !matches!(self, Self::Tcp(_))
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.poll_read_plain(cx, buf),
            Self::Other(io) => Pin::new(exclusive(io)).poll_read(cx, buf),
        }
    }

    /// Writes what the stream takes now. `Pending`: `cx` is woken when it is worth trying again.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(tcp) => loop {
                // One slice is the common case, and `send` is cheaper than `writev`.
                let outcome = match slices {
                    [one] => tcp.try_write(one),
                    many => tcp.try_write_vectored(many),
                };
                match outcome {
                    // The readiness known so far is used up: ask to be told of the next.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready!(tcp.poll_write_ready(cx))?;
                    }
                    outcome => return Poll::Ready(outcome),
                }
            },
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.poll_write_slices(cx, slices),
            Self::Other(io) => match slices {
                [one] => Pin::new(exclusive(io)).poll_write(cx, one),
                many => Pin::new(exclusive(io)).poll_write_vectored(cx, many),
            },
        }
    }

    /// Passes on what an outer layer (a pipe, TLS) may hold back.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) => Poll::Ready(Ok(())),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.poll_flush_all(cx),
            Self::Other(io) => Pin::new(exclusive(io)).poll_flush(cx),
        }
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.poll_goodbye(cx),
            Self::Other(io) => Pin::new(exclusive(io)).poll_shutdown(cx),
        }
    }
}

/// Takes what is in `io`, if it is a `T`.
fn take<T: 'static>(io: &mut dyn Any) -> Option<T> {
    io.downcast_mut::<Option<T>>().and_then(Option::take)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Stream::poll_read(self.get_mut(), cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Stream::poll_write(self.get_mut(), cx, &[IoSlice::new(buf)])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Stream::poll_flush(self.get_mut(), cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Stream::poll_shutdown(self.get_mut(), cx)
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(tcp) => tcp.fmt(f),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.fmt(f),
            Self::Other(_) => f.write_str("Stream"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_no_larger_than_a_socket_or_a_box() {
        #[allow(dead_code)]
        enum Bare {
            Tcp(TcpStream),
            Other(Box<dyn Io>),
        }
        assert_eq!(size_of::<Stream>(), size_of::<Bare>());
        assert_eq!(size_of::<Option<Stream>>(), size_of::<Option<Bare>>());
    }
}
