//! HAR files, of Chrome's developer tools, of the tester, and ours: the WebSocket connections in them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::clock::{from_iso, from_number};
use super::fields::Fields;
use super::gather::Gather;
use super::model::{Dir, Opening, Record, Session, What};
use super::parse::{Part, row};

/// Reads a file.
///
/// # Errors
/// What is wrong, with the line or the entry.
pub(super) fn read(text: &[u8]) -> Result<Vec<Session>, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let file: Value =
        serde_json::from_slice(text).map_err(|error| format!("is not JSON: {error}"))?;
    let entries = file
        .pointer("/log/entries")
        .and_then(Value::as_array)
        .ok_or("is not a HAR file: \"log\" with \"entries\" is missing")?;
    let mut sessions = Vec::new();
    for (index, value) in entries.iter().enumerate() {
        let list = |name: &str| value.get(name).and_then(Value::as_array);
        let (messages, events) = (list("_webSocketMessages"), list("_tidewireEvents"));
        if messages.is_none() && events.is_none() {
            continue;
        }
        let found = entry(
            value,
            messages.map(Vec::as_slice).unwrap_or_default(),
            events.map(Vec::as_slice).unwrap_or_default(),
        );
        sessions.append(&mut found.map_err(|wrong| format!("entry {}, {wrong}", index + 1))?);
    }
    if sessions.is_empty() {
        return Err("holds no WebSocket messages. In Chrome: reload with the Network panel open, then save all as HAR".to_owned());
    }
    Ok(sessions)
}

/// One entry: messages, and between them what happened besides.
fn entry(value: &Value, messages: &[Value], events: &[Value]) -> Result<Vec<Session>, String> {
    let mut parts = Vec::with_capacity(messages.len() + events.len() + 2);
    if events.is_empty() {
        parts.extend(opening(value).map_err(|wrong| format!("request: {wrong}"))?);
    }
    let mut events = events.iter().enumerate().peekable();
    for count in 0..=messages.len() {
        let due = |(_, event): &(usize, &Value)| {
            let after = event.get("after").and_then(Value::as_u64).unwrap_or(0);
            count == messages.len() || after <= count as u64
        };
        while let Some((index, event)) = events.next_if(due) {
            let part = Fields::of(event).and_then(row);
            let part = part.map_err(|wrong| format!("event {}: {wrong}", index + 1))?;
            parts.push(part.of_one());
        }
        if let Some(value) = messages.get(count) {
            let part = message(value);
            parts.push(part.map_err(|wrong| format!("message {}: {wrong}", count + 1))?);
        }
    }
    let mut gather = Gather::default();
    parts.into_iter().for_each(|part| gather.take(part));
    Ok(gather.finish())
}

/// How the connection was opened, as far as an entry tells.
fn opening(value: &Value) -> Result<Vec<Part>, String> {
    let text = |pointer| value.pointer(pointer).and_then(Value::as_str);
    let url = text("/request/url").unwrap_or_default().to_owned();
    let mut parts = vec![Part::Connecting { conn: None, url }];
    if let Some(at) = text("/startedDateTime").and_then(from_iso) {
        let opening = Opening {
            request: headers(value.pointer("/request/headers")),
            response: headers(value.pointer("/response/headers")),
            ..Opening::default()
        };
        parts.push(Part::Record(Record {
            at,
            conn: None,
            dir: Dir::Out,
            what: What::Open(Cow::Owned(opening)),
        }));
    }
    Ok(parts)
}

fn headers(list: Option<&Value>) -> Vec<(String, String)> {
    let pair = |header: &Value| {
        let text = |name| Some(header.get(name)?.as_str()?.to_owned());
        Some((text("name")?, text("value")?))
    };
    let list = list.and_then(Value::as_array).map(Vec::as_slice);
    list.unwrap_or_default().iter().filter_map(pair).collect()
}

