//! What `tidewire echo` tells a person at the terminal about its clients.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidewire::{CloseCode, Event};

use crate::term::{self, Style};

/// Longest part of a message that is shown, in characters.
const SHOWN: usize = 100;

/// The log on stderr. It exists only when stderr is a terminal and `--quiet` was not given.
#[derive(Debug)]
pub(super) struct Log {
    colour: bool,
    clients: AtomicU64,
}

impl Log {
    /// The log, if anybody is there to read it.
    pub(super) fn new(quiet: bool) -> Option<Arc<Log>> {
        let stderr = std::io::stderr();
        (!quiet && stderr.is_terminal()).then(|| {
            Arc::new(Log {
                colour: term::colour_wanted(&stderr),
                clients: AtomicU64::new(0),
            })
        })
    }

    /// Logs a client that has come, and gives the log of what it does.
    pub(super) fn connected(self: &Arc<Self>, peer: SocketAddr, path: &str) -> ClientLog {
        let number = self.clients.fetch_add(1, Ordering::Relaxed) + 1;
        let client = ClientLog {
            log: self.clone(),
            number,
        };
        client.say(
            Style::Good,
            "client connected",
            &format!(" ({peer}, {})", term::line(path, SHOWN)),
        );
        client
    }

    /// Logs somebody who came and did not become a client.
    pub(super) fn turned_away(&self, peer: SocketAddr, why: &str) {
        let words = term::paint(self.colour, Style::Bad, "no connection");
        print(&format!("{words} with {peer}: {}\n", term::line(why, 300)));
    }

    /// Logs a sentence about the server itself.
    pub(super) fn note(&self, words: &str) {
        print(&format!(
            "{}\n",
            term::paint(self.colour, Style::Dim, words)
        ));
    }
}

/// The log of one client.
#[derive(Debug)]
pub(super) struct ClientLog {
    log: Arc<Log>,
    number: u64,
}

impl ClientLog {
    /// Logs a message: a text cut to a line, with nothing in it that could drive the terminal; of
    /// a binary one the size and the first bytes.
    pub(super) fn received(&self, event: &Event<'_>) {
        let shown = match event {
            Event::Text(text) => term::line(text, SHOWN),
            Event::Binary(data) => format!("[binary {} B] {}", data.len(), term::hex(data, 16)),
            _ => return,
        };
        self.say(Style::Dim, "received:", &format!(" {shown}"));
    }

    /// Logs the end, with the code that ended it and what the code means.
    pub(super) fn disconnected(&self, code: CloseCode, reason: &str) {
        let style = if code.is_clean() {
            Style::Good
        } else {
            Style::Bad
        };
        let reason = match term::line(reason, SHOWN) {
            reason if reason.is_empty() => String::new(),
            reason => format!(", \"{reason}\""),
        };
        let rest = format!(" ({}, {}{reason})", code.0, code.name());
        self.say(style, "client disconnected", &rest);
    }

    fn say(&self, style: Style, words: &str, rest: &str) {
        let colour = self.log.colour;
        let number = term::paint(colour, Style::Dim, &format!("#{}", self.number));
        print(&format!(
            "{number} {}{rest}\n",
            term::paint(colour, style, words)
        ));
    }
}

/// One write a line, so that the lines of several threads do not mix. A terminal that is gone is
/// nobody's concern.
fn print(line: &str) {
    _ = std::io::stderr().lock().write_all(line.as_bytes());
}
