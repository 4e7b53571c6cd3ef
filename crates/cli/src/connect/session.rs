//! One conversation: input goes out, messages come in, and the end is judged.

use std::future::{pending, ready};
use std::io;
use std::time::Duration;

use tidewire::{CloseCode, Sender, WebSocket};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use super::status;
use super::talk::{Event, Input, Output};
use crate::exit::{Exit, error};

/// After Ctrl-C the peer has this long to answer our Close.
const HURRY: Duration = Duration::from_secs(1);

/// What to do when the input has ended.
#[derive(Debug, Clone, Copy)]
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

/// How it ended, and the line that says so.
#[derive(Debug)]
pub(super) struct End {
    pub(super) exit: Exit,
    pub(super) line: Option<String>,
}

/// What makes us close.
enum Why {
    Done,
    InputFailed,
    OutputGone,
    OutputFailed(io::Error),
    Interrupted,
}

/// Runs the conversation to its end.
pub(super) async fn run(
    ws: WebSocket,
    input: mpsc::Receiver<Input>,
    out: &mut impl Output,
    after: After,
) -> End {
    let (tx, mut rx) = ws.split();
    let mut feeder = spawn_local(feed(tx.clone(), input));
    let mut fed = false;
    let mut unshown = false;
    let mut deadline: Option<Instant> = None;
    let mut why: Option<Why> = None;
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());

    let result = loop {
        let closing = why.is_some();
        let stop = tokio::select! {
            biased;
            received = rx.recv() => match received {
                Ok(Some(message)) => {
                    unshown = true;
                    if let (After::Silence(time), true, false) = (after, fed, closing) {
                        deadline = Some(Instant::now() + time);
                    }
                    // Once nobody reads, what still arrives before the Close is dropped.
                    match why {
                        Some(Why::OutputGone | Why::OutputFailed(_)) => None,
                        _ => out.tell(&Event::Received(&message)).err().map(output_error),
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            },
            () = ready(()), if unshown => {
                unshown = false;
                match why {
                    Some(Why::OutputGone | Why::OutputFailed(_)) => None,
                    _ => out.flush().err().map(output_error),
                }
            }
            _ = &mut interrupt, if !matches!(why, Some(Why::Interrupted)) => {
                deadline = Some(Instant::now() + HURRY);
                Some(Why::Interrupted)
            }
            all = &mut feeder, if !fed => {
                fed = true;
                match (all, after) {
                    (Ok(Err(sentence)), _) => {
                        _ = error(Exit::Local, &sentence);
                        Some(Why::InputFailed)
                    }
                    (_, After::Close) => Some(Why::Done),
                    (_, After::For(time) | After::Silence(time)) => {
                        deadline = deadline.or(Some(Instant::now() + time));
                        None
                    }
                    (_, After::Hold) => None,
                }
            }
            () = at(deadline) => {
                if matches!(why, Some(Why::Interrupted)) {
                    break Ok(());
                }
                deadline = None;
                Some(Why::Done)
            }
        };
        if let Some(stop) = stop {
            feeder.abort();
            fed = true;
            if !closing {
                // Begins the closing handshake; its end comes through `recv`.
                _ = tx.begin_close(CloseCode::NORMAL, "");
            }
            why = Some(stop);
        }
    };
    feeder.abort();
    let flushed = match why {
        Some(Why::OutputGone | Why::OutputFailed(_)) => Ok(()),
        _ => out.flush(),
    };
    let (exit, line) = status::ended(result, rx.close_story());
    match (why, flushed) {
        (Some(Why::Interrupted), _) => End {
            exit: Exit::Interrupted,
            line: Some(line),
        },
        (Some(Why::InputFailed), _) => End {
            exit: Exit::Local,
            line: Some(line),
        },
        // `tidewire … | head -1` has what it wanted.
        (Some(Why::OutputGone), _) => End {
            exit: Exit::Clean,
            line: None,
        },
        (Some(Why::OutputFailed(error)), _) | (_, Err(error)) => match output_error(error) {
            Why::OutputFailed(error) => End {
                exit: Exit::Local,
                line: Some(format!("error: cannot write: {error}")),
            },
            _ => End { exit, line: None },
        },
        (Some(Why::Done) | None, Ok(())) => End {
            exit,
            line: Some(line),
        },
    }
}

/// Sends the input, line by line, until it ends. Err: the input failed, and why.
async fn feed(tx: Sender, mut input: mpsc::Receiver<Input>) -> Result<(), String> {
    while let Some(item) = input.recv().await {
        match item {
            Input::Send(message) => {
                if tx.send(message).await.is_err() {
                    // The connection is over; the receiving side knows why.
                    return pending().await;
                }
            }
            Input::Ping { payload, .. } => _ = tx.ping(&payload),
            Input::Close { code, reason } => _ = tx.begin_close(code, &reason),
            Input::Pong(_) | Input::Reconnect => {}
            Input::Failed(sentence) => return Err(sentence),
        }
    }
    if tx.flush().await.is_err() {
        return pending().await;
    }
    Ok(())
}

fn output_error(error: io::Error) -> Why {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Why::OutputGone,
        _ => Why::OutputFailed(error),
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}
