//! What is behind a [`TlsStream`](super::TlsStream): the session, the stream below, and what neither
//! has taken yet.

use super::error::{End, TlsError};
use super::scratch::{self, HELD, Outgoing, READ, RECORD, Scratch};
use super::session::{Came, Session};
use super::sni;
use crate::driver::stream::Stream;
use bytes::Buf;
use std::io::{self, IoSlice};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::ReadBuf;

/// Plaintext that one write takes, at most.
const BATCH: usize = 64 * 1024;

/// Reads in one poll that bring no plaintext, at most: a peer's flood of tickets must not hold up the
/// others of this thread.
pub(super) const READS: usize = 16;

pub(super) struct Tls {
    pub(super) io: Stream,
    pub(super) session: Session,
    /// The ciphertext of an incomplete record.
    held: Vec<u8>,
    /// Plaintext that did not fit into its reader's buffer.
    pub(super) plain: Kept,
    /// Ciphertext that the stream below has not taken yet.
    pub(super) pending: Kept,
    reading: Reading,
    /// Whether nothing more is to be written: our goodbye was said, or writing failed.
    pub(super) closing: bool,
    pub(super) server_name: Option<Box<str>>,
}

/// Bytes that are used up from the front; no memory while there are none.
#[derive(Default)]
pub(super) struct Kept {
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
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.at += count;
        if self.at >= self.bytes.len() {
            *self = Self::default();
        }
    }
}

impl Tls {
    pub(super) fn new(io: Stream, session: Session) -> Self {
        Self {
            io,
            session,
            held: Vec::new(),
            plain: Kept::default(),
            pending: Kept::default(),
            reading: Reading::Open,
            closing: false,
            server_name: None,
        }
    }

    pub(super) fn poll_handshake(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<Result<(), TlsError>> {
        let nowhere = &mut ReadBuf::new(&mut []);
        loop {
            // A client speaks first. Later there is nothing new here, and nothing comes of it.
            if self.held.is_empty() && self.session.is_handshaking() {
                self.process(&mut [], &mut scratch.out, nowhere);
            }
            let written = match self.write_pending(cx) {
                Poll::Ready(Ok(())) => self.io.poll_flush(cx),
                not => not,
            };
            if !self.session.is_handshaking() {
                match written {
                    Poll::Pending if self.session.peer_awaits_last_flight() => {
                        return Poll::Pending;
                    }
                    Poll::Pending => return Poll::Ready(Ok(())),
                    Poll::Ready(written) => return Poll::Ready(written.map_err(TlsError::Io)),
                }
            }
            if let Poll::Ready(Err(error)) = written {
                // The peer may have said why, before it went.
                let _ = self.poll_records(cx, nowhere, scratch);
                return Poll::Ready(Err(self.failure().unwrap_or(TlsError::Io(error))));
            }
            // Read, whatever waits to be written: the peer may be writing too, and both would wait.
            ready!(self.poll_records(cx, nowhere, scratch))?;
            if let Some(name) = sni::take_name() {
                self.server_name = Some(name);
            }
            if let Some(error) = self.failure() {
                return Poll::Ready(Err(error));
            }
            if !matches!(self.reading, Reading::Open) && self.session.is_handshaking() {
                return Poll::Ready(Err(TlsError::Io(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the peer ended the connection during the TLS handshake",
                ))));
            }
        }
    }

    /// Why the session failed; told once.
    fn failure(&mut self) -> Option<TlsError> {
        match &mut self.reading {
            Reading::Failed(why) => why.take().map(|error| *error),
            Reading::Open | Reading::Ended => None,
        }
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        scratch: &mut Scratch,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        for _ in 0..READS {
            match self.reading {
                Reading::Open => {}
                Reading::Ended => return Poll::Ready(Ok(())),
                Reading::Failed(_) => {
                    let error = self.failure().map(io::Error::from);
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
        let (session, plain) = (&mut self.session, &mut self.plain);
        let mut receive = || {
            session.receive(input, out, &mut |bytes| {
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
            })
        };
        let (done, came) = if cfg!(debug_assertions) && self.closing {
            // rustls asserts that it sends no alert after its goodbye, and then does, if what comes is
            // broken: the assertion is wrong, and a peer must not make anything panic.
            catch_unwind(AssertUnwindSafe(receive)).unwrap_or_else(|_| {
                let broken = rustls::Error::General("broken bytes behind the goodbye".into());
                (0, Came::Failed(broken))
            })
        } else {
            receive()
        };
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

    pub(super) fn poll_write(
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
    pub(super) fn write_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
    pub(super) fn queue_goodbye(&mut self) {
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
