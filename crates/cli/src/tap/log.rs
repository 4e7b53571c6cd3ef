//! What a tap shows of all connections, as lines for a person or of JSON, and what it records.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use tidewire::CloseCode;

use super::cut::Passed;
use crate::record::{self, Clock, Dir, Opening, Record, Recorder, What};
use crate::term::{self, Style, paint};

/// The longest part of a message that is shown, in characters.
const SHOWN: usize = 200;

/// The log of all connections.
#[derive(Debug)]
pub(super) struct Log {
    began: Instant,
    clock: Clock,
    json: bool,
    colour: bool,
    out: Vec<u8>,
    /// Nobody reads any more.
    gone: bool,
    recorder: Option<Recorder>,
    /// Why nothing is recorded any more.
    failed: bool,
}

impl Log {
    pub(super) fn new(json: bool, recorder: Option<Recorder>) -> Log {
        Log {
            began: Instant::now(),
            clock: Clock::new(),
            json,
            colour: term::colour_wanted(&io::stdout()),
            out: Vec::new(),
            gone: false,
            recorder,
            failed: false,
        }
    }

    /// A client has come.
    pub(super) fn connected(&mut self, conn: u32, name: &str, url: &str) {
        let words = format!("connected {} → {}", term::line(name, SHOWN), term::line(url, SHOWN));
        self.line(conn, Style::Good, &words);
    }

    /// The server said 101.
    pub(super) fn opened(&mut self, conn: u32, opening: &Opening) {
        let more = [&opening.subprotocol, &opening.compression]
            .map(|one| one.as_ref().map_or(String::new(), |one| format!(" · {}", term::line(one, SHOWN))));
        self.line(conn, Style::Good, &format!("open{}", more.concat()));
        let what = What::Open(std::borrow::Cow::Borrowed(opening));
        self.keep(conn, Dir::Out, what);
    }

    /// Something went by. `passed`: of a message, how.
    pub(super) fn saw(&mut self, conn: u32, dir: Dir, what: &What<'_>, passed: Option<Passed>) {
        if !self.json {
            let arrow = match dir {
                Dir::Out => "→",
                Dir::In => "←",
            };
            let fate = passed.map_or_else(String::new, told);
            let style = match (passed.is_some_and(|passed| passed.fate.lost), dir) {
                (true, _) => Style::Bad,
                (false, Dir::In) => Style::Good,
                (false, Dir::Out) => Style::Dim,
            };
            let arrow = paint(self.colour, style, arrow);
            self.print(conn, &format!("{arrow} {}{fate}", shown(what)));
        }
        // The first Close is the end, which `ended` tells with all that is known then.
        if !matches!(what, What::Close { .. }) {
            self.keep(conn, dir, what.clone());
        }
    }

    /// A connection that was open has ended, with `code` if a Close frame said one.
    pub(super) fn ended(&mut self, conn: u32, close: Option<(u16, String)>, counts: [u64; 2]) {
        let (code, reason) = close.unwrap_or((CloseCode::ABNORMAL.0, String::new()));
        let name = CloseCode(code).name();
        let style = if CloseCode(code).is_clean() { Style::Good } else { Style::Bad };
        let words = format!("ended {code} {name} · {} → · {} ←", counts[0], counts[1]);
        self.line(conn, style, &words);
        let reason = reason.into();
        self.keep(conn, Dir::In, What::Close { code, reason });
        self.flush();
    }

    /// Something about a connection that is no event of its conversation.
    pub(super) fn note(&mut self, conn: u32, style: Style, words: &str) {
        match self.json {
            false => self.line(conn, style, &term::line(words, 500)),
            // What is for people only.
            true => eprintln!("#{conn} {}", term::line(words, 500)),
        }
        self.flush();
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) {
        if !self.out.is_empty() {
            let mut stdout = io::stdout().lock();
            let written = stdout.write_all(&self.out).and_then(|()| stdout.flush());
            self.gone |= written.is_err();
            self.out.clear();
        }
        let flushed = match &mut self.recorder {
            Some(recorder) => flush(recorder),
            None => Ok(()),
        };
        self.judge(flushed);
    }

