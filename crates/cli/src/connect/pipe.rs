//! The client in a pipe: lines in, payloads out, nothing else on stdout.

use std::io::{self, BufRead, BufWriter, Stdout, Write};

use tidewire::{Message, WebSocket};
use tokio::sync::mpsc;

use super::session::{self, After};
use super::talk::{Event, Input, Output};
use crate::exit::Exit;
use crate::term;

/// Lines read ahead of the connection.
const AHEAD: usize = 256;

/// The longest message shown on a terminal, in characters.
const SHOWN: usize = 64 * 1024;

/// Talks to the end of `input` and beyond it as `after` says.
pub(super) async fn run(
    ws: WebSocket,
    input: mpsc::Receiver<Input>,
    after: After,
    to_terminal: bool,
) -> Exit {
    let stdout = BufWriter::with_capacity(64 * 1024, io::stdout());
    let end = session::run(
        ws,
        input,
        &mut Plain {
            stdout,
            to_terminal,
        },
        after,
    )
    .await;
    if let Some(line) = end.line {
        eprintln!("{line}");
    }
    end.exit
}

/// Some lines, given on the command line.
pub(super) fn lines(lines: Vec<String>) -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(lines.len().max(1));
    for line in lines {
        _ = sender.try_send(Input::Send(line.into()));
    }
    receiver
}

/// The lines of stdin, read by a thread: stdin cannot be waited for in an event loop.
pub(super) fn stdin() -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || read_lines(io::stdin().lock(), &sender));
    receiver
}

/// Sends each line of `from`, without its line feed, until the end or the first bad one.
fn read_lines(mut from: impl BufRead, to: &mpsc::Sender<Input>) {
    for number in 1u64.. {
        let mut line = Vec::new();
        let item = match from.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                    if line.last() == Some(&b'\r') {
                        line.pop();
                    }
                }
                String::from_utf8(line).map_or_else(
                    |_| {
                        Input::Failed(format!(
                            "line {number} of the input is not UTF-8, and a text message must be"
                        ))
                    },
                    |line| Input::Send(line.into()),
                )
            }
            Err(error) => Input::Failed(format!("cannot read the input: {error}")),
        };
        let last = matches!(item, Input::Failed(_));
        if to.blocking_send(item).is_err() || last {
            return;
        }
    }
}

/// stdout: a text and a line feed, or the bytes of a binary message as they are. On a terminal
/// both are shown so that they cannot drive it.
struct Plain<W: Write = Stdout> {
    stdout: BufWriter<W>,
    to_terminal: bool,
}

impl<W: Write> Output for Plain<W> {
    fn tell(&mut self, event: &Event<'_>) -> io::Result<()> {
        let Event::Received(message) = event else {
            return Ok(());
        };
        match message {
            Message::Text(text) if self.to_terminal => {
                writeln!(self.stdout, "{}", term::block(text, SHOWN))
            }
            Message::Binary(data) if self.to_terminal => {
                writeln!(
                    self.stdout,
                    "[binary {} B] {}",
                    data.len(),
                    term::hex(data, 256)
                )
            }
            Message::Text(text) => {
                self.stdout.write_all(text.as_bytes())?;
                self.stdout.write_all(b"\n")
            }
            Message::Binary(data) => self.stdout.write_all(data),
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

    fn read(input: &[u8]) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(100);
        read_lines(input, &sender);
        let mut seen = Vec::new();
        while let Ok(item) = receiver.try_recv() {
            seen.push(match item {
                Input::Send(message) => message.as_text().unwrap_or("binary").to_owned(),
                Input::Failed(sentence) => format!("! {sentence}"),
                other => format!("{other:?}"),
            });
        }
        seen
    }

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        assert_eq!(
            read(b"one\r\ntwo\n\n  three \r x\nno end"),
            ["one", "two", "", "  three \r x", "no end"]
        );
        assert!(read(b"").is_empty());
    }

    #[test]
    fn input_that_is_no_text_is_told_with_its_line() {
        let seen = read(b"ok\n\xff\xfe\nmore\n");
        assert_eq!(seen.len(), 2);
        assert!(
            seen[1].starts_with("! line 2 of the input is not UTF-8"),
            "{}",
            seen[1]
        );
    }

    #[test]
    fn a_pipe_gets_bytes_and_a_terminal_gets_what_cannot_drive_it() {
        let shown = |to_terminal| {
            let mut out = Plain {
                stdout: BufWriter::new(Vec::new()),
                to_terminal,
            };
            out.tell(&Event::Received(&Message::from("\x1b[2Jhi")))
                .unwrap();
            out.tell(&Event::Received(&Message::from(vec![0u8, 0xff])))
                .unwrap();
            out.flush().unwrap();
            out.stdout.into_inner().unwrap()
        };
        assert_eq!(shown(false), b"\x1b[2Jhi\n\x00\xff");
        assert_eq!(shown(true), b"\\x1b[2Jhi\n[binary 2 B] 00 ff\n");
    }
}
