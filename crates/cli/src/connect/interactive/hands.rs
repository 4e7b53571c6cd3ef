//! Does what a typed line asks for.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use regex::Regex;
use tidewire::Message;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_local};

use super::command::{Command, Entry, parse};
use super::desk::Desk;
use super::view::span;
use crate::args::{Pretty, Time};
use crate::connect::plan::of_text;
use crate::connect::talk::Input;
use crate::record::Recorder;
use crate::term;
use crate::term::prompt::Typed;

/// The longest file that is sent as one message.
const LONGEST: u64 = 1 << 30;

const HELP: &str = include_str!("../../help/keys.txt");

/// Whether the user goes on.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    Go,
    Leave,
}

/// How what is typed is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// What begins with / is a command.
    pub(super) slash: bool,
    /// Messages are sent as binary.
    pub(super) binary: bool,
}

/// The side of the user.
pub(super) struct Hands {
    desk: Rc<RefCell<Desk>>,
    to: mpsc::Sender<Input>,
    manner: Manner,
    url: String,
    /// `/every`.
    again: Option<AbortHandle>,
}

impl Hands {
    pub(super) fn new(
        desk: Rc<RefCell<Desk>>,
        to: mpsc::Sender<Input>,
        manner: Manner,
        url: String,
    ) -> Hands {
        Hands {
            desk,
            to,
            manner,
            url,
            again: None,
        }
    }

    /// Does what is typed until the user leaves, or the conversation is over.
    pub(super) async fn work(mut self, mut typed: mpsc::Receiver<Typed>) {
        while let Some(typed) = typed.recv().await {
            let then = match typed {
                Typed::Line(line) => match parse(&line, self.manner.slash) {
                    Ok(Entry::Message(text)) => self.message(text).await,
                    Ok(Entry::Command(command)) => self.command(command).await,
                    Err(sentence) => {
                        self.desk.borrow_mut().trouble(&sentence);
                        Then::Go
                    }
                },
                Typed::Failed(sentence) => {
                    _ = self.to.send(Input::Failed(sentence)).await;
                    Then::Leave
                }
            };
            if then == Then::Leave {
                return;
            }
        }
    }

    async fn give(&mut self, input: Input) -> Then {
        match self.to.send(input).await {
            Ok(()) => Then::Go,
            Err(_) => Then::Leave,
        }
    }

    async fn message(&mut self, text: String) -> Then {
        let strict = self.desk.borrow().strict;
        let text = match strict.then(|| term::json::compact(&text)) {
            None => text,
            Some(Ok(compact)) => compact,
            Some(Err(error)) => {
                let sentence = format!(
                    "{}; not sent (/json off sends anything)",
                    term::line(&error, 200)
                );
                self.desk.borrow_mut().trouble(&sentence);
                return Then::Go;
            }
        };
        self.desk.borrow_mut().typed();
        let message = of_text(&text, self.manner.binary);
        self.give(Input::Send(message)).await
    }

    async fn command(&mut self, command: Command) -> Then {
        match self.done(command) {
            Ok(Some(input)) => return self.give(input).await,
            Ok(None) => {}
            Err(None) => return Then::Leave,
            Err(Some(sentence)) => self.desk.borrow_mut().trouble(&sentence),
        }
        Then::Go
    }

