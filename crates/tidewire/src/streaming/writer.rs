//! [`MessageWriter`]: a message as it is made.

use super::text::Unfinished;
use super::{FRAGMENT, broken};
use crate::driver::core::Core;
use crate::driver::rare::{NO_PLACE, Place};
use crate::driver::scratch;
use crate::driver::shared::Shared;
use crate::error::Error;
use crate::handle::{self, Then, Whose};
use crate::split::Sender;
use crate::websocket::WebSocket;
use bytes::{Bytes, BytesMut};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tidewire_proto::{CloseCode, Kind, SendError};
use tokio::io::AsyncWrite;

impl WebSocket {
    /// A message that is sent while it is made, for messages of any size: see [`MessageWriter`].
    /// Nothing is sent yet.
    #[must_use]
    pub fn send_stream(&self, kind: Kind) -> MessageWriter<'_> {
        MessageWriter::new(&self.shared, kind)
    }
}

impl Sender {
    /// As [`WebSocket::send_stream`].
    #[must_use]
    pub fn send_stream(&self, kind: Kind) -> MessageWriter<'_> {
        MessageWriter::new(&self.shared, kind)
    }
}

/// A message that is sent while it is made: by [`write`](Self::write) and [`finish`](Self::finish), or
/// as an [`AsyncWrite`] whose shutdown is `finish`.
///
/// It goes out in fragments of 64 KiB (RFC 6455 §5.4), compressed if that was agreed; a message that is
/// finished within the first 64 KiB is sent as any other. What is written waits here until a fragment is
/// full: [`flush`](Self::flush) if the peer is waiting for it.
///
/// From its first fragment to its end no other message can be sent: meanwhile
/// [`send`](WebSocket::send) and its kin, other writers too, wait, and [`queue`](WebSocket::queue)
/// refuses. Control frames pass: Pings are answered while somebody receives.
///
/// # Dropping
///
/// A message that was begun cannot be taken back. Dropped before it is finished, but after its first
/// fragment was queued, the connection is closed with 1011 (internal error). Before that, nothing
/// happens.
#[derive(Debug)]
pub struct MessageWriter<'a> {
    shared: &'a Arc<Shared>,
    kind: Kind,
    compress: bool,
    progress: Progress,
    /// The fragment that is being filled.
    buffer: BytesMut,
    text: Unfinished,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing was queued.
    Fresh,
    /// A fragment was queued: the connection is ours.
    Begun,
    Finished,
}

impl<'a> MessageWriter<'a> {
    fn new(shared: &'a Arc<Shared>, kind: Kind) -> Self {
        Self {
            shared,
            kind,
            compress: true,
            progress: Progress::Fresh,
            buffer: BytesMut::new(),
            text: Unfinished::default(),
            place: NO_PLACE,
        }
    }

    /// Sends the message uncompressed even if compression was agreed: for what is compressed already.
    /// Says nothing to a message that was begun. Default: compressed if that was agreed.
    #[must_use]
    pub fn uncompressed(mut self) -> Self {
        if self.progress == Progress::Fresh {
            self.compress = false;
        }
        self
    }

    /// Adds bytes to the message. Resolves at once, unless more bytes than the high-water mark wait to
    /// be written or another message is half sent; then all of them are taken. A server that does not
    /// compress sends large ones without a copy. Those of a text may be cut inside a character.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if a text would not be UTF-8 with them, or the message has ended: nothing was
    /// taken. [`Error::Closed`] and its kin if the connection is closing or over.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, none of these bytes were taken.
    pub fn write(
        &mut self,
        data: impl Into<Bytes>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        let mut data = data.into();
        poll_fn(move |cx| {
            let text = self.judge(&data)?;
            let mut core = self.shared.lock();
            ready!(poll_room(
                self.shared,
                &mut core,
                &mut self.place,
                self.progress,
                cx
            ))?;
            self.text = text;
            let data = std::mem::take(&mut data);
            Poll::Ready(self.add(&mut core, data))
        })
    }

