//! Commands of clients whose transport goes down only: `POST /uplink`. A request is a session that ends
//! with its answers.

use super::followed::{self, Leave};
use crate::outbox::{Frame, Outbox};
use crate::protocol::{Format, Heard, native};
use crate::shard::Local;
use crate::web::patience::Cut;
use crate::web::url::Query;
use crate::web::{answers, caller, opening};
use axum::body::to_bytes;
use axum::response::Response;
use http::StatusCode;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidewire_hub_core::{Connect, SessionId, TransportKind};
use tidewire_hub_proto::{Channel, ErrorCode, Pos, Push, Reply, Request};
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a client may take to send its commands.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long commands may take to be done.
const LONGEST: Duration = Duration::from_secs(30);

/// The answers so far. On one thread, but the request's future has to be able to move.
struct Answers {
    given: Mutex<Given>,
    /// More commands may be passed on.
    room: Notify,
    all: Notify,
}

#[derive(Default)]
struct Given {
    /// Objects, with commas between.
    objects: Vec<u8>,
    expected: usize,
    refused: Option<ErrorCode>,
}

impl Answers {
    /// What has come; what comes now is lost.
    fn take(&self) -> Given {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox for Arc<Answers> {
    fn takes(&self, push: &Push) -> bool {
        if let Some(code) = followed::error(push) {
            self.lock().refused.get_or_insert(code);
        }
        false
    }

    fn queue(&self, frame: &Frame, _moved: Option<(&Channel, Pos)>) -> usize {
        let mut given = self.lock();
        if !given.objects.is_empty() {
            given.objects.push(b',');
        }
        given.objects.extend_from_slice(frame.payload());
        given.expected = given.expected.saturating_sub(1);
        if given.expected == 0 {
            self.all.notify_one();
        }
        // What the commands are worth is asked for in portions: see `run`.
        0
    }

    fn queued(&self) -> usize {
        0
    }

    fn flush(&self) -> usize {
        0
    }

    fn close(&self, _code: u16, _reason: &str) {
        self.room.notify_one();
        self.all.notify_one();
    }

    fn resume(&self) {
        self.room.notify_one();
    }
}

/// `POST /uplink[?client=TOKEN][&name=…]`: a command, or an array of commands.
pub(crate) async fn answer(request: axum::extract::Request) -> Response {
    let cut = caller::cut(request.extensions());
    let query = Query::parse(request.uri().query());
    let opening = query.and_then(|query| opening::connect(&query, false));
    let mut connect = match opening {
        Ok((connect, _)) => connect,
        Err(wrong) => return answers::sentence(StatusCode::BAD_REQUEST, wrong),
    };
    connect.transport = TransportKind::Uplink;
    let Some(most) = Local::here().map(|local| local.node.lines.largest_command()) else {
        return answers::missing();
    };
    let body = match timeout(PATIENCE, to_bytes(request.into_body(), most)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let words = format!("The commands did not arrive, or are larger than {most} bytes.");
            return answers::sentence(StatusCode::PAYLOAD_TOO_LARGE, words);
        }
        Err(_) => {
            return answers::sentence(
                StatusCode::REQUEST_TIMEOUT,
                "The commands did not arrive in time.",
            );
        }
    };
    let Ok(text) = std::str::from_utf8(&body) else {
        return answers::sentence(StatusCode::BAD_REQUEST, "Commands are JSON in UTF-8.");
    };
    let is_batch = text.trim_start().starts_with('[');
    let mut heard = Vec::new();
    native::text(text, &mut heard);
    let Some(client) = connect.client.clone() else {
        return run(connect, heard, is_batch, cut).await;
    };
    // Who says who it is, and is not, is told; otherwise it would publish as somebody new.
    let known =
        Local::here().is_some_and(|local| local.node.settings.client_key.verify(&client).is_some());
    if !known {
        let words = "client: this id was not given by this hub; take the one from `hello`, or from an answer to /poll.";
        return answers::sentence(StatusCode::FORBIDDEN, words);
    }
    run(connect, heard, is_batch, cut).await
}

/// Has the commands done, and answers with what came of them.
async fn run(connect: Connect, heard: Vec<Heard>, is_batch: bool, cut: Cut) -> Response {
    let Some((answers, leave)) = begin(connect, heard.len()) else {
        return answers::missing();
    };
    let session = leave.0;
    let done = async {
        for heard in heard {
            // As over a WebSocket: what is asked waits for what is under way.
            while is_full(session) {
                answers.room.notified().await;
            }
            pass_on(&answers, session, heard);
        }
        answers.all.notified().await;
    };
    let in_time = timeout(LONGEST, done).await.is_ok();
    let given = answers.take();
    // What is still owed is told to nobody.
    drop(leave);
    let status = match given.refused {
        Some(code) if !is_batch => followed::status(code),
        _ if !in_time => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::OK,
    };
    let (open, close) = if is_batch { ("[", "]\n") } else { ("", "\n") };
    let body = [open.as_bytes(), &given.objects, close.as_bytes()].concat();
    answers::answer(status, "application/json", cut.body(body.into()))
}

fn begin(connect: Connect, expected: usize) -> Option<(Arc<Answers>, Leave)> {
    let local = Local::here()?;
    let given = Given {
        expected,
        ..Given::default()
    };
    let answers = Arc::new(Answers {
        given: Mutex::new(given),
        room: Notify::new(),
        all: Notify::new(),
    });
    let session = local.open(Format::Native, connect, Rc::new(answers.clone()));
    Some((answers, Leave(session)))
}

fn is_full(session: SessionId) -> bool {
    Local::here().is_some_and(|local| local.is_full(session))
}

/// Has a command done, unless the answers to those before it are as many as a session may have waiting.
fn pass_on(answers: &Arc<Answers>, session: SessionId, heard: Heard) {
    let Some(local) = Local::here() else {
        return;
    };
    let is_much = answers.lock().objects.len() >= local.node.settings.limits.outbox;
    match heard {
        Heard::Request(Request { id, .. }) if is_much => {
            let reply = Reply::error(
                ErrorCode::TooLarge,
                "the answers before this one are as large as one request may ask for",
            );
            let push = Push::Reply { id, reply };
            answers.queue(&native::push(&push), None);
        }
        Heard::Request(request) => local.request(session, request),
        Heard::Refused { id, code, message } => local.refuse(session, id, code, &message),
    }
}
