//! The wire language of the Tidewire hub: what clients ask, what the hub answers, and what it pushes.
//!
//! Pure data and codecs. It knows nothing of WebSocket, HTTP, sockets or clocks.
//!
//! - [`native`]: JSON objects with `op`, both ways; [`native::ServerMessage`] is the client's side
//! - [`plain`]: payloads without an envelope
//! - [`Cursor`]: where a client is in several channels
//! - [`code`]: why a command failed, why a session ended
//!
//! ```
//! use tidewire_hub_proto::native::{Decoded, decode, push};
//! use tidewire_hub_proto::{Command, Push, Reply};
//!
//! let Decoded::One(Ok(request)) = decode(r#"{"op":"ping","id":7}"#) else { panic!() };
//! assert_eq!(request.command, Command::Ping);
//! let answer = Push::Reply { id: request.id, reply: Reply::Pong };
//! assert_eq!(push(&answer), r#"{"op":"pong","id":7}"#);
//! ```

#![forbid(unsafe_code)]

pub mod channel;
pub mod code;
pub mod command;
pub mod cursor;
mod json;
pub mod name;
pub mod native;
pub mod plain;
pub mod position;
pub mod publication;
pub mod push;

pub use channel::{Channel, InvalidChannel};
pub use code::{CloseReason, ErrorCode};
pub use command::{Command, CommandId, HistoryPage, Request};
pub use cursor::{Cursor, InvalidCursor};
pub use name::guest_name;
pub use position::{InvalidPos, Pos, Term};
pub use publication::{Exclude, Origin, Payload, PayloadKind, Publication};
pub use push::{Lag, Member, Push, Reply};

/// The example of the crate's page compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CratePage;
