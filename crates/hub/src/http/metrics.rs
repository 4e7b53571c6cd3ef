//! `/metrics`: what the node counts, for this machine.

use super::value;
use crate::guard::is_loopback;
use crate::metrics;
use crate::shard::Local;
use crate::web::caller::Caller;
use crate::web::pages;
use axum::response::Response;
use http::header::HOST;
use http::{Request, StatusCode, Version};

/// Headers that say that a proxy has passed the request on, from anywhere.
const FORWARDED: [&str; 9] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "via",
];

/// Whether a program of this machine asks, and for itself. A proxy that is not told to says nothing of itself: nginx then asks in HTTP/1.0, others pass the
/// Host on.
pub(super) fn is_from_here<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let caller = request.extensions().get::<Caller>();
    caller.is_some_and(|caller| caller.peer.ip().to_canonical().is_loopback())
        && request.version() >= Version::HTTP_11
        && value(headers, &HOST).is_some_and(|host| is_loopback(&host))
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

pub(super) async fn metrics(request: axum::extract::Request) -> Response {
    if !is_from_here(&request) {
        let words = "The counters are for this machine: ask http://127.0.0.1 directly, without a proxy, in HTTP/1.1.";
        return pages::sentence(StatusCode::FORBIDDEN, words);
    }
    let Some(node) = Local::here().map(|local| local.node.clone()) else {
        return pages::missing();
    };
    let shards = node.counters().await;
    let text = metrics::render(&node.counted(), &shards);
    pages::answer(StatusCode::OK, metrics::CONTENT_TYPE, text)
}
