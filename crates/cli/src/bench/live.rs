//! The line on a terminal's stderr that tells how far a run has come, and Ctrl-C that ends it.

use std::io::{IsTerminal, Write};
use std::thread;
use std::time::{Duration, Instant};

use tidewire_load::{Live, Progress, Stop, units};

use crate::exit::{self, Exit};
use crate::signals::Signals;

/// Connections open fast: not each is worth a line.
const OFTEN: Duration = Duration::from_millis(100);

/// The line; nothing where stderr is no terminal.
#[derive(Debug)]
pub(crate) struct Line {
    watched: bool,
    /// Says which of several runs this is.
    title: String,
    told: Option<Instant>,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            watched: std::io::stderr().is_terminal(),
            title: String::new(),
            told: None,
        }
    }

    /// Says which of several runs follows.
    pub(crate) fn title(&mut self, title: String) {
        self.title = title;
    }

    pub(crate) fn show(&mut self, progress: &Progress) {
        if !self.watched {
            return;
        }
        let words = match progress {
            Progress::Connecting { open, of } => {
                if self.told.is_some_and(|told| told.elapsed() < OFTEN) && open < of {
                    return;
                }
                self.told = Some(Instant::now());
                format!("connecting: {open} of {of}")
            }
            Progress::WarmingUp => "warming up".to_owned(),
            Progress::Measuring(live) => second(live),
            Progress::Closing => "closing".to_owned(),
            _ => return,
        };
        print_over(&cut(&format!("{}{words}", self.title), columns()));
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if self.watched {
            print_over("");
        }
    }
}

fn second(live: &Live) -> String {
    let mut words = format!(
        "[{:>3}s of {}s] {} msg/s  {}/s  p50 {}  p99 {}  in flight {}",
        live.elapsed.as_secs(),
        live.of.as_secs(),
        units::count(live.rate),
        units::bytes(live.bytes),
        units::time(live.p50),
        units::time(live.p99),
        live.in_flight,
    );
    if live.errors > 0 {
        words += &format!("  errors {}", live.errors);
    }
    words + &format!("  client {:.0} %", live.busy * 100.0)
}

/// As much as fits on a line, or the next one could not replace it.
fn cut(words: &str, columns: usize) -> String {
    words.chars().take(columns.saturating_sub(1)).collect()
}

fn columns() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stderr())
        && size.ws_col > 0
    {
        return usize::from(size.ws_col);
    }
    80
}

/// Replaces the line that the last call left on the terminal.
fn print_over(words: &str) {
    let mut stderr = std::io::stderr().lock();
    _ = write!(stderr, "\r{words}\x1b[K").and_then(|()| stderr.flush());
}

/// The first Ctrl-C ends the measurement, the next one the program.
pub(crate) fn heed_interrupts(stop: Stop) {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let Ok(mut signals) = Signals::watch() else {
                return;
            };
            signals.next().await;
            stop.now();
            signals.next().await;
            exit::say("");
            std::process::exit(Exit::Interrupted as i32);
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_never_wraps() {
        assert_eq!(cut("connecting: 5 of 9", 11), "connecting");
        assert_eq!(cut("µµµ", 3), "µµ");
        assert_eq!(cut("abc", 0), "");
    }
}
