//! The wire language of the Tidewire hub: what clients ask, what the hub answers, and what it pushes.
//!
//! Pure data and codecs. It knows nothing of WebSocket, HTTP, sockets or clocks.

#![forbid(unsafe_code)]

pub mod channel;
pub mod code;
pub mod command;
pub mod cursor;
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