    /// Sends what was written so far, and waits until it is with the operating system: all of it can be
    /// read by the peer then. Where the message is compressed each flush costs some bytes more.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] and its kin if the connection ends before.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error>> + Send {
        poll_fn(|cx| self.poll_flushed(cx))
    }

    /// Ends the message. Resolves when all of it is queued, as [`send`](WebSocket::send) does. Once it
    /// has ended, this does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if a text ends inside a character: the message goes on.
    /// [`Error::Closed`] and its kin if the connection is closing or over.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, the message has not ended; call it again.
    pub fn finish(&mut self) -> impl Future<Output = Result<(), Error>> + Send {
        poll_fn(|cx| self.poll_finish(cx))
    }

    /// The text behind `data`, if it may be added.
    fn judge(&self, data: &[u8]) -> Result<Unfinished, Error> {
        if self.progress == Progress::Finished {
            return Err(Error::Misuse(SendError::MessageEnded));
        }
        match self.kind {
            Kind::Binary => Ok(self.text),
            Kind::Text => self
                .text
                .after(data)
                .map_err(|_| Error::Misuse(SendError::NotUtf8)),
        }
    }

    /// Takes `data` in, and queues the fragments that it fills.
    fn add(&mut self, core: &mut Core, mut data: Bytes) -> Result<(), Error> {
        if self.buffer.len() + data.len() < FRAGMENT {
            self.buffer.extend_from_slice(&data);
            return Ok(());
        }
        if !self.buffer.is_empty() {
            let room = FRAGMENT - self.buffer.len();
            self.buffer.extend_from_slice(&data.split_to(room));
            let full = self.buffer.split().freeze();
            self.queue(core, full, false)?;
        }
        while data.len() >= FRAGMENT {
            self.queue(core, data.split_to(FRAGMENT), false)?;
        }
        self.buffer.extend_from_slice(&data);
        handle::write(self.shared, core, Then::Write);
        Ok(())
    }

    fn queue(&mut self, core: &mut Core, payload: Bytes, fin: bool) -> Result<(), Error> {
        let queued = scratch::with(|scratch| {
            core.queue_fragment(self.kind, fin, payload, self.compress, &mut scratch.tools)
        });
        queued.map_err(|error| core.refused(error))?;
        self.progress = if fin {
            Progress::Finished
        } else {
            Progress::Begun
        };
        Ok(())
    }

    /// Queues what waits here, if there is room; `fin` ends the message.
    fn poll_queue(&mut self, fin: bool, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let mut core = self.shared.lock();
        ready!(poll_room(
            self.shared,
            &mut core,
            &mut self.place,
            self.progress,
            cx
        ))?;
        let payload = self.buffer.split().freeze();
        self.queue(&mut core, payload, fin)?;
        if fin {
            core.wake_writers(); // others may send now
        }
        handle::write(self.shared, &mut core, Then::Write);
        Poll::Ready(Ok(()))
    }

    fn poll_finish(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        if self.progress == Progress::Finished {
            return Poll::Ready(Ok(()));
        }
        if !self.text.is_empty() {
            return Poll::Ready(Err(Error::Misuse(SendError::NotUtf8)));
        }
        self.poll_queue(true, cx)
    }

    fn poll_flushed(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        if !self.buffer.is_empty() {
            ready!(self.poll_queue(false, cx))?;
        }
        let mut core = self.shared.lock();
        if self.progress == Progress::Begun {
            let flushed = scratch::with(|scratch| core.flush_fragments(&mut scratch.tools));
            flushed.map_err(|error| core.refused(error))?;
        }
        handle::poll_flush(self.shared, &mut core, &mut self.place, cx)
    }
}

/// Ready when a fragment may be queued.
fn poll_room(
    shared: &Arc<Shared>,
    core: &mut Core,
    place: &mut Place,
    progress: Progress,
    cx: &Context<'_>,
) -> Poll<Result<(), Error>> {
    let whose = match progress {
        Progress::Begun => Whose::Mine,
        Progress::Fresh | Progress::Finished => Whose::Nobodys,
    };
    handle::poll_room(shared, core, place, whose, cx)
}

impl Drop for MessageWriter<'_> {
    fn drop(&mut self) {
        if self.progress == Progress::Begun {
            // The peer has half of a message; nothing but the end can follow it.
            let why = "a message could not be finished";
            let _ = handle::begin_close(self.shared, CloseCode::INTERNAL_ERROR, why);
            self.shared.lock().wake_all_writers();
        }
        if self.place != NO_PLACE {
            self.shared.lock().leave(self.place);
        }
    }
}

impl AsyncWrite for MessageWriter<'_> {
    /// Takes at most 64 KiB at a time. An error's inner error is an [`Error`]. Cancel-safe.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let writer = self.get_mut();
        if writer.buffer.len() >= FRAGMENT {
            ready!(writer.poll_queue(false, cx)).map_err(broken)?;
        }
        let data = &data[..data.len().min(FRAGMENT - writer.buffer.len())];
        writer.text = writer.judge(data).map_err(broken)?;
        writer.buffer.extend_from_slice(data);
        if writer.buffer.len() >= FRAGMENT {
            // If there is no room, the next call waits for it.
            if let Poll::Ready(Err(error)) = writer.poll_queue(false, cx) {
                return Poll::Ready(Err(broken(error)));
            }
        }
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flushed(cx).map_err(broken)
    }

    /// Ends the message, not the connection.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let writer = self.get_mut();
        ready!(writer.poll_finish(cx)).map_err(broken)?;
        writer.poll_flushed(cx).map_err(broken)
    }
}
