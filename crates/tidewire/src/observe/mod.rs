//! What can be seen of a connection from outside.
//!
//! - [`events`]: what is told to `tracing`

pub(crate) mod events;
