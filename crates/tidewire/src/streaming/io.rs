//! [`WebSocketIo`]: a connection as a byte stream.

use super::reader::part;
use super::{FRAGMENT, broken, hand_over, io_error, take_rest};
use crate::driver::link::Link;
use crate::driver::rare::POLL_PLACE;
use crate::driver::receive::Received;
use crate::driver::scratch;
use crate::error::Error;
use crate::handle::{self, Then, Whose};
use crate::websocket::WebSocket;
use bytes::Bytes;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tidewire_proto::{CloseCode, CloseStory, Event, Kind, State};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

impl WebSocket {
    /// The connection as a byte stream over binary messages, for protocols that want one.
    ///
    /// The rest of a message whose reader was dropped is thrown away.
    #[must_use]
    pub fn into_io(self) -> WebSocketIo {
        self.shared.lock().connection.discard_message();
        WebSocketIo {
            ws: self,
            rest: Bytes::new(),
            text: false,
        }
    }
}

/// A connection as a byte stream: [`AsyncRead`] and [`AsyncWrite`] over binary messages.
///
/// Reading gives the payloads of the peer's messages one behind the other; where a message ends cannot
/// be seen, and one of any size is read in bounded memory (`max_streamed` of the
/// [`Config`](crate::Config) bounds it, `max_message` does not). Each write sends one message of at most
/// 64 KiB, compressed if that was agreed and is worth it, and waits while more bytes than the high-water
/// mark wait to be written: put a [`BufWriter`](tokio::io::BufWriter) around it for many small writes.
///
/// - The end of the stream is an orderly close by the peer (1000, 1001 or no code). Any other end is an
///   error, whose inner error is an [`Error`].
/// - A text message is an error ([`InvalidData`](ErrorKind::InvalidData)), and the connection is closed
///   with 1003 (unsupported data).
/// - [`shutdown`](tokio::io::AsyncWriteExt::shutdown) closes the connection with 1000 and waits until
///   that is with the operating system. What the peer still sends before it answers can be read, for as
///   long as `close_timeout` lets it.
///
/// Pings are answered while it is being read. Reads and writes are cancel-safe.
#[derive(Debug)]
pub struct WebSocketIo {
    ws: WebSocket,
    /// Has arrived, and did not fit into the buffer of the last read.
    rest: Bytes,
    /// The peer sent a text message.
    text: bool,
}

impl WebSocketIo {
    /// The connection below.
    #[must_use]
    pub fn get_ref(&self) -> &WebSocket {
        &self.ws
    }

    /// The connection, for messages again. Bytes of a message that was read in part are lost, and the
    /// rest of it is thrown away.
    #[must_use]
    pub fn into_inner(self) -> WebSocket {
        self.ws
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<Received, Error>> {
        let Self { ws, rest, text } = self;
        ws.shared
            .poll_receive_parts(cx, &mut |event: Event<'_>, link: &mut Link<'_>| {
                match part(event) {
                    Some((Kind::Binary, data, _)) if !data.is_empty() => {
                        hand_over(data, buf, rest);
                    }
                    Some((Kind::Text, ..)) => {
                        *text = true;
                        let why = "only binary messages are expected";
                        let _ = link.begin_close(CloseCode::UNSUPPORTED, why);
                    }
                    _ => return ControlFlow::Continue(()),
                }
                ControlFlow::Break(())
            })
    }
}

impl AsyncRead for WebSocketIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 || take_rest(&mut this.rest, buf) {
            return Poll::Ready(Ok(()));
        }
        let received = if this.text {
            Received::Paused
        } else {
            ready!(this.poll_next(cx, buf))
                .map_err(|error| io_error(error, ErrorKind::UnexpectedEof))?
        };
        Poll::Ready(match received {
            Received::Paused if this.text => Err(io::Error::new(
                ErrorKind::InvalidData,
                "the peer sent a text message where binary ones are expected",
            )),
            Received::Paused => Ok(()),
            Received::Closed(story) if story.is_clean() => Ok(()),
            Received::Closed(story) => {
                Err(io_error(Error::Closed(story), ErrorKind::UnexpectedEof))
            }
        })
    }
}

impl AsyncWrite for WebSocketIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let shared = &self.ws.shared;
        let data = &data[..data.len().min(FRAGMENT)];
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut core = shared.lock();
        let room = handle::poll_room(shared, &mut core, &mut { POLL_PLACE }, Whose::Nobodys, cx);
        ready!(room).map_err(broken)?;
        let queued = scratch::with(|scratch| core.queue(Kind::Binary, data, &mut scratch.tools));
        queued.map_err(|error| broken(core.refused(error)))?;
        handle::write(shared, &mut core, Then::Write);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shared = &self.ws.shared;
        let mut core = shared.lock();
        let flushed = handle::poll_flush(shared, &mut core, &mut { POLL_PLACE }, cx);
        match ready!(flushed) {
            // The answer to the peer's Close went out behind everything else: nothing is left.
            Err(_) if core.connection.story().is_some_and(CloseStory::is_clean) => {
                Poll::Ready(Ok(()))
            }
            flushed => Poll::Ready(flushed.map_err(broken)),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shared = &self.ws.shared;
        let open = shared.lock().connection.state() == State::Open;
        if open {
            handle::begin_close(shared, CloseCode::NORMAL, "").map_err(broken)?;
        }
        self.poll_flush(cx)
    }
}
