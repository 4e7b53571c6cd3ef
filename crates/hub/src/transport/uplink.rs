//! Commands of clients whose transport goes down only: `POST /uplink`. A request is a session that ends
//! with its answers.

use super::followed::{self, Leave};
use super::{Frame, Outbox};
use crate::http::url::Query;
use crate::http::{opening, pages};
use crate::protocol::{Format, Heard, native};
use crate::shard::Local;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidewire_hub_core::TransportKind;
use tidewire_hub_proto::{Channel, ErrorCode, Pos, Push};
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a client may take to send its commands.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long commands may take to be done.
const LONGEST: Duration = Duration::from_secs(30);

/// The answers so far. On one thread, but the request's future has to be able to move.
struct Answers {
    given: Mutex<Given>,
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
        // It is bounded by what the commands can ask for, and is not read in pieces.
        0
    }

    fn queued(&self) -> usize {
        0
    }

    fn flush(&self) -> usize {
        0
    }

    fn close(&self, _code: u16, _reason: &str) {
        self.all.notify_one();
    }

    fn resume(&self) {}
}

/// `POST /uplink[?client=TOKEN][&name=…]`: a command, or an array of commands.
pub(crate) async fn answer(request: Request) -> Response {
    let query = Query::parse(request.uri().query());
    let opening = query.and_then(|query| opening::connect(&query, false));
    let mut connect = match opening {
        Ok((connect, _)) => connect,
        Err(wrong) => return pages::sentence(StatusCode::BAD_REQUEST, wrong),
    };
    connect.transport = TransportKind::Uplink;
    let Some(most) = Local::here().map(|local| local.node.lines.largest_command()) else {
        return pages::missing();
    };
    let body = match timeout(PATIENCE, to_bytes(request.into_body(), most)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let words = format!("The commands did not arrive, or are larger than {most} bytes.");
            return pages::sentence(StatusCode::PAYLOAD_TOO_LARGE, words);
        }
        Err(_) => {
            return pages::sentence(
                StatusCode::REQUEST_TIMEOUT,
                "The commands did not arrive in time.",
            );
        }
    };
    let Ok(text) = std::str::from_utf8(&body) else {
        return pages::sentence(StatusCode::BAD_REQUEST, "Commands are JSON in UTF-8.");
    };
    let is_batch = text.trim_start().starts_with('[');
    let mut heard = Vec::new();
    native::text(text, &mut heard);
    let Some(client) = connect.client.clone() else {
        return run(connect, heard, is_batch).await;
    };
    // Who says who it is, and is not, is told; otherwise it would publish as somebody new.
    let known =
        Local::here().is_some_and(|local| local.node.settings.client_key.verify(&client).is_some());
    if !known {
        let words = "client: this id was not given by this hub; take the one from `hello`, or from an answer to /poll.";
        return pages::sentence(StatusCode::FORBIDDEN, words);
    }
    run(connect, heard, is_batch).await
}

/// Has the commands done, and answers with what came of them.
async fn run(connect: tidewire_hub_core::Connect, heard: Vec<Heard>, is_batch: bool) -> Response {
    let Some((answers, leave)) = begin(connect, heard) else {
        return pages::missing();
    };
    let in_time = timeout(LONGEST, answers.all.notified()).await.is_ok();
    drop(leave);
    let given = answers.lock();
    let status = match given.refused {
        Some(code) if !is_batch => followed::status(code),
        _ if !in_time => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::OK,
    };
    let (open, close) = if is_batch { ("[", "]\n") } else { ("", "\n") };
    said(
        status,
        Bytes::from([open.as_bytes(), &given.objects, close.as_bytes()].concat()),
    )
}

fn begin(connect: tidewire_hub_core::Connect, heard: Vec<Heard>) -> Option<(Arc<Answers>, Leave)> {
    let local = Local::here()?;
    let given = Given {
        expected: heard.len(),
        ..Given::default()
    };
    let answers = Arc::new(Answers {
        given: Mutex::new(given),
        all: Notify::new(),
    });
    let session = local.open(Format::Native, connect, Rc::new(answers.clone()));
    let leave = Leave(session);
    for heard in heard {
        match heard {
            Heard::Request(request) => local.request(session, request),
            Heard::Refused { id, code, message } => local.refuse(session, id, code, &message),
        }
    }
    Some((answers, leave))
}

fn said(status: StatusCode, body: Bytes) -> Response {
    pages::answer(status, "application/json", body)
}
