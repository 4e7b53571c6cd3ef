//! The client in a pipe: payloads on stdout and nothing else there, status on stderr.

use std::io::{self, BufWriter, Stdout, Write};

use tidewire::Message;
use tokio::sync::mpsc;

use super::json::Lines;
use super::link::Link;
use super::plan::Plan;
use super::session;
use super::status::Teller;
use super::talk::{Event, Input, Output};
use crate::args::ConnectArgs;
use crate::exit::{self, Exit};
use crate::term;

/// The longest message shown on a terminal, in characters.
const SHOWN: usize = 64 * 1024;

/// Talks to the end of `input` and beyond it as the plan says.
pub(super) async fn run(
    link: Link,
    plan: Plan,
    input: mpsc::Receiver<Input>,
    form: Form,
    to_terminal: bool,
) -> Exit {
    let teller = plan.teller.clone();
    let quiet = teller.quiet;
    let mut out = Plain {
        stdout: BufWriter::with_capacity(64 * 1024, io::stdout()),
        form,
        to_terminal,
        teller,
    };
    let end = session::run(link, plan, input, &mut out).await;
    // What could not be written is not tried again when this is dropped.
    _ = out.stdout.into_parts();
    end.say(quiet)
}

/// How messages are written.
#[derive(Debug)]
pub(super) enum Form {
    /// A text and a line feed; the bytes of a binary message as they are.
    Plain {
        /// Line feeds within a text become spaces.
        oneline: bool,
        /// A line feed behind binary messages too.
        all: bool,
    },
    /// Payloads, and nothing in between.
    Raw,
    /// A NUL behind each message.
    Nul,
    /// A line of JSON for each event.
    Json(Lines),
}

impl Form {
    pub(super) fn of(args: &ConnectArgs, url: &str) -> Form {
        match args {
            _ if args.json => Form::Json(Lines::new(url)),
            _ if args.null => Form::Nul,
            _ if args.binary => Form::Raw,
            _ => Form::Plain {
                oneline: args.oneline,
                all: args.text,
            },
        }
    }
}

struct Plain<W: Write = Stdout> {
    stdout: BufWriter<W>,
    form: Form,
    to_terminal: bool,
    teller: Teller,
}

impl<W: Write> Plain<W> {
    fn message(&mut self, message: &Message) -> io::Result<()> {
        if self.to_terminal {
            return writeln!(self.stdout, "{}", shown(message));
        }
        let bytes = message.as_bytes();
        match (&self.form, message) {
            (Form::Plain { oneline: true, .. }, Message::Text(text)) => {
                let text = text.replace("\r\n", " ").replace(['\r', '\n'], " ");
                self.stdout.write_all(text.as_bytes())?;
                self.stdout.write_all(b"\n")
            }
            (Form::Plain { all, .. }, message) => {
                self.stdout.write_all(bytes)?;
                match *all || message.is_text() {
                    true => self.stdout.write_all(b"\n"),
                    false => Ok(()),
                }
            }
            (Form::Nul, _) => {
                self.stdout.write_all(bytes)?;
                self.stdout.write_all(&[0])
            }
            (Form::Raw | Form::Json(_), _) => self.stdout.write_all(bytes),
        }
    }
}

/// A message so that it cannot drive the terminal.
fn shown(message: &Message) -> String {
    match message {
        Message::Text(text) => term::block(text, SHOWN),
        Message::Binary(data) => format!("[binary {} B] {}", data.len(), term::hex(data, 256)),
    }
}

impl<W: Write> Output for Plain<W> {
    fn tell(&mut self, event: &Event<'_>) -> io::Result<()> {
        let status = self.teller.lines(event);
        if !status.is_empty() {
            // What came before it stands before it, if both are seen in one place.
            self.stdout.flush()?;
            status.iter().for_each(|line| exit::say(line));
        }
        match (&mut self.form, event) {
            (Form::Json(lines), event) => match lines.line(event) {
                Some(line) if self.to_terminal => {
                    let line = String::from_utf8_lossy(line.trim_ascii_end());
                    writeln!(self.stdout, "{}", term::line(&line, usize::MAX))
                }
                Some(line) => self.stdout.write_all(&line),
                None => Ok(()),
            },
            (_, Event::Received(message)) => self.message(message),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(form: Form, to_terminal: bool) -> Vec<u8> {
        let mut out = Plain {
            stdout: BufWriter::new(Vec::new()),
            form,
            to_terminal,
            teller: Teller::default(),
        };
        for message in [
            Message::from("\x1b[2J\r\nhi\n"),
            Message::from(vec![0u8, 0xff]),
        ] {
            out.tell(&Event::Received(&message)).unwrap();
            out.tell(&Event::Sent(&message)).unwrap();
        }
        out.flush().unwrap();
        out.stdout.into_inner().unwrap()
    }

    #[test]
    fn a_pipe_gets_bytes_and_a_terminal_gets_what_cannot_drive_it() {
        let plain = |oneline, all| Form::Plain { oneline, all };
        assert_eq!(
            written(plain(false, false), false),
            b"\x1b[2J\r\nhi\n\n\x00\xff"
        );
        assert_eq!(written(plain(true, false), false), b"\x1b[2J hi \n\x00\xff");
        assert_eq!(
            written(plain(false, true), false),
            b"\x1b[2J\r\nhi\n\n\x00\xff\n"
        );
        assert_eq!(written(Form::Nul, false), b"\x1b[2J\r\nhi\n\0\x00\xff\0");
        assert_eq!(written(Form::Raw, false), b"\x1b[2J\r\nhi\n\x00\xff");
        let shown = b"\\x1b[2J\\r\n  hi\n  \n[binary 2 B] 00 ff\n";
        for form in [plain(false, false), Form::Raw, Form::Nul] {
            assert_eq!(written(form, true), shown);
        }
    }
}
