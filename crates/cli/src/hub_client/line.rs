//! A session of the hub: opened, judged when it ends, and opened again as the same guest.

use std::cell::Cell;
use std::time::Duration;

use serde_json::json;
use tidewire::{ConnectError, ConnectStage, Message, WebSocket};
use tidewire_hub_proto::native::{Op, ServerMessage};
use tokio::time::{Instant, sleep, timeout};

use super::denied;
use crate::args::{DialArgs, GuestArgs, HubArgs};
use crate::dial::{self, Dial};
use crate::exit::{self, Exit, error};
use crate::term;

/// A hub that is silent for so long is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(20);

/// The first wait before coming back, and the longest.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// A session that lasts so long was a good one, even if nothing came.
const LASTING: Duration = Duration::from_secs(1);

/// What is to be done where nothing listens.
pub(super) const NO_HUB: &str =
    "is a hub running? start one with `tidewire serve`, or name another with --hub URL";

/// No longer wait is taken from a hub.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the hub said: as it was written, and read.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) message: ServerMessage,
}

/// Why there is no session any more.
#[derive(Debug)]
pub(super) enum Lost {
    /// Come back, not before this long.
    Back { why: String, wait: Duration },
    /// Coming back would end the same way.
    Stop { why: String, exit: Exit },
    /// No connection was made.
    Unconnected(Box<ConnectError>),
}

impl Lost {
    fn back(why: impl Into<String>) -> Lost {
        Lost::Back {
            why: why.into(),
            wait: Duration::ZERO,
        }
    }

    fn stop(exit: Exit, why: impl Into<String>) -> Lost {
        let why = why.into();
        Lost::Stop { why, exit }
    }
}

/// The hub, and who we are there.
#[derive(Debug)]
pub(super) struct Hub {
    dial: Dial,
    quiet: bool,
    name: Option<String>,
    client: Option<String>,
    /// Whether the user said who we are: then it is not changed behind their back.
    is_asked_for: bool,
    /// Attempts and sessions in a row that came to nothing: each makes the next wait longer.
    failures: Cell<u32>,
    /// When the last session began.
    since: Instant,
}

impl Hub {
    pub(super) fn prepare(hub: &HubArgs, guest: &GuestArgs, dial: &DialArgs) -> Result<Hub, Exit> {
        Ok(Hub {
            dial: Dial::prepare(&super::endpoint(hub, "/ws"), dial)?,
            quiet: hub.quiet,
            name: guest.name.clone(),
            client: guest.token.clone(),
            is_asked_for: guest.token.is_some(),
            failures: Cell::new(0),
            since: Instant::now(),
        })
    }

    /// The first session: what keeps it from being made is the user's to know.
    pub(super) async fn open(&mut self) -> Result<WebSocket, Exit> {
        match self.attempt().await {
            Ok(ws) => Ok(ws),
            Err(lost) => Err(self.give_up(lost)),
        }
    }

    /// Comes back after the session was lost, however long it takes.
    pub(super) async fn reopen(&mut self, lost: Lost) -> Result<WebSocket, Exit> {
        let mut lost = lost;
        let mut is_told = false;
        if self.since.elapsed() >= LASTING {
            self.goes_well();
        }
        loop {
            let (why, least) = match lost {
                Lost::Back { why, wait } => (why, wait),
                Lost::Unconnected(failed) if may_pass(&failed) => {
                    (failed.to_string(), Duration::ZERO)
                }
                lost => return Err(self.give_up(lost)),
            };
            if !std::mem::replace(&mut is_told, true) {
                self.tell(&format!(
                    "lost the hub, trying again: {}",
                    term::line(&why, 300)
                ));
            }
            sleep(least.min(PATIENCE) + pause(self.failures.get())).await;
            self.failures.set(self.failures.get().saturating_add(1));
            match self.attempt().await {
                Ok(ws) => {
                    self.tell("found the hub again");
                    return Ok(ws);
                }
                Err(failed) => lost = failed,
            }
        }
    }

    /// The session does what it is for: when it is lost, the next attempt need not wait long.
    pub(super) fn goes_well(&self) {
        self.failures.set(0);
    }

