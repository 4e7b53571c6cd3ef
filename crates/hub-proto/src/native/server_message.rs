//! The client's side: reads what the hub says. For tests, and for clients in Rust.

use crate::position::Pos;
use crate::publication::{Origin, Payload};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use std::fmt;

/// What a message of the hub is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Op {
    Hello,
    Ok,
    Error,
    Pong,
    Message,
    Live,
    Join,
    Leave,
    Lag,
    Direct,
    Bye,
    /// One of a later version: to be ignored.
    #[default]
    #[serde(other)]
    Unknown,
}

/// One message of the hub: flat, like its JSON. Which fields there are depends on `op`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct ServerMessage {
    pub op: Op,
    /// As JSON: `1`, or `"a"` with its quotes.
    #[serde(deserialize_with = "json_text")]
    pub id: Option<String>,
    pub channel: Option<String>,
    #[serde(deserialize_with = "position")]
    pub pos: Option<Pos>,
    pub recovered: Option<bool>,
    pub at: Option<u64>,
    pub from: Option<Source>,
    pub key: Option<String>,
    pub redacted: bool,
    /// What a publication carries: its `data`, `text` or `base64`.
    #[serde(skip)]
    pub payload: Option<Payload>,
    #[serde(deserialize_with = "json_text")]
    data: Option<String>,
    text: Option<String>,
    base64: Option<String>,
    pub session: Option<String>,
    pub client: Option<String>,
    pub name: Option<String>,
    pub user: Option<String>,
    pub protocol: Option<String>,
    pub v: Option<u64>,
    pub total: Option<u64>,
    pub more: Option<bool>,
    pub sessions: Option<u64>,
    /// Each has `session`, and what is known of `client`, `name` and `user`.
    pub members: Vec<ServerMessage>,
    pub messages: Vec<ServerMessage>,
    pub skipped: Option<u64>,
    pub recovering: Option<bool>,
    /// As JSON: a word with its quotes in `error`, a number in `bye`.
    #[serde(deserialize_with = "json_text")]
    pub code: Option<String>,
    pub message: Option<String>,
    pub reason: Option<String>,
    pub reconnect: Option<bool>,
    pub retry_after_ms: Option<u64>,
}

/// The field `from`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Source {
    /// Of `lag`: the last position that was delivered.
    Pos(String),
    /// Of `message` and of the answer to `auth`.
    Origin {
        client: Option<String>,
        name: Option<String>,
        user: Option<String>,
    },
}

impl ServerMessage {
    /// Reads a text message.
    ///
    /// # Errors
    ///
    /// It is no object of this protocol.
    pub fn parse(text: &str) -> Result<Self, InvalidServerMessage> {
        let mut message: Self = serde_json::from_str(text).map_err(|error| wrong(&error))?;
        message.settle()?;
        Ok(message)
    }

    /// Reads a binary message: header length, header, payload.
    ///
    /// # Errors
    ///
    /// It is shorter than it says, or its header is no object of this protocol.
    pub fn parse_binary(bytes: &[u8]) -> Result<Self, InvalidServerMessage> {
        let short = || InvalidServerMessage("a binary message is shorter than it says".into());
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short())?;
        let (head, payload) = rest.split_at_checked(length).ok_or_else(short)?;
        let mut message: Self = serde_json::from_slice(head).map_err(|error| wrong(&error))?;
        message.settle()?;
        message.payload = Some(Payload::binary(payload.to_vec()));
        Ok(message)
    }

    /// Who published, or who the session is.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
        match self.from.as_ref()? {
            Source::Pos(_) => None,
            Source::Origin { client, name, user } => Some(Origin {
                user: boxed(user),
                client: boxed(client),
                name: boxed(name),
            }),
        }
    }

    /// Makes one payload of the fields that hold it.
    fn settle(&mut self) -> Result<(), InvalidServerMessage> {
        let fields = (self.data.take(), self.text.take(), self.base64.take());
        self.payload = match fields {
            (Some(data), None, None) => {
                let value = RawValue::from_string(data).map_err(|error| wrong(&error))?;
                Some(Payload::json(&value))
            }
            (None, Some(text), None) => Some(Payload::text(text)),
            (None, None, Some(base64)) => {
                let bytes = STANDARD.decode(base64).map_err(|error| wrong(&error))?;
                Some(Payload::binary(bytes))
            }
            (None, None, None) => None,
            _ => return Err(InvalidServerMessage("more than one payload".into())),
        };
        self.messages.iter_mut().try_for_each(Self::settle)
    }
}

fn json_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    Ok(Some(value.get().to_owned()))
}

fn position<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pos>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

fn wrong(error: &dyn fmt::Display) -> InvalidServerMessage {
    InvalidServerMessage(error.to_string().into())
}

/// What came is no message of this protocol, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidServerMessage(Box<str>);

impl fmt::Display for InvalidServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no message of tidewire.v1: {}", self.0)
    }
}

impl std::error::Error for InvalidServerMessage {}
