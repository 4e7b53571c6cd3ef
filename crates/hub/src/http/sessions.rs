//! `/sessions/{session}`: what a backend has for one session, by the session's public id.

use crate::errand::{Ask, Told};
use crate::node::Node;
use crate::session::{self, POLLING};
use crate::shard::Local;
use crate::web::caller::{Caller, is_from_here};
use crate::web::{answers, url};
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use http::header::{ORIGIN, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tidewire_hub_core::{Described, TransportKind};
use tidewire_hub_proto::native::decode_payload;
use tokio::time::timeout;

/// How long the body of a request may take.
const PATIENCE: Duration = Duration::from_secs(20);

const OFF: &str = "Messages to one session are off here: they are on where the server listens on loopback alone, unless \
    its configuration says sessions = false.";
const ELSEWHERE: &str = "Messages to one session are for programs of this machine, without a proxy in between, \
    under a loopback Host.";
const PAGE: &str =
    "Messages to one session are for programs, not for pages: have your backend send them.";
const UNKNOWN: &str = "There is no such session here: it has ended, or never was. A client's id is in its `hello`, \
    and in the presence of its channels.";
const POLLS: &str = "This client polls: between two polls nobody waits for a message. Publish it in a channel that the \
    client follows.";

/// The hub and the session that is named, if the request may reach them; otherwise the answer.
fn reach(request: &Request) -> Result<(Arc<Node>, String), Box<Response>> {
    let refuse = |status, words: &str| Err(Box::new(answers::sentence(status, words)));
    let node = Local::here().map(|local| local.node.clone());
    let Some(node) = node.filter(|node| node.sessions) else {
        return refuse(StatusCode::NOT_FOUND, OFF);
    };
    let caller = request.extensions().get::<Caller>();
    if !caller.is_some_and(|caller| is_from_here(caller, request)) {
        return refuse(StatusCode::FORBIDDEN, ELSEWHERE);
    }
    if is_of_a_page(request) {
        return refuse(StatusCode::FORBIDDEN, PAGE);
    }
    match url::decode(url::part(request.uri(), 2)) {
        Some(session) if session.starts_with(POLLING) => refuse(StatusCode::CONFLICT, POLLS),
        Some(session) => Ok((node, session)),
        None => refuse(StatusCode::NOT_FOUND, UNKNOWN),
    }
}

/// Whether a browser says that one of its pages asks.
fn is_of_a_page(request: &Request) -> bool {
    let headers = request.headers();
    let site = headers.get("sec-fetch-site");
    headers.contains_key(ORIGIN) || site.is_some_and(|site| site != "none")
}

/// `GET /sessions/{session}`: whether it is there.
pub(super) async fn describe(request: Request) -> Response {
    match reach(&request) {
        Ok((node, session)) => answer(session::ask(&node, &session, Ask::Describe).await),
        Err(answer) => *answer,
    }
}

/// `POST /sessions/{session}`: hands it a message.
pub(super) async fn direct(request: Request) -> Response {
    let (node, session) = match reach(&request) {
        Ok(reached) => reached,
        Err(answer) => return *answer,
    };
    let most = node.lines.largest_command();
    let body = match timeout(PATIENCE, to_bytes(request.into_body(), most)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let words = format!("The body did not arrive, or is larger than {most} bytes.");
            return answers::sentence(StatusCode::PAYLOAD_TOO_LARGE, words);
        }
        Err(_) => {
            let words = "The body did not arrive in time.";
            return answers::sentence(StatusCode::REQUEST_TIMEOUT, words);
        }
    };
    let Ok(text) = std::str::from_utf8(&body) else {
        return answers::sentence(StatusCode::BAD_REQUEST, "The body is JSON in UTF-8.");
    };
    let payload = match decode_payload(text) {
        Ok(payload) => payload,
        Err(wrong) => return answers::sentence(StatusCode::BAD_REQUEST, wrong.message),
    };
    let (size, most) = (payload.bytes().len(), largest_payload(&node));
    if size > most {
        let words = format!("The payload has {size} bytes; the largest may have {most}.");
        return answers::sentence(StatusCode::PAYLOAD_TOO_LARGE, words);
    }
    answer(session::ask(&node, &session, Ask::Direct(payload)).await)
}

/// What the most generous namespace takes.
fn largest_payload(node: &Node) -> usize {
    let namespaces = node.settings.namespaces.values();
    let sizes = namespaces.map(|namespace| namespace.max_message);
    sizes.max().unwrap_or(0)
}

fn answer(told: Told) -> Response {
    let later = |words: &str| {
        let mut answer = answers::sentence(StatusCode::SERVICE_UNAVAILABLE, words);
        let headers = answer.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        answer
    };
    match told {
        Told::NotHere => answers::sentence(StatusCode::NOT_FOUND, UNKNOWN),
        Told::Full => later("The client reads too slowly: no more may wait for it. Try again."),
        Told::Busy => later("The server has more to do than it can hold. Try again."),
        Told::Given => answers::answer(StatusCode::OK, "application/json", "{\"op\":\"ok\"}\n"),
        Told::Described(known) => {
            let body = format!("{}\n", description(&known));
            answers::answer(StatusCode::OK, "application/json", body)
        }
    }
}

fn description(known: &Described) -> serde_json::Value {
    let origin = [
        ("user", &known.origin.user),
        ("client", &known.origin.client),
        ("name", &known.origin.name),
    ];
    let from = origin.into_iter().filter_map(|(field, value)| {
        let value = value.as_deref()?;
        Some((field.to_owned(), json!(value)))
    });
    json!({
        "op": "ok",
        "session": known.session,
        "transport": match known.transport {
            TransportKind::Sse => "sse",
            _ => "websocket",
        },
        "from": from.collect::<serde_json::Map<_, _>>(),
    })
}
