//! A record as a line of `--json`: short, for other programs.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::clock::seconds;
use super::model::{Dir, Opening, Record, What};

#[derive(Serialize)]
struct Line<'a> {
    t: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn: Option<u32>,
    dir: Dir,
    op: &'static str,
    data: Cow<'a, str>,
    #[serde(flatten)]
    more: More<'a>,
}

/// What only some kinds have.
#[derive(Serialize)]
#[serde(untagged)]
enum More<'a> {
    None {},
    /// The payload of a Ping or Pong that is no text.
    Bytes {
        encoding: &'static str,
    },
    Close {
        code: u16,
        reason: &'a str,
    },
    Open(Box<Opened<'a>>),
    Pong {
        rtt_ms: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        encoding: Option<&'static str>,
    },
}

#[derive(Serialize)]
struct Opened<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subprotocol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<&'a str>,
    took_ms: f64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    request: &'a [(String, String)],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    response: &'a [(String, String)],
}

/// Appends the line of `record`, with its line feed.
pub(crate) fn line(record: &Record<'_>, out: &mut Vec<u8>) {
    let (op, data, more) = match &record.what {
        What::Open(opening) => ("open", Cow::from(opening.url.as_str()), opened(opening)),
        What::Text(text) => ("text", Cow::from(&**text), More::None {}),
        What::Binary(data) => ("binary", STANDARD.encode(data).into(), More::None {}),
        What::Ping(payload) => match control(payload) {
            (data, None) => ("ping", data, More::None {}),
            (data, Some(encoding)) => ("ping", data, More::Bytes { encoding }),
        },
        What::Pong(payload, rtt) => {
            let (data, encoding) = control(payload);
            let more = match (rtt, encoding) {
                (Some(rtt), encoding) => More::Pong {
                    rtt_ms: rtt.as_micros() as f64 / 1e3,
                    encoding,
                },
                (None, Some(encoding)) => More::Bytes { encoding },
                (None, None) => More::None {},
            };
            ("pong", data, more)
        }
        What::Close { code, reason } => (
            "close",
            Cow::from(&**reason),
            More::Close {
                code: *code,
                reason,
            },
        ),
    };
    let line = Line {
        t: seconds(record.at),
        conn: record.conn,
        dir: record.dir,
        op,
        data,
        more,
    };
    let before = out.len();
    if serde_json::to_writer(&mut *out, &line).is_err() {
        // Memory cannot refuse, and every key is a text.
        out.truncate(before);
        return;
    }
    out.push(b'\n');
}

fn opened(opening: &Opening) -> More<'_> {
    More::Open(Box::new(Opened {
        subprotocol: opening.subprotocol.as_deref(),
        compression: opening.compression.as_deref(),
        took_ms: opening.took.as_micros() as f64 / 1e3,
        request: &opening.request,
        response: &opening.response,
    }))
}

/// A control frame's payload as text, or as base64 with a word that says so.
fn control(payload: &[u8]) -> (Cow<'_, str>, Option<&'static str>) {
    match std::str::from_utf8(payload) {
        Ok(text) => (text.into(), None),
        Err(_) => (STANDARD.encode(payload).into(), Some("base64")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    fn written(dir: Dir, what: What<'_>) -> String {
        let mut out = Vec::new();
        let record = Record {
            at: 1_790_000_000_123_456,
            conn: None,
            dir,
            what,
        };
        line(&record, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_kind_is_one_line() {
        for (dir, what, expected) in [
            (
                Dir::Out,
                What::Text("a\n\u{1b}\"".into()),
                r#""dir":"out","op":"text","data":"a\n\u001b\""}"#,
            ),
            (
                Dir::In,
                What::Binary(vec![0, 1, 255].into()),
                r#""dir":"in","op":"binary","data":"AAH/"}"#,
            ),
            (
                Dir::In,
                What::Ping(b"hi"[..].into()),
                r#""dir":"in","op":"ping","data":"hi"}"#,
            ),
            (
                Dir::In,
                What::Pong(b"\xff"[..].into(), Some(Duration::from_micros(1500))),
                r#""dir":"in","op":"pong","data":"/w==","rtt_ms":1.5,"encoding":"base64"}"#,
            ),
            (
                Dir::In,
                What::Close {
                    code: 4001,
                    reason: "bye".into(),
                },
                r#""dir":"in","op":"close","data":"bye","code":4001,"reason":"bye"}"#,
            ),
        ] {
            assert_eq!(
                written(dir, what),
                format!("{{\"t\":1790000000.123456,{expected}\n")
            );
        }
    }

    #[test]
    fn an_opening_tells_how() {
        let opening = Opening {
            url: "ws://h/".into(),
            request: vec![("Host".into(), "h".into())],
            took: Duration::from_millis(2),
            ..Opening::default()
        };
        let line = written(Dir::Out, What::Open(Cow::Owned(opening)));
        assert!(
            line.ends_with(
                r#""op":"open","data":"ws://h/","took_ms":2.0,"request":[["Host","h"]]}
"#
            ),
            "{line}"
        );
    }
}
