//! What carries a session: one file for each transport, each with an outbox of its own.
//!
//! A transport's file does three things. It answers the HTTP request that opens the session, and
//! makes an outbox. It calls [`Local::open`](crate::shard::Local::open) with it, and
//! [`Local::leave`](crate::shard::Local::leave) when the peer is gone. And it passes on what the client
//! says with [`Local::request`](crate::shard::Local::request) and
//! [`Local::refuse`](crate::shard::Local::refuse).

mod followed;
pub(crate) mod poll;
pub(crate) mod sse;
pub(crate) mod uplink;
pub(crate) mod websocket;
