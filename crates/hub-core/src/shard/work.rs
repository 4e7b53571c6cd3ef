//! What is under way, and what is done later.

use super::table::Key;
use crate::contract::Ticket;
use tidewire_hub_proto::{Channel, CommandId};

/// An effect that is under way, and for whom.
#[derive(Debug)]
pub(super) enum Pending {
    Watch {
        feed: Key,
    },
    CatchUp {
        feed: Key,
    },
    Recover {
        feed: Key,
        session: Key,
    },
    Publish {
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
    },
    History {
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
    },
    Presence {
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
    },
    /// A session enters a channel's presence; nobody waits for it.
    Enter {
        feed: Key,
        /// What it counts as under way: something if the session renames itself.
        weight: usize,
        session: Key,
    },
}

/// Something that is done later.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// Nobody has listened to it for a while.
    Forget(Key),
    /// A feed's catching up had failed.
    CatchUp(Key),
    /// A subscription's recovery had failed.
    Recover { session: Key },
    /// The engine had no room for who is present.
    Enter { feed: Key, session: Key },
}

/// How long a feed is kept after its last subscriber has left: many come back at once.
pub(super) const LINGER: u64 = 5_000;

/// How many feeds are kept so: one session can go through any number of channels.
pub(super) const LINGERING: usize = 4_096;

/// How long to wait before a session that could not enter a channel's presence tries again.
pub(super) const RETRY_ENTER: u64 = 5_000;

/// How long to wait before a failed read is tried again.
pub(super) const RETRY: u64 = 500;

/// Pages that are read for the recoveries of a shard at a time: however many come back at once, no more
/// than these wait to be sent.
pub(super) const READS: usize = 64;

/// When a client should repeat what the engine had no room for, in milliseconds.
pub(super) const RETRY_CLIENT: u64 = 1_000;

/// The ticket of effects that have no answer.
pub(super) const NO_TICKET: Ticket = Ticket(u64::MAX);

pub(super) fn pending_key(ticket: Ticket) -> Key {
    Key {
        index: ticket.0 as u32,
        generation: (ticket.0 >> 32) as u32,
    }
}
