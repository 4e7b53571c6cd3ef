//! The last seconds of a connection that failed: the Close frame is written, the sending half shut,
//! and what still comes is read and thrown away, so that TCP does not answer it with a reset that
//! destroys the Close frame on its way (RFC 6455 §7.1.1; the reason for "lingering close").

use super::outbox::{MAX_SLICES, Outbox};
use super::stream::Stream;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Bytes read and thrown away at most, whatever the time: a flood is cut off.
const MOST: u64 = 16 * 1024 * 1024;

pub(crate) async fn linger(stream: Stream, rest: Outbox, time: Duration) {
    // Whatever goes wrong or takes too long, the connection has ended already.
    let _ = tokio::time::timeout(time, say_goodbye(stream, rest)).await;
}

async fn say_goodbye(mut stream: Stream, mut rest: Outbox) -> io::Result<()> {
    while !rest.is_empty() {
        let written = poll_fn(|cx| {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let count = rest.slices(&mut slices);
            stream.poll_write(cx, &slices[..count])
        })
        .await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        rest.advance(written, drop);
    }
    drop(rest);
    poll_fn(|cx| stream.poll_flush(cx)).await?;
    poll_fn(|cx| stream.poll_shutdown(cx)).await?;
    let mut stream = stream.take(MOST);
    let mut sink = [0; 1024];
    while stream.read(&mut sink).await? > 0 {}
    Ok(())
}
