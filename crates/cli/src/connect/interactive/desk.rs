//! What the prompt, the conversation and the commands share: it shows every event above the line
//! being typed, and remembers what commands ask for later.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidewire::Message;

use super::journal::Journal;
use super::view::{Moments, View, Way, span, time_of_day};
use crate::connect::status::{Teller, pong};
use crate::connect::talk::{Event, Opened, Output};
use crate::record::Recorder;
use crate::term::prompt::Prompt;
use crate::term::{self, Style};

/// Lines of each head of the handshake that `/headers` shows.
const HEAD: usize = 8 * 1024;

/// The state of a conversation on a terminal.
pub(super) struct Desk {
    prompt: Prompt,
    teller: Teller,
    pub(super) view: View,
    pub(super) journal: Journal,
    moments: Moments,
    /// What is sent must be JSON.
    pub(super) strict: bool,
    opened: Option<Arc<Opened>>,
    /// The connection is lost, and the next attempt has not succeeded.
    lost: bool,
    /// Entries that are on the screen as they were typed, and not sent yet.
    typed: usize,
    /// Pings of `/ping` whose Pongs are to be shown.
    asked: u32,
    /// `/record`.
    recorder: Option<(Recorder, PathBuf)>,
}

impl Desk {
    pub(super) fn new(prompt: Prompt, view: View, teller: Teller) -> Desk {
        Desk {
            teller,
            prompt,
            view,
            journal: Journal::default(),
            moments: Moments::new(),
            strict: false,
            opened: None,
            lost: false,
            typed: 0,
            asked: 0,
            recorder: None,
        }
    }

    /// The conversation is over: shows the rest, ends a recording, gives the terminal back.
    pub(super) async fn end(mut self) {
        if self.recorder.is_some() {
            match self.record(None) {
                Ok(line) => self.note(&line),
                Err(sentence) => self.trouble(&sentence),
            }
        }
        self.prompt.end().await;
    }

    /// Whether there is no connection now.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether it was Ctrl-C that ended what is typed.
    pub(super) fn is_interrupted(&self) -> bool {
        self.prompt.is_interrupted()
    }

    /// Shows lines that are fit for a terminal.
    pub(super) fn show(&mut self, lines: &str) -> io::Result<()> {
        self.prompt.print(lines)
    }

    /// Shows a line of our own; that the terminal is gone is found out elsewhere.
    pub(super) fn note(&mut self, text: &str) {
        let line = self.view.note(text);
        _ = self.show(&line);
    }

    /// Shows why a command was not done.
    pub(super) fn trouble(&mut self, sentence: &str) {
        let line = self.view.error(sentence);
        _ = self.show(&line);
    }

    /// The next message sent is on the screen already.
    pub(super) fn typed(&mut self) {
        self.typed += 1;
    }

    /// So many Pongs are waited for.
    pub(super) fn asked(&mut self, pings: u32) {
        self.asked = self.asked.saturating_add(pings);
    }

    /// Shows an event, and records it.
    pub(super) fn tell(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.on_record(|recorder| recorder.tell(event));
        let lines = self.teller.lines(event);
        if !lines.is_empty() {
            self.show(&lines.join("\n"))?;
        }
        match event {
            Event::Opened(opened) => {
                self.opened = Some(Arc::clone(opened));
                self.lost = false;
                self.moments = Moments::new();
                self.asked = 0;
            }
            Event::Received(message) => {
                if let Some(text) = message.as_text() {
                    self.prompt.learn(text);
                }
                self.journal.add(Way::In, message);
                if self.view.passes(message) {
                    self.message(Way::In, message)?;
                }
            }
            Event::Sent(message) => {
                self.journal.add(Way::Out, message);
                match self.typed.checked_sub(1) {
                    Some(fewer) => {
                        self.typed = fewer;
                        self.moments.stamp(self.view.time);
                    }
                    None => self.message(Way::Out, message)?,
                }
            }
            Event::Ponged(payload, Some(trip)) => {
                self.journal.trip(*trip);
                if let Some(fewer) = self.asked.checked_sub(1) {
                    self.asked = fewer;
                    if lines.is_empty() {
                        self.show(&pong(payload, Some(*trip)))?;
                    }
                }
            }
            Event::Closed { retry, .. } => self.lost = retry.is_some(),
            _ => {}
        }
        Ok(())
    }

    /// Writes what is recorded.
    pub(super) fn flush(&mut self) {
        self.on_record(Output::flush);
    }

