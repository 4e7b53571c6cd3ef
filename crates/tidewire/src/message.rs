//! [`Message`]: what applications send and receive.

use bytes::{Bytes, BytesMut};
use std::borrow::Cow;
use std::fmt;
use tidewire_proto::{Kind, Text};

/// A whole message. Control frames are not messages: the connection answers them itself.
///
/// Strings of every kind become text, bytes of every kind become binary, so that
/// [`send`](crate::WebSocket::send) takes either:
///
/// ```
/// use tidewire::Message;
///
/// assert_eq!(Message::from("hello"), "hello");
/// assert_eq!(Message::from(vec![1, 2]), [1, 2]);
/// assert_ne!(Message::from(b"hello"), "hello"); // binary is never equal to text
/// ```
///
/// `Debug` prints the beginning of a long payload, and binary as hexadecimal digits: logs are not
/// flooded.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// UTF-8 text, valid by type.
    Text(Text),
    /// Bytes that mean what the application says.
    Binary(Bytes),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// The text, if this is a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The text, if this is a text message; it shares the message's allocation. Bytes that happen to
    /// be UTF-8 are not text.
    ///
    /// # Errors
    ///
    /// [`NotText`], which gives the binary message back.
    pub fn into_text(self) -> Result<Text, NotText> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(_) => Err(NotText(self)),
        }
    }

    /// The payload as bytes, whatever the kind.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload as bytes that share the message's allocation.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// Whether this is a text message.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.kind() == Kind::Text
    }

    /// Whether this is a binary message.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.kind() == Kind::Binary
    }

    /// The payload's length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty, which a message may be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

/// Text was wanted and the message is binary. Holds the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotText(pub Message);

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "text was expected, and the peer sent a binary message of {} bytes",
            self.0.len()
        )
    }
}

impl std::error::Error for NotText {}

/// Characters of a text that `Debug` prints.
const SHOWN_CHARS: usize = 96;
/// Bytes of a binary payload that `Debug` prints.
const SHOWN_BYTES: usize = 32;

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => match text.char_indices().nth(SHOWN_CHARS) {
                None => write!(f, "Text({text:?})"),
                Some((end, _)) => write!(f, "Text({} bytes: {:?}…)", text.len(), &text[..end]),
            },
            Self::Binary(bytes) => {
                let unit = if bytes.len() == 1 { "byte" } else { "bytes" };
                write!(f, "Binary({} {unit}", bytes.len())?;
                for (at, byte) in bytes.iter().take(SHOWN_BYTES).enumerate() {
                    write!(f, "{}{byte:02x}", if at == 0 { ": " } else { " " })?;
                }
                f.write_str(if bytes.len() > SHOWN_BYTES {
                    " …)"
                } else {
                    ")"
                })
            }
        }
    }
}

macro_rules! message_from {
    ($($variant:ident: $($from:ty),*;)*) => {
        $($(impl From<$from> for Message {
            fn from(payload: $from) -> Self {
                Self::$variant(payload.into())
            }
        })*)*
    };
}

message_from! {
    Text: &str, String, &String, Box<str>, Cow<'_, str>, char, Text;
    Binary: Bytes, BytesMut, Vec<u8>, Box<[u8]>;
}

impl From<&[u8]> for Message {
    fn from(payload: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(payload))
    }
}

impl From<&Vec<u8>> for Message {
    fn from(payload: &Vec<u8>) -> Self {
        payload.as_slice().into()
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(payload: &[u8; N]) -> Self {
        payload.as_slice().into()
    }
}

impl<const N: usize> From<[u8; N]> for Message {
    fn from(payload: [u8; N]) -> Self {
        payload.as_slice().into()
    }
}

impl From<Cow<'_, [u8]>> for Message {
    fn from(payload: Cow<'_, [u8]>) -> Self {
        match payload {
            Cow::Borrowed(payload) => payload.into(),
            Cow::Owned(payload) => payload.into(),
        }
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        message.into_bytes()
    }
}

impl From<Message> for Vec<u8> {
    fn from(message: Message) -> Self {
        message.into_bytes().into()
    }
}

impl TryFrom<Message> for Text {
    type Error = NotText;

    fn try_from(message: Message) -> Result<Self, NotText> {
        message.into_text()
    }
}

impl TryFrom<Message> for String {
    type Error = NotText;

    fn try_from(message: Message) -> Result<Self, NotText> {
        message.into_text().map(Self::from)
    }
}

impl PartialEq<str> for Message {
    fn eq(&self, other: &str) -> bool {
        self.as_text() == Some(other)
    }
}

impl PartialEq<&str> for Message {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl PartialEq<[u8]> for Message {
    fn eq(&self, other: &[u8]) -> bool {
        self.is_binary() && self.as_bytes() == other
    }
}

impl PartialEq<&[u8]> for Message {
    fn eq(&self, other: &&[u8]) -> bool {
        self == *other
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Message {
    fn eq(&self, other: &[u8; N]) -> bool {
        self == other.as_slice()
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Message {
    fn eq(&self, other: &&[u8; N]) -> bool {
        self == other.as_slice()
    }
}
