//! TCP echo without WebSocket: what the kernel and tokio cost, and so the limit for everybody else.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

/// Bytes asked of one read. With 64 KiB a mebibyte is answered in so many pieces that the libraries, which
/// gather a message first, overtake the limit; above 256 KiB nothing more is gained.
const SCRATCH: usize = 256 * 1024;

thread_local! {
    /// One for all connections, so that it stays in the cache: with one each, a hundred connections
    /// of 16 KiB messages would walk through megabytes, and the limit would not be the limit.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH]);
}

/// Echoes until the peer ends or fails.
pub(crate) async fn echo(mut stream: TcpStream) {
    // Only a socket that takes no more is worth a buffer of the connection's own.
    let mut rest = Vec::new();
    while let Ok(true) = poll_fn(|cx| pass(cx, &mut stream, &mut rest)).await {
        if !rest.is_empty() {
            if stream.write_all(&rest).await.is_err() {
                return;
            }
            rest.clear();
        }
    }
}

/// One read, answered at once with as much as the socket takes; what it does not take is left in `rest`.
/// `poll_read` knows that a short read has emptied the socket, and saves the read that would say so.
fn pass(
    cx: &mut Context<'_>,
    stream: &mut TcpStream,
    rest: &mut Vec<u8>,
) -> Poll<io::Result<bool>> {
    BUFFER.with_borrow_mut(|buffer| {
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
        let mut answer = read.filled();
        if answer.is_empty() {
            return Poll::Ready(Ok(false));
        }
        while !answer.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, answer)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => answer = &answer[written..],
                Poll::Pending => {
                    rest.extend_from_slice(answer);
                    break;
                }
            }
        }
        Poll::Ready(Ok(true))
    })
}
