//! What the hub says: answers, and what nobody asked for.

use crate::channel::Channel;
use crate::code::{CloseReason, ErrorCode};
use crate::command::CommandId;
use crate::position::Pos;
use crate::publication::{Origin, Payload, Publication};

/// The answer to a command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Subscribed.
    Subscribed {
        /// Which channel.
        channel: Channel,
        /// The newest position of the channel; of an idle one, too.
        pos: Pos,
        /// Whether everything after `since` follows; `None`: no `since` was given.
        recovered: Option<bool>,
    },
    /// Unsubscribed.
    Unsubscribed {
        /// Which channel.
        channel: Channel,
    },
    /// Published; kept as its namespace asks.
    Published {
        /// Which channel.
        channel: Channel,
        /// Where it is; `None`: it was not to be kept.
        pos: Option<Pos>,
    },
    /// Who is there.
    Presence {
        /// Which channel.
        channel: Channel,
        /// The version of the list.
        v: u64,
        /// This page.
        members: Vec<Member>,
        /// How many sessions there are in all.
        total: usize,
        /// Whether there is another page.
        more: bool,
    },
    /// A page of records, oldest first.
    History {
        /// Which channel.
        channel: Channel,
        /// The records.
        messages: Vec<Publication>,
        /// The newest position of the channel.
        pos: Pos,
        /// Whether there are more in this direction.
        more: bool,
    },
    /// Who the session is now.
    Authenticated {
        /// The signed client id.
        client: Box<str>,
        /// What others see.
        origin: Origin,
    },
    /// I am here.
    Pong,
    /// It did not work.
    Error {
        /// What kind of failure.
        code: ErrorCode,
        /// What to do about it.
        message: Box<str>,
        /// When it is worth another try, in milliseconds.
        retry_after_ms: Option<u64>,
    },
}

impl Reply {
    /// An error whose message says what to do.
    #[must_use]
    pub fn error(code: ErrorCode, message: impl Into<Box<str>>) -> Self {
        Self::Error {
            code,
            message: message.into(),
            retry_after_ms: None,
        }
    }
}

/// One session in a channel's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The session's public id.
    pub session: Box<str>,
    /// Whose it is.
    pub origin: Origin,
}

/// What a slow session has missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The last position that was delivered.
    pub from: Option<Pos>,
    /// Where delivery goes on.
    pub pos: Option<Pos>,
    /// How many records were skipped, if that is known.
    pub skipped: Option<u64>,
    /// Whether what was skipped follows from the log.
    pub recovering: bool,
}

/// What the hub says to one session. A publication to many sessions is not one of these: it is encoded
/// once ([`native::message`](crate::native::message), [`plain::message`](crate::plain::message)).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Push {
    /// The first word.
    Hello {
        /// The session's public id.
        session: Box<str>,
        /// The signed client id: a returning guest hands it back in `auth`.
        client: Box<str>,
    },
    /// The answer to a command.
    Reply {
        /// The command's id.
        id: Option<CommandId>,
        /// The answer.
        reply: Reply,
    },
    /// What was missed has been sent; from here on it is live.
    Live {
        /// Which channel.
        channel: Channel,
        /// The position it is live from.
        pos: Pos,
    },
    /// Somebody came.
    Join {
        /// Which channel.
        channel: Channel,
        /// The version of the list after it.
        v: u64,
        /// Who.
        member: Member,
        /// How many sessions that user, or guest, has there now.
        sessions: usize,
    },
    /// Somebody left.
    Leave {
        /// Which channel.
        channel: Channel,
        /// The version of the list after it.
        v: u64,
        /// Who.
        member: Member,
        /// How many sessions that user, or guest, still has there.
        sessions: usize,
    },
    /// Records were skipped.
    Lag {
        /// Which channel.
        channel: Channel,
        /// What is missing.
        lag: Lag,
    },
    /// What a backend has for this session alone.
    Direct {
        /// What it is.
        payload: Payload,
    },
    /// The last word.
    Bye {
        /// Why.
        reason: CloseReason,
        /// When to come back, in milliseconds, if it is worth it.
        retry_after_ms: Option<u64>,
    },
}
