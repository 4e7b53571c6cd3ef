//! The Tidewire hub: channels, presence, history and chat over WebSocket, SSE and long poll.

#![forbid(unsafe_code)]

pub mod config;
pub mod guard;
pub mod metrics;
