//! `/metrics`: what the node counts, for this machine.

use crate::metrics;
use crate::shard::Local;
use crate::web::answers;
use crate::web::caller::{Caller, is_from_here};
use axum::response::Response;
use http::StatusCode;

pub(super) async fn metrics(request: axum::extract::Request) -> Response {
    let caller = request.extensions().get::<Caller>();
    if !caller.is_some_and(|caller| is_from_here(caller, &request)) {
        let words = "The counters are for this machine: ask http://127.0.0.1 directly, without a proxy, in HTTP/1.1.";
        return answers::sentence(StatusCode::FORBIDDEN, words);
    }
    let Some(node) = Local::here().map(|local| local.node.clone()) else {
        return answers::missing();
    };
    let shards = node.counters().await;
    let text = metrics::render(&node.counted(), &shards);
    answers::answer(StatusCode::OK, metrics::CONTENT_TYPE, text)
}
