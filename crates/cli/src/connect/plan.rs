//! What the flags ask of a conversation, read once before anything is connected.

use std::collections::VecDeque;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use tidewire::reconnect::Backoff;
use tidewire::{CloseCode, Message};
use tokio::time::Instant;

use super::check::Check;
use super::input::LONGEST;
use super::status::Teller;
use super::talk::{Input, Output};
use crate::args::{ConnectArgs, Wait};
use crate::dial::Dial;

/// The first window between attempts; the longest.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(30);

/// What to do when the input has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Close.
    Close,
    /// Close once no message has arrived for this long.
    Silence(Duration),
    /// Close this much later, whatever arrives.
    For(Duration),
    /// Stay until the server closes.
    Hold,
}

/// How long a Pong may take at least, unless said: a busy server is not a dead one.
const PONG: Duration = Duration::from_secs(5);

/// A conversation that is to be held.
pub(super) struct Plan {
    pub(super) dial: Arc<Dial>,
    /// Sent before the input.
    pub(super) first: VecDeque<Input>,
    /// Sent on each new connection, before all else.
    pub(super) greetings: Vec<Message>,
    pub(super) after: After,
    /// What is typed is sent as binary.
    pub(super) binary: bool,
    /// A person types, and ends it.
    pub(super) interactive: bool,
    pub(super) check: Check,
    pub(super) within: Option<Duration>,
    pub(super) expect_close: Option<CloseCode>,
    /// When `--timeout` ends it.
    pub(super) deadline: Option<Instant>,
    pub(super) ping: Option<Duration>,
    pub(super) ping_timeout: Duration,
    pub(super) reconnect: Option<Reconnect>,
    pub(super) teller: Teller,
    /// Who else hears every event: a recorder.
    pub(super) listeners: Vec<Box<dyn Output>>,
}

/// How a lost connection is replaced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reconnect {
    /// So many attempts in a row; None: without end.
    pub(super) attempts: Option<u32>,
    pub(super) backoff: Backoff,
}

impl Plan {
    /// Makes the plan; `interactive`: a person types, and ends it.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn new(dial: Dial, args: &ConnectArgs, interactive: bool) -> Result<Plan, String> {
        let messages = |flag: &str, texts: &[String]| -> Result<Vec<Message>, String> {
            let message = |text: &String| message(flag, text, args.binary);
            texts.iter().map(message).collect()
        };
        let first = messages("-x", &args.execute)?;
        let count = if args.one { Some(1) } else { args.count };
        let check = Check::new(count, args.until.clone(), args.expect.clone());
        let waits = check.is_any() || args.expect_close.is_some();
        let after = match (args.wait, first.is_empty() || args.interactive) {
            _ if interactive => After::Close,
            (None, _) if waits => After::Hold,
            (None, _) if args.exit_on_eof => After::Close,
            (Some(Wait::ForEver), _) => After::Hold,
            (wait, silence) => match (wait, silence) {
                (Some(Wait::For(time)), true) => After::Silence(time),
                (Some(Wait::For(time)), false) => After::For(time),
                (_, true) => After::Silence(Duration::from_secs(2)),
                (_, false) => After::For(Duration::from_secs(2)),
            },
        };
        let reconnect = args.reconnect.map(|attempts| Reconnect {
            attempts: (attempts > 0).then_some(attempts),
            backoff: Backoff::new().first(FIRST).most(MOST).jitter(0.5),
        });
        let teller = Teller {
            verbose: args.verbose,
            quiet: args.quiet,
            pings: args.show_ping_pong,
            offered: !dial.offered().is_empty(),
            attempts: reconnect.and_then(|reconnect| reconnect.attempts),
        };
        Ok(Plan {
            dial: Arc::new(dial),
            first: first.into_iter().map(Input::Send).collect(),
            greetings: messages("--on-connect", &args.on_connect)?,
            after,
            binary: args.binary,
            interactive,
            check,
            within: args.within,
            expect_close: args.expect_close.map(CloseCode),
            deadline: args
                .timeout
                .and_then(|time| Instant::now().checked_add(time)),
            ping: args.ping,
            ping_timeout: args
                .ping_timeout
                .unwrap_or_else(|| args.ping.unwrap_or_default().max(PONG)),
            reconnect,
            teller,
            listeners: Vec::new(),
        })
    }

    /// Whether each frame is to be shown.
    pub(super) fn frames(&self) -> bool {
        self.teller.verbose > 1 && !self.teller.quiet
    }
}

/// A message of the command line: the text, or what the file `@FILE` holds.
fn message(flag: &str, text: &str, binary: bool) -> Result<Message, String> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(of_text(text, binary));
    };
    if path.starts_with('@') {
        return Ok(of_text(path, binary));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            format!(
                "{flag}: cannot read {path:?}: {error} (a text that begins with @ is written @@)"
            )
        })?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!(
            "{flag}: {path:?} holds more than 1 GiB, too much for one message"
        ));
    }
    if binary {
        return Ok(bytes.into());
    }
    // The line feed that ends a file is not part of what it says.
    if bytes.pop_if(|byte| *byte == b'\n').is_some() {
        bytes.pop_if(|byte| *byte == b'\r');
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err(format!(
            "{flag}: {path:?} holds no text (UTF-8): send it with -b as binary"
        )),
    }
}

/// A text, or its bytes.
pub(super) fn of_text(text: &str, binary: bool) -> Message {
    match binary {
        true => text.as_bytes().to_vec().into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn messages_come_from_the_command_line_or_from_files() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("m.json");
        std::fs::write(&file, "{\n}\r\n").unwrap();
        let at = format!("@{}", file.display());
        let text = |text: &str| message("-x", text, false).unwrap();
        assert_eq!(text("a\n").as_text(), Some("a\n"));
        assert_eq!(text("@@you").as_text(), Some("@you"));
        assert_eq!(text(&at).as_text(), Some("{\n}"));
        let binary = message("-x", &at, true).unwrap();
        assert_eq!(binary, Message::from(&b"{\n}\r\n"[..]));
        std::fs::write(&file, b"\xff").unwrap();
        assert!(message("-x", &at, false).unwrap_err().contains("-b"));
        let missing = message("--on-connect", "@/no/such", false).unwrap_err();
        assert!(missing.starts_with("--on-connect: cannot read") && missing.contains("@@"));
    }
}
