//! [`Heard`]: an event, owned and printed for people.

use crate::raw_frame::close_body;
use crate::wire::Payload;
use std::fmt;
use tidewire_proto::{CloseCode, Event};

/// What a connection told its owner.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A Ping.
    Ping(Vec<u8>),
    /// A Pong.
    Pong(Vec<u8>),
    /// The peer's Close: its code (1005 if it had none) and reason.
    Close(u16, String),
    /// An event that these tools do not know.
    Unknown(String),
}

impl Heard {
    /// A text message.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    #[must_use]
    pub fn binary(data: impl Into<Vec<u8>>) -> Self {
        Self::Binary(data.into())
    }

    /// Whether this is a text or binary message.
    #[must_use]
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}

impl From<Event<'_>> for Heard {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.to_string()),
            Event::Binary(data) => Self::Binary(data.to_vec()),
            Event::Ping(data) => Self::Ping(data.to_vec()),
            Event::Pong(data) => Self::Pong(data.to_vec()),
            Event::Close(frame) => {
                Self::Close(u16::from(frame.code), frame.reason.as_str().to_owned())
            }
            other => Self::Unknown(format!("{other:?}")),
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "TEXT {}", Payload::of(true, text.as_bytes())),
            Self::Binary(data) => write!(f, "BINARY {}", Payload::of(false, data)),
            Self::Ping(data) => write!(f, "PING {}", Payload::of(true, data)),
            Self::Pong(data) => write!(f, "PONG {}", Payload::of(true, data)),
            Self::Close(code, reason) => {
                let body = if CloseCode(*code) == CloseCode::NO_STATUS {
                    Vec::new()
                } else {
                    close_body(*code, reason)
                };
                crate::wire::write_close(f, &body)
            }
            Self::Unknown(event) => f.write_str(event),
        }
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
