//! The plain protocol: payloads without an envelope, and the few lines that have one.
//!
//! | a payload | as plain | what plain sends | becomes |
//! |---|---|---|---|
//! | `data` | a text frame with its JSON | a text frame | `text` |
//! | `text` | a text frame | | |
//! | `base64` | a binary frame with its bytes | a binary frame | `base64` |

use crate::json::{encode, write_field, write_member, write_objects};
use crate::publication::{Payload, PayloadKind, Publication};
use crate::push::Member;
use bytes::Bytes;

/// What goes to a plain client. It borrows: nothing is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainFrame<'a> {
    /// A text frame.
    Text(&'a str),
    /// A binary frame.
    Binary(&'a Bytes),
}

/// What a plain client sees of a publication; `None`: nothing, since it is redacted, or only passes by
/// (`"keep":false`): who is typing, where a cursor is. Without an envelope nobody could tell that from a
/// message.
#[must_use]
pub fn message(publication: &Publication) -> Option<PlainFrame<'_>> {
    publication.pos?;
    frame(publication.payload.as_ref()?)
}

/// A payload as a plain client gets it; `None`: it is not what its kind promises.
#[must_use]
pub fn frame(payload: &Payload) -> Option<PlainFrame<'_>> {
    match payload.kind() {
        PayloadKind::Json | PayloadKind::Text => payload.as_str().map(PlainFrame::Text),
        PayloadKind::Binary => Some(PlainFrame::Binary(payload.bytes())),
    }
}

/// What a text frame of a plain client publishes: `text`, also where it looks like JSON.
#[must_use]
pub fn payload_of_text(text: impl Into<String>) -> Payload {
    Payload::text(text)
}

/// What a binary frame of a plain client publishes: `base64`.
#[must_use]
pub fn payload_of_binary(bytes: impl Into<Bytes>) -> Payload {
    Payload::binary(bytes)
}

/// The first line for who asked with `?hello=1`.
#[must_use]
pub fn hello(session: &str, client: &str) -> String {
    encode(|out| {
        out.write_str("{\"op\":\"hello\"")?;
        write_field(out, "session", session)?;
        write_field(out, "client", client)?;
        out.write_str("}")
    })
}

/// `/v3/…&presence=1`: who is there, sent once, after subscribing.
#[must_use]
pub fn member_list(members: &[Member]) -> String {
    encode(|out| {
        out.write_str("{\"event\":\"system:member_list\",\"data\":{")?;
        write_objects(out, "members", members, write_member)?;
        out.write_str("}}")
    })
}

/// `/v3/…&presence=1`: somebody came.
#[must_use]
pub fn member_joined(member: &Member) -> String {
    one_member("system:member_joined", member)
}

/// `/v3/…&presence=1`: somebody left.
#[must_use]
pub fn member_left(member: &Member) -> String {
    one_member("system:member_left", member)
}

fn one_member(event: &str, member: &Member) -> String {
    encode(|out| {
        write!(out, "{{\"event\":\"{event}\",\"data\":{{\"member\":{{")?;
        write_member(out, member)?;
        out.write_str("}}}")
    })
}
