//! The WebSocket protocol (RFC 6455, and RFC 7692 compression) as a pure state machine.
//!
//! *Give it bytes and time; it gives events, bytes to write, and the next deadline.* No socket,
//! clock, thread or randomness is in here: they come in as arguments, so that the same code drives
//! a tokio socket, a test in virtual time, and a fuzzer.
//!
//! ```
//! # use std::{sync::Arc, time::Instant};
//! # use tidewire_proto::{deflate::Pool, Config, Connection, Event, Failure, Role};
//! # struct Socket; impl Socket { fn write_all(&mut self, _: &[u8]) {} }
//! # struct Masks; impl tidewire_proto::MaskSource for Masks { fn next_mask(&mut self) -> [u8; 4] { [1; 4] } }
//! fn echo_what_came(
//!     connection: &mut Connection, pool: &mut Pool, now: Instant, bytes: &mut [u8], socket: &mut Socket,
//! ) -> Result<(), Failure> {
//!     let mut out = Vec::new();
//!     let mut input = bytes;
//!     let mut outcome = Ok(());
//!     loop {
//!         match connection.receive(now, pool, &mut input) {
//!             // The event borrows from `bytes` alone, so the connection can answer while it lives.
//!             Ok(Some(Event::Text(text))) => drop(connection.send_text(&text, &mut Masks, pool, &mut out)),
//!             Ok(Some(Event::Binary(data))) => drop(connection.send_binary(&data, &mut Masks, pool, &mut out)),
//!             Ok(Some(_)) => {}
//!             Ok(None) => break,                 // all of `input` is taken
//!             Err(failure) => { outcome = Err(failure); break }
//!         }
//!     }
//!     connection.poll_transmit(now, &mut Masks, &mut out);   // Pongs, and the Close that answers or accuses
//!     socket.write_all(&out);
//!     outcome
//! }
//! ```
//!
//! The rooms:
//!
//! - [`connection`]: the state machine, in four groups of methods (getters, `receive*` and
//!   `handle_*`, commands, `poll_*`)
//! - [`frame`]: headers, opcodes, close codes
//! - [`handshake`]: the opening handshake, both roles
//! - [`deflate`]: permessage-deflate, and the pool of compressors
//! - [`event`], [`config`], [`error`], [`prepared`]: what comes out, what can be chosen, what can go
//!   wrong, and frames made once for many connections

#![forbid(unsafe_code)]

pub mod config;
pub mod connection;
pub mod deflate;
pub mod error;
pub mod event;
pub mod frame;
pub mod handshake;
mod message;
pub mod prepared;

pub use config::Config;
pub use connection::{CloseStory, ClosedBy, Compression, Connection, MaskSource, State, TcpEnd};
pub use error::{Failure, LimitExceeded, ProtocolViolation, SendError, Timeout};
pub use event::{Event, Payload, TextPayload};
pub use frame::{CloseCode, CloseFrame, FrameHead, Kind, Opcode, Role};
pub use prepared::PreparedFrame;
pub use tidewire_simd::{InvalidUtf8, Spare, Text};

/// The example of the crate's page compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CratePage;
