//! Messages of the shape of axum's: control frames are among them, and text has a type of its own.

use super::Error;
use crate::Text;
use bytes::Bytes;
use std::fmt;
use std::ops::Deref;
use std::str::Utf8Error;

/// The number that says why a connection closes: see [`close_code`].
pub type CloseCode = u16;

/// What a Close frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why. 1000–1003, 1007–1014 and 3000–4999 can be sent.
    pub code: CloseCode,
    /// The same in words; at most 123 bytes can be sent.
    pub reason: Utf8Bytes,
}

/// What is received and sent, control frames included.
///
/// Pings are answered and the closing handshake is completed whether or not a handler looks at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text, valid by type.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
    /// A Ping of at most 125 bytes. One that was received has been answered.
    Ping(Bytes),
    /// A Pong of at most 125 bytes. Nobody needs to send one.
    Pong(Bytes),
    /// A Close frame; `None` if it holds no code. One that was received has been answered, and is
    /// the last message. After sending one, receive until there is nothing more: that is the end in
    /// good order.
    Close(Option<CloseFrame>),
}

impl Message {
    /// A text message.
    pub fn text<S: Into<Utf8Bytes>>(text: S) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary<B: Into<Bytes>>(bytes: B) -> Self {
        Self::Binary(bytes.into())
    }

    /// The payload; of a Close its reason.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(frame) => frame.map_or_else(Bytes::new, |frame| frame.reason.into()),
        }
    }

    /// The payload as text; of a Close its reason.
    ///
    /// # Errors
    ///
    /// It is not UTF-8.
    pub fn into_text(self) -> Result<Utf8Bytes, Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => {
                Utf8Bytes::try_from(bytes).map_err(Error::new)
            }
            Self::Close(frame) => Ok(frame.map(|frame| frame.reason).unwrap_or_default()),
        }
    }

    /// The payload seen as text; of a Close its reason.
    ///
    /// # Errors
    ///
    /// It is not UTF-8.
    pub fn to_text(&self) -> Result<&str, Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => {
                std::str::from_utf8(bytes).map_err(Error::new)
            }
            Self::Close(frame) => Ok(frame.as_ref().map_or("", |frame| &frame.reason)),
        }
    }
}

impl From<crate::Message> for Message {
    fn from(message: crate::Message) -> Self {
        match message {
            crate::Message::Text(text) => Self::Text(text.into()),
            crate::Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl From<crate::CloseFrame> for CloseFrame {
    fn from(frame: crate::CloseFrame) -> Self {
        Self {
            code: frame.code.into(),
            reason: frame.reason.into(),
        }
    }
}

macro_rules! message_from {
    ($($from:ty => $make:expr;)*) => {
        $(impl From<$from> for Message {
            fn from(payload: $from) -> Self {
                $make(payload.into())
            }
        })*
    };
}

message_from! {
    &str => Self::Text;
    String => Self::Text;
    Bytes => Self::Binary;
    Vec<u8> => Self::Binary;
}

impl From<&[u8]> for Message {
    fn from(payload: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(payload))
    }
}

impl From<Message> for Vec<u8> {
    fn from(message: Message) -> Self {
        message.into_data().into()
    }
}

/// Text over shared bytes, valid UTF-8 by construction: [`Text`] in the shape of axum's type.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Utf8Bytes(Text);

impl Utf8Bytes {
    /// Text that needs no allocation.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Text::from_static(text))
    }

    /// The text as a string slice.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Text> for Utf8Bytes {
    fn from(text: Text) -> Self {
        Self(text)
    }
}

impl From<Utf8Bytes> for Text {
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Utf8Bytes {
    fn from(text: &String) -> Self {
        Self(text.into())
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.0.into_bytes()
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        match Text::try_from(bytes.clone()) {
            Ok(text) => Ok(Self(text)),
            // Our own check is fast and says no more than no: the standard library says where.
            Err(_) => std::str::from_utf8(&bytes).map(Self::from),
        }
    }
}

impl TryFrom<Vec<u8>> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Utf8Error> {
        Bytes::from(bytes).try_into()
    }
}

/// Compares with whatever a `&str` compares with.
impl<T> PartialEq<T> for Utf8Bytes
where
    for<'a> &'a str: PartialEq<T>,
{
    fn eq(&self, other: &T) -> bool {
        self.as_str() == *other
    }
}

/// Close codes by name; [`CloseCode`](crate::CloseCode) of this crate says more about each.
pub mod close_code {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// A server goes down, or a browser leaves the page.
    pub const AWAY: u16 = 1001;
    /// The peer broke a rule of the protocol.
    pub const PROTOCOL: u16 = 1002;
    /// The peer sent a type of message that is not accepted here.
    pub const UNSUPPORTED: u16 = 1003;
    /// The Close frame held no code. Never sent.
    pub const STATUS: u16 = 1005;
    /// The connection ended without a Close frame. Never sent.
    pub const ABNORMAL: u16 = 1006;
    /// A text message was not UTF-8, or a compressed one did not decompress.
    pub const INVALID: u16 = 1007;
    /// The message breaks a rule of the application.
    pub const POLICY: u16 = 1008;
    /// The message is larger than the receiver accepts.
    pub const SIZE: u16 = 1009;
    /// The server did not agree to an extension that the client needs.
    pub const EXTENSION: u16 = 1010;
    /// The server met a condition that it did not expect.
    pub const ERROR: u16 = 1011;
    /// The server restarts.
    pub const RESTART: u16 = 1012;
    /// The server is overloaded.
    pub const AGAIN: u16 = 1013;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::borrow::Cow;

    #[test]
    fn text_compares_with_every_kind_of_string() {
        let text = Utf8Bytes::from_static("salt");
        assert_eq!(text, "salt");
        assert_eq!(text, "salt".to_owned());
        assert_eq!(text, &"salt".to_owned());
        assert_eq!(text, Cow::from("salt"));
        assert_eq!(text, Utf8Bytes::from(&"salt".to_owned()));
        assert_ne!(text, "pepper");
    }

    #[test]
    fn bytes_that_are_not_text_say_where() {
        let error = Utf8Bytes::try_from(b"ok\xff".to_vec()).unwrap_err();
        assert_eq!(error.valid_up_to(), 2);
        let message = Message::binary(vec![b'o', b'k', 0xff]);
        assert!(message.to_text().is_err());
        assert!(message.into_text().is_err());
        assert_eq!(Message::Ping("ok".into()).into_text().unwrap(), "ok");
    }

    #[test]
    fn every_message_has_data_and_text() {
        let bye = CloseFrame {
            code: close_code::AWAY,
            reason: "bye".into(),
        };
        for (message, data) in [
            (Message::text("a"), "a"),
            (Message::from("a".to_owned()), "a"),
            (Message::binary("b"), "b"),
            (Message::from(&b"b"[..]), "b"),
            (Message::Pong("c".into()), "c"),
            (Message::Close(None), ""),
            (Message::Close(Some(bye)), "bye"),
        ] {
            assert_eq!(message.to_text().unwrap(), data);
            assert_eq!(message.clone().into_text().unwrap(), data);
            assert_eq!(Vec::from(message.clone()), data.as_bytes());
            assert_eq!(message.into_data(), data);
        }
    }
}
