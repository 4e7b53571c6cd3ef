//! What can be set: namespaces, and limits of the node.

use crate::contract::LogOptions;
use crate::identity::ClientKey;
use std::collections::BTreeMap;

/// Where the channels of a namespace live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// On disk: acknowledged after fsync.
    Durable,
    /// In memory: gone with the process.
    Memory,
}

/// Who may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Nobody.
    Nobody,
    /// Anybody, known or not.
    Anyone,
    /// Those whose user name or public client id is a part of the channel's name, between `~`:
    /// `dm:ann~bob`.
    Members,
}

/// What happens to a session that reads more slowly than its channels speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowConsumer {
    /// It is closed with 4002 and comes back with its position.
    Disconnect,
    /// The oldest that wait are dropped; `lag` says how many.
    DropOldest,
    /// Only the newest of the channel is kept for it; `lag` says how many were skipped.
    KeepLatest,
    /// Nothing is queued until it has read; then `lag`, and what it missed from the log.
    Lag,
}

/// The options of a namespace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Namespace {
    /// Where its channels live. Default: memory.
    pub storage: Storage,
    /// History and presence times. Default: 100 records, 5 minutes; keys 10 minutes; grace 2 s.
    pub log: LogOptions,
    /// Who may subscribe, and read history. Default: nobody.
    pub subscribe: Access,
    /// Who may publish. Default: nobody.
    pub publish: Access,
    /// Who may see who is present. Default: nobody. [`Access::Nobody`]: no presence is kept.
    pub presence: Access,
    /// Largest payload, in bytes. Default: 64 KiB.
    pub max_message: usize,
    /// Publishes a second that one session may make for long. Default: 50.
    pub rate: u32,
    /// Publishes that it may make at once. Default: 100.
    pub burst: u32,
    /// What happens to slow sessions. Default: they are disconnected.
    pub slow_consumer: SlowConsumer,
    /// Whether a sender gets its own publications unless it asks otherwise. Default: yes.
    pub echo: bool,
}

impl Default for Namespace {
    fn default() -> Self {
        Self {
            storage: Storage::Memory,
            log: LogOptions {
                max_records: 100,
                max_age: 300_000,
                key_age: 600_000,
                grace: 2_000,
            },
            subscribe: Access::Nobody,
            publish: Access::Nobody,
            presence: Access::Nobody,
            max_message: 64 * 1024,
            rate: 50,
            burst: 100,
            slow_consumer: SlowConsumer::Disconnect,
            echo: true,
        }
    }
}

/// Bounds of one session, and of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes that may wait for a session before its channels' policies apply. Default: 1 MiB.
    pub outbox: usize,
    /// Channels of one session. Default: 128.
    pub subscriptions: usize,
    /// Commands of one session that may be under way. More wait unread. Default: 64.
    pub in_flight: usize,
    /// Bad commands of a session, beyond which it is closed. Default: 20.
    pub bad_commands: u32,
    /// Bytes of a page that is read for recovery or history. Default: 256 KiB.
    pub page_bytes: usize,
    /// Records of a page that is read for recovery. Default: 256.
    pub page_records: usize,
    /// Bytes of delivered publications that a channel keeps at hand, so that those who return after a
    /// moment need no read. Default: 32 KiB.
    pub recent_bytes: usize,
    /// Bytes of arrived publications that a channel holds until all its subscribers have been visited.
    /// Beyond, those who were not visited yet read them from the log. Default: 8 MiB.
    pub window_bytes: usize,
    /// Bytes that all channels of a shard keep at hand; beyond, a channel keeps its newest record
    /// alone. Default: 64 MiB.
    pub at_hand_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            outbox: 1 << 20,
            subscriptions: 128,
            in_flight: 64,
            bad_commands: 20,
            page_bytes: 256 * 1024,
            page_records: 256,
            recent_bytes: 32 * 1024,
            window_bytes: 8 << 20,
            at_hand_bytes: 64 << 20,
        }
    }
}

/// Everything a shard has to know.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// By name.
    pub namespaces: BTreeMap<Box<str>, Namespace>,
    /// Bounds.
    pub limits: Limits,
    /// The key that guests' client ids are signed with.
    pub client_key: ClientKey,
}