    /// A recording that cannot be written ends, and the conversation goes on.
    fn on_record(&mut self, write: impl FnOnce(&mut Recorder) -> io::Result<()>) {
        let Some((recorder, path)) = &mut self.recorder else {
            return;
        };
        if let Err(error) = write(recorder) {
            let shown = term::line(&path.display().to_string(), 200);
            self.recorder = None;
            self.trouble(&format!(
                "/record: cannot write {shown}: {error}; it has ended"
            ));
        }
    }

    /// Begins a recording or ends one; says which was ended.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn record(&mut self, next: Option<(Recorder, PathBuf)>) -> Result<String, String> {
        let begins = next.is_some();
        let before = std::mem::replace(&mut self.recorder, next);
        if begins && let Some(opened) = self.opened.clone() {
            self.on_record(|recorder| recorder.tell(&Event::Opened(&opened)));
        }
        let Some((mut recorder, path)) = before else {
            return match begins {
                true => Ok(String::new()),
                false => Err("/record stop: nothing is being recorded".to_owned()),
            };
        };
        let shown = term::line(&path.display().to_string(), 200);
        match recorder.finish() {
            Ok(()) => Ok(format!("recorded to {shown}")),
            Err(error) => Err(format!("/record: cannot write {shown}: {error}")),
        }
    }

    /// `/clear`.
    pub(super) fn clear(&mut self) {
        match term::is_dumb() {
            true => self.trouble("/clear: this terminal has no way to be cleared"),
            false => _ = self.show("\x1b[H\x1b[2J\x1b[3J"),
        }
    }

    fn message(&mut self, way: Way, message: &Message) -> io::Result<()> {
        let time = self.moments.stamp(self.view.time);
        let shown = self.view.message(way, message, &time, term::columns());
        self.show(&shown)
    }

    /// `/last`.
    pub(super) fn last(&mut self, count: usize) {
        let columns = term::columns();
        let lines: Vec<String> = self
            .journal
            .last(count)
            .map(|kept| {
                self.view
                    .message(kept.way, &kept.message, &time_of_day(kept.at), columns)
            })
            .collect();
        match lines.is_empty() {
            true => self.note("nothing came or went"),
            false => _ = self.show(&lines.join("\n")),
        }
    }

    /// `/headers`.
    pub(super) fn headers(&mut self) {
        let Some(opened) = self.opened.clone() else {
            return self.note("nothing is known of the handshake");
        };
        let dim = |text: &str| term::paint(self.view.colour, Style::Dim, text);
        let mut lines = Vec::new();
        for (arrow, head) in [(">", &opened.request), ("<", &opened.response)] {
            let text = String::from_utf8_lossy(&head[..head.len().min(HEAD)]).into_owned();
            let head = text.lines().filter(|line| !line.is_empty());
            lines.extend(head.map(|line| format!("{} {}", dim(arrow), term::line(line, 1000))));
        }
        let known = [
            opened.address.map(|address| format!("address {address}")),
            opened
                .tls
                .as_ref()
                .map(|tls| format!("TLS {}", term::line(tls, 200))),
            opened
                .subprotocol
                .as_ref()
                .map(|name| format!("subprotocol {}", term::line(name, 100))),
            Some(match &opened.compression {
                Some(compression) => term::line(compression, 200),
                None => "no compression".to_owned(),
            }),
            Some(format!("open after {}", span(opened.took))),
        ];
        let known: Vec<String> = known.into_iter().flatten().collect();
        lines.push(self.view.note(&known.join(" · ")));
        _ = self.show(&lines.join("\n"));
    }

    /// `/stats`.
    pub(super) fn stats(&mut self) {
        let mut lines = vec![format!("open for {}", span(self.moments.opened.elapsed()))];
        lines.extend(self.journal.stats());
        let lines: Vec<String> = lines.iter().map(|line| self.view.note(line)).collect();
        _ = self.show(&lines.join("\n"));
    }

    /// `/save`: all that is kept, in a file that was not there.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn save(&self, path: &Path, url: &str) -> Result<String, String> {
        let shown = term::line(&path.display().to_string(), 200);
        if path.exists() {
            return Err(format!(
                "/save: {shown} is there already; choose another name"
            ));
        }
        let mut recorder = Recorder::create(path, url, false)
            .map_err(|error| error.replacen("--record", "/save", 1))?;
        let mut count = 0;
        let mut write = || {
            for record in self.journal.records() {
                recorder.add(&record)?;
                count += 1;
            }
            recorder.finish()
        };
        match write() {
            Ok(()) => Ok(format!("{count} messages written to {shown}")),
            Err(error) => Err(format!("/save: cannot write {shown}: {error}")),
        }
    }
}
