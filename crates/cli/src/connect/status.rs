//! What the client says of a connection while it lasts, as lines for stderr or above a prompt.

use std::time::{Duration, SystemTime};

use tidewire::CloseCode;

use super::talk::{Event, Opened};
use super::wire::millis;
use crate::term;

/// How much is to be told.
#[derive(Debug, Clone, Default)]
pub(super) struct Teller {
    /// `-v`: 1 the handshake, 2 each frame.
    pub(super) verbose: u8,
    /// `-q`: nothing.
    pub(super) quiet: bool,
    /// `-P`: Pings and Pongs.
    pub(super) pings: bool,
    /// Whether subprotocols were offered.
    pub(super) offered: bool,
    /// How often it is tried to connect again; None: without end.
    pub(super) attempts: Option<u32>,
}

impl Teller {
    /// The lines for an event, all of them fit for a terminal. Messages are not told here.
    pub(super) fn lines(&self, event: &Event<'_>) -> Vec<String> {
        if self.quiet {
            return Vec::new();
        }
        match event {
            Event::Opened(opened) => self.opened(opened),
            Event::Pinged(payload) if self.pings => vec![format!("* ping {}", quoted(payload))],
            Event::SentPing(payload) if self.pings => {
                vec![format!("* sent ping {}", quoted(payload))]
            }
            Event::Ponged(payload, rtt) if self.pings => vec![pong(payload, *rtt)],
            Event::Closed {
                code,
                retry: Some((wait, attempt)),
                ..
            } => vec![self.lost(*code, *wait, *attempt)],
            Event::Note(line) => vec![(*line).to_owned()],
            _ => Vec::new(),
        }
    }

    fn opened(&self, opened: &Opened) -> Vec<String> {
        let mut lines = Vec::new();
        if self.verbose > 0 {
            lines.extend_from_slice(&opened.steps);
        }
        match opened.again {
            None => lines.push("Connected (press CTRL+C to quit)".to_owned()),
            Some(again) => {
                let mut line = format!("* {} connected, {} down", clock(), millis(again.down));
                match again.greetings {
                    0 => {}
                    1 => line += ", 1 message sent again from --on-connect",
                    n => line += &format!(", {n} messages sent again from --on-connect"),
                }
                lines.push(line);
            }
        }
        match &opened.subprotocol {
            Some(name) => lines.push(format!("subprotocol: {}", term::line(name, 100))),
            None if self.offered => {
                lines.push("subprotocol: none; the server chose none of those offered".to_owned());
            }
            None => {}
        }
        if self.verbose > 0 {
            let how = opened.compression.as_deref().unwrap_or("no compression");
            lines.push(format!("* open after {}, {how}", millis(opened.took)));
        }
        lines
    }

    fn lost(&self, code: CloseCode, wait: Duration, attempt: u32) -> String {
        let of = self.of();
        format!(
            "* {} closed {} ({}); reconnecting in {} ({attempt}/{of})",
            clock(),
            code.0,
            code.name(),
            seconds(wait)
        )
    }

    /// The line for an attempt that failed, and is made again.
    pub(super) fn failed(&self, error: &str, wait: Duration, attempt: u32) -> String {
        format!(
            "* {} {}; trying again in {} ({attempt}/{})",
            clock(),
            term::line(error, 200),
            seconds(wait),
            self.of()
        )
    }

    fn of(&self) -> String {
        self.attempts.map_or("∞".to_owned(), |n| n.to_string())
    }
}

fn seconds(wait: Duration) -> String {
    format!("{:.1} s", wait.as_secs_f64())
}

/// `* pong "hello" 0.9 ms`.
pub(super) fn pong(payload: &[u8], rtt: Option<Duration>) -> String {
    match rtt {
        Some(rtt) => format!("* pong {} {}", quoted(payload), millis(rtt)),
        None => format!("* pong {} (unasked)", quoted(payload)),
    }
}

fn quoted(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) => format!("\"{}\"", term::line(text, 130)),
        Err(_) => term::hex(payload, 130),
    }
}

/// The time of day, in UTC: `12:01:07.113Z`.
fn clock() -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let day = now.as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:03}Z",
        day / 3600,
        day / 60 % 60,
        day % 60,
        now.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::talk::Again;
    use std::sync::Arc;

    #[test]
    fn a_loss_and_its_end_are_told_with_figures() {
        let teller = Teller::default();
        let lost = teller.lines(&Event::Closed {
            code: CloseCode::ABNORMAL,
            reason: "",
            retry: Some((Duration::from_millis(500), 1)),
        });
        assert!(
            lost[0].ends_with("Z closed 1006 (abnormal closure); reconnecting in 0.5 s (1/∞)"),
            "{lost:?}"
        );
        let opened = Arc::new(Opened {
            again: Some(Again {
                down: Duration::from_millis(527),
                greetings: 2,
            }),
            ..Opened::default()
        });
        let back = teller.lines(&Event::Opened(&opened));
        assert!(
            back[0].ends_with("connected, 527 ms down, 2 messages sent again from --on-connect"),
            "{back:?}"
        );
    }

    #[test]
    fn pings_are_told_if_asked_for_and_cannot_drive_a_terminal() {
        let event = Event::Ponged(b"\x1b[2J", Some(Duration::from_micros(900)));
        assert!(Teller::default().lines(&event).is_empty());
        let teller = Teller {
            pings: true,
            ..Teller::default()
        };
        assert_eq!(teller.lines(&event), ["* pong \"\\x1b[2J\" 0.9 ms"]);
        assert_eq!(teller.lines(&Event::Pinged(&[0xff, 0])), ["* ping ff 00"]);
        let quiet = Teller {
            quiet: true,
            ..teller
        };
        assert!(quiet.lines(&event).is_empty());
    }
}