    /// Something on stderr that is no error.
    pub(super) fn tell(&self, sentence: &str) {
        if !self.quiet {
            exit::say(sentence);
        }
    }

    fn give_up(&self, lost: Lost) -> Exit {
        match lost {
            Lost::Stop { why, exit } => error(exit, &why),
            Lost::Back { why, .. } => error(Exit::Abnormal, &why),
            Lost::Unconnected(failed) => {
                let hint = match *failed {
                    ConnectError::Unreachable(_) => Some(NO_HUB),
                    ConnectError::Refused(ref answer) if answer.status() == 404 => {
                        Some("this is no hub of Tidewire: --hub names one, without a path")
                    }
                    _ => None,
                };
                let exit = dial::explain(self.dial.url(), *failed);
                if let Some(hint) = hint {
                    exit::say(&format!("hint: {hint}"));
                }
                exit
            }
        }
    }

    async fn attempt(&mut self) -> Result<WebSocket, Lost> {
        let config = self
            .dial
            .config()
            .ping_interval(Some(SILENCE))
            .pong_timeout(SILENCE);
        let connecting = self.dial.client().config(config).connect();
        let connected = timeout(self.dial.patience(), connecting).await;
        let connected = connected.unwrap_or(Err(ConnectError::Timeout(ConnectStage::Handshake)));
        let mut ws = connected.map_err(|failed| Lost::Unconnected(Box::new(failed)))?;
        let greeted = timeout(self.dial.patience(), self.greet(&mut ws)).await;
        greeted.map_err(|_| Lost::Back {
            why: "the hub does not say hello".into(),
            wait: Duration::ZERO,
        })??;
        self.since = Instant::now();
        Ok(ws)
    }

    /// Hears the hello, and says who we are.
    async fn greet(&mut self, ws: &mut WebSocket) -> Result<(), Lost> {
        let hello = next(ws).await?.message;
        if hello.op != Op::Hello || hello.protocol.as_deref() != Some("tidewire.v1") {
            return Err(no_hub("its first message is no hello of tidewire.v1"));
        }
        while self.client.is_some() || self.name.is_some() {
            let auth = json!({"op": "auth", "id": 0, "client": self.client, "name": self.name});
            say(ws, auth.to_string()).await?;
            let answer = answer_to_auth(ws).await?;
            if answer.op == Op::Ok {
                self.client = answer.client.or(self.client.take());
                return Ok(());
            }
            self.refused(&answer)?;
        }
        self.client = hello.client;
        Ok(())
    }

    /// The hub does not take us for who we say. Ok: then for another.
    fn refused(&mut self, answer: &ServerMessage) -> Result<(), Lost> {
        let code = denied::code(answer);
        if denied::is_temporary(code) {
            return Err(Lost::Back {
                why: format!("the hub is busy ({code})"),
                wait: wait(answer),
            });
        }
        if code == "bad_client" && !self.is_asked_for && self.client.take().is_some() {
            self.tell("the hub does not know us any more: going on as a new guest");
            return Ok(());
        }
        let words = term::line(answer.message.as_deref().unwrap_or(code), 600);
        let flag = match code {
            "bad_client" => "--token",
            _ => "--name or --token",
        };
        Err(Lost::stop(
            Exit::Usage,
            format!("{flag}: the hub says: {words}"),
        ))
    }
}

async fn answer_to_auth(ws: &mut WebSocket) -> Result<ServerMessage, Lost> {
    loop {
        let heard = next(ws).await?.message;
        if heard.id.as_deref() == Some("0") {
            return Ok(heard);
        }
    }
}

/// Sends one command.
pub(super) async fn say(ws: &WebSocket, command: String) -> Result<(), Lost> {
    // Why it cannot be sent is told by who receives.
    ws.send(command).await.map_err(|failed| ended(&failed))
}

