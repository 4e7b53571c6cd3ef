//! The words between a conversation and the side of the user: what can be asked for, what happened.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tidewire::{CloseCode, Message};

/// What the user's side asks for.
#[derive(Debug)]
pub(crate) enum Input {
    /// Send this message.
    Send(Message),
    /// Send so many Pings with this payload, one after the other's Pong.
    Ping {
        /// At most 125 bytes (RFC 6455 §5.5).
        payload: Vec<u8>,
        /// How many.
        count: u32,
    },
    /// Send a Pong that nobody asked for.
    Pong(Vec<u8>),
    /// Close with this, and end.
    Close {
        /// A code that may be sent.
        code: CloseCode,
        /// At most 123 bytes.
        reason: String,
    },
    /// Close, and connect again.
    Reconnect,
    /// The input cannot go on; the sentence says why.
    Failed(String),
}

/// What happened, in the order in which it did.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// The connection is open; told again after each reconnect.
    Opened(&'a Arc<Opened>),
    /// A message came.
    Received(&'a Message),
    /// A message was given to the connection.
    Sent(&'a Message),
    /// A Ping came; the connection has answered it.
    Pinged(&'a [u8]),
    /// A Ping of ours was given to the connection.
    SentPing(&'a [u8]),
    /// A Pong came; with the time since our Ping, if it answers one.
    Ponged(&'a [u8], Option<Duration>),
    /// The connection is lost, or closed; `retry` says when the next attempt is made, if one is.
    Closed {
        /// The code and the reason that tell the story, as shown to the user.
        code: CloseCode,
        /// What the peer said, or empty.
        reason: &'a str,
        /// When, and which attempt.
        retry: Option<(Duration, u32)>,
    },
    /// A line about the connection for a person, fit for a terminal.
    Note(&'a str),
}

/// What is known of a connection that is open.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// The request's head as sent, and the answer's as it came (empty if not watched).
    pub(crate) request: Vec<u8>,
    /// See `request`.
    pub(crate) response: Vec<u8>,
    /// The subprotocol that was chosen.
    pub(crate) subprotocol: Option<String>,
    /// `permessage-deflate` with its parameters, if it was agreed on.
    pub(crate) compression: Option<String>,
    /// The address at the other end, of the server or the proxy.
    pub(crate) address: Option<std::net::SocketAddr>,
    /// From the first byte to the answer.
    pub(crate) took: Duration,
    /// TLS with the server, as `TLSv1.3, TLS13_AES_128_GCM_SHA256`; only if watched.
    pub(crate) tls: Option<String>,
    /// The steps of the way there with the heads, as lines fit for a terminal; only if watched.
    pub(crate) steps: Vec<String>,
    /// What came before, if this connection replaces one that was lost.
    pub(crate) again: Option<Again>,
}

/// What is known of a connection that replaces another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Again {
    /// From the loss to now.
    pub(crate) down: Duration,
    /// Messages of `--on-connect` that are now sent again.
    pub(crate) greetings: usize,
}

/// Where it is shown.
pub(crate) trait Output {
    /// Shows one event, maybe later.
    ///
    /// # Errors
    /// When nobody reads any more; the conversation then ends.
    fn tell(&mut self, event: &Event<'_>) -> io::Result<()>;
    /// Shows what has not been shown.
    ///
    /// # Errors
    /// As `tell`.
    fn flush(&mut self) -> io::Result<()>;
}
