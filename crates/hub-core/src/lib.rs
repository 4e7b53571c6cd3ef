//! The Tidewire hub as pure logic: sessions, channels, presence, recovery, permission; the contract of
//! the engines that keep channels; and the memory engine.
//!
//! No runtime, socket, file, clock or random source: time and randomness come in as arguments. The
//! centre is [`Shard`]: give it what clients ask and what engines answer; it tells its [`Host`] what
//! to send and what to have done.

#![forbid(unsafe_code)]

pub mod contract;
pub mod host;
pub mod identity;
pub mod memory;
pub mod presence;
pub mod settings;
mod shard;

pub use contract::{
    Appended, Done, Effect, Fault, IdempotencyKey, Notice, Page, PageLimit, PresencePage, ShardId,
    Ticket, ToShard,
};
pub use host::{Host, Item, SessionId};
pub use settings::{Access, Limits, Namespace, Settings, SlowConsumer, Storage};
pub use shard::{Budget, Connect, Counters, Described, NotGiven, Shard, TransportKind};

/// A moment, in milliseconds since some beginning that the caller keeps to. Never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment and `millis` more.
    #[must_use]
    pub fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}
