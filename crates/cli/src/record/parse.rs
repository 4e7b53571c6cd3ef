//! A line of a recording: a row of the tester's log, as our recordings have it, or a line of `--json`.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;

use super::clock::{from_iso, from_number};
use super::fields::Fields;
use super::model::{Dir, Opening, Record, What};

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    /// A connection is about to be opened, to this URL.
    Connecting { conn: Option<u32>, url: String },
    /// Something happened.
    Record(Record<'static>),
    /// Nothing that a recording keeps: a note, a single frame.
    Nothing,
}

impl Part {
    /// The same where there is but one connection.
    pub(super) fn of_one(mut self) -> Part {
        match &mut self {
            Part::Connecting { conn, .. } => *conn = None,
            Part::Record(record) => record.conn = None,
            Part::Nothing => {}
        }
        self
    }
}

/// Reads one object.
///
/// # Errors
/// What is wrong with it, with the name of the field.
pub(super) fn part(value: &Value) -> Result<Part, String> {
    let fields = Fields::of(value)?;
    if fields.get("way").is_some() {
        row(fields)
    } else if fields.get("dir").is_some() || fields.get("op").is_some() {
        short(fields)
    } else {
        Err("\"way\" (or \"dir\") is missing: this is no line of a recording".to_owned())
    }
}

/// A row of the log.
pub(super) fn row(fields: Fields<'_>) -> Result<Part, String> {
    let dir = match fields.text("way")? {
        Some("in") => Some(Dir::In),
        Some("out") => Some(Dir::Out),
        Some("event") => None,
        _ => return Err("\"way\" must be \"in\", \"out\" or \"event\"".to_owned()),
    };
    let conn = fields.whole("conn", u32::MAX)?;
    let at = time_of_row(fields)?;
    let text = fields.text("text")?;
    let bytes = fields.bytes("base64")?;
    let detail = fields.object("detail")?;
    let kind = fields.text("kind")?.unwrap_or_default();
    let what = match (kind, dir) {
        ("connecting", _) => {
            let url = match detail.map(|detail| detail.text("url")).transpose()?.flatten() {
                Some(url) => url.to_owned(),
                None => url_in(text.unwrap_or_default()),
            };
            return Ok(Part::Connecting { conn, url });
        }
        ("open", _) => What::Open(Cow::Owned(opening(detail)?)),
        ("close", _) => What::Close {
            code: code(fields)?,
            reason: fields.text("reason")?.unwrap_or_default().to_owned().into(),
        },
        ("text", Some(_)) => match text {
            Some(text) => What::Text(text.to_owned().into()),
            None => return Err("a text message needs \"text\"".to_owned()),
        },
        ("binary", Some(_)) => match bytes {
            Some(bytes) => What::Binary(bytes.into()),
            None => return Err("a binary message needs \"base64\"".to_owned()),
        },
        ("ping", Some(_)) => What::Ping(control(text, bytes)),
        ("pong", Some(_)) => What::Pong(control(text, bytes), rtt(detail)?),
        // What was not sent: a message in an event is a note.
        ("text" | "binary" | "ping" | "pong" | "frame" | "error" | "note", _) => {
            return Ok(Part::Nothing);
        }
        _ => return Err("\"kind\" must be one of text, binary, ping, pong, frame, connecting, open, close, error, note".to_owned()),
    };
    Ok(Part::Record(Record {
        at,
        conn,
        dir: dir.unwrap_or(Dir::In),
        what,
    }))
}

/// A line of `--json`.
fn short(fields: Fields<'_>) -> Result<Part, String> {
    let dir = match fields.text("dir")? {
        Some("in") => Dir::In,
        Some("out") => Dir::Out,
        // What happened to the connection may have no direction.
        None => Dir::In,
        Some(_) => return Err("\"dir\" must be \"in\" or \"out\"".to_owned()),
    };
    let wrong = || "\"t\" must be a time in seconds since 1970, or an ISO 8601 time".to_owned();
    let at = match fields.get("t") {
        Some(Value::Number(number)) => number.as_f64().and_then(|t| from_number(t, 1e6)),
        Some(Value::String(text)) => from_iso(text),
        _ => None,
    }
    .ok_or_else(wrong)?;
    let is_base64 = fields.text("encoding")? == Some("base64");
    let data = || match is_base64 {
        true => Ok(fields.bytes("data")?.unwrap_or_default()),
        false => Ok::<_, String>(fields.text("data")?.unwrap_or_default().into()),
    };
    let what = match fields.text("op")?.unwrap_or_default() {
        "text" => What::Text(needed(fields.text("data")?)?.to_owned().into()),
        "binary" => What::Binary(needed(fields.bytes("data")?)?.into()),
        "ping" => What::Ping(data()?.into()),
        "pong" => What::Pong(data()?.into(), rtt(Some(fields))?),
        "close" | "closed" => What::Close {
            code: code(fields)?,
            reason: fields.text("reason")?.unwrap_or_default().to_owned().into(),
        },
        "open" => {
            let url = match fields.text("url")? {
                Some(url) => Some(url),
                None => fields.text("data")?,
            };
            What::Open(Cow::Owned(Opening {
                url: url.unwrap_or_default().to_owned(),
                subprotocol: fields.text("subprotocol")?.map(str::to_owned),
                ..Opening::default()
            }))
        }
        "" => return Err("\"op\" is missing".to_owned()),
        // Other lines tell a reader what a replay does not need.
        _ => return Ok(Part::Nothing),
    };
    let conn = fields.whole("conn", u32::MAX)?;
    Ok(Part::Record(Record { at, conn, dir, what }))
}

