//! `--json`: each event of a conversation as a line of NDJSON.

use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tidewire::Message;

use super::talk::{Event, Opened};

/// Gives the lines, with a clock that never jumps.
#[derive(Debug)]
pub(super) struct Lines {
    url: String,
    began: Instant,
    at: Duration,
}

impl Lines {
    pub(super) fn new(url: &str) -> Lines {
        Lines {
            url: without_login(url),
            began: Instant::now(),
            at: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// The line of an event, without its line feed; None: it has none.
    pub(super) fn line(&self, event: &Event<'_>) -> Option<String> {
        let (dir, op, data, more) = match event {
            Event::Opened(opened) => ("out", "open", self.url.clone(), of_opened(opened)),
            Event::Received(message) => of_message("in", message),
            Event::Sent(message) => of_message("out", message),
            Event::Pinged(payload) => of_control("in", "ping", payload, None),
            Event::SentPing(payload) => of_control("out", "ping", payload, None),
            Event::Ponged(payload, rtt) => of_control("in", "pong", payload, *rtt),
            Event::Closed { code, reason, .. } => {
                let more = json!({"code": code.0, "reason": reason});
                ("in", "close", (*reason).to_owned(), more)
            }
            Event::Note(_) => return None,
        };
        let micros = (self.at + self.began.elapsed()).as_micros();
        let time = micros as f64 / 1e6;
        let mut line = format!(
            "{{\"t\":{time:.6},\"dir\":\"{dir}\",\"op\":\"{op}\",\"data\":{}",
            Value::from(data)
        );
        if let Value::Object(more) = more {
            for (name, value) in more {
                line += &format!(",{}:{value}", Value::from(name));
            }
        }
        Some(line + "}")
    }
}

type Parts = (&'static str, &'static str, String, Value);

fn of_message(dir: &'static str, message: &Message) -> Parts {
    match message {
        Message::Text(text) => (dir, "text", text.to_string(), Value::Null),
        Message::Binary(data) => (dir, "binary", STANDARD.encode(data), Value::Null),
    }
}

fn of_control(dir: &'static str, op: &'static str, payload: &[u8], rtt: Option<Duration>) -> Parts {
    let mut more = json!({});
    if let Some(rtt) = rtt {
        more["rtt_ms"] = json!(rtt.as_micros() as f64 / 1e3);
    }
    let data = match std::str::from_utf8(payload) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            more["encoding"] = json!("base64");
            STANDARD.encode(payload)
        }
    };
    (dir, op, data, more)
}

fn of_opened(opened: &Opened) -> Value {
    let mut more = json!({"took_ms": opened.took.as_micros() as f64 / 1e3});
    for (name, value) in [
        ("subprotocol", &opened.subprotocol),
        ("compression", &opened.compression),
    ] {
        if let Some(value) = value {
            more[name] = json!(value);
        }
    }
    more
}

/// A URL without its user and password.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Arc;
    use tidewire::CloseCode;

    #[test]
    fn each_event_is_one_line_that_can_be_read_back() {
        let lines = Lines::new("ws://u:p@h/x@y");
        let text = Message::from("a\n\u{1b}\"");
        let binary = Message::from(vec![0u8, 1, 255]);
        for (event, expected) in [
            (
                Event::Received(&text),
                r#""dir":"in","op":"text","data":"a\n\u001b\""}"#,
            ),
            (
                Event::Sent(&binary),
                r#""dir":"out","op":"binary","data":"AAH/"}"#,
            ),
            (
                Event::Pinged(b"hi"),
                r#""dir":"in","op":"ping","data":"hi"}"#,
            ),
            (
                Event::Ponged(b"\xff", Some(Duration::from_micros(1500))),
                r#""dir":"in","op":"pong","data":"/w==","encoding":"base64","rtt_ms":1.5}"#,
            ),
            (
                Event::Closed {
                    code: CloseCode(4001),
                    reason: "bye",
                    retry: None,
                },
                r#""dir":"in","op":"close","data":"bye","code":4001,"reason":"bye"}"#,
            ),
            (
                Event::Opened(&Arc::new(Opened::default())),
                r#""dir":"out","op":"open","data":"ws://h/x@y","took_ms":0.0}"#,
            ),
        ] {
            let line = lines.line(&event).unwrap();
            assert!(line.ends_with(&format!(",{expected}")), "{line}");
            let value: Value = serde_json::from_str(&line).unwrap();
            assert!(value["t"].as_f64().unwrap() > 1.7e9, "{line}");
            assert!(!line.contains('\n'));
        }
        assert!(lines.line(&Event::Note("x")).is_none());
    }
}
