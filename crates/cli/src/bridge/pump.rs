//! Two open ends: what one says goes to the other, until both are done.

use std::cell::Cell;
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use tidewire::{CloseCode, CloseFrame, CloseStory, ClosedBy, Error, Receiver, Sender, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::framing::{Broken, Framing, Messages, written};
use super::open::{Opened, Running, Stream, failure};
use crate::exit::Exit;
use crate::term;

/// How long a close may take, besides what the connection gives it.
const CLOSING: Duration = Duration::from_secs(6);

/// How often a stream is looked at that takes its time.
const GLANCE: Duration = Duration::from_millis(50);

/// How ends are joined.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// `None`: as the end has it.
    pub(super) framing: Option<Framing>,
    pub(super) max_message: usize,
    pub(super) wait: Duration,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) exit: Exit,
    pub(super) words: String,
}

/// Joins them until they are done, or `stop` says so.
pub(super) async fn join(
    a: Opened,
    b: Opened,
    rules: Rules,
    stop: watch::Receiver<bool>,
) -> Verdict {
    match (a, b) {
        (Opened::WebSocket(a), Opened::WebSocket(b)) => relay(a, b, stop).await,
        (Opened::Stream(a), Opened::Stream(b)) => splice(*a, *b, stop).await,
        (Opened::WebSocket(ws), Opened::Stream(stream))
        | (Opened::Stream(stream), Opened::WebSocket(ws)) => mix(ws, *stream, rules, stop).await,
    }
}

/// Where a WebSocket and a stream are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Both may speak.
    Both,
    /// The command has closed its output, and runs.
    CommandRuns,
    /// The stream has said all: the WebSocket may go on while it does not fall silent.
    LastWords,
    /// The WebSocket is being closed, until then at most.
    Closing(Instant),
}

/// What the way into the stream tells.
struct Inward {
    /// When the last message came.
    heard: Cell<Instant>,
    /// The stream is taking one: however long that lasts, it is no silence of the WebSocket.
    writing: Cell<bool>,
    /// The stream takes no more.
    deaf: Notify,
}

async fn mix(
    ws: WebSocket,
    stream: Stream,
    rules: Rules,
    mut stop: watch::Receiver<bool>,
) -> Verdict {
    let usual = if stream.in_lines {
        Framing::Lines
    } else {
        Framing::Chunks
    };
    let framing = rules.framing.unwrap_or(usual);
    let (tx, rx) = ws.split();
    let told = Inward {
        heard: Cell::new(Instant::now()),
        writing: Cell::new(false),
        deaf: Notify::new(),
    };
    let mut child = stream.child;
    let mut outward = pin!(outward(
        &tx,
        Messages::new(stream.read, framing, rules.max_message)
    ));
    let mut inward = pin!(inward(rx, stream.write, framing, &told));
    let mut phase = Phase::Both;
    let mut broken = None;
    let mut status: Option<ExitStatus> = None;
    let mut stopped = false;
    let closing = |code: CloseCode, reason: &str| {
        _ = tx.begin_close(code, reason);
        Phase::Closing(Instant::now() + CLOSING)
    };
    let (result, story) = loop {
        tokio::select! {
            said = &mut outward, if phase == Phase::Both => {
                told.heard.set(Instant::now());
                phase = match said {
                    Ok(()) if child.is_some() => Phase::CommandRuns,
                    Ok(()) => Phase::LastWords,
                    Err(Silenced::Closed) => Phase::Closing(Instant::now() + CLOSING),
                    Err(Silenced::By(why)) => {
                        let (code, words) = explain(why);
                        broken = Some(words);
                        closing(code, "")
                    }
                };
            }
            ended = &mut inward => break ended,
            ended = child_s_end(&mut child), if phase == Phase::CommandRuns => {
                status = ended;
                phase = match failure(ended) {
                    None => closing(CloseCode::NORMAL, ""),
                    Some(words) => closing(CloseCode::INTERNAL_ERROR, &words),
                };
            }
            () = silence(&told, rules.wait), if phase == Phase::LastWords => {
                phase = closing(CloseCode::NORMAL, "");
            }
            () = told.deaf.notified(), if phase == Phase::LastWords => {
                phase = closing(CloseCode::NORMAL, "");
            }
            () = until(phase) => break (Ok(()), None),
            () = asked(&mut stop), if !stopped => {
                stopped = true;
                phase = closing(CloseCode::GOING_AWAY, "the bridge is stopping");
            }
        }
    };
    if let Some(child) = child.filter(|_| status.is_none()) {
        status = child.end().await;
    }
    if stopped {
        return interrupted();
    }
    match broken
        .map(|words| (Exit::Protocol, words))
        .or_else(|| failure(status).map(|words| (Exit::Local, words)))
    {
        Some((exit, words)) => Verdict { exit, words },
        None => judge(result, story),
    }
}

