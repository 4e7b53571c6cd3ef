//! From pushes and publications to text, each in one allocation of the right size.

use super::PROTOCOL;
use crate::channel::Channel;
use crate::command::CommandId;
use crate::json::{
    Sink, encode, write_field, write_member, write_objects, write_optional, write_origin,
};
use crate::publication::{Payload, PayloadKind, Publication};
use crate::push::{Member, Push, Reply};
use std::fmt;

/// Encodes what the hub says to one session.
#[must_use]
pub fn push(push: &Push) -> String {
    encode(|out| write_push(out, push))
}

/// Encodes a publication as text. `own`: it is for the publisher, who is shown the key.
///
/// `data` is copied as it was written.
#[must_use]
pub fn message(channel: &Channel, publication: &Publication, own: bool) -> String {
    encode(|out| {
        write_head(out, channel, publication, own)?;
        write_content(out, publication)?;
        out.write_str("}")
    })
}

/// Encodes a `base64` publication as bytes, for who asked for them in `auth`: the length of the header
/// (four bytes, most significant first), the header (the object without payload), the payload.
///
/// `None`: the publication is of another kind, and goes as [`message`].
#[must_use]
pub fn message_binary(channel: &Channel, publication: &Publication, own: bool) -> Option<Vec<u8>> {
    let payload = publication
        .payload
        .as_ref()
        .filter(|payload| payload.kind() == PayloadKind::Binary)?;
    let head = encode(|out| {
        write_head(out, channel, publication, own)?;
        out.write_str("}")
    });
    let length = u32::try_from(head.len()).ok()?;
    let mut frame = Vec::with_capacity(4 + head.len() + payload.bytes().len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(head.as_bytes());
    frame.extend_from_slice(payload.bytes());
    Some(frame)
}

fn write_channel(out: &mut dyn Sink, channel: &Channel) -> fmt::Result {
    write_field(out, "channel", channel.as_str())
}

fn write_head(
    out: &mut dyn Sink,
    channel: &Channel,
    publication: &Publication,
    own: bool,
) -> fmt::Result {
    out.write_str("{\"op\":\"message\"")?;
    write_channel(out, channel)?;
    if let Some(pos) = publication.pos {
        write!(out, ",\"pos\":\"{pos}\"")?;
    }
    out.write_str(",")?;
    write_stamp(out, publication)?;
    if own {
        write_optional(out, "key", publication.key.as_deref())?;
    }
    Ok(())
}

/// `"at":…,"from":…`
fn write_stamp(out: &mut dyn Sink, publication: &Publication) -> fmt::Result {
    write!(out, "\"at\":{},\"from\":", publication.at)?;
    write_origin(out, &publication.from)
}

/// The payload of a publication, or that it was taken out.
fn write_content(out: &mut dyn Sink, publication: &Publication) -> fmt::Result {
    match &publication.payload {
        Some(payload) => write_payload(out, payload),
        None => out.write_str(",\"redacted\":true"),
    }
}

fn write_payload(out: &mut dyn Sink, payload: &Payload) -> fmt::Result {
    match (payload.kind(), payload.as_str()) {
        (PayloadKind::Json, Some(json)) => {
            out.write_str(",\"data\":")?;
            out.write_str(json)
        }
        (PayloadKind::Text, Some(text)) => write_field(out, "text", text),
        _ => {
            out.write_str(",\"base64\":\"")?;
            out.base64(payload.bytes());
            out.write_str("\"")
        }
    }
}

fn write_push(out: &mut dyn Sink, push: &Push) -> fmt::Result {
    match push {
        Push::Hello { session, client } => {
            out.write_str("{\"op\":\"hello\"")?;
            write_field(out, "session", session)?;
            write_field(out, "client", client)?;
            write_field(out, "protocol", PROTOCOL)?;
        }
        Push::Reply { id, reply } => write_reply(out, id.as_ref(), reply)?,
        Push::Live { channel, pos } => {
            out.write_str("{\"op\":\"live\"")?;
            write_channel(out, channel)?;
            write!(out, ",\"pos\":\"{pos}\"")?;
        }
        Push::Join {
            channel,
            v,
            member,
            sessions,
        } => write_presence(out, "join", channel, *v, member, *sessions)?,
        Push::Leave {
            channel,
            v,
            member,
            sessions,
        } => write_presence(out, "leave", channel, *v, member, *sessions)?,
        Push::Lag { channel, lag } => {
            out.write_str("{\"op\":\"lag\"")?;
            write_channel(out, channel)?;
            if let Some(from) = lag.from {
                write!(out, ",\"from\":\"{from}\"")?;
            }
            if let Some(pos) = lag.pos {
                write!(out, ",\"pos\":\"{pos}\"")?;
            }
            if let Some(skipped) = lag.skipped {
                write!(out, ",\"skipped\":{skipped}")?;
            }
            write!(out, ",\"recovering\":{}", lag.recovering)?;
        }
        Push::Direct { payload } => {
            out.write_str("{\"op\":\"direct\"")?;
            write_payload(out, payload)?;
        }
        Push::Bye {
            reason,
            retry_after_ms,
        } => {
            write!(out, "{{\"op\":\"bye\",\"code\":{}", reason.code())?;
            write_field(out, "reason", reason.as_str())?;
            write!(out, ",\"reconnect\":{}", reason.is_worth_reconnecting())?;
            write_retry(out, *retry_after_ms)?;
        }
    }
    out.write_str("}")
}

fn write_presence(
    out: &mut dyn Sink,
    op: &str,
    channel: &Channel,
    v: u64,
    member: &Member,
    sessions: usize,
) -> fmt::Result {
    write!(out, "{{\"op\":\"{op}\"")?;
    write_channel(out, channel)?;
    write!(out, ",\"v\":{v},")?;
    write_member(out, member)?;
    write!(out, ",\"sessions\":{sessions}")
}

fn write_retry(out: &mut dyn Sink, retry_after_ms: Option<u64>) -> fmt::Result {
    retry_after_ms.map_or(Ok(()), |wait| write!(out, ",\"retry_after_ms\":{wait}"))
}

/// A reply without its closing brace.
fn write_reply(out: &mut dyn Sink, id: Option<&CommandId>, reply: &Reply) -> fmt::Result {
    let op = match reply {
        Reply::Error { .. } => "error",
        Reply::Pong => "pong",
        _ => "ok",
    };
    write!(out, "{{\"op\":\"{op}\"")?;
    if let Some(id) = id {
        write!(out, ",\"id\":{}", id.as_json())?;
    }
    match reply {
        Reply::Subscribed {
            channel,
            pos,
            recovered,
        } => {
            write_channel(out, channel)?;
            write!(out, ",\"pos\":\"{pos}\"")?;
            recovered.map_or(Ok(()), |yes| write!(out, ",\"recovered\":{yes}"))
        }
        Reply::Unsubscribed { channel } => write_channel(out, channel),
        Reply::Published { channel, pos } => {
            write_channel(out, channel)?;
            pos.map_or(Ok(()), |pos| write!(out, ",\"pos\":\"{pos}\""))
        }
        Reply::Presence {
            channel,
            v,
            members,
            total,
            more,
        } => {
            write_channel(out, channel)?;
            write!(out, ",\"v\":{v},\"total\":{total},\"more\":{more},")?;
            write_objects(out, "members", members, write_member)
        }
        Reply::History {
            channel,
            messages,
            pos,
            more,
        } => {
            write_channel(out, channel)?;
            write!(out, ",\"pos\":\"{pos}\",\"more\":{more},")?;
            write_objects(out, "messages", messages, |out, publication| {
                if let Some(pos) = publication.pos {
                    write!(out, "\"pos\":\"{pos}\",")?;
                }
                write_stamp(out, publication)?;
                write_content(out, publication)
            })
        }
        Reply::Authenticated { client, origin } => {
            write_field(out, "client", client)?;
            out.write_str(",\"from\":")?;
            write_origin(out, origin)
        }
        Reply::Pong => Ok(()),
        Reply::Error {
            code,
            message,
            retry_after_ms,
        } => {
            write_field(out, "code", code.as_str())?;
            write_field(out, "message", message)?;
            write_retry(out, *retry_after_ms)
        }
    }
}
