//! The conversation of a replay: steps go out in their time, what comes back is kept.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tidewire::{CloseCode, Message, Sender, WebSocket};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until, timeout};

use super::plan::{Act, Plan, Speed, Step};
use crate::connect::ending::Last;
use crate::exit::Exit;
use crate::term;

/// After Ctrl-C the server has this long to answer our Close.
const HURRY: Duration = Duration::from_secs(1);

/// How a plan is carried out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conversation {
    pub(super) speed: Speed,
    /// How long silence lasts before it is the end.
    pub(super) wait: Option<Duration>,
    /// Whether what comes is printed.
    pub(super) show: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) sent: usize,
    /// What came, if it is to be compared.
    pub(super) received: Vec<Message>,
    /// How many messages came.
    pub(super) count: usize,
    /// The code and the reason that tell the story.
    pub(super) closed: (u16, String),
    pub(super) exit: Exit,
    /// How it ended, for the user.
    pub(super) line: Option<String>,
}

/// What makes us close.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Why {
    Done,
    Interrupted,
    OutputGone,
}

impl Conversation {
    /// Carries out `plan` over `ws`.
    pub(super) async fn run(self, ws: WebSocket, plan: &Plan) -> Outcome {
        let began = Instant::now();
        let (tx, mut rx) = ws.split();
        let (arrived, arrivals) = watch::channel(0);
        let (sent, mut progress) = watch::channel(0);
        let steps = plan.steps.iter().map(Step::again).collect();
        let feeder = spawn_local(feed(tx.clone(), steps, self, began, arrivals, sent));
        let mut received = Vec::new();
        let mut count = 0;
        let mut heard = began;
        let mut why = None;
        let mut hurry = None;
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let result = loop {
            let all_sent = *progress.borrow_and_update() == plan.steps.len();
            let end = match why {
                Some(_) => hurry,
                None if all_sent => self.silent_at(plan, began, heard, count),
                None => None,
            };
            let stop = tokio::select! {
                biased;
                message = rx.recv() => match message {
                    Ok(Some(message)) => {
                        heard = Instant::now();
                        let printed = match self.show && why != Some(Why::OutputGone) {
                            true => print(&message),
                            false => Ok(()),
                        };
                        // What is not compared is not kept: a server may have no end of it.
                        if !self.show {
                            received.push(message);
                        }
                        count += 1;
                        arrived.send_replace(count);
                        match printed {
                            Ok(()) => continue,
                            Err(_) => Why::OutputGone,
                        }
                    }
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                },
                Ok(()) = progress.changed() => {
                    heard = Instant::now();
                    continue;
                }
                _ = &mut interrupt, if why != Some(Why::Interrupted) => Why::Interrupted,
                () = at(end) => match why {
                    Some(_) => break Ok(()),
                    None => Why::Done,
                },
            };
            feeder.abort();
            if why.is_none() {
                // Begins the closing handshake; its end comes through `recv`.
                _ = tx.begin_close(CloseCode::NORMAL, "");
            }
            if stop == Why::Interrupted {
                hurry = Some(Instant::now() + HURRY);
            }
            why = Some(stop);
        };
        feeder.abort();
        let sent = *progress.borrow();
        let last = Last::of(&result, rx.close_story(), why.is_some());
        let line = last.line();
        let (exit, line) = match why {
            Some(Why::Interrupted) => (Exit::Interrupted, Some(line)),
            // `tidewire replay … | head -1` has what it wanted.
            Some(Why::OutputGone) => (Exit::Clean, None),
            _ => (last.exit, Some(line)),
        };
        Outcome {
            sent,
            received,
            count,
            closed: (last.code.0, last.reason),
            exit,
            line,
        }
    }

    /// When silence has lasted long enough: also not before what was recorded could have come.
    fn silent_at(
        self,
        plan: &Plan,
        began: Instant,
        heard: Instant,
        received: usize,
    ) -> Option<Instant> {
        let wait = self.wait?;
        let recorded = match received < plan.expected.len() {
            true => began.checked_add(self.speed.scale(plan.last))?,
            false => heard,
        };
        heard.max(recorded).checked_add(wait)
    }
}

impl Step {
    fn again(&self) -> Step {
        let act = match &self.act {
            Act::Send(message) => Act::Send(message.clone()),
            Act::Ping(payload) => Act::Ping(payload.clone()),
        };
        Step { act, ..*self }
    }
}

/// Sends the steps, each in its time, and counts them in `sent`.
async fn feed(
    tx: Sender,
    steps: Vec<Step>,
    how: Conversation,
    began: Instant,
    mut arrivals: watch::Receiver<usize>,
    sent: watch::Sender<usize>,
) {
    for step in steps {
        match how.speed {
            Speed::Times(_) => {
                let pause = how.speed.scale(step.at);
                match began.checked_add(pause) {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            }
            Speed::Max => {
                while *arrivals.borrow_and_update() < step.behind {
                    let silent = match how.wait {
                        Some(wait) => timeout(wait, arrivals.changed()).await.is_err(),
                        None => arrivals.changed().await.is_err(),
                    };
                    if silent {
                        // The answer will not come: go on without it.
                        break;
                    }
                }
            }
        }
        let done = match step.act {
            Act::Send(message) => tx.send(message).await,
            Act::Ping(payload) => tx.ping(&payload),
        };
        if done.is_err() {
            // The connection is over; who receives knows why.
            break;
        }
        sent.send_modify(|sent| *sent += 1);
    }
    // The end of the channel would be taken for news.
    std::future::pending::<()>().await;
}

/// A message on stdout: as it is in a pipe, harmless on a terminal.
fn print(message: &Message) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        return match message {
            Message::Text(text) => writeln!(out, "< {}", term::block(text, 100_000)),
            Message::Binary(data) => {
                writeln!(out, "< [binary {} B] {}", data.len(), term::hex(data, 64))
            }
        };
    }
    match message {
        Message::Text(text) => out.write_all(text.as_bytes())?,
        Message::Binary(data) => out.write_all(data)?,
    }
    out.write_all(b"\n")?;
    out.flush()
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}
