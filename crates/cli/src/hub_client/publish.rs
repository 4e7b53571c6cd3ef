//! `tidewire pub`: publishes messages in order, and is done when the hub has acknowledged each.

use std::future::pending;
use std::io::{self, IsTerminal};
use std::time::Duration;

use tidewire::WebSocket;
use tidewire_hub_proto::native::{Op, ServerMessage};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::denied::{self, Wish};
use super::input::{self, Item};
use super::line::{self, Hub, Lost};
use super::subscribe::channel;
use super::window::{Key, Window};
use crate::args::PubArgs;
use crate::exit::{self, Exit, error};

/// How long the hub may take to answer our Close.
const HURRY: Duration = Duration::from_secs(1);

/// A key has at most so many bytes, of which a number takes some.
const KEY: usize = 100;

pub(super) async fn run(args: &PubArgs) -> Exit {
    match publish(args).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn publish(args: &PubArgs) -> Result<Exit, Exit> {
    let channel = channel(&args.channel)?;
    let key = key(args)?;
    let mut hub = Hub::prepare(&args.hub, &args.guest, &args.dial)?;
    let mut ws = hub.open().await?;
    let mut work = Work {
        window: Window::new(channel.clone(), key),
        channel,
        input: input(args),
        state: State::Reading,
        busy: None,
    };
    loop {
        match work.attend(&mut ws, &hub).await {
            Ok(exit) => {
                _ = timeout(HURRY, ws.close(1000, "")).await;
                return Ok(exit);
            }
            Err(lost) => {
                work.window.rewind();
                let reopened = hub.reopen(lost).await;
                ws = reopened.inspect_err(|_| work.tell_unacknowledged())?;
            }
        }
    }
}

fn input(args: &PubArgs) -> mpsc::Receiver<Item> {
    if let Some(message) = &args.message {
        return input::one(Some(message), args.form);
    }
    if io::stdin().is_terminal() && !args.hub.quiet {
        exit::say("each line is a message; Ctrl-D ends");
    }
    input::records(args.form, args.null)
}

fn key(args: &PubArgs) -> Result<Key, Exit> {
    let Some(key) = &args.message_key else {
        return Ok(Key::Numbered(format!("{:024x}", fastrand::u128(..) >> 32)));
    };
    if key.is_empty() || key.len() > KEY {
        return Err(error(
            Exit::Usage,
            &format!("--message-key has 1 to {KEY} bytes"),
        ));
    }
    Ok(match args.message {
        Some(_) => Key::Exact(key.clone()),
        None => Key::Numbered(key.clone()),
    })
}

/// What is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There may be more input.
    Reading,
    /// The input is over: this is how it ends once all is acknowledged.
    Draining(Exit),
    /// The hub has refused one for good: the answers to the others are awaited.
    Refused(Exit),
}

struct Work {
    window: Window,
    channel: String,
    input: mpsc::Receiver<Item>,
    state: State,
    /// Why the hub made us wait the last time, which is told once.
    busy: Option<String>,
}

impl Work {
    /// Publishes until all is done, or the session is lost.
    async fn attend(&mut self, ws: &mut WebSocket, hub: &Hub) -> Result<Exit, Lost> {
        loop {
            while !matches!(self.state, State::Refused(_))
                && let Some(command) = self.window.next(Instant::now())
            {
                line::say(ws, command).await?;
            }
            match self.state {
                State::Draining(exit) if self.window.len() == 0 => return Ok(exit),
                State::Refused(exit) if self.window.under_way() == 0 => {
                    self.tell_unacknowledged();
                    return Ok(exit);
                }
                _ => {}
            }
            let wants = self.state == State::Reading && self.window.has_room();
            tokio::select! {
                biased;
                heard = line::next(ws) => self.hear(&heard?.message, hub),
                item = self.input.recv(), if wants => self.take(item),
                () = at(self.window.paused_until()) => {}
            }
        }
    }

    fn take(&mut self, item: Option<Item>) {
        match item {
            Some(Ok(field)) => self.window.put(field),
            Some(Err(wrong)) => self.state = State::Draining(error(Exit::Local, &wrong)),
            None => self.state = State::Draining(Exit::Clean),
        }
    }

    fn hear(&mut self, message: &ServerMessage, hub: &Hub) {
        let id = message.id.as_deref();
        match message.op {
            Op::Ok => {
                if self.window.knows(id) {
                    hub.goes_well();
                }
                self.window.kept(id);
                self.busy = None;
            }
            Op::Error if denied::is_temporary(denied::code(message)) => {
                self.window.later(id, Instant::now(), line::wait(message));
                self.wait(denied::code(message), hub);
            }
            // One without an id is about something that is none of ours.
            Op::Error if self.window.knows(id) => self.refused(message),
            _ => {}
        }
    }

    /// Says what the hub is busy with, if it is more than that we are fast.
    fn wait(&mut self, code: &str, hub: &Hub) {
        if code == "rate_limited" || self.busy.as_deref() == Some(code) {
            return;
        }
        hub.tell(&match code {
            "storage_full" => "the hub's disk is full: waiting until it is not".to_owned(),
            code => format!("the hub is busy ({code}), trying again"),
        });
        self.busy = Some(code.to_owned());
    }

    fn refused(&mut self, refusal: &ServerMessage) {
        let id = refusal.id.as_deref();
        if !matches!(self.state, State::Refused(_)) {
            let what = format!("message {} for {}", id.unwrap_or("?"), self.channel);
            let exit = denied::tell(refusal, &self.channel, Wish::Publish, &what);
            self.state = State::Refused(exit);
        }
        self.window.kept(id);
    }

    fn tell_unacknowledged(&self) {
        if self.window.len() > 0 {
            exit::say(&format!(
                "{} messages are not acknowledged",
                self.window.len()
            ));
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}
