//! What a connection tells its owner.

use crate::frame::CloseFrame;
use bytes::Bytes;
use std::ops::Deref;
use tidewire_simd::Text;

/// Something that the peer sent. It borrows from the buffer given to
/// [`receive`](crate::Connection::receive), never from the connection, which can therefore be used
/// to answer while the event is held.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'b> {
    /// A whole text message.
    Text(TextPayload<'b>),
    /// A whole binary message.
    Binary(Payload<'b>),
    /// The next part of a text message, cut between characters; only
    /// [`receive_part`](crate::Connection::receive_part) gives it.
    TextPart {
        /// May be empty if it is the last.
        text: TextPayload<'b>,
        /// Whether the message ends with it.
        last: bool,
    },
    /// The next part of a binary message; only
    /// [`receive_part`](crate::Connection::receive_part) gives it.
    BinaryPart {
        /// May be empty if it is the last.
        data: Payload<'b>,
        /// Whether the message ends with it.
        last: bool,
    },
    /// A Ping; its Pong is already queued.
    Ping(Payload<'b>),
    /// A Pong, asked for or not.
    Pong(Payload<'b>),
    /// The peer's Close; its answer, if it needs one, is already queued. No event follows.
    Close(CloseFrame),
}

/// The bytes of a message: in place where it arrived whole, owned where it was gathered or inflated.
#[derive(Debug)]
pub enum Payload<'b> {
    /// Still in the caller's buffer.
    Borrowed(&'b [u8]),
    /// In a buffer of its own, which is the caller's from here on.
    Owned(Bytes),
}

impl Payload<'_> {
    /// The payload as owned bytes: copied if it is still in the caller's buffer.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// The text of a message: in place where it arrived whole, owned where it was gathered or inflated.
/// Valid UTF-8 either way.
#[derive(Debug)]
pub enum TextPayload<'b> {
    /// Still in the caller's buffer.
    Borrowed(&'b str),
    /// In a buffer of its own, which is the caller's from here on.
    Owned(Text),
}

impl TextPayload<'_> {
    /// The payload as owned text: copied if it is still in the caller's buffer.
    #[must_use]
    pub fn into_text(self) -> Text {
        match self {
            Self::Borrowed(text) => text.into(),
            Self::Owned(text) => text,
        }
    }
}

impl Deref for TextPayload<'_> {
    type Target = str;
    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}
