//! `Client::reconnecting`: in virtual time over pipes, and once over TCP.

#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;

mod hooks;
mod network;
mod storm;
mod tcp;
mod using;
mod waits;
