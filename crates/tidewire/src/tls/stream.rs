//! [`TlsStream`]: a byte stream, encrypted on its way.

use super::error::{End, TlsError};
use super::scratch::{self, HELD, Outgoing, READ, RECORD, Scratch};
use super::server;
use super::session::{Came, Session};
use crate::driver::stream::Stream;
use bytes::{Buf, Bytes};
use rustls::ProtocolVersion;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Plaintext that one write takes, at most.
const BATCH: usize = 64 * 1024;

/// Reads in one poll that bring no plaintext, at most: a peer's flood of tickets must not hold up the
/// others of this thread.
const READS: usize = 16;

/// A byte stream that is encrypted on its way, made by [`ClientTls::connect`](super::ClientTls::connect)
/// and [`ServerTls::accept`](super::ServerTls::accept).
///
/// A write takes up to 64 KiB and encrypts them; what the stream below does not take of that is kept,
/// and goes out before the next write takes anything, or with a flush. Shutting down sends TLS's
/// goodbye; dropping tries to, without waiting.
pub struct TlsStream {
    tls: Box<Tls>, // of one word, so that it costs nothing to hand on
}

struct Tls {
    io: Stream,
    session: Session,
    /// The ciphertext of an incomplete record.
    held: Vec<u8>,
    /// Plaintext that did not fit into its reader's buffer.
    plain: Kept,
    /// Ciphertext that the stream below has not taken yet.
    pending: Kept,
    reading: Reading,
    /// Whether nothing more is to be written: our goodbye was said, or writing failed.
    closing: bool,
    server_name: Option<Box<str>>,
}

/// Bytes that are used up from the front; no memory while there are none.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    at: usize,
}

/// Whether more can come from the peer.
enum Reading {
    Open,
    /// The end of the stream was read.
    Ended,
    /// It has failed; why, until that was told.
    Failed(Option<Box<TlsError>>),
}

impl Kept {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn advance(&mut self, count: usize) {
        self.at += count;
        if self.at >= self.bytes.len() {
            *self = Self::default();
        }
    }
}

impl TlsStream {
    pub(super) fn new(io: Stream, session: Session) -> Self {
        let tls = Tls {
            io,
            session,
            held: Vec::new(),
            plain: Kept::default(),
            pending: Kept::default(),
            reading: Reading::Open,
            closing: false,
            server_name: None,
        };
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

    /// Whether an earlier session was resumed, which spares both ends most of the handshake.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.tls.session.is_resumed()
    }

