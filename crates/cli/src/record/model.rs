//! What a recording holds, whatever its format.

use std::borrow::Cow;
use std::time::Duration;

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
