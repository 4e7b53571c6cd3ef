//! What can be seen of a connection from outside.
//!
//! - [`events`]: what is told to `tracing`
//! - [`traffic`]: what was carried, counted
//! - [`wire`]: what goes over the wire, shown

pub(crate) mod events;
pub(crate) mod traffic;
pub mod wire;
