//! Load engine for servers that echo: many connections, checked payloads, honest percentiles.
//!
//! ```no_run
//! use tidewire_load::Plan;
//! let plan = Plan::new("ws://127.0.0.1:4000/").connections(100).size(32).depth(16);
//! let report = tidewire_load::run(&plan, |_| {})?;
//! print!("{report}");
//! # Ok::<(), tidewire_load::LoadError>(())
//! ```
//!
//! The load is a *closed loop*: each connection keeps `depth` messages under way and sends the next
//! one when an answer arrives. It finds the highest throughput; its tail latency is optimistic,
//! because a server that stalls is asked less while it does.
//!
//! The phases: connect, warm-up (discarded), measure, drain (what is under way must still be
//! answered), closing handshake. Each is bounded in time.
//!
//! The rooms:
//!
//! - [`Plan`]: what to do; [`Report`]: what was measured; [`LoadError`]: why nothing was
//! - `engine`: the phases; `connect`: opening connections; `target`: what the URL means
//! - `lane`: what is under way on one connection; `drive` and `raw` move it over a WebSocket and
//!   over plain TCP
//! - `payload`: what is sent, so that loss, reordering and corruption show
//! - `tally`: what all connections count into; `cpu`, `files`: what the system tells

#![forbid(unsafe_code)]

mod connect;
mod cpu;
mod drive;
mod engine;
mod error;
mod files;
mod lane;
mod payload;
mod plan;
mod raw;
mod report;
mod tally;
mod target;

pub use engine::{Progress, run};
pub use error::{ErrorClass, Failures, LoadError};
pub use plan::Plan;
pub use report::{Latency, Report};

/// The example of the crate's page compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CratePage;
