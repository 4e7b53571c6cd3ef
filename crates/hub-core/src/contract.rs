//! The contract of an engine: effects that a shard asks for, and what it is told.
//!
//! An engine keeps channels: it alone assigns positions, keeps records, and tells the shards that
//! watch a channel what happens in it. A shard submits an [`Effect`] under a [`Ticket`] and gets
//! [`ToShard::Done`] with that ticket, once, at any later time and in any order. Shards that watch a
//! channel get [`ToShard::Notice`] besides. The suite in `testkit` holds every engine to what is
//! promised here.
//!
//! # Promises
//!
//! 1. *Kept before told.* When [`Done::Appended`] succeeds, and before any [`Notice::Record`] of it,
//!    the record is kept as the namespace asks: for `durable`, it survives `kill -9` and power loss.
//! 2. *One order.* Positions of a channel grow within a term; reads give them in that order, each once.
//!    What one shard appends to a channel keeps the order in which it was submitted. Positions alone
//!    order records: `at` is the clock of the node that took a record, and nodes differ.
//! 3. *Terms.* If acknowledged records of a channel may have been lost, its positions are of a new
//!    term from then on. A position is never given twice in a term.
//! 4. *Intact or told.* [`Effect::Read`] gives every record after a position, or [`Fault::Gone`].
//! 5. *Once.* Two appends with the same [`IdempotencyKey`] within its age make one record; both get its
//!    position, [`Appended::repeated`] tells the second. A key may be forgotten sooner when its record is
//!    no longer kept: it was trimmed, or redacted.
//! 6. *Failure.* [`Fault::Full`] and [`Fault::Overloaded`] promise that nothing was kept;
//!    [`Fault::Unavailable`] promises nothing.
//! 7. *Watching.* Between [`Done::Watched`] and [`Effect::Unwatch`] every record after the head that it
//!    gave is told to the shard, in order, or else a [`Notice::Head`] at or behind it within two
//!    seconds: a shard that finds itself behind reads. A record may be told twice, or too late, but not
//!    before [`Done::Watched`].
//! 8. *Redaction.* After [`Done::Redacted`] no read gives the payload; the position stays.

use crate::Millis;
use std::fmt;
use tidewire_hub_proto::{Channel, Member, Origin, Pos, Publication};

/// Which of a node's shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub usize);

/// Names one effect of one shard until it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Makes a repeated append one. Belongs to the channel and the publisher.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey {
    /// Who publishes: `user:NAME` or `client:ID`.
    pub publisher: Box<str>,
    /// The publisher's key.
    pub key: Box<str>,
}

/// How large a page may be; it has at least one record if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// Records at most.
    pub records: usize,
    /// Bytes of [`Publication::weight`] at most, except for the first record.
    pub bytes: usize,
}

/// What a shard asks of an engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Tell this shard what happens in the channel. Done: [`Done::Watched`].
    Watch {
        /// Which channel.
        channel: Channel,
    },
    /// Tell it no more. There is no answer.
    Unwatch {
        /// Which channel.
        channel: Channel,
    },
    /// Keep a record. Done: [`Done::Appended`].
    Append {
        /// Which channel.
        channel: Channel,
        /// The record; the engine sets `pos` and `at`.
        publication: Publication,
        /// Makes a repeated append one.
        key: Option<IdempotencyKey>,
    },
    /// Tell the shards that watch, in order with what is kept, and keep nothing. Done: [`Done::Relayed`].
    Relay {
        /// Which channel.
        channel: Channel,
        /// The record; the engine sets `at`.
        publication: Publication,
    },
    /// The records after a position, oldest first. Done: [`Done::Page`].
    Read {
        /// Which channel.
        channel: Channel,
        /// The position before the first.
        after: Pos,
        /// How many.
        limit: PageLimit,
    },
    /// The newest records before a position, oldest first. May cost as much as the history is long,
    /// which its namespace bounds. Done: [`Done::Page`].
    ReadBack {
        /// Which channel.
        channel: Channel,
        /// The position behind the last; `None`: from the newest.
        before: Option<Pos>,
        /// How many.
        limit: PageLimit,
    },
    /// Forget what a record carries. Done: [`Done::Redacted`].
    Redact {
        /// Which channel.
        channel: Channel,
        /// Which record.
        pos: Pos,
    },
    /// A session is present. Done: [`Done::Entered`].
    Enter {
        /// Which channel.
        channel: Channel,
        /// Who.
        member: Member,
        /// How long its place is kept without another `Enter`, in milliseconds; `None`: until `Leave`.
        lease: Option<u64>,
    },
    /// A session is gone; told after the namespace's grace, unless it enters again. There is no answer.
    Leave {
        /// Which channel.
        channel: Channel,
        /// The session's public id.
        session: Box<str>,
    },
    /// Who is present. Done: [`Done::Members`].
    Members {
        /// Which channel.
        channel: Channel,
        /// The last session of the page before.
        after: Option<Box<str>>,
        /// How many at most.
        limit: usize,
    },
}

