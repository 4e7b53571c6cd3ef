//! The pages: which of them a path gets, and the plain ones.

use super::answers::{CSS, HTML, JAVASCRIPT, SVG, answer, missing, sentence};
use super::site;
use crate::config::Pages;
use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};

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
