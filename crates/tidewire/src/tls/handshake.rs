//! How a [`TlsStream`] comes about.

use super::error::{End, TlsError};
use super::session::Session;
use super::stream::TlsStream;
use crate::driver::stream::Stream;
use std::future::poll_fn;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// How long a server waits for a refused client to have read why.
const FAREWELL: Duration = Duration::from_secs(1);

/// Performs the handshake. On failure the peer is told why, if it can be.
pub(super) async fn perform(io: Stream, session: Session, end: End) -> Result<TlsStream, TlsError> {
    let mut stream = TlsStream::new(io, session);
    let outcome = poll_fn(|cx| stream.poll_handshake(cx)).await;
    match outcome {
        Ok(()) => Ok(stream),
        Err(error @ TlsError::Io(_)) => Err(error),
        Err(error) => {
            match end {
                // The server waits for us: nothing it has sent stands in the alert's way.
                End::Client => poll_fn(|cx| stream.poll_last_words(cx)).await,
                // What the client still sends must not be answered with a reset before it has read
                // the alert.
                End::Server => {
                    let _ = timeout(FAREWELL, say_farewell(&mut stream)).await;
                }
            }
            Err(error)
        }
    }
}

async fn say_farewell(stream: &mut TlsStream) -> io::Result<()> {
    poll_fn(|cx| stream.poll_end_sending(cx)).await?;
    poll_fn(|cx| stream.poll_drain(cx)).await
}
