//! One connection as an entry of a HAR file, as Chrome's developer tools and the tester write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::clock::{iso, micros, millis, seconds};
use super::model::{Dir, Opening, Record, What};
use super::rows::rows;

/// An entry that grows.
#[derive(Debug)]
pub(super) struct Entry {
    started: i64,
    last: i64,
    messages: usize,
    /// What Chrome has no place for, in the form of the tester's rows.
    events: Vec<String>,
    /// Bytes of those.
    weight: usize,
}

impl Entry {
    /// An entry that begins with `record`, of which `opening` is known; its head is appended.
    pub(super) fn begin(record: &Record<'_>, opening: &Opening, out: &mut String) -> Entry {
        let started = record.at.saturating_sub(micros(opening.took));
        out.push_str(&head(started, opening));
        Entry {
            started,
            last: record.at,
            messages: 0,
            events: Vec::new(),
            weight: 0,
        }
    }

    /// Takes a record in; a message's JSON is appended.
    pub(super) fn add(&mut self, record: &Record<'_>, out: &mut String) {
        self.last = self.last.max(record.at);
        match &record.what {
            What::Text(text) => self.message(record, 1, text, out),
            What::Binary(data) => self.message(record, 2, &STANDARD.encode(data), out),
            What::Open(_) | What::Ping(_) | What::Pong(..) | What::Close { .. } => {
                for mut row in rows(record) {
                    row.after = Some(self.messages);
                    // Memory cannot refuse, and every key is a text.
                    if let Ok(event) = serde_json::to_string(&row) {
                        self.weight += event.len();
                        self.events.push(event);
                    }
                }
            }
        }
    }

    /// How many bytes of it wait in memory for its end.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// What ends the entry, with all that its head could not know.
    pub(super) fn end(&self) -> String {
        format!(
            "],\"time\":{},\"_tidewireEvents\":[{}]}}",
            json!(millis((self.last - self.started).max(0))),
            self.events.join(",\n")
        )
    }

    fn message(&mut self, record: &Record<'_>, opcode: u8, data: &str, out: &mut String) {
        if self.messages > 0 {
            out.push_str(",\n");
        }
        self.messages += 1;
        let kind = match record.dir {
            Dir::In => "receive",
            Dir::Out => "send",
        };
        let message =
            json!({"type": kind, "time": seconds(record.at), "opcode": opcode, "data": data});
        out.push_str(&message.to_string());
    }
}

/// Everything up to the first message.
fn head(started: i64, opening: &Opening) -> String {
    let headers = |list: &[(String, String)]| -> Vec<Value> {
        list.iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect()
    };
    let head = json!({
        "startedDateTime": iso(started),
        "request": {
            "method": "GET", "url": opening.url, "httpVersion": "HTTP/1.1",
            "headers": headers(&opening.request), "queryString": [], "cookies": [],
            "headersSize": -1, "bodySize": 0,
        },
        "response": {
            "status": 101, "statusText": "Switching Protocols", "httpVersion": "HTTP/1.1",
            "headers": headers(&opening.response), "cookies": [],
            "content": {"size": 0, "mimeType": "x-unknown"}, "redirectURL": "",
            "headersSize": -1, "bodySize": -1,
        },
        "cache": {},
        "timings": {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": 0, "receive": 0},
        "_resourceType": "websocket",
    });
    let mut head = head.to_string();
    head.pop(); // the brace that ends it
    head + ",\"_webSocketMessages\":["
}
