//! Which path is what.

use super::{agent, metrics, sessions, socket, status, wants_upgrade};
use crate::config::Pages;
use crate::shard::Local;
use crate::transport::{poll, sse, uplink};
use crate::web::files::Files;
use crate::web::{answers, pages, site, url};
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use http::{Method, StatusCode};

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
        .route(
            "/healthz",
            get(async || answers::sentence(StatusCode::OK, "ok")),
        )
        .route("/metrics", get(metrics::metrics))
        .route("/status", get(status::status))
        .route("/agent", get(agent::open).post(agent::redeem))
        .route(
            "/sessions/{session}",
            get(sessions::describe).post(sessions::direct),
        )
        .fallback(page)
}

async fn root(request: Request) -> Response {
    if wants_upgrade(request.headers()) {
        return socket::echo(request).await;
    }
    page(request).await
}

/// Everything else: scripts, styles, and pages that are no endpoint besides.
async fn page(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answers::missing();
    }
    let path = request.uri().path();
    let of_folder = files().filter(|_| !site::is_of_full(path));
    let own = pages::at(kind(), path, request.headers());
    match of_folder {
        Some(files) if path == "/" => {
            let answer = files.answer(request).await;
            if answer.status() == StatusCode::NOT_FOUND {
                own
            } else {
                answer
            }
        }
        Some(files) if own.status() == StatusCode::NOT_FOUND => files.answer(request).await,
        _ => own,
    }
}

/// The folder of files that this hub serves besides.
fn files() -> Option<Files> {
    Local::here()?.node.files.clone()
}

/// Which pages this hub serves.
fn kind() -> Pages {
    Local::here().map_or(Pages::Off, |local| local.node.config.pages)
}

async fn channel(request: Request) -> Response {
    let channel = url::channel(url::part(request.uri(), 2));
    talk_or_page(request, channel)
}

async fn room(request: Request) -> Response {
    let channel = url::room(url::part(request.uri(), 2));
    talk_or_page(request, channel)
}

fn talk_or_page(
    request: Request,
    channel: Result<tidewire_hub_proto::Channel, String>,
) -> Response {
    match channel {
        Err(wrong) => answers::sentence(StatusCode::BAD_REQUEST, wrong),
        Ok(channel) if wants_upgrade(request.headers()) => socket::plain(request, channel, false),
        Ok(_) => pages::room(kind(), request.headers()),
    }
}
