//! What clients ask.

use crate::channel::Channel;
use crate::name::MAX_GUEST;
use crate::position::Pos;
use crate::publication::Payload;

/// What a client put into `id`: a JSON number or string, echoed as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandId(pub(crate) Box<str>);

impl CommandId {
    /// Longest id, in bytes of JSON.
    pub const MAX: usize = 64;

    /// Reads an id as it stands in JSON; `None`: it is no number or string, or longer than
    /// [`MAX`](Self::MAX).
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        let json = json.trim_matches([' ', '\t', '\r', '\n']);
        let value: serde_json::Value = serde_json::from_str(json).ok()?;
        ((value.is_number() || value.is_string()) && json.len() <= Self::MAX)
            .then(|| Self(json.into()))
    }

    /// The id as JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl From<u64> for CommandId {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

/// A command, and the id under which its answer is expected. Without an id there is an answer, too.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Echoed in the answer.
    pub id: Option<CommandId>,
    /// What is asked.
    pub command: Command,
}

/// What a client can ask.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Deliver a channel from now on, or from `since` on.
    Subscribe {
        /// Which channel.
        channel: Channel,
        /// The last position the client has: what came after it comes first.
        since: Option<Pos>,
        /// Without `since`: the newest so many records come first. 0: none.
        history: u32,
        /// Whether `join` and `leave` are pushed.
        presence: bool,
    },
    /// Deliver it no more.
    Unsubscribe {
        /// Which channel.
        channel: Channel,
    },
    /// Add a record.
    Publish {
        /// Where to.
        channel: Channel,
        /// What.
        payload: Payload,
        /// Makes a repeated publish one; at most [`Command::MAX_KEY`] bytes.
        key: Option<Box<str>>,
        /// `false`: passes by and is not kept.
        keep: bool,
        /// Whether the sender gets it, too; `None`: as its namespace says.
        echo: Option<bool>,
    },
    /// Who is there.
    Presence {
        /// Which channel.
        channel: Channel,
        /// The last member of the page before (its `session`).
        after: Option<Box<str>>,
        /// How many at most.
        limit: u32,
    },
    /// A page of records.
    History {
        /// Which channel.
        channel: Channel,
        /// From where in which direction.
        page: HistoryPage,
        /// How many at most.
        limit: u32,
    },
    /// Who the client is.
    Auth {
        /// The signed client id that a `hello` gave.
        client: Option<Box<str>>,
        /// What a guest calls itself.
        name: Option<Box<str>>,
        /// Whether `base64` publications come as binary frames.
        binary: bool,
    },
    /// Are you there?
    Ping,
}

impl Command {
    /// Longest idempotency key, in bytes.
    pub const MAX_KEY: usize = 128;
    /// Longest signed client id that is looked at, in bytes.
    pub const MAX_CLIENT: usize = 256;
    /// Longest public id of a session, in bytes.
    pub const MAX_SESSION: usize = 64;
    /// Longest guest name, in bytes.
    pub const MAX_NAME: usize = MAX_GUEST;
    /// Most commands in a batch.
    pub const MAX_BATCH: usize = 128;
    /// Deepest nesting of arrays and objects in `data`: more would break readers that recurse.
    pub const MAX_DEPTH: usize = 100;
    /// Every `op`, in the order of [`Command`].
    pub const OPS: [&'static str; 7] = [
        "subscribe",
        "unsubscribe",
        "publish",
        "presence",
        "history",
        "auth",
        "ping",
    ];
    /// Size of a history or presence page that does not say one.
    pub const DEFAULT_LIMIT: u32 = 50;
    /// Largest history or presence page.
    pub const MAX_LIMIT: u32 = 1000;
}

/// From where a page of history goes in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryPage {
    /// The newest records.
    Newest,
    /// The records right before a position, oldest first.
    Before(Pos),
    /// The records right after a position, oldest first.
    After(Pos),
}