    /// Does a command; gives what is to be asked of the conversation. Err: why not, or None to leave.
    fn done(&mut self, command: Command) -> Result<Option<Input>, Option<String>> {
        let mut desk = self.desk.borrow_mut();
        match command {
            Command::Ping { text, count } => {
                desk.asked(count);
                let payload = text.into_bytes();
                return Ok(Some(Input::Ping { payload, count }));
            }
            Command::Pong(text) => return Ok(Some(Input::Pong(text.into_bytes()))),
            Command::Close { code, reason } => return Ok(Some(Input::Close { code, reason })),
            Command::Reconnect => return Ok(Some(Input::Reconnect)),
            Command::Binary(bytes) => return Ok(Some(Input::Send(bytes.into()))),
            Command::BinaryFile(path) => {
                return Ok(Some(Input::Send(read("/bin", &path)?.into())));
            }
            Command::TextFile(path) => return Ok(Some(Input::Send(text("/file", &path)?.into()))),
            Command::Resend(ago) => {
                let message = desk.journal.sent(ago).cloned();
                let message =
                    message.ok_or("/resend: no message was sent that long ago".to_owned())?;
                return Ok(Some(Input::Send(message)));
            }
            Command::Json(on) => {
                let strict = on.unwrap_or(!desk.strict);
                desk.strict = strict;
                desk.note(match strict {
                    true => "what you send must be JSON, and is compacted (/json off ends this)",
                    false => "what you send may be anything",
                });
            }
            Command::Pretty(pretty) => {
                desk.view.pretty = pretty;
                desk.note(match pretty {
                    Pretty::On => "JSON is shown over several lines",
                    Pretty::Off => "JSON is shown as it comes",
                    Pretty::Auto => {
                        "JSON is shown over several lines if it is wider than the terminal"
                    }
                });
            }
            Command::Time(time) => {
                desk.view.time = time;
                desk.note(match time {
                    Time::Off => "no times are shown",
                    Time::Abs => "the time of day is shown, in UTC",
                    Time::Rel => "the time since the connection was opened is shown",
                    Time::Delta => "the time since the message before is shown",
                });
            }
            Command::Filter(None) => {
                desk.view.filter = None;
                desk.note("every message is shown");
            }
            Command::Filter(Some(pattern)) => {
                let filter = Regex::new(&pattern)
                    .map_err(|error| format!("/filter: {}", term::line(&error.to_string(), 200)))?;
                desk.view.filter = Some(filter);
                desk.note("only what matches is shown (/filter alone shows everything)");
            }
            Command::Last(count) => desk.last(count),
            Command::Save(path) => {
                let line = desk.save(&path, &self.url)?;
                desk.note(&line);
            }
            Command::Record(None) => {
                let line = desk.record(None)?;
                desk.note(&line);
            }
            Command::Record(Some(path)) => {
                let recorder = Recorder::create(&path, &self.url, false)
                    .map_err(|error| error.replacen("--record", "/record", 1))?;
                desk.record(Some((recorder, path.clone())))?;
                let shown = term::line(&path.display().to_string(), 200);
                desk.note(&format!("recording to {shown} (/record stop ends it)"));
            }
            Command::Every { pause, text } => {
                desk.note(&format!("sending every {} (/stop ends it)", span(pause)));
                drop(desk);
                self.stop();
                let again = repeat(self.to.clone(), pause, of_text(&text, self.manner.binary));
                self.again = Some(spawn_local(again).abort_handle());
            }
            Command::Stop => {
                drop(desk);
                if !self.stop() {
                    return Err(Some(
                        "/stop: nothing is being sent again and again".to_owned(),
                    ));
                }
                self.desk.borrow_mut().note("stopped");
            }
            Command::Headers => desk.headers(),
            Command::Stats => desk.stats(),
            Command::Clear => desk.clear(),
            Command::Quit => return Err(None),
            Command::Help => {
                let commands = HELP.find("Commands").map_or(HELP, |at| &HELP[at..]);
                _ = desk.show(commands.trim_end());
            }
        }
        Ok(None)
    }

    /// Ends `/every`; whether there was one.
    fn stop(&mut self) -> bool {
        self.again.take().is_some_and(|again| {
            let was = !again.is_finished();
            again.abort();
            was
        })
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `/every`.
async fn repeat(to: mpsc::Sender<Input>, pause: Duration, message: Message) {
    let mut beat = tokio::time::interval(pause);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        if to.send(Input::Send(message.clone())).await.is_err() {
            return;
        }
    }
}

/// A file's bytes. Only real files: a pipe or a device might never end.
fn read(name: &str, path: &Path) -> Result<Vec<u8>, String> {
    let shown = term::line(&path.display().to_string(), 200);
    let cannot = |why: &str| format!("{name}: cannot read {shown}: {why}");
    let meta = fs::metadata(path).map_err(|error| cannot(&error.to_string()))?;
    if !meta.is_file() {
        return Err(cannot("it is not a file"));
    }
    if meta.len() > LONGEST {
        return Err(cannot("it is larger than 1 GiB"));
    }
    fs::read(path).map_err(|error| cannot(&error.to_string()))
}

/// A file's text.
fn text(name: &str, path: &Path) -> Result<String, String> {
    String::from_utf8(read(name, path)?).map_err(|error| {
        format!(
            "{name}: byte {} of the file is not UTF-8; /bin @FILE sends it as binary",
            error.utf8_error().valid_up_to()
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_are_read_as_bytes_or_text_and_troubles_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"ok\xff").unwrap();
        assert_eq!(read("/bin", &path).unwrap(), b"ok\xff");
        let error = text("/file", &path).unwrap_err();
        assert!(
            error.starts_with("/file: byte 2 of the file is not UTF-8"),
            "{error}"
        );
        fs::write(&path, "two\nlines\n").unwrap();
        assert_eq!(text("/file", &path).unwrap(), "two\nlines\n");
        let error = read("/bin", folder.path()).unwrap_err();
        assert!(error.ends_with("it is not a file"), "{error}");
        let error = read("/bin", &folder.path().join("no\u{1b}")).unwrap_err();
        assert!(error.contains("no\\x1b: "), "{error}");
    }
}