/// A message, Chrome's or ours.
fn message(value: &Value) -> Result<Part, String> {
    let fields = Fields::of(value)?;
    let at = fields
        .number("time")?
        .and_then(|time| from_number(time, 1e6))
        .ok_or("\"time\" must be seconds since 1970")?;
    let data = fields.text("data")?.ok_or("\"data\" is missing")?;
    let dir = match fields.text("type")? {
        Some("send") => Dir::Out,
        Some("receive") => Dir::In,
        // What Chrome says when the connection is lost.
        Some("error") => return Ok(Part::Nothing),
        _ => return Err("\"type\" must be \"send\", \"receive\" or \"error\"".to_owned()),
    };
    let bytes = || STANDARD.decode(data).ok();
    let what = match fields.number("opcode")? {
        Some(1.0) => What::Text(data.to_owned().into()),
        Some(2.0) => {
            let bytes = bytes().ok_or("\"data\" of a binary message must be base64")?;
            What::Binary(bytes.into())
        }
        Some(9.0) => What::Ping(bytes().unwrap_or_else(|| data.into()).into()),
        Some(10.0) => What::Pong(bytes().unwrap_or_else(|| data.into()).into(), None),
        Some(0.0 | 8.0) => return Ok(Part::Nothing),
        _ => return Err("\"opcode\" must be 1 (text) or 2 (binary)".to_owned()),
    };
    Ok(Part::Record(Record {
        at,
        conn: None,
        dir,
        what,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn har(entries: Value) -> Vec<u8> {
        json!({"log": {"version": "1.2", "entries": entries}})
            .to_string()
            .into_bytes()
    }

    fn messages(list: Value) -> Vec<u8> {
        har(json!([
            {"request": {"url": "https://page/"}},
            {"request": {"url": "wss://x/", "headers": [{"name": "Origin", "value": "https://page"}]},
             "startedDateTime": "2026-01-02T03:04:05.678Z", "_webSocketMessages": list}
        ]))
    }

    #[test]
    fn what_chrome_writes_is_taken() {
        let sessions = read(&messages(json!([
            {"type": "send", "time": 1767323046.123456, "opcode": 1, "data": "hi"},
            {"type": "receive", "time": 1767323046.2, "opcode": 2, "data": "AAH/"},
            {"type": "error", "time": 1767323046.3, "opcode": -1, "data": "Connection failed"},
        ])))
        .unwrap();
        assert_eq!(sessions.len(), 1);
        assert_eq!(sessions[0].url, "wss://x/");
        let records = &sessions[0].records;
        assert_eq!(records.len(), 3);
        assert!(matches!(&records[0].what, What::Open(open) if open.request[0].0 == "Origin"));
        assert_eq!(records[1].at, 1_767_323_046_123_456);
        assert_eq!(
            (records[1].dir, &records[1].what),
            (Dir::Out, &What::Text("hi".into()))
        );
        assert_eq!(records[2].what, What::Binary(vec![0, 1, 255].into()));
    }

    #[test]
    fn what_is_broken_is_named_with_its_place() {
        let one = |message: Value| messages(json!([message]));
        for (file, expected) in [
            (
                b"{".to_vec(),
                "is not JSON: EOF while parsing an object at line 1",
            ),
            (
                b"{\"log\":\n{\"entries\":\n[,]}}".to_vec(),
                "is not JSON: expected value at line 3",
            ),
            (b"[]".to_vec(), "is not a HAR file"),
            (b"[".repeat(100_000), "is not JSON: recursion limit"),
            (b"\xff".to_vec(), "is not JSON"),
            (har(json!([null, 5, {}])), "holds no WebSocket messages"),
            (one(json!(7)), "entry 2, message 1: must be an object"),
            (
                one(json!({"type": "up", "time": 1, "opcode": 1, "data": ""})),
                "entry 2, message 1: \"type\" must",
            ),
            (
                one(json!({"type": "send", "time": "1", "opcode": 1, "data": ""})),
                "entry 2, message 1: \"time\" must",
            ),
            (
                one(json!({"type": "send", "time": 1e300, "opcode": 1, "data": ""})),
                "entry 2, message 1: \"time\" must",
            ),
            (
                one(json!({"type": "send", "time": 1, "opcode": 3, "data": ""})),
                "entry 2, message 1: \"opcode\" must",
            ),
            (
                one(json!({"type": "send", "time": 1, "opcode": 2, "data": "*"})),
                "entry 2, message 1: \"data\" of a binary",
            ),
            (
                one(json!({"type": "send", "time": 1, "opcode": 1, "data": {}})),
                "entry 2, message 1: \"data\" must be a text",
            ),
            (
                har(json!([{"_tidewireEvents": [{"way": "event"}]}])),
                "entry 1, event 1: \"at\"",
            ),
        ] {
            let said = read(&file).unwrap_err();
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
