//! `/metrics`: what the node counts, for this machine.

use super::{Caller, pages};
use crate::metrics;
use crate::shard::Local;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

/// Headers that say that a proxy has passed the request on, from anywhere.
const FORWARDED: [&str; 5] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "via",
];

fn is_from_here(caller: &Caller, headers: &HeaderMap) -> bool {
    let loopback = caller.peer.ip().to_canonical().is_loopback();
    loopback && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

pub(super) async fn metrics(request: Request) -> Response {
    let caller = request.extensions().get::<Caller>();
    if !caller.is_some_and(|caller| is_from_here(caller, request.headers())) {
        let words =
            "The counters are for this machine: ask http://127.0.0.1 directly, without a proxy.";
        return pages::sentence(StatusCode::FORBIDDEN, words);
    }
    let Some(node) = Local::here().map(|local| local.node.clone()) else {
        return pages::missing();
    };
    let shards = node.counters().await;
    let text = metrics::render(&node.counted(), &shards);
    pages::answer(StatusCode::OK, metrics::CONTENT_TYPE, text)
}
