//! A socket whose first bytes were read already, and which gives up on a peer that stalls.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Reads `head` first, then from `io`. When neither reading nor writing gets on for `patience`,
/// whichever was asked last fails with `TimedOut`.
pub(super) struct Rewind<S> {
    head: Bytes,
    io: S,
    patience: Duration,
    stalled: Pin<Box<Sleep>>,
}

impl<S> Rewind<S> {
    pub(super) fn new(head: Bytes, io: S, patience: Duration) -> Self {
        Rewind {
            head,
            io,
            patience,
            stalled: Box::pin(sleep(patience)),
        }
    }

    /// Judges one step: progress moves the deadline, waiting is held against it.
    fn judge<T>(&mut self, cx: &mut Context<'_>, step: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if step.is_ready() {
            let deadline = Instant::now() + self.patience;
            self.stalled.as_mut().reset(deadline);
            return step;
        }
        ready!(self.stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewind<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.head.has_remaining() {
            let n = self.head.remaining().min(buf.remaining());
            buf.put_slice(&self.head[..n]);
            self.head.advance(n);
            return Poll::Ready(Ok(()));
        }
        let step = Pin::new(&mut self.io).poll_read(cx, buf);
        self.judge(cx, step)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewind<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let step = Pin::new(&mut self.io).poll_write(cx, buf);
        self.judge(cx, step)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let step = Pin::new(&mut self.io).poll_flush(cx);
        self.judge(cx, step)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let step = Pin::new(&mut self.io).poll_shutdown(cx);
        self.judge(cx, step)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test(start_paused = true)]
    async fn the_head_comes_first_and_a_stall_ends_it() {
        let (mut far, near) = tokio::io::duplex(16);
        let mut io = Rewind::new(Bytes::from_static(b"GET "), near, Duration::from_secs(5));
        far.write_all(b"/").await.unwrap();
        let mut seen = [0; 5];
        io.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"GET /");
        let error = io.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_slowly_but_reads_is_served_to_the_end() {
        let (mut far, near) = tokio::io::duplex(1);
        let mut io = Rewind::new(Bytes::new(), near, Duration::from_secs(5));
        let reader = tokio::spawn(async move {
            let mut total = 0;
            while far.read_u8().await.is_ok() {
                total += 1;
                sleep(Duration::from_secs(4)).await;
            }
            total
        });
        io.write_all(&[7; 20]).await.unwrap();
        drop(io);
        assert_eq!(reader.await.unwrap(), 20);
    }
}
