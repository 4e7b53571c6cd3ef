//! From hyper's connection to ours: the future of a WebSocket, and the stream under it.

use super::error::HandoverError;
use crate::WebSocket;
use crate::driver::stream::{Io, Stream};
use crate::server::AnswerMisuse;
use ::hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// The future of a WebSocket: resolves when hyper has written the response and has handed over the
/// connection.
///
/// # Errors
///
/// See [`HandoverError`].
///
/// # Cancel safety
///
/// Dropped before it resolves, the connection ends once the response is written.
#[must_use = "the connection ends when this is dropped"]
pub struct Upgrading {
    // Boxed, so that the task that lives as long as the connection does not hold its room.
    future: Pin<Box<dyn Future<Output = Result<WebSocket, HandoverError>> + Send>>,
}

impl Upgrading {
    pub(super) fn new(
        on_upgrade: OnUpgrade,
        open: impl FnOnce(Stream, Vec<u8>) -> WebSocket + Send + 'static,
    ) -> Self {
        let future = Box::pin(async move {
            let upgraded = on_upgrade.await.map_err(HandoverError::new)?;
            let (stream, leftover) = unwrap(upgraded);
            Ok(open(stream, leftover))
        });
        Self { future }
    }

    pub(super) fn failed(misuse: AnswerMisuse) -> Self {
        let future = Box::pin(std::future::ready(Err(HandoverError::Misuse(misuse))));
        Self { future }
    }
}

impl Future for Upgrading {
    type Output = Result<WebSocket, HandoverError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.as_mut().poll(cx)
    }
}

impl fmt::Debug for Upgrading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").finish_non_exhaustive()
    }
}

/// The stream under hyper's connection, and what hyper has read of it behind the request: out of
/// hyper's boxes, if it is of a kind that we know.
fn unwrap(upgraded: Upgraded) -> (Stream, Vec<u8>) {
    let known = take::<TcpStream>(upgraded);
    #[cfg(unix)]
    let known = known.or_else(take::<tokio::net::UnixStream>);
    #[cfg(feature = "tls")]
    let known = known.or_else(take::<crate::tls::TlsStream>);
    // Otherwise hyper's own stream gives what was read before.
    known.unwrap_or_else(|upgraded| (Stream::new(TokioIo::new(upgraded)), Vec::new()))
}

fn take<T: Io>(upgraded: Upgraded) -> Result<(Stream, Vec<u8>), Upgraded> {
    let (io, read) = match upgraded.downcast::<TokioIo<T>>() {
        Ok(parts) => (parts.io, parts.read_buf),
        // hyper-util's server, which is axum's too, has a wrapper of its own around it.
        Err(upgraded) => {
            let parts = auto::upgrade::downcast::<TokioIo<T>>(upgraded)?;
            (parts.io, parts.read_buf)
        }
    };
    // A copy: hyper's read buffer is large, and would live as long as the few bytes in it.
    Ok((Stream::new(io.into_inner()), read.to_vec()))
}
