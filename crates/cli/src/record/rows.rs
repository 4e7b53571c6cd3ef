//! Records as rows of the tester's log: the lines of an NDJSON recording, and the events of a HAR.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::clock::{iso, micros, millis};
use super::model::{Dir, Opening, Record, What};

/// One row, with the fields that the tester knows, and `conn` that it passes over.
#[derive(Debug, Serialize)]
pub(super) struct Row<'a> {
    at: f64,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn: Option<u32>,
    way: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    detail: Map<String, Value>,
    /// In a HAR: behind how many messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<usize>,
}

impl<'a> Row<'a> {
    fn new(at: i64, conn: Option<u32>, way: &'static str, kind: &'static str) -> Row<'a> {
        Row {
            at: millis(at),
            time: iso(at),
            conn,
            way,
            kind,
            text: None,
            base64: None,
            code: None,
            reason: None,
            detail: Map::new(),
            after: None,
        }
    }

    fn text(mut self, text: impl Into<Cow<'a, str>>) -> Row<'a> {
        self.text = Some(text.into());
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Row<'a> {
        self.base64 = Some(STANDARD.encode(bytes));
        self
    }

    /// A control frame's payload: text if it is text.
    fn payload(self, payload: &'a [u8]) -> Row<'a> {
        match std::str::from_utf8(payload) {
            Ok(text) => self.text(text),
            Err(_) => self.bytes(payload),
        }
    }
}

/// The rows of a record: one, but two of an opening.
pub(super) fn rows<'a>(record: &'a Record<'_>) -> Vec<Row<'a>> {
    let way = match record.dir {
        Dir::In => "in",
        Dir::Out => "out",
    };
    let row = |way, kind| Row::new(record.at, record.conn, way, kind);
    vec![match &record.what {
        What::Open(opening) => return opened(record.at, record.conn, opening).into(),
        What::Text(text) => row(way, "text").text(&**text),
        What::Binary(data) => row(way, "binary").bytes(data),
        What::Ping(payload) => row(way, "ping").payload(payload),
        What::Pong(payload, rtt) => {
            let mut row = row(way, "pong").payload(payload);
            if let Some(rtt) = rtt {
                row.detail
                    .insert("rtt_ms".to_owned(), json!(millis(micros(*rtt))));
            }
            row
        }
        What::Close { code, reason } => {
            let name = tidewire::CloseCode(*code).name();
            let mut row = row("event", "close").text(format!("Closed: {code} {name}"));
            row.code = Some(*code);
            row.reason = Some(reason);
            row
        }
    }]
}

fn opened<'a>(at: i64, conn: Option<u32>, opening: &Opening) -> [Row<'a>; 2] {
    let started = at.saturating_sub(micros(opening.took));
    let mut connecting = Row::new(started, conn, "event", "connecting")
        .text(format!("Connecting to {}", opening.url));
    connecting
        .detail
        .insert("url".to_owned(), json!(opening.url));
    let mut open = Row::new(at, conn, "event", "open").text("Open");
    let heads = |list: &[(String, String)]| {
        let lines: Vec<String> = list
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    };
    for (name, value) in [
        ("protocol", opening.subprotocol.clone()),
        ("extensions", opening.compression.clone()),
        ("request", heads(&opening.request)),
        ("response", heads(&opening.response)),
    ] {
        if let Some(value) = value {
            open.detail.insert(name.to_owned(), value.into());
        }
    }
    [connecting, open]
}

/// Appends the lines of `record`, each with its line feed.
pub(super) fn lines(record: &Record<'_>, out: &mut Vec<u8>) {
    for row in rows(record) {
        let before = out.len();
        // Memory cannot refuse, and every key is a text.
        match serde_json::to_writer(&mut *out, &row) {
            Ok(()) => out.push(b'\n'),
            Err(_) => out.truncate(before),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    const AT: i64 = 1_767_323_045_678_125;

    fn written(what: What<'_>) -> String {
        let mut out = Vec::new();
        let record = Record {
            at: AT,
            conn: None,
            dir: Dir::In,
            what,
        };
        lines(&record, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_kind_is_a_row_as_the_tester_writes_it() {
        for (what, expected) in [
            (
                What::Text("a\n\u{1b}\"".into()),
                r#""way":"in","kind":"text","text":"a\n\u001b\""}"#,
            ),
            (
                What::Binary(vec![0, 1, 255].into()),
                r#""way":"in","kind":"binary","base64":"AAH/"}"#,
            ),
            (
                What::Ping(b"hi"[..].into()),
                r#""way":"in","kind":"ping","text":"hi"}"#,
            ),
            (
                What::Pong(b"\xff"[..].into(), Some(Duration::from_micros(1500))),
                r#""way":"in","kind":"pong","base64":"/w==","detail":{"rtt_ms":1.5}}"#,
            ),
            (
                What::Close {
                    code: 1000,
                    reason: "bye".into(),
                },
                r#""way":"event","kind":"close","text":"Closed: 1000 normal closure","code":1000,"reason":"bye"}"#,
            ),
        ] {
            assert_eq!(
                written(what),
                format!(
                    "{{\"at\":1767323045678.125,\"time\":\"2026-01-02T03:04:05.678Z\",{expected}\n"
                )
            );
        }
    }

    #[test]
    fn an_opening_is_what_the_tester_shows_of_one() {
        let opening = Opening {
            url: "ws://h/".into(),
            request: vec![("Host".into(), "h".into()), ("X".into(), "1".into())],
            subprotocol: Some("v2".into()),
            took: Duration::from_millis(2),
            ..Opening::default()
        };
        let both = written(What::Open(Cow::Owned(opening)));
        let (connecting, open) = both.split_once('\n').unwrap();
        assert!(
            connecting.starts_with("{\"at\":1767323045676.125,")
                && connecting.ends_with(
                    r#""way":"event","kind":"connecting","text":"Connecting to ws://h/","detail":{"url":"ws://h/"}}"#
                ),
            "{connecting}"
        );
        assert!(
            open.ends_with(
                "\"kind\":\"open\",\"text\":\"Open\",\"detail\":{\"protocol\":\"v2\",\"request\":\"Host: h\\nX: 1\"}}\n"
            ),
            "{open}"
        );
    }
}