/// Why nothing more goes out.
enum Silenced {
    /// The WebSocket is closing, or over.
    Closed,
    By(Broken),
}

async fn outward<R: AsyncRead + Unpin>(
    tx: &Sender,
    mut messages: Messages<R>,
) -> Result<(), Silenced> {
    while let Some(message) = messages.next().await.map_err(Silenced::By)? {
        tx.send(message).await.map_err(|_| Silenced::Closed)?;
    }
    Ok(())
}

fn explain(broken: Broken) -> (CloseCode, String) {
    match broken {
        Broken::TooLong(most) => (
            CloseCode::MESSAGE_TOO_BIG,
            format!("a line is longer than {most} bytes: allow more with --max-message, or use -b"),
        ),
        Broken::Io(error) => (
            CloseCode::INTERNAL_ERROR,
            format!("cannot read one end: {error}"),
        ),
    }
}

/// Writes what the WebSocket says; the stream's input ends with it. When the stream takes no more,
/// what still comes is thrown away: the stream may have more to say.
async fn inward<W: AsyncWrite + Unpin>(
    mut rx: Receiver,
    mut write: W,
    framing: Framing,
    told: &Inward,
) -> (Result<(), Error>, Option<CloseStory>) {
    let mut takes = true;
    let result = loop {
        match rx.recv().await {
            Ok(Some(message)) => {
                told.heard.set(Instant::now());
                if takes {
                    told.writing.set(true);
                    takes = put(&mut write, &written(&message, framing)).await.is_ok();
                    told.writing.set(false);
                    told.heard.set(Instant::now());
                    if !takes {
                        told.deaf.notify_one();
                    }
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    _ = write.shutdown().await;
    (result, rx.close_story())
}

async fn put<W: AsyncWrite + Unpin>(write: &mut W, bytes: &[u8]) -> io::Result<()> {
    write.write_all(bytes).await?;
    write.flush().await
}

async fn child_s_end(child: &mut Option<Running>) -> Option<ExitStatus> {
    match child {
        Some(child) => child.ended().await,
        None => None,
    }
}

/// Ready when nothing was heard for so long.
async fn silence(told: &Inward, wait: Duration) {
    loop {
        let left = wait.saturating_sub(told.heard.get().elapsed());
        if left.is_zero() && !told.writing.get() {
            return;
        }
        sleep(left.max(GLANCE)).await;
    }
}

async fn until(phase: Phase) {
    match phase {
        Phase::Closing(deadline) => sleep_until(deadline).await,
        _ => std::future::pending().await,
    }
}

async fn asked(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn interrupted() -> Verdict {
    Verdict {
        exit: Exit::Interrupted,
        words: "stopped".to_owned(),
    }
}

/// Two WebSockets: messages stay what they are, and so does the close.
async fn relay(a: WebSocket, b: WebSocket, mut stop: watch::Receiver<bool>) -> Verdict {
    let (a_tx, a_rx) = a.split();
    let (b_tx, b_rx) = b.split();
    let mut there = pin!(carry(a_rx, &b_tx));
    let mut back = pin!(carry(b_rx, &a_tx));
    let mut first: Option<Verdict> = None;
    let (mut there_ended, mut back_ended, mut stopped) = (false, false, false);
    let mut phase = Phase::Both;
    while !(there_ended && back_ended) {
        let ended = tokio::select! {
            ended = &mut there, if !there_ended => {
                there_ended = true;
                ended
            }
            ended = &mut back, if !back_ended => {
                back_ended = true;
                ended
            }
            () = until(phase) => break,
            () = asked(&mut stop), if !stopped => {
                stopped = true;
                for tx in [&a_tx, &b_tx] {
                    _ = tx.begin_close(CloseCode::GOING_AWAY, "the bridge is stopping");
                }
                interrupted()
            }
        };
        phase = Phase::Closing(Instant::now() + CLOSING);
        first = first.or(Some(ended));
    }
    first.unwrap_or_else(interrupted)
}

/// Carries messages one way; then the other side is closed as this one was.
async fn carry(mut rx: Receiver, to: &Sender) -> Verdict {
    let result = loop {
        match rx.recv().await {
            Ok(Some(message)) => {
                if to.send(message).await.is_err() {
                    // The other way tells how that ended.
                    break Ok(());
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let story = rx.close_story();
    let frame = told(&result, story.as_ref());
    let (code, reason) = match &frame {
        Some(frame) if frame.code.may_be_sent() => (frame.code, &*frame.reason),
        Some(_) => (CloseCode::NORMAL, ""),
        None => (CloseCode::BAD_GATEWAY, "the other end is gone"),
    };
    _ = to.begin_close(code, reason);
    judge(result, story)
}

/// The Close frame that tells how a connection ended: of the side that began.
fn told(result: &Result<(), Error>, story: Option<&CloseStory>) -> Option<CloseFrame> {
    let story = match result {
        Err(Error::Closed(story)) => Some(&**story),
        Err(Error::Protocol(_) | Error::Limit(_)) => return story?.sent.clone(),
        _ => story,
    }?;
    match story.by {
        ClosedBy::Us => story.sent.clone(),
        ClosedBy::Peer => story.received.clone(),
        _ => None,
    }
}

/// What the end of a WebSocket comes to.
fn judge(result: Result<(), Error>, story: Option<CloseStory>) -> Verdict {
    let frame = told(&result, story.as_ref());
    let code = frame
        .as_ref()
        .map_or(CloseCode::ABNORMAL, |frame| frame.code);
    let reason = frame.map_or(String::new(), |frame| frame.reason.to_string());
    let mut words = format!(
        "disconnected (code: {}, reason: \"{}\"): {}",
        code.0,
        term::line(&reason, 130),
        code.name()
    );
    if let Err(error @ (Error::Protocol(_) | Error::Limit(_) | Error::Timeout(_) | Error::Io(_))) =
        &result
    {
        words += &format!("; {}", term::line(&error.to_string(), 300));
    }
    let exit = match (&result, code) {
        (Err(Error::Protocol(_) | Error::Limit(_)), _) => Exit::Protocol,
        (Err(Error::Timeout(_)), _) => Exit::Timeout,
        (_, CloseCode::ABNORMAL) => Exit::Abnormal,
        (_, code) if code.is_clean() => Exit::Clean,
        _ => Exit::OtherCode,
    };
    Verdict { exit, words }
}

/// Two streams: all bytes, each way to its own end.
async fn splice(a: Stream, b: Stream, mut stop: watch::Receiver<bool>) -> Verdict {
    let (mut a_child, mut b_child) = (a.child, b.child);
    let mut there = pin!(copy(a.read, b.write));
    let mut back = pin!(copy(b.read, a.write));
    let (mut there_ended, mut back_ended) = (None, None);
    while there_ended.is_none() || back_ended.is_none() {
        tokio::select! {
            ended = &mut there, if there_ended.is_none() => there_ended = Some(ended),
            ended = &mut back, if back_ended.is_none() => back_ended = Some(ended),
            // A command that has said all and is gone hears nothing more.
            _ = child_s_end(&mut a_child), if a_child.is_some() && there_ended.is_some() => break,
            _ = child_s_end(&mut b_child), if b_child.is_some() && back_ended.is_some() => break,
            () = asked(&mut stop) => return interrupted(),
        }
    }
    for child in [a_child, b_child].into_iter().flatten() {
        if let Some(words) = failure(child.end().await) {
            return Verdict {
                exit: Exit::Local,
                words,
            };
        }
    }
    match [there_ended, back_ended]
        .into_iter()
        .flatten()
        .find_map(Result::err)
    {
        Some(error) => Verdict {
            exit: Exit::Abnormal,
            words: format!("one end broke off: {error}"),
        },
        None => Verdict {
            exit: Exit::Clean,
            words: "both ends are done".to_owned(),
        },
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    let copied = tokio::io::copy(&mut from, &mut to).await;
    let ended = to.shutdown().await;
    match copied.and(ended) {
        // Who reads no more has what it wanted.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}
