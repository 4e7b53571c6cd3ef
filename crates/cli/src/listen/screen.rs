//! What an interactive server shows: above the line being typed, or payloads and status apart.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tidewire::Message;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::input;
use crate::term::prompt::{Prompt, Typed};
use crate::term::{self, Style};

/// The longest message shown on a terminal, in characters.
const SHOWN: usize = 64 * 1024;
/// Payloads that may wait for a reader of stdout.
const AHEAD: usize = 16;
/// How long the reader of stdout may take for the last of them.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where it is shown.
pub(super) enum Screen {
    /// A person types and reads.
    Terminal { prompt: Prompt, colour: bool },
    /// Payloads to stdout, the rest to stderr.
    Pipe {
        payloads: mpsc::Sender<Vec<u8>>,
        /// Resolves when the last has been written.
        done: oneshot::Receiver<()>,
        /// stdout is a terminal all the same.
        shown: bool,
        quiet: bool,
    },
}

/// Where the words come from.
pub(super) enum Words {
    Typed(mpsc::Receiver<Typed>),
    Lines(mpsc::Receiver<input::Line>),
}

/// stdout is not read any more.
pub(super) struct Gone;

impl Screen {
    /// The terminal, if stdin and stdout are one; else stdin, stdout and stderr as a pipe has them.
    ///
    /// # Errors
    /// When there is no line editor here.
    pub(super) fn open(quiet: bool) -> Result<(Self, Words), String> {
        let stdout = io::stdout();
        let shown = stdout.is_terminal();
        if io::stdin().is_terminal() && shown {
            let colour = term::colour_wanted(&stdout);
            let (prompt, typed) = Prompt::open()?;
            return Ok((Screen::Terminal { prompt, colour }, Words::Typed(typed)));
        }
        let (payloads, taken) = mpsc::channel(AHEAD);
        let (end, done) = oneshot::channel();
        std::thread::spawn(move || {
            write(taken);
            _ = end.send(());
        });
        let screen = Screen::Pipe {
            payloads,
            done,
            shown,
            quiet,
        };
        Ok((screen, Words::Lines(input::stdin())))
    }

    /// Shows what client `number` sent; waits while stdout is not read.
    pub(super) async fn message(&mut self, number: u64, message: &Message) -> Result<(), Gone> {
        match self {
            Screen::Terminal { prompt, colour } => {
                let who = term::paint(*colour, Style::Good, &format!("#{number}<"));
                let line = format!("{who} {}", readable(message));
                prompt.print(&line).map_err(|_| Gone)
            }
            Screen::Pipe {
                payloads, shown, ..
            } => {
                let payload = match message {
                    message if *shown => format!("#{number}< {}\n", readable(message)).into_bytes(),
                    Message::Text(text) => [text.as_bytes(), b"\n"].concat(),
                    Message::Binary(data) => data.to_vec(),
                };
                payloads.send(payload).await.map_err(|_| Gone)
            }
        }
    }

    /// Says what happened; nothing in it may drive a terminal.
    pub(super) fn status(&mut self, words: &str) {
        self.say(Style::Dim, &format!("* {words}"));
    }

    /// Says what is wrong.
    pub(super) fn wrong(&mut self, words: &str) {
        self.say(Style::Bad, words);
    }

    /// Says what was asked for.
    pub(super) fn answer(&mut self, words: &str) {
        if let Screen::Terminal { prompt, .. } = self {
            _ = prompt.print(words);
        }
    }

    fn say(&mut self, style: Style, words: &str) {
        match self {
            Screen::Terminal { prompt, colour } => {
                _ = prompt.print(&term::paint(*colour, style, words));
            }
            Screen::Pipe { quiet: true, .. } => {}
            Screen::Pipe { .. } => {
                let stderr = io::stderr();
                let line = term::paint(term::colour_wanted(&stderr), style, words);
                // Who closed stderr does not want to know.
                _ = stderr.lock().write_all(format!("{line}\n").as_bytes());
            }
        }
    }

    /// Gives the terminal back, or has the last payloads written.
    pub(super) async fn end(self) {
        match self {
            Screen::Terminal { prompt, .. } => prompt.end().await,
            Screen::Pipe { payloads, done, .. } => {
                drop(payloads);
                _ = timeout(LAST_WORDS, done).await;
            }
        }
    }
}

/// A message so that it cannot drive the terminal.
fn readable(message: &Message) -> String {
    match message {
        Message::Text(text) => term::block(text, SHOWN),
        Message::Binary(data) => format!("[binary {} B] {}", data.len(), term::hex(data, 64)),
    }
}

/// Writes payloads until there are no more, or nobody reads: a thread's work, as stdout may block.
fn write(mut payloads: mpsc::Receiver<Vec<u8>>) {
    let mut stdout = io::stdout().lock();
    while let Some(payload) = payloads.blocking_recv() {
        let written = stdout.write_all(&payload).and_then(|()| stdout.flush());
        if written.is_err() {
            return;
        }
    }
}
