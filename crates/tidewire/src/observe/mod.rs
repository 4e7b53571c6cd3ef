//! What can be seen of a connection from outside.
//!
//! - [`events`]: what is told to `tracing`
//! - [`traffic`]: what was carried, counted

pub(crate) mod events;
pub(crate) mod traffic;