    /// The socket at the bottom.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        self.tls.io.tcp()
    }

    /// Whether bytes wait here for the stream below.
    #[inline]
    pub(crate) fn holds_back(&self) -> bool {
        !self.tls.pending.is_empty()
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

impl Tls {
    fn poll_handshake(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<Result<(), TlsError>> {
        loop {
            // A client speaks first. Later there is nothing new here, and nothing comes of it.
            if self.held.is_empty() && self.session.is_handshaking() {
                self.process(&mut [], &mut scratch.out, &mut ReadBuf::new(&mut []));
            }
            let written = self.write_pending(cx)?;
            if !self.session.is_handshaking()
                && (written.is_ready() || !self.session.peer_awaits_last_flight())
            {
                return self.io.poll_flush(cx).map_err(TlsError::Io);
            }
            ready!(written);
            ready!(self.io.poll_flush(cx))?;
            ready!(self.poll_records(cx, &mut ReadBuf::new(&mut []), scratch))?;
            if let Some(name) = server::take_name() {
                self.server_name = Some(name);
            }
            match &mut self.reading {
                Reading::Open => {}
                Reading::Failed(why) => {
                    if let Some(error) = why.take() {
                        return Poll::Ready(Err(*error));
                    }
                }
                Reading::Ended => {}
            }
            if !matches!(self.reading, Reading::Open) && self.session.is_handshaking() {
                return Poll::Ready(Err(TlsError::Io(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the peer ended the connection during the TLS handshake",
                ))));
            }
        }
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        scratch: &mut Scratch,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        for _ in 0..READS {
            match &mut self.reading {
                Reading::Open => {}
                Reading::Ended => return Poll::Ready(Ok(())),
                Reading::Failed(why) => {
                    let error = why.take().map(|error| io::Error::from(*error));
                    let error = error.unwrap_or(io::ErrorKind::InvalidData.into());
                    return Poll::Ready(Err(error));
                }
            }
            ready!(self.poll_records(cx, buf, scratch))?;
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref(); // there may be more: after the others
        Poll::Pending
    }

    /// Reads once from below, and processes what came.
    fn poll_records(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        scratch: &mut Scratch,
    ) -> Poll<io::Result<()>> {
        let held = self.held.len();
        // No more than its reader has room for, so that little has to be kept; but a whole record.
        let most = buf.remaining().clamp(RECORD, READ).max(held + RECORD);
        let most = most.min(scratch.input.len());
        let mut input = ReadBuf::new(&mut scratch.input[held..most]);
        ready!(self.io.poll_read(cx, &mut input))?;
        let count = input.filled().len();
        if count == 0 {
            self.reading = Reading::Ended;
            self.held = Vec::new();
            return Poll::Ready(Ok(()));
        }
        scratch.input[..held].copy_from_slice(&self.held);
        self.process(&mut scratch.input[..held + count], &mut scratch.out, buf);
        Poll::Ready(Ok(()))
    }

    /// Processes what was kept and what has come since.
    fn process(&mut self, input: &mut [u8], out: &mut Outgoing, buf: &mut ReadBuf<'_>) {
        out.clear();
        let plain = &mut self.plain;
        let (done, came) = self.session.receive(input, out, &mut |bytes| {
            // In order: once something was kept, the rest is.
            let fits = if plain.is_empty() {
                buf.remaining().min(bytes.len())
            } else {
                0
            };
            let (now, later) = bytes.split_at(fits);
            buf.put_slice(now);
            if !later.is_empty() {
                plain.append(later);
            }
        });
        self.pending.append(out.filled());
        let rest = &input[done..];
        match came {
            Came::NeedsInput if rest.len() > HELD => self.fail(TlsError::Handshake(
                "the peer's handshake message is too long".into(),
            )),
            Came::NeedsInput if rest.is_empty() => self.held = Vec::new(),
            Came::NeedsInput => {
                self.held.clear();
                self.held.extend_from_slice(rest);
            }
            Came::Closed => {
                self.reading = Reading::Ended;
                self.held = Vec::new();
            }
            Came::Failed(error) => {
                let end = match self.session {
                    Session::Client(_) => End::Client,
                    Session::Server(_) => End::Server,
                };
                self.fail(TlsError::of_connection(error, end));
            }
        }
    }

    /// The session is over, and rustls is not asked again.
    #[cold]
    fn fail(&mut self, error: TlsError) {
        self.reading = Reading::Failed(Some(Box::new(error)));
        self.closing = true;
        self.held = Vec::new();
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.closing {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        // While the peer reads slowly, in small steps: so its progress is seen, and little is held.
        let most = if self.pending.is_empty() {
            BATCH
        } else {
            RECORD
        };
        ready!(self.write_pending(cx))?;
        scratch::with(|scratch| {
            let Scratch { gather, out, .. } = scratch;
            let taken = self
                .session
                .encrypt(&mut self.held, slices, most, gather, out);
            // What was encrypted has its place in the stream: it must go out, or nothing after it.
            let sent = taken.and_then(|taken| self.send(cx, out).map(|()| taken));
            if sent.is_err() {
                self.closing = true;
            }
            Poll::Ready(sent)
        })
    }

    /// Sends `out`, as far as the stream below takes it now; the rest is kept.
    fn send(&mut self, cx: &mut Context<'_>, out: &Outgoing) -> io::Result<()> {
        let mut rest = out.filled();
        while !rest.is_empty() {
            match self.io.poll_write(cx, &[IoSlice::new(rest)]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => rest.advance(count.min(rest.len())),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        self.pending.append(rest);
        Ok(())
    }

    /// Ready when nothing is kept any more.
    fn write_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let slice = IoSlice::new(self.pending.rest());
            let count = ready!(self.io.poll_write(cx, &[slice]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.advance(count);
        }
        Poll::Ready(Ok(()))
    }

    /// Appends our goodbye to what is to be sent, once.
    fn queue_goodbye(&mut self) {
        if !std::mem::replace(&mut self.closing, true) && !self.session.is_handshaking() {
            scratch::with(|scratch| {
                // What cannot be said is not said.
                let _ = self.session.close(&mut self.held, &mut scratch.out);
                self.pending.append(scratch.out.filled());
            });
        }
    }
}

impl Drop for Tls {
    /// Tries to say goodbye, without waiting.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.queue_goodbye();
        if !self.pending.is_empty() {
            let cx = &mut Context::from_waker(Waker::noop());
            if let Poll::Ready(Ok(())) = self.write_pending(cx) {
                let _ = self.io.poll_flush(cx);
            }
        }
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
