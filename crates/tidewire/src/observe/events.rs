//! Events for `tracing`, all of them, under the target `tidewire`; without the feature there is nothing
//! of them. Names of events and fields are listed in `docs/observability.md`, which a test holds
//! against this file.
//!
//! What peers can cause as often as they like is DEBUG; what the operator should act on is WARN.

use crate::driver::core::Core;

/// Tells `tracing`, if the feature is on; marks what it is given as used, if it is not.
macro_rules! tell {
    ($level:ident, $name:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        #[cfg(feature = "tracing")]
        tracing::event!(name: $name, target: "tidewire", tracing::Level::$level, $($field = $value,)* $name);
        #[cfg(not(feature = "tracing"))]
        {
            // Borrowed and never called: no value is computed.
            let _ = || { $(let _ = &$value;)* };
        }
    }};
}

/// A handshake is complete.
#[inline]
pub(crate) fn opened(core: &Core) {
    tell!(
        DEBUG,
        "connection opened",
        role = tracing_debug(&core.connection.role()),
        peer = peer(core),
        compressed = core.connection.compression().is_some(),
    );
}

/// The TCP connection is over for us; `story` is absent if the handle was dropped.
#[inline]
pub(crate) fn closed(core: &Core) {
    tell!(
        DEBUG,
        "connection closed",
        role = tracing_debug(&core.connection.role()),
        peer = peer(core),
        story = story(core),
        rtt_us = core.connection.rtt().map(|rtt| rtt.as_micros() as u64),
        unsent_bytes = core.outbox.len() as u64,
        received_messages = core.traffic.received.messages,
        received_bytes = core.traffic.received.wire_bytes,
        sent_messages = core.traffic.sent.messages,
        sent_bytes = core.traffic.sent.wire_bytes,
    );
}

/// The socket takes no more.
#[inline]
pub(crate) fn blocked(core: &Core) {
    tell!(
        DEBUG,
        "writing blocked",
        peer = peer(core),
        queued_bytes = core.outbox.len() as u64,
    );
}

/// The socket takes bytes again.
#[inline]
pub(crate) fn unblocked(core: &Core) {
    tell!(
        DEBUG,
        "writing resumed",
        peer = peer(core),
        queued_bytes = core.outbox.len() as u64,
    );
}

#[cfg(feature = "tracing")]
use tracing::field::debug as tracing_debug;

#[cfg(not(feature = "tracing"))]
fn tracing_debug<T>(value: T) -> T {
    value
}

/// The peer's address; asked of the system only where somebody listens.
fn peer(core: &Core) -> Option<String> {
    let tcp = core.stream.as_ref()?.tcp()?;
    tcp.peer_addr().ok().map(|addr| addr.to_string())
}

fn story(core: &Core) -> String {
    match core.connection.story() {
        Some(story) => story.to_string(),
        None => "dropped without closing".to_owned(),
    }
}
