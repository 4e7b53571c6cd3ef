//! What a recording holds, whatever its format.

use std::borrow::Cow;
use std::time::Duration;

use tidewire::Message;

use crate::connect::talk::{Event, Opened};

/// Something that happened on a connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record<'a> {
    /// Microseconds since 1970.
    pub(crate) at: i64,
    /// Which connection, where one recording holds several that are open at once.
    pub(crate) conn: Option<u32>,
    /// Which way.
    pub(crate) dir: Dir,
    /// What it was.
    pub(crate) what: What<'a>,
}

/// Which way something went, as the client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dir {
    /// From the server.
    In,
    /// To the server.
    Out,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What<'a> {
    /// The connection was opened.
    Open(Cow<'a, Opening>),
    /// A text message.
    Text(Cow<'a, str>),
    /// A binary message.
    Binary(Cow<'a, [u8]>),
    /// A Ping.
    Ping(Cow<'a, [u8]>),
    /// A Pong, and how long after its Ping.
    Pong(Cow<'a, [u8]>, Option<Duration>),
    /// The end.
    Close {
        /// The code, 1006 if the connection just ended.
        code: u16,
        /// The reason.
        reason: Cow<'a, str>,
    },
}

impl<'a> From<&'a Message> for What<'a> {
    fn from(message: &'a Message) -> What<'a> {
        match message {
            Message::Text(text) => What::Text((**text).into()),
            Message::Binary(data) => What::Binary((**data).into()),
        }
    }
}

impl<'a> What<'a> {
    /// What an event of a conversation is in a recording, and which way it went; None: it has no place
    /// there. `opening` says what is told of how a connection was opened.
    pub(crate) fn of(
        event: &Event<'a>,
        opening: impl FnOnce(&Opened) -> Opening,
    ) -> Option<(Dir, What<'a>)> {
        Some(match *event {
            Event::Note(_) => return None,
            Event::Opened(opened) => (Dir::Out, What::Open(Cow::Owned(opening(opened)))),
            Event::Received(message) => (Dir::In, message.into()),
            Event::Sent(message) => (Dir::Out, message.into()),
            Event::Pinged(payload) => (Dir::In, What::Ping(payload.into())),
            Event::SentPing(payload) => (Dir::Out, What::Ping(payload.into())),
            Event::Ponged(payload, rtt) => (Dir::In, What::Pong(payload.into(), rtt)),
            Event::Closed { code, reason, .. } => {
                let (code, reason) = (code.0, reason.into());
                (Dir::In, What::Close { code, reason })
            }
        })
    }
}

/// How a connection was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Where to, without user and password.
    pub(crate) url: String,
    /// The request's headers, those known.
    pub(crate) request: Vec<(String, String)>,
    /// The answer's.
    pub(crate) response: Vec<(String, String)>,
    /// The subprotocol that was chosen.
    pub(crate) subprotocol: Option<String>,
    /// The compression that was agreed on.
    pub(crate) compression: Option<String>,
    /// From the first byte to the answer.
    pub(crate) took: Duration,
}

/// One connection of a recording that was read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Session {
    /// Where it went, if that is known.
    pub(crate) url: String,
    /// What happened, in order.
    pub(crate) records: Vec<Record<'static>>,
}

impl Session {
    /// How many messages went this way.
    pub(crate) fn messages(&self, dir: Dir) -> usize {
        let is_message = |what: &What<'_>| matches!(what, What::Text(_) | What::Binary(_));
        self.records
            .iter()
            .filter(|record| record.dir == dir && is_message(&record.what))
            .count()
    }
}
