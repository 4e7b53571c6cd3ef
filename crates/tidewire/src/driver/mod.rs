//! The one driver: feeds the protocol core from a byte stream, for client, server and hub alike.
//!
//! - [`core`](mod@self::core): one connection's state, and how its bytes are written
//! - [`rare`]: what most connections never have
//! - [`end`]: who waits, and how a connection ends
//! - [`receive`]: how its bytes are read, and events are handed to a visitor
//! - [`fragments`]: how messages in parts are queued
//! - [`link`]: what a visitor can do: answer
//! - [`shared`]: the connection as its handles, the flusher and the timer share it
//! - [`service`]: one task per runtime: the flusher and the timer wheel
//! - [`scratch`]: what all connections of a thread share while they are polled
//! - [`outbox`]: bytes that wait to be written
//! - [`stream`]: the byte stream below
//! - [`linger`]: the last seconds of a connection that failed

pub(crate) mod core;
mod end;
pub(crate) mod fragments;
pub(crate) mod linger;
pub(crate) mod link;
pub(crate) mod outbox;
pub(crate) mod rare;
pub(crate) mod receive;
pub(crate) mod scratch;
pub(crate) mod service;
pub(crate) mod shared;
pub(crate) mod stream;