    /// Ends the recording. Whether all that was to be recorded was.
    pub(super) fn finish(&mut self) -> bool {
        self.flush();
        let finished = match &mut self.recorder {
            Some(recorder) => recorder.finish(),
            None => Ok(()),
        };
        self.judge(finished);
        !self.failed
    }

    /// Whether nobody reads the log, or nothing can be recorded.
    pub(super) fn is_over(&self) -> bool {
        self.gone || self.failed
    }

    fn keep(&mut self, conn: u32, dir: Dir, what: What<'_>) {
        let record = Record {
            at: self.clock.now(),
            conn: Some(conn),
            dir,
            what,
        };
        if self.json {
            record::line(&record, &mut self.out);
        }
        let kept = match &mut self.recorder {
            Some(recorder) => recorder.add(&record),
            None => Ok(()),
        };
        self.judge(kept);
    }

    fn judge(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            eprintln!("error: --record: the file cannot be written: {error}");
            self.recorder = None;
            self.failed = true;
        }
    }

    fn line(&mut self, conn: u32, style: Style, words: &str) {
        let words = paint(self.colour, style, words);
        self.print(conn, &words);
    }

    fn print(&mut self, conn: u32, words: &str) {
        if self.json {
            return;
        }
        let seconds = self.began.elapsed().as_secs_f64();
        let place = paint(self.colour, Style::Dim, &format!("{seconds:9.3} #{conn}"));
        // Memory does not refuse.
        _ = writeln!(self.out, "{place} {words}");
        if io::stdout().is_terminal() || self.out.len() > 64 * 1024 {
            self.flush();
        }
    }
}

fn flush(recorder: &mut Recorder) -> io::Result<()> {
    crate::connect::talk::Output::flush(recorder)
}

/// What befell a message, if that is worth telling.
fn told(passed: Passed) -> String {
    let mut words = Vec::new();
    if passed.compressed {
        words.push(format!("{} B deflated", passed.size));
    }
    if passed.frames > 1 {
        words.push(format!("{} frames", passed.frames));
    }
    if passed.fate.lost {
        words.push("dropped".to_owned());
    }
    if passed.fate.twice {
        words.push("sent twice".to_owned());
    }
    match words.is_empty() {
        true => String::new(),
        false => format!("  ({})", words.join(", ")),
    }
}

fn shown(what: &What<'_>) -> String {
    let control = |payload: &[u8]| match std::str::from_utf8(payload) {
        Ok(text) => term::line(text, SHOWN),
        Err(_) => term::hex(payload, 32),
    };
    let sized = |kind: &str, size: usize, payload: String| {
        format!("{kind} {size} B  {payload}").trim_end().to_owned()
    };
    match what {
        What::Text(text) => sized("text", text.len(), term::line(text, SHOWN)),
        What::Binary(data) => sized("binary", data.len(), term::hex(data, 32)),
        What::Ping(payload) => sized("ping", payload.len(), control(payload)),
        What::Pong(payload, _) => sized("pong", payload.len(), control(payload)),
        What::Close { code, reason } if reason.is_empty() => format!("close {code}"),
        What::Close { code, reason } => format!("close {code} \"{}\"", term::line(reason, SHOWN)),
        What::Open(_) => "open".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::Fate;
    use super::*;

    #[test]
    fn a_line_tells_what_and_how_and_drives_no_terminal() {
        assert_eq!(shown(&What::Text("a\u{1b}[2J\nb".into())), "text 7 B  a\\x1b[2J\\nb");
        assert_eq!(shown(&What::Text("".into())), "text 0 B");
        assert_eq!(shown(&What::Binary(vec![0, 255].into())), "binary 2 B  00 ff");
        assert_eq!(shown(&What::Ping(b"\xff"[..].into())), "ping 1 B  ff");
        let close = |reason: &'static str| What::Close { code: 4001, reason: reason.into() };
        assert_eq!(shown(&close("")), "close 4001");
        assert_eq!(shown(&close("\u{9b}x")), "close 4001 \"\\x9bx\"");
        let fate = Fate { lost: true, ..Fate::default() };
        let passed = Passed { compressed: true, frames: 3, size: 9, fate };
        assert_eq!(told(passed), "  (9 B deflated, 3 frames, dropped)");
        assert_eq!(told(Passed { frames: 1, ..Passed::default() }), "");
    }
}
