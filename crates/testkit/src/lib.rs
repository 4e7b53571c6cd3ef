//! What the tests of the workspace share: connections in virtual time, and a peer that may break
//! rules. Never shipped.
//!
//! - [`raw_frame`]: [`RawFrame`], any frame, legal or not, as bytes
//! - [`wire`]: [`WireFrame`], what came back, read by a parser of its own
//! - [`raw_peer`]: [`RawPeer`], which faces one connection and says to it what it likes
//! - [`pair`]: [`Pair`], a client and a server, an hour in a millisecond; [`end`], the loop around
//!   each of them; [`pipe`], what lies between
//! - [`heard`]: [`Heard`], an event owned and printed for people
//! - [`agreed`]: compression agreed without a handshake
//! - [`alloc`]: an allocator that counts
//! - `engines` (a feature of that name): the suite that holds every engine of the hub to its contract

#![deny(unsafe_code)]

pub mod agreed;
pub mod alloc;
pub mod end;
#[cfg(feature = "engines")]
pub mod engines;
pub mod heard;
pub mod pair;
pub mod pipe;
pub mod random;
pub mod raw_frame;
pub mod raw_peer;
pub mod wire;

pub use agreed::Agreed;
pub use heard::Heard;
pub use pair::Pair;
pub use pipe::Pipe;
pub use random::Random;
pub use raw_frame::RawFrame;
pub use raw_peer::RawPeer;
pub use wire::WireFrame;

use std::time::Instant;

/// Some moment, as the beginning of a test's time. Time moves only when the test says so.
#[must_use]
pub fn beginning() -> Instant {
    Instant::now()
}
