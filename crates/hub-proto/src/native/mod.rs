//! The protocol `tidewire.v1`: flat JSON objects, as text, and `base64` ones as bytes for who asks.

mod decode;
mod encode;
mod fields;
mod server_message;
mod value;

pub use decode::{BadRequest, Decoded, decode, decode_payload};
pub use encode::{message, message_binary, push};
pub use server_message::{InvalidServerMessage, Op, ServerMessage};

/// The name of the protocol: in `hello`, and as the WebSocket subprotocol.
pub const PROTOCOL: &str = "tidewire.v1";
