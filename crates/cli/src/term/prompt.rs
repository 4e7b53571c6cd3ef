//! A line that is typed while other lines are shown above it: the prompt of the client and of the
//! interactive server.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustyline::config::BellStyle;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor, ExternalPrinter};
use tokio::sync::mpsc;

use super::editing::{self, Typist, Words};
use super::screen::{Phase, Plain, Screen};
use super::{elsewhere, history};

/// How often it is looked whether the last lines are on the screen, and how many times.
const LAST_WORDS: (Duration, u32) = (Duration::from_millis(5), 200);

/// Longer texts are not searched for keys, in bytes.
const LEARNED: usize = 64 * 1024;

/// What the user typed.
#[derive(Debug)]
pub(crate) enum Typed {
    /// One entry; may hold line feeds, if it was pasted or continued.
    Line(String),
    /// The terminal cannot be read; the sentence says why.
    Failed(String),
}

/// What a prompt knows beforehand.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    /// The file that keeps what was typed for later runs; see [`history::file`].
    pub(crate) history: Option<PathBuf>,
    /// What Tab completes at the start of an entry, with their `/`.
    pub(crate) commands: &'static [&'static str],
}

/// The prompt `> ` at the bottom of a terminal. The typed entries come through a channel, which ends
/// with Ctrl-C on an empty line or Ctrl-D.
pub(crate) struct Prompt {
    screen: Arc<Screen>,
    words: Arc<Mutex<Words>>,
    interrupted: Arc<AtomicBool>,
    typing: std::thread::JoinHandle<()>,
    modes: Modes,
}

impl Prompt {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is no line editor here; the sentence says why.
    pub(crate) fn open() -> Result<(Prompt, mpsc::Receiver<Typed>), String> {
        Prompt::open_with(Habits::default())
    }

    /// The same, with habits.
    ///
    /// # Errors
    /// As [`Prompt::open`].
    pub(crate) fn open_with(habits: Habits) -> Result<(Prompt, mpsc::Receiver<Typed>), String> {
        let wrong = |error: ReadlineError| format!("no line editor here: {error}");
        let modes = Modes::save();
        let config = Config::builder()
            .max_history_size(history::ENTRIES)
            .map_err(wrong)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            // The editor then asks us what to draw; whether in colour is decided by us.
            .color_mode(ColorMode::Forced)
            .build();
        let entries = FileHistory::with_config(&config);
        let mut editor = Editor::with_history(config, entries).map_err(wrong)?;
        if let Some(path) = &habits.history {
            history::load(editor.history_mut(), path);
        }
        let (phase, mut printer): (Phase, Box<dyn ExternalPrinter + Send>) =
            match editor.create_external_printer() {
                Ok(printer) => (Phase::Between, Box::new(printer)),
                // A terminal without cursor movement: lines come and go as they may.
                Err(_) if super::is_dumb() => (Phase::Free, Box::new(Plain)),
                Err(error) => return Err(wrong(error)),
            };
        let screen = Screen::new(phase);
        let words = Arc::new(Mutex::new(Words {
            commands: habits.commands,
            ..Words::default()
        }));
        let elsewhere = Arc::new(AtomicBool::new(false));
        for (key, does) in editing::keys(&screen, &elsewhere) {
            editor.bind_sequence(key, does);
        }
        editor.set_helper(Some(Typist {
            screen: Arc::clone(&screen),
            words: Arc::clone(&words),
        }));
        let (sender, typed) = mpsc::channel(16);
        let interrupted = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            editor,
            screen: Arc::clone(&screen),
            history: habits.history,
            elsewhere,
            interrupted: Arc::clone(&interrupted),
            to: sender,
        };
        let printing = Arc::clone(&screen);
        std::thread::spawn(move || printing.print(&mut *printer));
        let prompt = Prompt {
            screen,
            words,
            interrupted,
            typing: std::thread::spawn(move || reader.run()),
            modes,
        };
        Ok((prompt, typed))
    }

    /// Shows `lines` above the line being typed; what comes from a peer must have been escaped.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn print(&mut self, lines: &str) -> io::Result<()> {
        self.screen.show(format!("{lines}\n"))
    }

    /// Lets Tab complete the keys of this JSON text from now on, unless it is very long.
    pub(crate) fn learn(&self, text: &str) {
        if text.len() > LEARNED {
            return;
        }
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.learn(text);
    }

    /// Whether it was Ctrl-C that ended the entries.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Shows what has not been shown, and gives the terminal back as it was.
    pub(crate) async fn end(self) {
        let (pause, times) = LAST_WORDS;
        for _ in 0..times {
            if self.screen.is_done() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        if !self.typing.is_finished() {
            self.modes.restore();
        }
    }
}

/// The thread that reads the keyboard.
struct Reader {
    editor: Editor<Typist, FileHistory>,
    screen: Arc<Screen>,
    history: Option<PathBuf>,
    /// Ctrl-O was pressed.
    elsewhere: Arc<AtomicBool>,
    interrupted: Arc<AtomicBool>,
    to: mpsc::Sender<Typed>,
}

impl Reader {
    /// Reads entries until Ctrl-C, Ctrl-D or the end of the session.
    fn run(mut self) {
        let mut begun = String::new();
        loop {
            let entry = self.editor.readline_with_initial("> ", (&begun, ""));
            begun.clear();
            match entry {
                Ok(line) if self.elsewhere.swap(false, Ordering::Relaxed) => {
                    begun = self.write_elsewhere(editing::typed(&line));
                }
                Ok(line) => {
                    let line = editing::typed(&line);
                    history::add(self.editor.history_mut(), &line, self.history.as_deref());
                    if self.to.blocking_send(Typed::Line(line)).is_err() {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) => {
                    self.interrupted.store(true, Ordering::Relaxed);
                    break;
                }
                Err(ReadlineError::Eof) => break,
                Err(error) => {
                    let sentence = format!("cannot read the terminal: {error}");
                    _ = self.to.blocking_send(Typed::Failed(sentence));
                    break;
                }
            }
        }
        self.screen.enter(Phase::Free);
    }

    /// Gives the terminal to the user's own editor; what was written is then the entry being typed.
    fn write_elsewhere(&mut self, entry: String) -> String {
        self.screen.enter(Phase::Away);
        let written = elsewhere::write(&entry);
        let (entry, trouble) = match written {
            Ok(entry) => (entry, None),
            Err(sentence) => (entry, Some(sentence)),
        };
        self.screen.enter(Phase::Between);
        if let Some(sentence) = trouble {
            _ = self.screen.show(format!("* {sentence}\n"));
        }
        entry
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
