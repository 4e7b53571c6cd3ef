//! Messages as JSON: feature `json`.

use crate::error::Error;
use crate::handle;
use crate::message::Message;
use crate::split::{Receiver, Sender};
use crate::websocket::WebSocket;
use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::Serialize;
use std::fmt;
use std::future::Future;

/// Why a value was not sent or received as JSON.
#[derive(Debug)]
#[non_exhaustive]
pub enum JsonError {
    /// The value has no form in JSON, such as a map whose keys are not strings; the caller's to mend.
    /// Nothing was sent, and the connection goes on.
    Value(serde_json::Error),
    /// The peer's message is not JSON, or not JSON of the expected shape; the peer's to mend. The
    /// connection goes on, and so may the caller: the next receive gives the next message.
    Message(Box<NotJson>),
    /// The connection failed or ended.
    Connection(Error),
}

/// A message that is not what was expected.
#[derive(Debug)]
#[non_exhaustive]
pub struct NotJson {
    /// What the peer sent.
    pub message: Message,
    /// What is wrong with it, and in which [line](serde_json::Error::line) and
    /// [column](serde_json::Error::column).
    pub error: serde_json::Error,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(error) => write!(f, "the value cannot be sent as JSON: {error}"),
            Self::Message(not) => write!(
                f,
                "the peer's message is not the JSON that was expected: {}",
                not.error
            ),
            Self::Connection(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for JsonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Value(error) => Some(error),
            Self::Message(not) => Some(&not.error),
            Self::Connection(error) => Some(error),
        }
    }
}

impl From<Error> for JsonError {
    fn from(error: Error) -> Self {
        Self::Connection(error)
    }
}

impl Message {
    /// A text message that holds `value` as JSON.
    ///
    /// # Errors
    ///
    /// If the value has no form in JSON, such as a map whose keys are not strings.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self::from)
    }

    /// What the message holds as JSON, whether it is text or binary. Strings of `T` may borrow from
    /// the message.
    ///
    /// Depth is bounded by serde_json (128 levels), length by
    /// [`max_message`](crate::Config::max_message).
    ///
    /// # Errors
    ///
    /// If it is not JSON, or not of the shape of `T`; the error says where.
    pub fn parse_json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        match self {
            Self::Text(text) => serde_json::from_str(text),
            Self::Binary(bytes) => serde_json::from_slice(bytes),
        }
    }
}

fn parse<T: DeserializeOwned>(message: Option<Message>) -> Result<Option<T>, JsonError> {
    let Some(message) = message else {
        return Ok(None);
    };
    match message.parse_json() {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(JsonError::Message(Box::new(NotJson { message, error }))),
    }
}

macro_rules! send_json {
    () => {
        /// Sends `value` as a text message that holds JSON. Otherwise as [`send`](Self::send).
        ///
        /// # Errors
        ///
        /// [`JsonError::Value`] if the value has no form in JSON: nothing was sent.
        /// [`JsonError::Connection`] if the connection is closing or over.
        ///
        /// # Cancel safety
        ///
        /// Safe: dropped before it resolves, nothing of the message was queued.
        pub fn send_json<'a, T: Serialize + ?Sized>(
            &'a self,
            value: &T,
        ) -> impl Future<Output = Result<(), JsonError>> + Send + use<'a, T> {
            let message = Message::json(value).map_err(JsonError::Value);
            async move {
                handle::send(&self.shared, message?, handle::Then::Write).await?;
                Ok(())
            }
        }
    };
}

macro_rules! recv_json {
    () => {
        /// The next message, read as JSON, whether it is text or binary. `None`: the connection was
        /// closed with 1000, 1001 or no code.
        ///
        /// # Errors
        ///
        /// [`JsonError::Message`] if the message is not JSON of the shape of `T`: the error holds it,
        /// and the connection goes on. [`JsonError::Connection`] as [`recv`](Self::recv).
        ///
        /// # Cancel safety
        ///
        /// Safe: a message is either returned or still there for the next call.
        pub fn recv_json<T: DeserializeOwned>(
            &mut self,
        ) -> impl Future<Output = Result<Option<T>, JsonError>> + Send + '_ {
            async move { parse(handle::recv(&self.shared).await?) }
        }
    };
}

impl WebSocket {
    send_json!();
    recv_json!();
}

impl Sender {
    send_json!();
}

impl Receiver {
    recv_json!();
}
