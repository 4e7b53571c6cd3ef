//! One core's event loop: its thread, its loop, and what transports call.

mod host;
mod local;
mod outboxes;
mod pump;
mod thread;

pub(crate) use local::{Front, Local};
pub(crate) use thread::{Begin, Started, start};
