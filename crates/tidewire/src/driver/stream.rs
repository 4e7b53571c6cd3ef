//! The byte stream under a connection: a TCP socket without indirection, or anything else in a box.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a connection can run over.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

pub(crate) enum Stream {
    Tcp(TcpStream),
    Other(Box<dyn Io>),
}

impl Stream {
    /// Takes any stream, and finds out whether it is a TCP socket.
    pub(crate) fn new<S: Io>(io: S) -> Self {
        let mut io = Some(io);
        let any: &mut dyn std::any::Any = &mut io;
        if let Some(tcp) = any
            .downcast_mut::<Option<TcpStream>>()
            .and_then(Option::take)
        {
            // A message is a unit: waiting to fill a segment only adds delay. Failing to say so
            // costs speed, nothing else.
            let _ = tcp.set_nodelay(true);
            return Self::Tcp(tcp);
        }
        match io {
            Some(io) => Self::Other(Box::new(io)),
            None => unreachable!("taken only when it is returned above"),
        }
    }

    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Other(_) => None,
        }
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Other(io) => Pin::new(io).poll_read(cx, buf),
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
            Self::Other(io) => match slices {
                [one] => Pin::new(io).poll_write(cx, one),
                many => Pin::new(io).poll_write_vectored(cx, many),
            },
        }
    }

    /// Passes on what an outer layer (a pipe, later TLS) may hold back.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) => Poll::Ready(Ok(())),
            Self::Other(io) => Pin::new(io).poll_flush(cx),
        }
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Other(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
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

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(tcp) => tcp.fmt(f),
            Self::Other(_) => f.write_str("Stream"),
        }
    }
}
