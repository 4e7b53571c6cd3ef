//! Load engine for WebSocket servers: many connections from many threads, checked payloads, honest
//! percentiles.
//!
//! ```no_run
//! use tidewire_load::Plan;
//! let plan = Plan::new("ws://127.0.0.1:4000/").connections(100).size(32).depth(16);
//! let report = tidewire_load::run(&plan, |_| {})?;
//! print!("{report}");
//! # Ok::<(), tidewire_load::LoadError>(())
//! ```
//!
//! A *closed* load keeps `depth` messages under way on each connection, and sends the next one when an
//! answer arrives. It finds the highest throughput; its tail latency is optimistic, because a server
//! that stalls is asked less while it does. An *open* load ([`Plan::rate`]) sends by a schedule that
//! is fixed before, and latency counts from when a message was due: a stall counts for everything
//! that was due in it, as it would with users.
//!
//! The phases: connect, warm-up (discarded), measure, drain (what is under way must still be
//! answered), closing handshake. Each is bounded in time. What is sent is numbered, and what comes is
//! compared byte for byte: lost, duplicated, reordered and corrupted messages are counted apart.
//!
//! The rooms:
//!
//! - [`Plan`]: what to do; [`Report`]: what was measured; [`LoadError`]: why nothing was
//! - `engine`: directs the phases; `worker`: one thread; `totals`: what all threads counted
//! - `connect`, `churn`: opening and closing; `target`: what the URL of a raw echo means
//! - `lane`: one connection, with an `exchange` (what is sent comes back; over plain TCP: `raw`) or a
//!   `listener` in `listen` (the server speaks)
//! - `schedule`, `generate`, `timer`: sending by the clock; `publish`, `publication`: a hub's channel
//! - `stamp`, `window`, `sequence`: what messages hold, and what each answer says of it
//! - `tally`: what the connections of a thread count into; `clock`, `cpu`, `files`: what the system
//!   tells; `text`, [`units`]: reports for people

#![forbid(unsafe_code)]

mod churn;
mod clock;
mod connect;
mod cpu;
mod engine;
mod error;
mod exchange;
mod files;
mod generate;
mod lane;
mod latency;
mod listen;
mod live;
mod plan;
mod publication;
mod publish;
mod raw;
mod report;
mod schedule;
mod sequence;
mod stamp;
mod tally;
mod target;
mod text;
mod timer;
mod totals;
pub mod units;
mod window;
mod worker;

pub use engine::{Progress, run};
pub use error::{ErrorClass, Failures, LoadError};
pub use latency::Latency;
pub use live::Live;
pub use plan::{Mode, Plan, Stop};
pub use report::{Report, Saturation};
pub use totals::Second;

/// The example of the crate's page compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CratePage;
