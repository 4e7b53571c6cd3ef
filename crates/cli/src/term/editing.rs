//! How the line editor behaves: when an entry goes on, what its keys do, what Tab completes, and what
//! is drawn in place of characters that would drive the terminal.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ConditionalEventHandler, Context, Event, EventContext, EventHandler, Helper, KeyCode,
    KeyEvent, Modifiers, Movement, RepeatCount,
};
use unicode_width::UnicodeWidthChar;

use super::screen::{Phase, Screen};
use super::{drives_terminal, json};

/// Begins each further line of an entry in the editor's buffer. The editor counts it as two columns,
/// and [`Typist::highlight`] draws `… ` there; it never leaves this module.
const MARK: char = '\u{3fffd}';

/// Keys of JSON that are remembered, and the longest.
const KEYS: usize = 1000;
const LONGEST_KEY: usize = 64;

/// What Tab knows.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// With their `/`.
    pub(super) commands: &'static [&'static str],
    pub(super) keys: BTreeSet<String>,
}

impl Words {
    /// Learns the keys of a JSON text, up to a bound.
    pub(super) fn learn(&mut self, text: &str) {
        for key in json::keys(text) {
            if self.keys.len() >= KEYS {
                return;
            }
            let fits = (1..=LONGEST_KEY).contains(&key.len());
            if fits && !key.chars().any(drives_terminal) && !self.keys.contains(key) {
                self.keys.insert(key.to_owned());
            }
        }
    }

    /// What can stand from where, for an entry up to the cursor.
    fn complete(&self, before: &str) -> (usize, Vec<Pair>) {
        if before.starts_with('/') && !before.starts_with("//") {
            let Some((command, _)) = before.split_once(' ') else {
                let found = self.commands.iter().filter(|name| name.starts_with(before));
                return (
                    0,
                    found.map(|name| pair(name, format!("{name} "))).collect(),
                );
            };
            let argument = command.len() + 1;
            return match command {
                "/file" | "/save" | "/record" => paths(before, argument),
                "/bin" if before[argument..].starts_with('@') => paths(before, argument + 1),
                _ => (argument, Vec::new()),
            };
        }
        let Some(quote) = before.rfind('"') else {
            return (before.len(), Vec::new());
        };
        let start = &before[quote + 1..];
        let found = self.keys.range(start.to_owned()..);
        let found = found.take_while(|key| key.starts_with(start));
        (
            quote + 1,
            found.map(|key| pair(key, format!("{key}\":"))).collect(),
        )
    }
}

fn pair(display: &str, replacement: String) -> Pair {
    Pair {
        display: display.to_owned(),
        replacement,
    }
}

/// The files and folders whose path can go on what is typed from `from`.
fn paths(before: &str, from: usize) -> (usize, Vec<Pair>) {
    let (folder, start) = match before[from..].rfind('/') {
        Some(at) => before[from..].split_at(at + 1),
        None => ("", &before[from..]),
    };
    let place = match folder {
        "" => std::path::PathBuf::from("."),
        folder => super::path(folder),
    };
    let Ok(entries) = std::fs::read_dir(place) else {
        return (from, Vec::new());
    };
    let mut found: Vec<Pair> = entries
        .take(10_000)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let mut name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !start.starts_with('.');
            if hidden || !name.starts_with(start) || name.chars().any(drives_terminal) {
                return None;
            }
            if entry.path().is_dir() {
                name.push('/');
            }
            Some(pair(&name, format!("{folder}{name}")))
        })
        .collect();
    found.sort_by(|a, b| a.display.cmp(&b.display));
    (from, found)
}

/// What the editor asks while somebody types.
pub(super) struct Typist {
    pub(super) screen: Arc<Screen>,
    pub(super) words: Arc<Mutex<Words>>,
}

impl Helper for Typist {}

impl Hinter for Typist {
    type Hint = String;
}

impl Completer for Typist {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(words.complete(&line[..pos]))
    }
}

impl Validator for Typist {
    /// Asked only where there are no keys to bind: on a terminal without cursor movement.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_open(context.input()) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

impl Highlighter for Typist {
    /// Always as wide as the editor believes `line` to be.
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let plain = |c: char| c != MARK && (c == '\n' || c == '\t' || !drives_terminal(c));
        if line.chars().all(plain) {
            return line.into();
        }
        let mut out = String::with_capacity(line.len());
        for c in line.chars() {
            match c {
                MARK => out.push_str("… "),
                c if plain(c) => out.push(c),
                c => out.extend(std::iter::repeat_n('?', c.width().unwrap_or(0))),
            }
        }
        out.into()
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        self.screen.drawn();
        prompt.into()
    }
}

/// Whether an entry goes on after Enter. An empty line ends it as it is.
fn is_open(line: &str) -> bool {
    let line = typed(line);
    !line.ends_with('\n') && json::goes_on(&line)
}

/// What was typed, without what only the editor needs.
pub(super) fn typed(line: &str) -> String {
    line.replace(MARK, "")
}

