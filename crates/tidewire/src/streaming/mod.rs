//! Messages that are too large to hold, and connections as byte streams.
//!
//! - `reader`: [`MessageReader`], a message as it arrives
//! - `writer`: [`MessageWriter`], a message as it is made
//! - `text`: whether bytes that come in pieces are UTF-8
//! - `io`: [`WebSocketIo`], a connection as a byte stream

mod io;
mod reader;
mod text;
mod writer;

pub use io::WebSocketIo;
pub use reader::MessageReader;
pub use writer::MessageWriter;

use crate::error::Error;
use bytes::{Buf, Bytes};
use std::io::ErrorKind;
use tidewire_proto::Payload;
use tokio::io::ReadBuf;

/// The most bytes of payload in one frame.
const FRAGMENT: usize = 64 * 1024;

/// The error as the traits of tokio want it; `closed` is the kind of a connection that has ended.
fn io_error(error: Error, closed: ErrorKind) -> std::io::Error {
    let kind = match &error {
        Error::Closed(_) => closed,
        Error::Protocol(_) | Error::Limit(_) => ErrorKind::InvalidData,
        Error::Timeout(_) => ErrorKind::TimedOut,
        Error::Misuse(_) => ErrorKind::InvalidInput,
        Error::Io(_) => match error {
            Error::Io(error) => return error,
            other => return std::io::Error::other(other),
        },
    };
    std::io::Error::new(kind, error)
}

/// The error of a writer whose connection has ended, as that of a pipe nobody reads from.
fn broken(error: Error) -> std::io::Error {
    io_error(error, ErrorKind::BrokenPipe)
}

/// For code that speaks of I/O: `tokio::io::copy` between connections and files, for example.
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        io_error(error, ErrorKind::ConnectionAborted)
    }
}

/// Fills `buf` from `data`; what does not fit stays in `rest`, which was empty.
fn hand_over(data: Payload<'_>, buf: &mut ReadBuf<'_>, rest: &mut Bytes) {
    let count = data.len().min(buf.remaining());
    buf.put_slice(&data[..count]);
    if count < data.len() {
        *rest = match data {
            Payload::Borrowed(bytes) => Bytes::copy_from_slice(&bytes[count..]),
            Payload::Owned(mut bytes) => {
                bytes.advance(count);
                bytes
            }
        };
    }
}

/// Fills `buf` from what is left of an earlier part. Whether there was something.
fn take_rest(rest: &mut Bytes, buf: &mut ReadBuf<'_>) -> bool {
    if rest.is_empty() {
        return false;
    }
    let count = rest.len().min(buf.remaining());
    buf.put_slice(&rest.split_to(count));
    true
}
