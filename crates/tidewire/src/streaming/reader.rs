//! [`MessageReader`]: a message as it arrives.

use super::{hand_over, io_error, take_rest};
use crate::driver::link::Link;
use crate::driver::receive::Received;
use crate::driver::shared::Shared;
use crate::error::Error;
use crate::handle;
use crate::split::Receiver;
use crate::websocket::WebSocket;
use bytes::{Bytes, BytesMut};
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tidewire_proto::{CloseCode, Event, Kind, LimitExceeded, Payload, TextPayload};
use tokio::io::{AsyncRead, ReadBuf};

impl WebSocket {
    /// The next message as a stream of its bytes, for messages of any size: neither `max_message` nor
    /// `max_frame` of the [`Config`](crate::Config) bounds it, `max_streamed` does. Resolves when the
    /// first bytes of it are there. `None`: the connection was closed with 1000, 1001 or no code.
    ///
    /// The rest of a message whose reader was dropped is thrown away first. To send meanwhile,
    /// [`split`](Self::split).
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, nothing is lost, and the message can be had whole by `recv`.
    pub fn recv_stream(
        &mut self,
    ) -> impl Future<Output = Result<Option<MessageReader<'_>>, Error>> + Send + '_ {
        recv_stream(&self.shared)
    }
}

impl Receiver {
    /// As [`WebSocket::recv_stream`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, nothing is lost.
    pub fn recv_stream(
        &mut self,
    ) -> impl Future<Output = Result<Option<MessageReader<'_>>, Error>> + Send + '_ {
        recv_stream(&self.shared)
    }
}

/// A message as it arrives: by [`chunk`](Self::chunk), or as an [`AsyncRead`].
///
/// Memory stays bounded whatever the size of the message, compressed or not: some 200 KiB at worst.
/// Nothing is read from the network while nobody asks for more, so a slow reader slows its peer down;
/// it also leaves Pings unanswered and goes without the news that the peer has closed.
///
/// # Dropping
///
/// Whatever of the message has not been read is thrown away when the next one is asked for, be it
/// with [`recv`](WebSocket::recv), in bounded memory: it still has to arrive.
#[derive(Debug)]
pub struct MessageReader<'a> {
    shared: &'a Arc<Shared>,
    kind: Kind,
    /// Has arrived, and was not asked for yet.
    rest: Bytes,
    /// Bytes that have arrived in all.
    arrived: u64,
    /// Nothing follows `rest`.
    ended: bool,
    /// It is larger than its reader allows, which was found when it had ended.
    over: Option<LimitExceeded>,
}

/// A part of a message: its bytes, and whether it is the last.
type Part<'b> = (Kind, Payload<'b>, bool);

