//! A line that is typed while other lines are shown above it: the prompt of the client and of the
//! interactive server.

use std::io::{self, Write};
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor, ExternalPrinter};
use tokio::sync::mpsc;

/// How long the line editor has to show the last line when a session ends in the middle of a typed
/// one.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What the user typed.
#[derive(Debug)]
pub(crate) enum Typed {
    /// One entry; may hold line feeds, if it was pasted or continued.
    Line(String),
    /// The terminal cannot be read; the sentence says why.
    Failed(String),
}

/// The prompt `> ` at the bottom of a terminal. The typed entries come through a channel, which ends
/// with Ctrl-C on an empty line or Ctrl-D.
pub(crate) struct Prompt {
    printer: Box<dyn ExternalPrinter + Send>,
    typing: std::thread::JoinHandle<()>,
    modes: Modes,
}

impl Prompt {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is no line editor here; the sentence says why.
    pub(crate) fn open() -> Result<(Prompt, mpsc::Receiver<Typed>), String> {
        let wrong =
            |error: rustyline::error::ReadlineError| format!("no line editor here: {error}");
        let modes = Modes::save();
        let config = Config::builder().auto_add_history(true).build();
        let history = MemHistory::with_config(&config);
        let mut editor: Editor<(), MemHistory> =
            Editor::with_history(config, history).map_err(wrong)?;
        let printer = editor.create_external_printer().map_err(wrong)?;
        let (sender, typed) = mpsc::channel(16);
        let typing = std::thread::spawn(move || read_lines(editor, &sender));
        let prompt = Prompt {
            printer: Box::new(printer),
            typing,
            modes,
        };
        Ok((prompt, typed))
    }

    /// Shows `lines` above the line being typed; what comes from a peer must have been escaped.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn print(&mut self, lines: &str) -> io::Result<()> {
        self.printer
            .print(format!("{lines}\n"))
            .map_err(io::Error::other)
    }

    /// Gives the terminal back as it was.
    pub(crate) async fn end(self) {
        if !self.typing.is_finished() {
            tokio::time::sleep(LAST_WORDS).await;
            self.modes.restore();
        }
    }
}

/// Reads lines until Ctrl-C, Ctrl-D or the end of the session.
fn read_lines(mut editor: Editor<(), MemHistory>, to: &mpsc::Sender<Typed>) {
    loop {
        match editor.readline("> ") {
            Ok(line) => {
                if to.blocking_send(Typed::Line(line)).is_err() {
                    return;
                }
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return,
            Err(error) => {
                _ = to.blocking_send(Typed::Failed(format!("cannot read the terminal: {error}")));
                return;
            }
        }
    }
}

/// The terminal's modes before the line editor took it. The editor puts them back when its line
/// ends; when the session ends first, we do.
struct Modes {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Modes {
    fn save() -> Modes {
        Modes {
            #[cfg(unix)]
            before: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }

    fn restore(&self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            use rustix::termios::{OptionalActions, tcsetattr};
            _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
        // Bracketed paste off, and the typed line away.
        let mut stdout = io::stdout().lock();
        _ = stdout
            .write_all(b"\x1b[?2004l\r\x1b[K")
            .and_then(|()| stdout.flush());
    }
}