impl Effect {
    /// The channel that it is about.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        match self {
            Self::Watch { channel }
            | Self::Unwatch { channel }
            | Self::Append { channel, .. }
            | Self::Relay { channel, .. }
            | Self::Read { channel, .. }
            | Self::ReadBack { channel, .. }
            | Self::Redact { channel, .. }
            | Self::Enter { channel, .. }
            | Self::Leave { channel, .. }
            | Self::Members { channel, .. } => channel,
        }
    }

    /// Whether it is about who is present, and not about the log.
    #[must_use]
    pub fn is_presence(&self) -> bool {
        matches!(
            self,
            Self::Enter { .. } | Self::Leave { .. } | Self::Members { .. }
        )
    }

    /// The answer that says that it failed; `None`: it has no answer.
    #[must_use]
    pub fn failed(&self, fault: Fault) -> Option<Done> {
        Some(match self {
            Self::Unwatch { .. } | Self::Leave { .. } => return None,
            Self::Watch { .. } => Done::Watched(Err(fault)),
            Self::Append { .. } => Done::Appended(Err(fault)),
            Self::Relay { .. } => Done::Relayed(Err(fault)),
            Self::Read { .. } | Self::ReadBack { .. } => Done::Page(Err(fault)),
            Self::Redact { .. } => Done::Redacted(Err(fault)),
            Self::Enter { .. } => Done::Entered(Err(fault)),
            Self::Members { .. } => Done::Members(Err(fault)),
        })
    }
}

/// What became of an effect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Done {
    /// The shard is told from now on; the position of the newest record, or the beginning.
    Watched(Result<Pos, Fault>),
    /// The record is kept.
    Appended(Result<Appended, Fault>),
    /// The record was told.
    Relayed(Result<(), Fault>),
    /// A page of records.
    Page(Result<Page, Fault>),
    /// The payload is gone; `false`: there is no such record.
    Redacted(Result<bool, Fault>),
    /// The session is in the list.
    Entered(Result<(), Fault>),
    /// Who is present.
    Members(Result<PresencePage, Fault>),
}

/// A record that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where.
    pub pos: Pos,
    /// Whether it was there already, by its key.
    pub repeated: bool,
}

/// Records of a channel, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records; each has its position.
    pub records: Vec<Publication>,
    /// The newest position of the channel when this was read, or the beginning.
    pub head: Pos,
    /// Whether there are more in the direction of reading, as of then.
    pub more: bool,
}

/// Who is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresencePage {
    /// The version of the list.
    pub v: u64,
    /// Ordered by session.
    pub members: Vec<Member>,
    /// How many sessions there are in all.
    pub total: usize,
    /// Whether there are more after these.
    pub more: bool,
}

/// Why an effect failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The position is of another term, ahead of the log, or records after it were trimmed. Here is
    /// the newest position.
    Gone(Pos),
    /// The disk is full; nothing was kept.
    Full,
    /// Too much waits; nothing was kept.
    Overloaded,
    /// The store failed; whether anything was kept is not known.
    Unavailable(Box<str>),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(_) => f.write_str("the position is no longer in the history"),
            Self::Full => f.write_str("the disk is full"),
            Self::Overloaded => f.write_str("too much waits to be kept"),
            Self::Unavailable(why) => write!(f, "the store failed: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

/// What a shard is told of a channel that it watches.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A record was kept.
    Record {
        /// Which channel.
        channel: Channel,
        /// The position of the record before it; `None`: not known, which proves nothing.
        prev: Option<Pos>,
        /// The record.
        publication: Publication,
    },
    /// A passing record.
    Relayed {
        /// Which channel.
        channel: Channel,
        /// The record.
        publication: Publication,
    },
    /// There is a record at this position, or a new term.
    Head {
        /// Which channel.
        channel: Channel,
        /// The newest position.
        pos: Pos,
    },
    /// Who is present has changed.
    Presence {
        /// Which channel.
        channel: Channel,
        /// The version of the list after it; one more than before. If it is not, changes were lost, and
        /// the list has to be read.
        v: u64,
        /// Who.
        member: Member,
        /// Came, or left.
        joined: bool,
        /// How many sessions that user, or guest, has there after it.
        sessions: usize,
    },
}

impl Notice {
    /// The channel that it is about.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        match self {
            Self::Record { channel, .. }
            | Self::Relayed { channel, .. }
            | Self::Head { channel, .. }
            | Self::Presence { channel, .. } => channel,
        }
    }

    /// About how many bytes it occupies.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Record { publication, .. } | Self::Relayed { publication, .. } => {
                64 + publication.weight()
            }
            Self::Head { .. } => 64,
            Self::Presence { .. } => 256,
        }
    }
}

/// What an engine tells a shard.
#[derive(Clone, Debug)]
pub enum ToShard {
    /// An effect is done.
    Done(Ticket, Done),
    /// Something happened in a channel that it watches.
    Notice(Notice),
}

/// Where an engine with threads of its own puts what it has to tell.
pub trait Mail: Send + Sync + 'static {
    /// Puts messages into a shard's mailbox, in order. Never blocks.
    fn deliver(&self, shard: ShardId, messages: Vec<ToShard>);
}

/// What an engine has to know of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Records kept in a channel.
    pub max_records: usize,
    /// How long they are kept, in milliseconds.
    pub max_age: u64,
    /// How long an idempotency key is remembered, in milliseconds.
    pub key_age: u64,
    /// How long a leave is held back, in milliseconds.
    pub grace: u64,
}

impl LogOptions {
    /// What was published before this is too old at `now`, both in milliseconds since 1970.
    #[must_use]
    pub fn oldest(&self, now: Millis) -> u64 {
        now.0.saturating_sub(self.max_age)
    }
}

/// Whose an idempotency key is; `None`: nobody who could be told apart.
#[must_use]
pub fn publisher(origin: &Origin) -> Option<Box<str>> {
    match (&origin.user, &origin.client) {
        (Some(user), _) => Some(format!("user:{user}").into()),
        (None, Some(client)) => Some(format!("client:{client}").into()),
        (None, None) => None,
    }
}