/// A key that does what the editor alone does not.
pub(super) enum Key {
    /// Takes the entry, or goes on to its next line.
    Enter(Arc<Screen>),
    /// Goes on to the next line.
    NewLine,
    /// Clears the entry; when it is empty, leaves.
    Clear,
    /// Takes the entry to be written in another program.
    Elsewhere(Arc<AtomicBool>),
}

impl ConditionalEventHandler for Key {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, at: &EventContext<'_>) -> Option<Cmd> {
        let new_line = || Some(Cmd::Insert(1, format!("\n{MARK}")));
        match self {
            Key::Enter(_) if is_open(at.line()) => new_line(),
            Key::Enter(screen) => {
                screen.enter(Phase::Between);
                Some(Cmd::AcceptLine)
            }
            Key::NewLine => new_line(),
            Key::Clear if at.line().is_empty() => Some(Cmd::Interrupt),
            Key::Clear => Some(Cmd::Kill(Movement::WholeBuffer)),
            Key::Elsewhere(wanted) => {
                wanted.store(true, Ordering::Relaxed);
                Some(Cmd::AcceptLine)
            }
        }
    }
}

/// The keys of `help/keys.txt` that the editor does not know by itself.
pub(super) fn keys(
    screen: &Arc<Screen>,
    elsewhere: &Arc<AtomicBool>,
) -> Vec<(KeyEvent, EventHandler)> {
    let bound = |key| EventHandler::Conditional(Box::new(key));
    let enter = || bound(Key::Enter(Arc::clone(screen)));
    vec![
        (KeyEvent(KeyCode::Enter, Modifiers::NONE), enter()),
        (KeyEvent::ctrl('J'), enter()),
        (
            KeyEvent(KeyCode::Enter, Modifiers::ALT),
            bound(Key::NewLine),
        ),
        (KeyEvent::ctrl('C'), bound(Key::Clear)),
        (
            KeyEvent::ctrl('O'),
            bound(Key::Elsewhere(Arc::clone(elsewhere))),
        ),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn typist() -> Typist {
        let words = Words {
            commands: &["/ping", "/pong", "/close"],
            ..Words::default()
        };
        Typist {
            screen: Screen::new(Phase::Editing),
            words: Arc::new(Mutex::new(words)),
        }
    }

    #[test]
    fn what_is_drawn_drives_nothing_and_is_as_wide_as_counted() {
        let typist = typist();
        for (line, drawn) in [
            ("plain ä 漢", "plain ä 漢"),
            ("{\n\u{3fffd}\"a\":1}", "{\n… \"a\":1}"),
            ("a\x1b]0;x\x07\u{9b}2J\u{202e}b", "a]0;x2Jb"),
            ("a\u{2028}b", "a?b"),
        ] {
            assert_eq!(typist.highlight(line, 0), drawn);
            let width = |text: &str| {
                text.chars()
                    .filter_map(UnicodeWidthChar::width)
                    .sum::<usize>()
            };
            assert_eq!(width(line), width(drawn), "{line:?}");
        }
    }

    #[test]
    fn an_entry_goes_on_and_an_empty_line_ends_it() {
        assert!(is_open("{\n\u{3fffd}\"a\": ["));
        assert!(!is_open("{\n\u{3fffd}\"a\": [1]}"));
        assert!(!is_open("[not JSON\n\u{3fffd}"));
        assert!(!is_open("/ping {"));
        assert_eq!(typed("{\n\u{3fffd}1\n\u{3fffd}"), "{\n1\n");
    }

    #[test]
    fn tab_knows_commands_keys_and_files() {
        let mut words = Words {
            commands: &["/ping", "/pong", "/close"],
            ..Words::default()
        };
        words.learn(r#"{"type":"x","time":1,"\u001b[2J":2,"":3}"#);
        words.learn("{\"\u{202e}evil\":1}");
        words.learn("no json");
        let complete = |words: &Words, before: &str| -> (usize, Vec<String>) {
            let (from, found) = words.complete(before);
            (
                from,
                found.into_iter().map(|pair| pair.replacement).collect(),
            )
        };
        assert_eq!(
            complete(&words, "/p"),
            (0, vec!["/ping ".into(), "/pong ".into()])
        );
        assert_eq!(complete(&words, "//p").1, [""; 0]);
        assert_eq!(complete(&words, "/ping x").1, [""; 0]);
        assert_eq!(
            complete(&words, "{\"a\":1,\"t"),
            (8, vec!["time\":".into(), "type\":".into()])
        );
        assert_eq!(words.keys.len(), 3, "{words:?}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a b.txt"), "").unwrap();
        std::fs::create_dir(folder.path().join("a dir")).unwrap();
        let start = format!("{}/", folder.path().display());
        let found = complete(&words, &format!("/bin @{start}a"));
        assert_eq!(
            found,
            (6, vec![format!("{start}a b.txt"), format!("{start}a dir/")])
        );
        assert_eq!(complete(&words, "/file /no/such/place/x").1, [""; 0]);
    }

    #[test]
    fn a_peer_cannot_make_tab_remember_without_end() {
        let mut words = Words::default();
        for n in 0..3000 {
            words.learn(&format!("{{\"key{n}\":1,\"{}\":1}}", "x".repeat(100 + n)));
        }
        assert_eq!(words.keys.len(), KEYS);
    }
}
