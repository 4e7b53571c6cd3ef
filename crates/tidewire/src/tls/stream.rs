//! [`TlsStream`]: a byte stream, encrypted on its way.

use super::error::TlsError;
use super::inner::{READS, Tls};
use super::scratch;
use super::session::Session;
use crate::driver::stream::Stream;
use bytes::Bytes;
use rustls::ProtocolVersion;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A byte stream that is encrypted on its way, made by [`ClientTls::connect`](super::ClientTls::connect)
/// and [`ServerTls::accept`](super::ServerTls::accept).
///
/// A write takes up to 64 KiB and encrypts them; what the stream below does not take of that is kept,
/// and goes out before the next write takes anything, or with a flush. Shutting down sends TLS's
/// goodbye; dropping tries to, without waiting.
pub struct TlsStream {
    tls: Box<Tls>, // of one word, so that it costs nothing to hand on
}

impl TlsStream {
    pub(super) fn new(io: Stream, session: Session) -> Self {
        let tls = Tls::new(io, session);
        Self { tls: Box::new(tls) }
    }

    /// The application protocol that was agreed on (ALPN), if one was.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.tls.session.alpn()
    }

    /// On a server: the name that the client asked for (SNI). `None`: it named none, or this is a
    /// client.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.tls.server_name.as_deref()
    }

    /// The peer's certificate, then those of its issuers, as DER. Empty: it showed none.
    #[must_use]
    pub fn peer_certificates(&self) -> Vec<Bytes> {
        self.tls.session.peer_certificates()
    }

    /// `"TLSv1.2"` or `"TLSv1.3"`.
    #[must_use]
    pub fn version(&self) -> &'static str {
        match self.tls.session.version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "TLSv1.2", // there is no third
        }
    }

    /// The cipher suite by its name in IANA's registry, as `TLS_AES_128_GCM_SHA256`.
    #[must_use]
    pub fn cipher_suite(&self) -> &'static str {
        self.tls.session.cipher_suite()
    }

    /// Whether an earlier session was resumed, which spares both ends most of the handshake.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.tls.session.is_resumed()
    }

    /// The socket at the bottom.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        self.tls.io.tcp()
    }

    /// How many bytes wait here, or further below, to be written.
    #[inline]
    pub(crate) fn held_back(&self) -> usize {
        self.tls.pending.rest().len() + self.tls.io.held_back()
    }

    /// Ready when the handshake is over.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TlsError>> {
        scratch::with(|scratch| self.tls.poll_handshake(cx, scratch))
    }

    /// Writes what waits, an alert above all, as far as that is possible at once.
    pub(super) fn poll_last_words(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Poll::Ready(Ok(())) = self.tls.write_pending(cx) {
            let _ = self.tls.io.poll_flush(cx);
        }
        Poll::Ready(())
    }

    /// Writes what waits, and ends the sending half, without a goodbye.
    pub(super) fn poll_end_sending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tls.closing = true;
        self.poll_close(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.tls.write_pending(cx))?;
        ready!(self.tls.io.poll_flush(cx))?;
        self.tls.io.poll_shutdown(cx)
    }

    /// Reads what still comes and throws it away, a bounded part of it.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        scratch::with(|scratch| {
            for _ in 0..READS {
                let mut input = ReadBuf::new(&mut scratch.input);
                ready!(self.tls.io.poll_read(cx, &mut input))?;
                if input.filled().is_empty() {
                    break;
                }
            }
            Poll::Ready(Ok(()))
        })
    }

    pub(crate) fn poll_read_plain(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tls = &mut *self.tls;
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if !tls.plain.is_empty() {
            let rest = tls.plain.rest();
            let count = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..count]);
            tls.plain.advance(count);
            return Poll::Ready(Ok(()));
        }
        scratch::with(|scratch| tls.poll_read(cx, buf, scratch))
    }

    /// Writes what the stream takes now. `Pending`: `cx` is woken when it is worth trying again.
    pub(crate) fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.tls.poll_write(cx, slices)
    }

    pub(crate) fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.tls.write_pending(cx))?;
        self.tls.io.poll_flush(cx)
    }

    /// Says goodbye (RFC 8446 §6.1) and ends the sending half.
    pub(crate) fn poll_goodbye(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tls.queue_goodbye();
        self.poll_close(cx)
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().poll_read_plain(cx, buf)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_slices(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_slices(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flush_all(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_goodbye(cx)
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("version", &self.version())
            .field("io", &self.tls.io)
            .finish_non_exhaustive()
    }
}
