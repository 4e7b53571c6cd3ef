//! What clients ask.

use crate::channel::Channel;
use crate::position::Pos;
use crate::publication::Payload;

/// What a client put into `id`: a JSON number or string, echoed as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandId(pub(crate) Box<str>);

impl CommandId {
    /// Longest id, in bytes of JSON.
    pub const MAX: usize = 64;

    /// The id as JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
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
        /// `false`: the sender does not get it.
        echo: bool,
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
    /// Longest guest name, in bytes.
    pub const MAX_NAME: usize = 64;
    /// Most commands in a batch.
    pub const MAX_BATCH: usize = 128;
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
