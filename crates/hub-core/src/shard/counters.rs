//! What a shard counts.

use super::TransportKind;

/// What a shard has done so far, and holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Sessions open now.
    pub sessions: u64,
    /// Those of them over WebSocket.
    pub websocket: u64,
    /// Those over SSE.
    pub sse: u64,
    /// Those over long poll: polls that wait now.
    pub poll: u64,
    /// Sessions opened.
    pub connected: u64,
    /// Channels that somebody here listens to now.
    pub channels: u64,
    /// Subscriptions now.
    pub subscriptions: u64,
    /// Commands taken.
    pub commands: u64,
    /// Commands that failed.
    pub errors: u64,
    /// Publishes acknowledged.
    pub published: u64,
    /// Publications that arrived here to be delivered.
    pub received: u64,
    /// Deliveries to subscribers.
    pub delivered: u64,
    /// Records delivered by recovery.
    pub recovered: u64,
    /// Recoveries that could not give everything.
    pub not_recovered: u64,
    /// Records skipped for slow sessions.
    pub skipped: u64,
    /// Sessions closed for being slow.
    pub slow_closed: u64,
    /// Times that a channel found itself behind its log and read.
    pub gaps: u64,
}

impl Counters {
    /// How many sessions of that transport are open; one that carries commands alone is not told apart.
    pub(super) fn of(&mut self, transport: TransportKind) -> Option<&mut u64> {
        match transport {
            TransportKind::WebSocket => Some(&mut self.websocket),
            TransportKind::Sse => Some(&mut self.sse),
            TransportKind::Poll => Some(&mut self.poll),
            TransportKind::Uplink => None,
        }
    }
}
