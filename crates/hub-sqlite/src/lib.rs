//! The embedded durable engine of the Tidewire hub, on SQLite: channels survive `kill -9` and power loss.
//!
//! [`SqliteEngine`] fulfils `tidewire_hub_core::contract`. One thread writes, and commits all that
//! waits as one transaction (WAL, `synchronous=FULL`); only after the commit anybody is told. Another
//! thread reads, so that history does not wait for the disk.
//!
//! The folder holds `tidewire.db` with its `-wal` and `-shm` files, `lock` (held while an engine is
//! open), and `witness`, which is kept beside the database so that a restored backup is found out:
//! positions that were given out after the backup must not be believed, so the log gets a new term.

#![forbid(unsafe_code)]

mod batch;
mod counters;
mod engine;
mod error;
mod floor;
mod folder;
mod jobs;
mod log;
mod options;
mod page;
mod post;
mod presence;
mod queue;
mod reader;
mod row;
mod schema;
mod shared;
mod statements;
mod store;
mod sweep;
mod trouble;
mod witness;
mod writer;

pub use counters::Counters;
pub use engine::SqliteEngine;
pub use error::OpenError;
pub use options::OpenOptions;
