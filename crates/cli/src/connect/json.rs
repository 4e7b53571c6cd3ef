//! `--json`: each event of a conversation as a line of NDJSON.

use super::talk::Event;
use crate::record::{self, Clock, Opening, Record, What};

/// Gives the lines, with a clock that never jumps.
#[derive(Debug)]
pub(super) struct Lines {
    /// Without what gives access.
    url: String,
    clock: Clock,
}

impl Lines {
    pub(super) fn new(url: &str) -> Lines {
        Lines {
            url: record::bare(url),
            clock: Clock::new(),
        }
    }

    /// The line of an event, with its line feed; None: it has none.
    pub(super) fn line(&self, event: &Event<'_>) -> Option<Vec<u8>> {
        let (dir, what) = What::of(event, |opened| Opening {
            url: self.url.clone(),
            subprotocol: opened.subprotocol.clone(),
            compression: opened.compression.clone(),
            took: opened.took,
            ..Opening::default()
        })?;
        let mut line = Vec::new();
        let at = self.clock.now();
        let conn = None;
        record::line(
            &Record {
                at,
                conn,
                dir,
                what,
            },
            &mut line,
        );
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use serde_json::Value;
    use tidewire::{CloseCode, Message};

    use super::super::talk::Opened;
    use super::*;

    #[test]
    fn each_event_is_one_line_that_can_be_read_back() {
        let lines = Lines::new("ws://u:p@h/x@y?token=t0p&a=1");
        let text = Message::from("a\n\u{1b}\"");
        let (code, reason) = (CloseCode(4001), "bye");
        for (event, expected) in [
            (
                Event::Received(&text),
                r#""dir":"in","op":"text","data":"a\n\u001b\""}"#,
            ),
            (
                Event::SentPing(b"hi"),
                r#""dir":"out","op":"ping","data":"hi"}"#,
            ),
            (
                Event::Closed {
                    code,
                    reason,
                    retry: None,
                },
                r#""dir":"in","op":"close","data":"bye","code":4001,"reason":"bye"}"#,
            ),
            (
                Event::Opened(&Arc::new(Opened {
                    request: b"GET / HTTP/1.1\r\nAuthorization: x\r\n\r\n".to_vec(),
                    ..Opened::default()
                })),
                r#""dir":"out","op":"open","data":"ws://h/x@y?token=redacted&a=1","took_ms":0.0}"#,
            ),
        ] {
            let line = String::from_utf8(lines.line(&event).unwrap()).unwrap();
            assert!(line.ends_with(&format!(",{expected}\n")), "{line}");
            let value: Value = serde_json::from_str(&line).unwrap();
            assert!(value["t"].as_f64().unwrap() > 1.7e9, "{line}");
            assert_eq!(line.lines().count(), 1);
        }
        assert!(lines.line(&Event::Note("x")).is_none());
    }
}