fn needed<T>(data: Option<T>) -> Result<T, String> {
    data.ok_or_else(|| "a message needs \"data\"".to_owned())
}

fn time_of_row(fields: Fields<'_>) -> Result<i64, String> {
    let at = match fields.get("at") {
        Some(Value::Number(number)) => number.as_f64().and_then(|at| from_number(at, 1e3)),
        Some(_) => None,
        None => fields.text("time")?.and_then(from_iso),
    };
    at.ok_or_else(|| {
        "\"at\" must be a time in milliseconds since 1970 (or \"time\" an ISO 8601 time)".to_owned()
    })
}

fn code(fields: Fields<'_>) -> Result<u16, String> {
    let code = fields.whole("code", u32::from(u16::MAX))?;
    Ok(code.and_then(|code| u16::try_from(code).ok()).unwrap_or(1005))
}

fn control(text: Option<&str>, bytes: Option<Vec<u8>>) -> Cow<'static, [u8]> {
    bytes
        .or_else(|| text.map(|text| text.as_bytes().to_vec()))
        .unwrap_or_default()
        .into()
}

fn rtt(fields: Option<Fields<'_>>) -> Result<Option<Duration>, String> {
    let Some(fields) = fields else {
        return Ok(None);
    };
    let rtt = fields.number("rtt_ms")?;
    Ok(rtt.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok()))
}

fn opening(detail: Option<Fields<'_>>) -> Result<Opening, String> {
    let Some(detail) = detail else {
        return Ok(Opening::default());
    };
    let some = |name| -> Result<Option<String>, String> {
        let text = detail.text(name)?.filter(|text| !text.is_empty());
        Ok(text.map(str::to_owned))
    };
    let head = |name| -> Result<Vec<(String, String)>, String> {
        let lines = detail.text(name)?.unwrap_or_default().lines();
        let pairs = lines.filter_map(|line| line.split_once(':'));
        Ok(pairs
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect())
    };
    Ok(Opening {
        subprotocol: some("protocol")?,
        compression: some("extensions")?,
        request: head("request")?,
        response: head("response")?,
        ..Opening::default()
    })
}

/// The first ws URL in a sentence.
fn url_in(text: &str) -> String {
    text.split_ascii_whitespace()
        .find(|word| word.starts_with("ws://") || word.starts_with("wss://"))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Part, String> {
        part(&value)
    }

    #[test]
    fn rows_and_short_lines_say_the_same() {
        let row = json!({"at": 1_767_323_045_678.125, "way": "in", "kind": "binary", "base64": "AAH/", "conn": 2});
        let short = json!({"t": 1_767_323_045.678125, "dir": "in", "op": "binary", "data": "AAH/", "conn": 2});
        let Part::Record(record) = read(row).unwrap() else {
            panic!("no record");
        };
        assert_eq!(record.at, 1_767_323_045_678_125);
        assert_eq!(record.what, What::Binary(vec![0, 1, 255].into()));
        assert_eq!(Part::Record(record), read(short).unwrap());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |more: Value| {
            let mut line = json!({"at": 1.0, "way": "in", "kind": "text", "text": "x"});
            line.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            line
        };
        for (line, expected) in [
            (json!([1]), "must be an object"),
            (json!({}), "\"way\" (or \"dir\") is missing"),
            (with(json!({"way": "up"})), "\"way\" must be"),
            (with(json!({"way": 3})), "\"way\" must be a text"),
            (with(json!({"kind": "constructor"})), "\"kind\" must be one of"),
            (with(json!({"at": "now"})), "\"at\" must be a time"),
            (with(json!({"at": 1e300})), "\"at\" must be a time"),
            (with(json!({"text": 5})), "\"text\" must be a text"),
            (with(json!({"text": null})), "a text message needs \"text\""),
            (with(json!({"kind": "binary"})), "a binary message needs"),
            (with(json!({"base64": "%%%"})), "\"base64\" must be base64"),
            (with(json!({"kind": "close", "code": -1})), "\"code\" must be"),
            (with(json!({"kind": "close", "code": 1.5})), "\"code\" must be"),
            (with(json!({"detail": []})), "\"detail\" must be an object"),
            (with(json!({"conn": 1e12})), "\"conn\" must be"),
            (json!({"dir": "in", "op": "text"}), "\"t\" must be a time"),
            (json!({"dir": "up", "op": "text", "t": 1}), "\"dir\" must be"),
            (json!({"dir": "in", "op": "text", "t": 1}), "needs \"data\""),
            (json!({"dir": "in", "t": 1}), "\"op\" is missing"),
        ] {
            let said = read(line.clone()).unwrap_err();
            assert!(said.starts_with(expected) || said.contains(expected), "{line}: {said}");
        }
    }
}
