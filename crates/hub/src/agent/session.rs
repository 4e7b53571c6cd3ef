//! One page's socket and the far one, from the page's first message to the end of both.

use super::relay::{self, Left, Pings};
use super::tape::{Tape, Told};
use super::wire::{self, Event, Open};
use super::{Agent, dial, trouble};
use std::sync::Arc;
use std::time::Duration;
use tidewire::{Kind, Message, Receiver, Sender, WebSocket};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// How long a page may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest first message, in bytes: whoever sends it has shown no key yet.
const FIRST: usize = 64 * 1024;
/// How long it takes until a key is told to be wrong.
const GUESS: Duration = Duration::from_secs(1);
/// How long a page may take to read the rest when the far connection is over.
const REST: Duration = Duration::from_secs(60);
/// How long the far server may take to answer the Close when the page is gone.
const FAREWELL: Duration = Duration::from_secs(5);

/// What to do when they do not.
const MISFIT: &str = "The page and the agent do not fit together: load the page again.";

/// Close code of a page's socket that said what the agent does not take.
const WRONG: u16 = 4501;
/// When the far connection is over, and when the server stops.
const OVER: u16 = 1000;
const STOPPING: u16 = 1001;

/// Serves a page's socket until it ends.
pub(crate) async fn run(
    mut page: WebSocket,
    agent: &Agent,
    mut leaving: watch::Receiver<Option<Instant>>,
) {
    let opened = tokio::select! {
        opened = timeout(PATIENCE, first(&mut page)) => opened,
        _ = leaving.wait_for(Option::is_some) => return end(page, STOPPING, "the server is stopping").await,
    };
    let open = match opened {
        Ok(Ok(Some(open))) => open,
        Ok(Ok(None)) => return,
        Ok(Err(wrong)) => return turn_away(page, &wrong, MISFIT).await,
        Err(_) => {
            let wrong = "nothing was asked for within 10 seconds";
            return turn_away(page, wrong, "Connect again.").await;
        }
    };
    if !agent.admits(&open.key) {
        sleep(GUESS).await;
        let wrong = "this key was not given by this server, or is forgotten";
        let hint = "Open the link that the terminal shows in which the server runs.";
        return turn_away(page, wrong, hint).await;
    }
    serve(page, &open, leaving).await;
}

/// What the page wants. `None`: it has left.
async fn first(page: &mut WebSocket) -> Result<Option<Open>, String> {
    let Ok(Some(mut message)) = page.recv_stream().await else {
        return Ok(None);
    };
    if message.kind() != Kind::Text {
        return Err("the first message is binary: it has to be {\"op\":\"open\",…}".to_owned());
    }
    let mut bytes = Vec::new();
    loop {
        match message.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(_) => return Ok(None),
        }
        if bytes.len() > FIRST {
            return Err(format!("the first message has more than {FIRST} bytes"));
        }
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
    wire::open(text).map(Some)
}

/// Says what is wrong, and closes.
async fn turn_away(page: WebSocket, wrong: &str, hint: &str) {
    let event = Told::Event(trouble::page(wrong, hint));
    if let Some(message) = message(event) {
        _ = page.send(message).await;
    }
    end(page, WRONG, wrong).await;
}

async fn end(mut page: WebSocket, code: u16, reason: &str) {
    _ = page.close(code, cut(reason)).await;
}

/// As much of a reason as a Close frame holds.
fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

/// Connects, and passes on what both say.
async fn serve(page: WebSocket, open: &Open, leaving: watch::Receiver<Option<Instant>>) {
    let tape = Arc::new(Tape::new(open.frames, !open.insecure));
    let (sender, mut receiver) = page.split();
    let far = async {
        let outcome = converse(&sender, &mut receiver, open, &tape, leaving).await;
        tape.end();
        outcome
    };
    let (outcome, ()) = tokio::join!(far, tell(&sender, &tape));
    let (code, reason) = match &outcome {
        Outcome::Gone => return,
        Outcome::Over => (OVER, ""),
        Outcome::Stop => (STOPPING, "the server is stopping"),
        Outcome::Wrong(wrong) => (WRONG, wrong.as_str()),
    };
    _ = sender.begin_close(code, cut(reason));
    _ = receiver.closed().await;
}

/// How both came to their end.
enum Outcome {
    /// The page is gone.
    Gone,
    /// The far connection is over, and it was told how.
    Over,
    /// The page said what is no command.
    Wrong(String),
    /// The server is stopping.
    Stop,
}

/// The far connection, from its beginning to its end.
async fn converse(
    page: &Sender,
    commands: &mut Receiver,
    open: &Open,
    tape: &Arc<Tape>,
    mut leaving: watch::Receiver<Option<Instant>>,
) -> Outcome {
    let stop = leaving.wait_for(Option::is_some);
    let mut stop = std::pin::pin!(stop);
    let far = tokio::select! {
        far = dial::dial(open, tape) => far,
        // Nothing may be said yet: what comes is that the page has left.
        outcome = impatient(commands) => return outcome.told(tape),
        _ = &mut stop => return Outcome::Stop,
    };
    let Some(far) = far else {
        return Outcome::Over;
    };
    let (sender, mut receiver) = far.split();
    let pings = Pings::default();
    let outcome = tokio::select! {
        () = relay::listen(&mut receiver, tape, &pings) => return Outcome::Over,
        left = relay::commands(commands, &sender, tape, &pings) => match left {
            Left::Gone => Outcome::Gone,
            Left::Wrong(wrong) => Outcome::Wrong(wrong),
        },
        () = relay::gone(page) => Outcome::Gone,
        _ = &mut stop => Outcome::Stop,
    };
    // The far server is told goodbye.
    _ = sender.begin_close(STOPPING, "");
    _ = timeout(FAREWELL, receiver.closed()).await;
    outcome.told(tape)
}

impl Outcome {
    /// The page is told what it did wrong.
    fn told(self, tape: &Tape) -> Self {
        if let Self::Wrong(wrong) = &self {
            tape.event(trouble::page(wrong, MISFIT));
        }
        self
    }
}

/// A page that speaks before the far connection is open.
async fn impatient(page: &mut Receiver) -> Outcome {
    match page.recv().await {
        Ok(Some(Message::Text(text))) if is_close(&text) => Outcome::Over,
        Ok(Some(_)) => Outcome::Wrong("the connection is not open yet".to_owned()),
        _ => Outcome::Gone,
    }
}

/// Whether the page gives up what it began.
fn is_close(text: &str) -> bool {
    matches!(wire::command(text), Ok(wire::Command::Close { .. }))
}

/// Tells the page what there is to tell, until that ends or the page takes no more.
async fn tell(page: &Sender, tape: &Tape) {
    let all = async {
        while let Some(told) = tape.next().await {
            if !say(page, told).await {
                return;
            }
        }
    };
    let late = async {
        tape.ended().await;
        sleep(REST).await;
    };
    tokio::select! {
        () = all => {}
        () = late => {}
    }
}

/// Whether the page took it.
async fn say(page: &Sender, told: Told) -> bool {
    match message(told) {
        Some(message) => page.send(message).await.is_ok(),
        None => true,
    }
}

fn message(told: Told) -> Option<Message> {
    match told {
        Told::Binary(payload) => Some(Message::binary(payload)),
        Told::Event(event) => json(&event),
        Told::Frame(way, frame) => json(&Event::Frame(wire::Shown::new(way, &frame))),
    }
}

fn json(event: &Event) -> Option<Message> {
    serde_json::to_string(event).ok().map(Message::from)
}
