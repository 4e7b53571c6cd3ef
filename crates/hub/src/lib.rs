//! The Tidewire hub: channels, presence, history and chat over WebSocket, SSE and long poll.
//!
//! [`Hub::start`] opens everything and serves on threads of its own, one event loop for each core, so
//! that it can be embedded in any program:
//!
//! ```no_run
//! # async fn example() -> Result<(), tidewire_hub::StartError> {
//! use std::time::Duration;
//! use tidewire_hub::{Config, Hub};
//!
//! let hub = Hub::start(Config::development(), |event| eprintln!("{event}")).await?;
//! println!("listening on http://{}/", hub.addrs()[0]);
//! // …
//! hub.shut_down(Duration::from_secs(10)).await;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod agent;
pub mod certificate;
mod clock;
pub mod config;
mod door;
mod engine;
mod errand;
mod error;
pub mod guard;
mod http;
mod hub;
mod lines;
mod mailbox;
pub mod metrics;
mod node;
mod outbox;
mod protocol;
mod session;
mod shard;
mod transport;
mod web;

pub use config::Config;
pub use door::Full;
pub use error::StartError;
pub use guard::{Denied, Endpoint, Guard};
pub use hub::{Drained, Hub};
pub use node::HubEvent;

/// The example of the crate's page compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CratePage;
