//! Events for `tracing`, all of them, under the target `tidewire`; without the feature there is nothing
//! of them. Names of events and fields are listed in `docs/observability.md`, which a test holds
//! against this file.
//!
//! What peers can cause as often as they like is DEBUG; what the operator should act on is WARN.

use super::traffic::Traffic;
use crate::server::error::AcceptError;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tidewire_proto::Connection;
use tokio::net::TcpStream;

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

/// What events tell of a connection.
pub(crate) struct Seen<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) socket: Option<&'a TcpStream>,
    pub(crate) queued: usize,
    pub(crate) traffic: &'a Traffic,
}

/// A handshake is complete.
#[inline]
pub(crate) fn opened(seen: &Seen<'_>) {
    tell!(
        DEBUG,
        "connection opened",
        role = tracing_debug(&seen.connection.role()),
        peer = peer(seen),
        compressed = seen.connection.compression().is_some(),
    );
}

/// The TCP connection is over for us; `story` is absent if the handle was dropped.
#[inline]
pub(crate) fn closed(seen: &Seen<'_>) {
    tell!(
        DEBUG,
        "connection closed",
        role = tracing_debug(&seen.connection.role()),
        peer = peer(seen),
        story = story(seen),
        rtt_us = seen.connection.rtt().map(|rtt| rtt.as_micros() as u64),
        unsent_bytes = seen.queued as u64,
        received_messages = seen.traffic.received.messages,
        received_bytes = seen.traffic.received.wire_bytes,
        sent_messages = seen.traffic.sent.messages,
        sent_bytes = seen.traffic.sent.wire_bytes,
    );
}

/// The socket takes no more.
#[inline]
pub(crate) fn blocked(seen: &Seen<'_>) {
    tell!(
        DEBUG,
        "writing blocked",
        peer = peer(seen),
        queued_bytes = seen.queued as u64,
    );
}

/// The socket takes bytes again.
#[inline]
pub(crate) fn unblocked(seen: &Seen<'_>) {
    tell!(
        DEBUG,
        "writing resumed",
        peer = peer(seen),
        queued_bytes = seen.queued as u64,
    );
}

/// A server that hands on connections did not complete a handshake.
#[inline]
pub(crate) fn not_accepted(peer: Option<SocketAddr>, error: &AcceptError) {
    tell!(
        DEBUG,
        "handshake not accepted",
        peer = peer.map(tracing_display),
        error = tracing_display(error),
    );
}

/// A listener cannot accept just now.
#[inline]
pub(crate) fn accepting_paused(error: &io::Error) {
    tell!(WARN, "accepting paused", error = tracing_display(error));
}

/// A drain begins.
#[inline]
pub(crate) fn drain_began(connections: usize) {
    tell!(INFO, "drain began", connections = connections as u64);
}

/// A drain is over.
#[inline]
pub(crate) fn drain_ended(closed: usize, cut: usize) {
    tell!(
        INFO,
        "drain ended",
        closed = closed as u64,
        cut = cut as u64,
    );
}

/// An address of a host that did not answer; another may.
#[inline]
pub(crate) fn address_failed(address: SocketAddr, error: &io::Error) {
    tell!(
        DEBUG,
        "address failed",
        address = tracing_display(address),
        error = tracing_display(error),
    );
}

/// A server is reached through a proxy. The proxy's URL is shown without its login.
#[cfg(feature = "proxy")]
#[inline]
pub(crate) fn proxied(proxy: &dyn Display) {
    tell!(
        DEBUG,
        "connecting through proxy",
        proxy = tracing_display(proxy)
    );
}

/// A redirect is followed. The target is shown without login and query.
#[inline]
pub(crate) fn redirected(to: &dyn Display) {
    tell!(DEBUG, "redirect followed", to = tracing_display(to));
}

/// A reconnecting client lost its connection, or an attempt failed, and tries again.
#[inline]
pub(crate) fn retrying(end: &dyn Display, retry_in: Duration, attempts: u32) {
    tell!(
        INFO,
        "retrying",
        end = tracing_display(end),
        retry_in_ms = retry_in.as_millis() as u64,
        attempts = attempts,
    );
}

/// A reconnecting client gave up.
#[inline]
pub(crate) fn gave_up(end: &dyn Display, attempts: u32) {
    tell!(
        WARN,
        "gave up reconnecting",
        end = tracing_display(end),
        attempts = attempts,
    );
}

#[cfg(feature = "tracing")]
use tracing::field::{debug as tracing_debug, display as tracing_display};

#[cfg(not(feature = "tracing"))]
fn tracing_debug<T>(value: T) -> T {
    value
}

#[cfg(not(feature = "tracing"))]
fn tracing_display<T>(value: T) -> T {
    value
}

/// The peer's address; asked of the system only where somebody listens.
fn peer(seen: &Seen<'_>) -> Option<String> {
    let peer = seen.socket?.peer_addr().ok()?;
    Some(peer.to_string())
}

fn story(seen: &Seen<'_>) -> String {
    match seen.connection.story() {
        Some(story) => story.to_string(),
        None => "dropped without closing".to_owned(),
    }
}