/// The event as bytes, if it is a part of a message.
pub(super) fn part(event: Event<'_>) -> Option<Part<'_>> {
    match event {
        Event::TextPart { text, last } => {
            let data = match text {
                TextPayload::Borrowed(text) => Payload::Borrowed(text.as_bytes()),
                TextPayload::Owned(text) => Payload::Owned(text.into_bytes()),
            };
            Some((Kind::Text, data, last))
        }
        Event::BinaryPart { data, last } => Some((Kind::Binary, data, last)),
        _ => None,
    }
}

fn recv_stream(
    shared: &Arc<Shared>,
) -> impl Future<Output = Result<Option<MessageReader<'_>>, Error>> + Send + '_ {
    poll_fn(|cx| {
        // Until this resolves no part is handed out: what is discarded is what came before.
        shared.lock().connection.discard_message();
        let mut reader = None;
        let mut first = |event: Event<'_>, _: &mut Link<'_>| {
            let Some((kind, data, ended)) = part(event) else {
                return ControlFlow::Continue(());
            };
            reader = Some(MessageReader {
                shared,
                kind,
                arrived: data.len() as u64,
                rest: data.into_bytes(),
                ended,
                over: None,
            });
            ControlFlow::Break(())
        };
        let received = ready!(shared.poll_receive_parts(cx, &mut first))?;
        Poll::Ready(match received {
            Received::Paused => Ok(reader),
            Received::Closed(story) if story.is_clean() => Ok(None),
            Received::Closed(story) => Err(Error::Closed(story)),
        })
    })
}

impl MessageReader<'_> {
    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Bounds the message to this many bytes in all, after decompression and with what was read
    /// already; instead of `max_streamed` of the [`Config`](crate::Config). A larger one is refused:
    /// the connection is closed with 1009, and reading on gives [`Error::Limit`].
    pub fn limit(&mut self, bytes: u64) {
        // A failure is told to who reads on.
        if !self.ended {
            let mut core = self.shared.lock();
            let now = self.shared.service.now();
            core.clock = now;
            if core.connection.limit_message(now, bytes).is_err() {
                // The peer is told now: nobody may read on.
                self.shared.flush_and_settle(&mut core);
                self.shared.arm(&mut core);
                core.wake_all_writers();
            }
        } else if self.arrived > bytes {
            self.rest = Bytes::new();
            let over = LimitExceeded::Streamed { limit: bytes };
            let why = over.to_string();
            let _ = handle::begin_close(self.shared, CloseCode::MESSAGE_TOO_BIG, &why);
            self.over = Some(over);
        }
    }

    /// The next bytes of the message, as they come from the network: up to 64 KiB, or what that
    /// inflates to at most at a time, some 80 KiB. `None`: the message has ended. Those of a text are
    /// cut between characters, so each chunk is UTF-8.
    ///
    /// # Errors
    ///
    /// What went wrong with the connection; [`Error::Closed`] if it was closed, however orderly, before
    /// the message had ended.
    ///
    /// # Cancel safety
    ///
    /// Safe: a chunk is either returned or still there for the next call.
    pub fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Error>> + Send + '_ {
        poll_fn(|cx| {
            loop {
                if !self.rest.is_empty() {
                    return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
                }
                if let Some(over) = self.over {
                    return Poll::Ready(Err(Error::Limit(over)));
                }
                if self.ended {
                    return Poll::Ready(Ok(None));
                }
                let mut next = Bytes::new();
                let mut take = |data: Payload<'_>| next = data.into_bytes();
                self.ended = ready!(poll_part(self.shared, cx, &mut take))?;
                self.arrived += next.len() as u64;
                self.rest = next;
            }
        })
    }

    /// The whole of what was not read yet. A message of more than `limit` bytes, with what was read
    /// already, is refused as by [`limit`](Self::limit).
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk), and [`Error::Limit`].
    ///
    /// # Cancel safety
    ///
    /// Not safe: dropped before it resolves, the message is thrown away.
    pub async fn read_to_end(mut self, limit: usize) -> Result<Bytes, Error> {
        self.limit(limit as u64);
        let mut whole = match self.chunk().await? {
            Some(first) if self.ended => return Ok(first),
            Some(first) => BytesMut::from(first),
            None => return Ok(Bytes::new()),
        };
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}

impl AsyncRead for MessageReader<'_> {
    /// Gives the bytes of the message, text too; its end is the end of the stream. An error's inner
    /// error is an [`Error`]. Cancel-safe as [`chunk`](Self::chunk).
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let reader = self.get_mut();
        if buf.remaining() == 0 || take_rest(&mut reader.rest, buf) {
            return Poll::Ready(Ok(()));
        }
        if let Some(over) = reader.over {
            return Poll::Ready(Err(io_error(Error::Limit(over), ErrorKind::InvalidData)));
        }
        if reader.ended {
            return Poll::Ready(Ok(()));
        }
        let (rest, arrived) = (&mut reader.rest, &mut reader.arrived);
        let mut take = |data: Payload<'_>| {
            *arrived += data.len() as u64;
            hand_over(data, buf, rest);
        };
        let part = ready!(poll_part(reader.shared, cx, &mut take));
        reader.ended = part.map_err(|error| io_error(error, ErrorKind::UnexpectedEof))?;
        Poll::Ready(Ok(()))
    }
}

/// Gives the next part of the message under way to `take`. Whether it is the last.
fn poll_part(
    shared: &Arc<Shared>,
    cx: &mut Context<'_>,
    take: &mut dyn FnMut(Payload<'_>),
) -> Poll<Result<bool, Error>> {
    let mut ended = false;
    let mut next = |event: Event<'_>, _: &mut Link<'_>| {
        let Some((_, data, last)) = part(event) else {
            return ControlFlow::Continue(());
        };
        ended = last;
        take(data);
        ControlFlow::Break(())
    };
    Poll::Ready(match ready!(shared.poll_receive_parts(cx, &mut next))? {
        Received::Paused => Ok(ended),
        Received::Closed(story) => Err(Error::Closed(story)),
    })
}
