//! The pages: which of them a path gets, the plain ones, and plain answers.

use super::site;
use crate::config::Pages;
use axum::body::Body;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// Scripts and styles come from here and nowhere else; nothing is inline, and nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const CSS: &str = "text/css; charset=utf-8";
pub(super) const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
pub(super) const SVG: &str = "image/svg+xml";

/// A file of `assets/`, with its type.
macro_rules! asset {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_str!(concat!("../../assets/", $name)))
    };
}

/// What is under `/assets/`: name, type, text.
const ASSETS: &[(&str, &str, &str)] = &[
    asset!("favicon.svg", SVG),
    asset!("style.css", CSS),
    asset!("index.js", JAVASCRIPT),
    asset!("frames.js", JAVASCRIPT),
    asset!("chat.js", JAVASCRIPT),
    asset!("common.js", JAVASCRIPT),
    asset!("connection.js", JAVASCRIPT),
    asset!("content.js", JAVASCRIPT),
    asset!("people.js", JAVASCRIPT),
    asset!("room.js", JAVASCRIPT),
    asset!("timeline.js", JAVASCRIPT),
];

/// How to get the full pages, on the plain front page of a binary that has none.
const INDEX: &str = include_str!("../../assets/index.html");
const NOTE: (&str, &str) = ("<!-- without the full pages -->\n", "<!-- end -->\n");

/// What is under a path that is no endpoint.
pub(crate) fn at(pages: Pages, path: &str, asked: &HeaderMap) -> Response<Body> {
    let full = site::find(path).filter(|_| pages == Pages::Full);
    match (pages, full) {
        (_, Some(file)) => file.answer(asked),
        (Pages::Off, None) => missing(),
        (_, None) if path == "/" => index(),
        (_, None) => match path.strip_prefix("/assets/").and_then(asset) {
            Some(answer) => answer,
            None if !site::is_of_full(path) => missing(),
            None if pages == Pages::Plain => sentence(
                StatusCode::NOT_FOUND,
                "This hub serves its plain pages: its setting \"pages\" says so, and / says what there is.",
            ),
            None if !site::is_embedded() => sentence(
                StatusCode::NOT_FOUND,
                "This page is not in the binary, which was built without Node: install Node 20 or newer with \
                 npm, run `cargo xtask web`, and build again.",
            ),
            None => missing(),
        },
    }
}

/// A chat room, or any other channel; the page reads from its own address which.
pub(crate) fn room(pages: Pages, asked: &HeaderMap) -> Response<Body> {
    match (pages, site::room()) {
        (Pages::Full, Some(file)) => file.answer(asked),
        (Pages::Off, _) => missing(),
        _ => answer(StatusCode::OK, HTML, include_str!("../../assets/chat.html")),
    }
}

/// What runs here, and how to use it.
fn index() -> Response<Body> {
    let note = INDEX.split_once(NOTE.0);
    let note = note.and_then(|(before, rest)| Some((before, rest.split_once(NOTE.1)?)));
    let text = match note {
        Some((before, (_, after))) if site::is_embedded() => format!("{before}{after}"),
        Some((before, (note, after))) => format!("{before}{note}{after}"),
        None => INDEX.to_owned(),
    };
    answer(StatusCode::OK, HTML, text)
}

/// A script or a style of the plain pages.
fn asset(name: &str) -> Option<Response<Body>> {
    let found = ASSETS.iter().find(|asset| asset.0 == name);
    found.map(|&(_, kind, text)| answer(StatusCode::OK, kind, text))
}

/// There is nothing under this path.
pub(crate) fn missing() -> Response<Body> {
    sentence(
        StatusCode::NOT_FOUND,
        "There is nothing here; / says what there is.",
    )
}

/// A line of text.
pub(crate) fn sentence(status: StatusCode, words: impl Into<String>) -> Response<Body> {
    let mut words = words.into();
    words.push('\n');
    answer(status, "text/plain; charset=utf-8", words)
}

/// An answer with what every answer carries.
pub(crate) fn answer(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let headers: [(HeaderName, &'static str); 7] = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in headers {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}
