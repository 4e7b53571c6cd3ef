//! What is to be shown above the line being typed: a bounded queue, and the thread that empties it.
//!
//! Whoever shows something never waits long: while the line editor is busy (it searches, it lists, an
//! external editor runs), lines are kept up to a bound, and beyond it the oldest are dropped and
//! counted.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustyline::ExternalPrinter;

/// Bytes that wait at most.
const WAITING: usize = 512 * 1024;

/// Bytes that are shown at once: the typed line is drawn anew after each.
const AT_ONCE: usize = 32 * 1024;

/// So long is waited for room before lines are dropped.
const PATIENCE: Duration = Duration::from_millis(30);

/// So long a line editor is waited for that is about to show its prompt.
const BETWEEN: Duration = Duration::from_millis(300);

/// What the line editor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has taken an entry and will soon show its prompt again.
    Between,
    /// It shows its prompt, and what is printed goes above it.
    Editing,
    /// Another program has the terminal.
    Away,
    /// There is no line editor, or it has ended.
    Free,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<String>,
    bytes: usize,
    dropped: u64,
    phase: Phase,
    /// The printer has lines in hand.
    busy: bool,
    /// Nothing was shown though there was no room: not waited for again.
    stuck: bool,
    /// The terminal is gone.
    gone: bool,
    /// How often the prompt was drawn, and how often when the last lines were given to the editor.
    drawn: u64,
    drawn_before: u64,
}

/// Shared by whoever shows, the printing thread and the line editor.
#[derive(Debug)]
pub(super) struct Screen {
    state: Mutex<State>,
    changed: Condvar,
}

