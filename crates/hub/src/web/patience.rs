//! Clients that do not read what they asked for: their connections are cut, and what waits is let go.

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;
use tokio::time::timeout;

/// Bytes that are given to HTTP at a time: it takes more when it has written them.
const PIECE: usize = 32 * 1024;
/// How long an answer may take to be read: 16 KiB a second and a little more.
const EACH_MIB: Duration = Duration::from_secs(64);
/// How long a stream may take to be read after it has ended.
pub(crate) const END: Duration = Duration::from_secs(10);

/// Cuts the connection that a request came on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut(Arc<Notify>);

impl Cut {
    /// Resolves when the connection is to be cut.
    pub(crate) async fn asked(&self) {
        self.0.notified().await;
    }

    /// Cuts the connection after `time`, unless the sender of `done` was dropped by then. On a shard's
    /// thread.
    pub(crate) fn unless_done(&self, done: oneshot::Receiver<()>, time: Duration) {
        let cut = self.0.clone();
        spawn_local(async move {
            if timeout(time, done).await.is_err() {
                cut.notify_one();
            }
        });
    }

    /// A body whose reader has to go on reading.
    pub(crate) fn body(&self, rest: Bytes) -> Body {
        let (alive, done) = oneshot::channel();
        if rest.len() > PIECE {
            let mebibytes = u32::try_from(rest.len() >> 20).unwrap_or(u32::MAX);
            let time = EACH_MIB.saturating_mul(mebibytes.saturating_add(1));
            self.unless_done(done, time);
        }
        Body::new(Pieces { rest, alive })
    }
}

/// A body that is given out in pieces.
struct Pieces {
    rest: Bytes,
    #[allow(dead_code, reason = "whoever has it is not done")]
    alive: oneshot::Sender<()>,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
