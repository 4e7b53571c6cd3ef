//! Recordings of connections: one model, and two formats that are written and read.
//!
//! - [`model`]: what a recording holds
//! - [`recorder`]: writes a file while the connection lives, as [`rows`] a line each or as [`har`] with
//!   its [`entry`], which [`publish`] puts in place whole
//! - [`load`]: reads a file back by [`parse`] and [`gather`], or by [`chrome`]; [`fields`] judges JSON
//! - [`heads`]: headers out of the handshake, without their [`secrets`]
//! - [`ndjson`]: the lines of `--json`
//! - [`clock`]: times as they are written

mod chrome;
mod clock;
mod entry;
mod fields;
mod gather;
mod har;
mod heads;
mod load;
mod model;
mod ndjson;
mod parse;
mod publish;
mod recorder;
mod rows;
mod secrets;

pub(crate) use self::clock::{Clock, iso};
pub(crate) use self::heads::headers;
pub(crate) use self::load::load;
pub(crate) use self::model::{Dir, Opening, Record, Session, What};
pub(crate) use self::ndjson::line;
pub(crate) use self::recorder::Recorder;
pub(crate) use self::secrets::{bare, is_secret_header};