/// The next of what the hub says; its farewell is the end.
pub(super) async fn next(ws: &mut WebSocket) -> Result<Heard, Lost> {
    let message = match ws.recv().await {
        Ok(Some(message)) => message,
        Ok(None) => return Err(Lost::back("the hub closed the connection")),
        Err(failed) => return Err(ended(&failed)),
    };
    let Message::Text(text) = message else {
        return Err(no_hub("it sent a binary message that nobody asked for"));
    };
    let text = text.to_string();
    let message = ServerMessage::parse(&text)
        .map_err(|wrong| no_hub(&term::line(&wrong.to_string(), 300)))?;
    if message.op == Op::Bye {
        return Err(farewell(&message));
    }
    Ok(Heard { text, message })
}

/// How long the hub asks to wait.
pub(super) fn wait(message: &ServerMessage) -> Duration {
    let wait = message
        .retry_after_ms
        .map_or(Duration::ZERO, Duration::from_millis);
    wait.min(PATIENCE)
}

fn farewell(bye: &ServerMessage) -> Lost {
    let why = term::line(bye.reason.as_deref().unwrap_or("bye"), 300);
    if bye.reconnect == Some(false) {
        let code = bye.code.as_deref().and_then(|code| code.parse().ok());
        return Lost::stop(
            verdict(code.unwrap_or(4500)),
            format!("the hub ends the session: {why}"),
        );
    }
    let wait = wait(bye);
    Lost::Back { why, wait }
}

fn ended(failed: &tidewire::Error) -> Lost {
    let code = failed.close_code().map(|code| code.0);
    let why = term::line(&failed.to_string(), 300);
    match code {
        Some(code @ (1002 | 1003 | 1007 | 1009 | 4500..)) => Lost::stop(verdict(code), why),
        _ => Lost::back(why),
    }
}

fn verdict(code: u16) -> Exit {
    match code {
        4501 => Exit::Refused,
        4502.. => Exit::OtherCode,
        _ => Exit::Protocol,
    }
}

fn no_hub(why: &str) -> Lost {
    let why = format!("this is no hub of Tidewire, or one of another version: {why}");
    Lost::stop(Exit::Protocol, why)
}

/// Whether it may be better in a while, so that a client that was connected tries again.
fn may_pass(failed: &ConnectError) -> bool {
    match failed {
        ConnectError::Refused(answer) => {
            let status = answer.status().as_u16();
            status >= 500 || matches!(status, 408 | 425 | 429)
        }
        ConnectError::Resolve { .. }
        | ConnectError::Unreachable(_)
        | ConnectError::Io(_)
        | ConnectError::Timeout(_)
        | ConnectError::Proxy(_) => true,
        _ => false,
    }
}

/// The wait before the next attempt; of many clients, each has its own.
fn pause(failures: u32) -> Duration {
    let window = LONGEST.min(SHORTEST * 2u32.saturating_pow(failures.min(10)));
    window / 2 + window / 2 * u32::from(fastrand::u8(..)) / 256
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        for failures in [0, 1, 5, 31, 32, u32::MAX] {
            let pause = pause(failures);
            assert!(
                (SHORTEST / 2..=LONGEST).contains(&pause),
                "{failures}: {pause:?}"
            );
        }
    }

    #[test]
    fn a_farewell_says_whether_to_come_back() {
        let bye = |text: &str| farewell(&ServerMessage::parse(text).unwrap());
        let back = bye(
            r#"{"op":"bye","code":4001,"reason":"shutdown","reconnect":true,"retry_after_ms":18446744073709551615}"#,
        );
        assert!(
            matches!(back, Lost::Back { wait, .. } if wait == PATIENCE),
            "{back:?}"
        );
        let stop = bye(r#"{"op":"bye","code":4501,"reason":"\u001b[2J","reconnect":false}"#);
        assert!(
            matches!(&stop, Lost::Stop { exit: Exit::Refused, why } if !why.contains('\u{1b}')),
            "{stop:?}"
        );
        let odd = bye(r#"{"op":"bye","reconnect":false,"code":"x"}"#);
        assert!(
            matches!(
                odd,
                Lost::Stop {
                    exit: Exit::Protocol,
                    ..
                }
            ),
            "{odd:?}"
        );
    }
}
