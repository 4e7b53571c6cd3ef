//! Which path is what.

use super::{metrics, pages, socket, wants_upgrade};
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use super::url;
use crate::transport::{poll, sse, uplink};

/// Every endpoint.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(root))
        .route("/echo", get(socket::echo))
        .route("/ws", get(socket::native))
        .route("/c/{channel}", get(channel))
        .route("/chat/{room}", get(room))
        .route("/wss/v2/{channel}/{key}", get(socket::v2))
        .route("/wss/v2/{channel}/{key}/", get(socket::v2))
        .route("/v3/{channel}", get(socket::v3))
        .route("/sse", get(sse::open))
        .route("/poll", get(poll::answer))
        .route("/uplink", post(uplink::answer))
        .route("/assets/{name}", get(asset))
        .route(
            "/healthz",
            get(async || pages::sentence(StatusCode::OK, "ok")),
        )
        .route("/metrics", get(metrics::metrics))
        .fallback(async || pages::missing())
}

/// A part of the path, counted from 1, as it was sent.
pub(super) fn part(request: &Request, number: usize) -> &str {
    request.uri().path().split('/').nth(number).unwrap_or("")
}

async fn root(request: Request) -> Response {
    if wants_upgrade(request.headers()) {
        return socket::echo(request).await;
    }
    pages::index()
}

async fn channel(request: Request) -> Response {
    let channel = url::channel(part(&request, 2));
    talk_or_page(request, channel)
}

async fn room(request: Request) -> Response {
    let channel = url::room(part(&request, 2));
    talk_or_page(request, channel)
}

fn talk_or_page(
    request: Request,
    channel: Result<tidewire_hub_proto::Channel, String>,
) -> Response {
    match channel {
        Err(wrong) => pages::sentence(StatusCode::BAD_REQUEST, wrong),
        Ok(channel) if wants_upgrade(request.headers()) => socket::plain(request, channel, false),
        Ok(_) => pages::chat(),
    }
}

async fn asset(request: Request) -> Response {
    pages::asset(part(&request, 2))
}
