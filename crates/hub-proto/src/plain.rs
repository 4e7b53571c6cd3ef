//! The plain protocol: payloads without an envelope, and the few lines that have one.
//!
//! | a payload | as plain | what plain sends | becomes |
//! |---|---|---|---|
//! | `data` | a text frame with its JSON | a text frame | `text` |
//! | `text` | a text frame | | |
//! | `base64` | a binary frame with its bytes | a binary frame | `base64` |

use crate::publication::{Payload, PayloadKind, Publication};
use crate::push::Member;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// What goes to a plain client. It borrows: nothing is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainFrame<'a> {
    /// A text frame.
    Text(&'a str),
    /// A binary frame.
    Binary(&'a Bytes),
}

/// What a plain client sees of a publication; `None`: nothing, since it is redacted.
#[must_use]
pub fn message(publication: &Publication) -> Option<PlainFrame<'_>> {
    let payload = publication.payload.as_ref()?;
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
    // `json!` would sort the fields.
    format!(
        r#"{{"op":"hello","session":{},"client":{}}}"#,
        Value::from(session),
        Value::from(client)
    )
}

/// `/v3/…&presence=1`: who is there, sent once, after subscribing.
#[must_use]
pub fn member_list(members: &[Member]) -> String {
    let members: Vec<Value> = members.iter().map(member).collect();
    event("system:member_list", &json!({ "members": members }))
}

/// `/v3/…&presence=1`: somebody came.
#[must_use]
pub fn member_joined(joined: &Member) -> String {
    event("system:member_joined", &json!({ "member": member(joined) }))
}

/// `/v3/…&presence=1`: somebody left.
#[must_use]
pub fn member_left(left: &Member) -> String {
    event("system:member_left", &json!({ "member": member(left) }))
}

fn event(name: &str, data: &Value) -> String {
    format!(r#"{{"event":"{name}","data":{data}}}"#)
}

fn member(member: &Member) -> Value {
    let mut fields = Map::new();
    fields.insert("session".into(), (*member.session).into());
    let origin = &member.origin;
    let known = [
        ("client", &origin.client),
        ("name", &origin.name),
        ("user", &origin.user),
    ];
    for (name, text) in known {
        if let Some(text) = text {
            fields.insert(name.into(), (**text).into());
        }
    }
    Value::Object(fields)
}