impl Screen {
    pub(super) fn new(phase: Phase) -> Arc<Screen> {
        Arc::new(Screen {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                bytes: 0,
                dropped: 0,
                phase,
                busy: false,
                stuck: false,
                gone: false,
                drawn: 0,
                drawn_before: 0,
            }),
            changed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows `lines` soon; they end in a line feed.
    pub(super) fn show(&self, lines: String) -> io::Result<()> {
        let mut state = self.lock();
        if state.bytes + lines.len() > WAITING && !state.stuck {
            let full = |state: &mut State| state.bytes + lines.len() > WAITING && !state.gone;
            state = self
                .changed
                .wait_timeout_while(state, PATIENCE, |state| full(state))
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
        if state.gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.bytes += lines.len();
        state.waiting.push_back(lines);
        while state.bytes > WAITING && state.waiting.len() > 1 {
            state.stuck = true;
            state.dropped += 1;
            let oldest = state.waiting.pop_front().unwrap_or_default();
            state.bytes -= oldest.len();
        }
        self.changed.notify_all();
        Ok(())
    }

    /// The line editor does something else now.
    pub(super) fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
        self.changed.notify_all();
    }

    /// The line editor has drawn its prompt, below all that it was given.
    pub(super) fn drawn(&self) {
        let mut state = self.lock();
        state.drawn += 1;
        if state.phase == Phase::Between {
            state.phase = Phase::Editing;
        }
        self.changed.notify_all();
    }

    /// Whether all that was to be shown is on the screen, or never will be.
    pub(super) fn is_done(&self) -> bool {
        let state = self.lock();
        let drawn = state.phase != Phase::Editing || state.drawn > state.drawn_before;
        state.gone || (state.waiting.is_empty() && !state.busy && drawn)
    }

    /// Empties the queue, for ever.
    pub(super) fn print(&self, printer: &mut dyn ExternalPrinter) {
        loop {
            let batch = self.take();
            let shown = printer.print(batch.clone()).is_ok() || directly(&batch).is_ok();
            let mut state = self.lock();
            state.busy = false;
            state.stuck = false;
            state.gone = !shown;
            self.changed.notify_all();
            if !shown {
                return;
            }
        }
    }

    /// Waits for something to show, and for the moment to show it.
    fn take(&self) -> String {
        let mut state = self.lock();
        let mut since: Option<Instant> = None;
        loop {
            let wait = match state.phase {
                _ if state.waiting.is_empty() => BETWEEN,
                Phase::Editing | Phase::Free => break,
                Phase::Away => BETWEEN,
                Phase::Between => {
                    let until = *since.get_or_insert_with(Instant::now) + BETWEEN;
                    match until.checked_duration_since(Instant::now()) {
                        Some(left) if !left.is_zero() => left,
                        _ => break,
                    }
                }
            };
            state = self
                .changed
                .wait_timeout(state, wait)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
        let mut batch = String::new();
        if state.dropped > 0 {
            batch = format!(
                "* not shown: {} entries that came faster than the terminal took them\n",
                state.dropped
            );
            state.dropped = 0;
        }
        while let Some(lines) = state.waiting.pop_front() {
            state.bytes -= lines.len();
            batch.push_str(&lines);
            if batch.len() >= AT_ONCE {
                break;
            }
        }
        state.busy = true;
        state.drawn_before = state.drawn;
        self.changed.notify_all();
        batch
    }
}

/// Without a line editor, or after it.
fn directly(lines: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines.as_bytes())?;
    stdout.flush()
}

/// Prints where there is no line editor.
pub(super) struct Plain;

impl ExternalPrinter for Plain {
    fn print(&mut self, lines: String) -> rustyline::Result<()> {
        Ok(directly(&lines)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Paper(Arc<Mutex<Vec<String>>>);

    impl ExternalPrinter for Paper {
        fn print(&mut self, lines: String) -> rustyline::Result<()> {
            self.0.lock().unwrap().push(lines);
            Ok(())
        }
    }

    fn wait_for(screen: &Screen) {
        let end = Instant::now() + Duration::from_secs(20);
        while !screen.is_done() {
            assert!(Instant::now() < end, "{screen:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn a_flood_is_bounded_while_nothing_can_be_shown_and_the_latest_stays() {
        let screen = Screen::new(Phase::Away);
        let paper = Arc::new(Mutex::new(Vec::new()));
        let (printing, mut printer) = (Arc::clone(&screen), Paper(Arc::clone(&paper)));
        std::thread::spawn(move || printing.print(&mut printer));
        let line = |n: usize| format!("{n:06}{}\n", "x".repeat(1000));
        for n in 0..5000 {
            screen.show(line(n)).unwrap();
        }
        assert!(screen.lock().bytes <= WAITING);
        assert!(paper.lock().unwrap().is_empty());
        screen.enter(Phase::Free);
        wait_for(&screen);
        let paper = paper.lock().unwrap();
        let all = paper.concat();
        assert!(all.starts_with("* not shown: "), "{}", &all[..80]);
        assert!(all.ends_with(&line(4999)));
        assert!(all.len() <= WAITING + 100);
        assert!(paper.iter().all(|batch| batch.len() < AT_ONCE + 2000));
        assert!(
            paper.len() < 30,
            "lines are shown together: {}",
            paper.len()
        );
    }

    #[test]
    fn one_huge_entry_is_shown_and_order_is_kept() {
        let screen = Screen::new(Phase::Free);
        screen.show("first\n".into()).unwrap();
        screen.show("y".repeat(WAITING * 2)).unwrap();
        assert_eq!(
            screen.take(),
            "* not shown: 1 entries that came faster than the terminal took them\n".to_owned()
                + &"y".repeat(WAITING * 2)
        );
        screen.show("a\n".into()).unwrap();
        screen.show("b\n".into()).unwrap();
        assert_eq!(screen.take(), "a\nb\n");
    }

    #[test]
    fn between_two_entries_the_prompt_is_waited_for() {
        let screen = Screen::new(Phase::Between);
        screen.show("answer\n".into()).unwrap();
        let other = Arc::clone(&screen);
        let taking = std::thread::spawn(move || {
            let batch = other.take();
            (batch, other.lock().phase)
        });
        screen.drawn();
        assert_eq!(
            taking.join().unwrap(),
            ("answer\n".to_owned(), Phase::Editing)
        );
        assert!(!screen.is_done(), "not before the prompt is drawn below it");
    }
}
