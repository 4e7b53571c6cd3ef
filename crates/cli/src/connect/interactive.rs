//! The client on a terminal: what arrives is shown above the line being typed.

use std::io::{self, Write};
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor, ExternalPrinter};
use tidewire::{Message, WebSocket};
use tokio::sync::mpsc;

use super::session::{self, After, Input, Output};
use super::status;
use crate::exit::Exit;
use crate::term::{self, Style};

/// The longest message shown, in characters.
const SHOWN: usize = 64 * 1024;

/// How long the line editor has to show the last message when the server hangs up in the middle
/// of a typed line.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Talks until the user leaves (Ctrl-C, Ctrl-D) or the server closes.
pub(super) async fn run(ws: WebSocket) -> Exit {
    let modes = Modes::save();
    let config = Config::builder().auto_add_history(true).build();
    let history = MemHistory::with_config(&config);
    let editor: rustyline::Result<Editor<(), MemHistory>> = Editor::with_history(config, history);
    let editor = editor.and_then(|mut editor| {
        let printer = editor.create_external_printer()?;
        Ok((editor, printer))
    });
    let (editor, printer) = match editor {
        Ok(both) => both,
        Err(error) => return status::error(Exit::Local, &format!("no line editor here: {error}")),
    };
    let (sender, input) = mpsc::channel(16);
    let typing = std::thread::spawn(move || read_lines(editor, &sender));
    let colour = term::colour_wanted(&io::stdout());
    let end = session::run(ws, input, &mut Terminal { printer, colour }, After::Close).await;

    if !typing.is_finished() {
        tokio::time::sleep(LAST_WORDS).await;
        modes.restore();
    }
    if let Some(line) = end.line {
        eprintln!("{line}");
    }
    end.exit
}

/// Reads lines until Ctrl-C, Ctrl-D or the end of the session.
fn read_lines(mut editor: Editor<(), MemHistory>, to: &mpsc::Sender<Input>) {
    loop {
        match editor.readline("> ") {
            Ok(line) => {
                if to.blocking_send(Input::Line(line)).is_err() {
                    return;
                }
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return,
            Err(error) => {
                _ = to.blocking_send(Input::Failed(format!("cannot read the terminal: {error}")));
                return;
            }
        }
    }
}

struct Terminal<P> {
    printer: P,
    colour: bool,
}

impl<P: ExternalPrinter> Output for Terminal<P> {
    fn message(&mut self, message: &Message) -> io::Result<()> {
        let shown = match message {
            Message::Text(text) => term::block(text, SHOWN),
            Message::Binary(data) => format!("[binary {} B] {}", data.len(), term::hex(data, 64)),
        };
        let arrow = term::paint(self.colour, Style::Good, "<");
        self.printer
            .print(format!("{arrow} {shown}\n"))
            .map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
