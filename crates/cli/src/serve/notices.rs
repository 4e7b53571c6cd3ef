//! What the hub tells while it runs: each thing once, and not too much of it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tidewire_hub::HubEvent;
use tokio::sync::mpsc;

use crate::term;

/// Different lines that are remembered: what comes after is not told.
const REMEMBERED: usize = 256;
/// Lines that are told in one [`WINDOW`].
const IN_WINDOW: u32 = 10;
const WINDOW: Duration = Duration::from_secs(10);
/// Longest line, in characters.
const SHOWN: usize = 400;

/// Takes events on any thread and hands over the lines that a person should see.
pub(super) struct Notices {
    told: Mutex<Told>,
    lines: mpsc::Sender<String>,
}

impl Notices {
    pub(super) fn new(lines: mpsc::Sender<String>) -> Self {
        Self {
            told: Mutex::default(),
            lines,
        }
    }

    pub(super) fn tell(&self, event: &HubEvent) {
        let now = Instant::now();
        let line = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                HubEvent::Denied { denied, .. } => told.once(denied.hint(), now),
                other => told.again(&other.to_string(), now),
            }
        };
        if let Some(line) = line {
            // A terminal that does not take them loses them.
            _ = self.lines.try_send(line);
        }
    }
}

/// What was told before.
#[derive(Debug, Default)]
struct Told {
    seen: BTreeSet<String>,
    window: Option<Instant>,
    in_window: u32,
}

impl Told {
    /// A line that is told the first time only. One that comes too fast may come again later.
    fn once(&mut self, line: String, now: Instant) -> Option<String> {
        if self.seen.contains(&line) || self.seen.len() >= REMEMBERED {
            return None;
        }
        let mut shown = self.again(&line, now)?;
        self.seen.insert(line);
        if self.seen.len() == REMEMBERED {
            shown.push_str(" (others that are denied from now on are not told)");
        }
        Some(shown)
    }

    /// A line that may be told often.
    fn again(&mut self, line: &str, now: Instant) -> Option<String> {
        let over = |begin: Instant| now.saturating_duration_since(begin) >= WINDOW;
        if self.window.is_none_or(over) {
            self.window = Some(now);
            self.in_window = 0;
        }
        if self.in_window >= IN_WINDOW {
            return None;
        }
        self.in_window += 1;
        Some(term::line(line, SHOWN))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tidewire_hub::{Config, Endpoint};

    #[test]
    fn each_origin_is_told_once_with_the_flag_that_admits_it() {
        let (sender, mut lines) = mpsc::channel(8);
        let notices = Notices::new(sender);
        let guard = Config::development().guard;
        for origin in [
            "https://app.example",
            "https://app.example",
            "https://b.example",
        ] {
            let denied = guard
                .judge(Endpoint::Hub, Some("localhost:4000"), Some(origin), false)
                .unwrap_err();
            let peer = ([127, 0, 0, 1], 1).into();
            notices.tell(&HubEvent::Denied { peer, denied });
        }
        let line = lines.try_recv().unwrap();
        assert!(line.ends_with("--origin https://app.example"), "{line}");
        let line = lines.try_recv().unwrap();
        assert!(line.ends_with("--origin https://b.example"), "{line}");
        assert!(lines.try_recv().is_err());
    }

    #[test]
    fn a_denial_is_told_once_and_memory_is_bounded() {
        let start = Instant::now();
        let mut told = Told::default();
        assert!(told.once("one".to_owned(), start).is_some());
        assert!(told.once("one".to_owned(), start).is_none());
        let mut shown = 1;
        let mut last = String::new();
        for number in 0..10_000u32 {
            let later = start + WINDOW * (number / 2 + 1);
            if let Some(line) = told.once(format!("number {number}"), later) {
                shown += 1;
                last = line;
            }
        }
        assert_eq!((shown, told.seen.len()), (REMEMBERED, REMEMBERED));
        assert!(last.contains("not told"), "{last}");
    }

    #[test]
    fn a_flood_is_cut_and_goes_on_later() {
        let start = Instant::now();
        let mut told = Told::default();
        let mut count = |now| {
            (0..100)
                .filter(|_| told.again("full", now).is_some())
                .count()
        };
        assert_eq!(count(start), IN_WINDOW as usize);
        assert_eq!(count(start + WINDOW / 2), 0);
        assert_eq!(count(start + WINDOW), IN_WINDOW as usize);
    }

    #[test]
    fn what_came_too_fast_is_not_taken_for_told() {
        let start = Instant::now();
        let mut told = Told::default();
        for number in 0..IN_WINDOW {
            told.once(format!("number {number}"), start);
        }
        assert!(told.once("late".to_owned(), start).is_none());
        assert!(told.once("late".to_owned(), start + WINDOW).is_some());
        let nasty = told.again("\u{1b}[2J\n", start + WINDOW);
        assert_eq!(nasty.as_deref(), Some("\\x1b[2J\\n"));
    }
}
