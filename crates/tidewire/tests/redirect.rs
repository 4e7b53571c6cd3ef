//! Redirects: followed within bounds, and never with what is for another.

#![cfg(all(feature = "tls", feature = "proxy"))]
#![allow(clippy::unwrap_used)]

mod common;
mod reach;

use http::HeaderValue;
use reach::*;
use std::net::SocketAddr;
use tidewire::{Client, ConnectError, RedirectReason};

fn moved(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// A server that sends everybody to `location`.
async fn sending_to(status: u16, location: String) -> (SocketAddr, Heads) {
    answering(move |_| Some(moved(status, &location))).await
}

/// A client with everything that says who its user is.
fn known(url: &str) -> Client {
    let mut sensitive = HeaderValue::from_static("secret");
    sensitive.set_sensitive(true);
    Client::new(url)
        .cookie("session", "secret")
        .header("Cookie", "other=secret")
        .header("Proxy-Authorization", "Basic secret")
        .header("X-Api-Key", sensitive)
        .header("X-Harmless", "hello")
        .header("Host", "own.example")
        .tls(client_tls())
}

const PERSONAL: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
];

fn reason(error: &ConnectError) -> (RedirectReason, &[String]) {
    match error {
        ConnectError::Redirect(error) => (error.reason(), error.chain()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_status_that_moves_is_followed_with_any_form_of_location() {
    for status in [301, 302, 303, 307, 308] {
        let (target, heads) = answering(|_| None).await;
        for location in [format!("http://{target}/x?y"), format!("//{target}/x?y#z")] {
            let (first, _) = sending_to(status, location).await;
            soon(tidewire::connect(format!("ws://{first}/")))
                .await
                .unwrap();
        }
        assert!(
            heads
                .all()
                .iter()
                .all(|head| head.starts_with("GET /x?y HTTP/1.1"))
        );
        assert_eq!(heads.all().len(), 2);
    }
}

#[tokio::test]
async fn other_answers_with_a_location_are_refusals_and_so_are_moves_without_one() {
    let (target, heads) = answering(|_| None).await;
    for status in [200, 201, 300, 304, 305, 306, 400] {
        let (first, _) = sending_to(status, format!("ws://{target}/")).await;
        let error = failure(Client::new(format!("ws://{first}/"))).await;
        assert!(matches!(error, ConnectError::Refused(answer) if answer.status() == status));
    }
    let nowhere = |_: &str| Some("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned());
    let (first, _) = answering(nowhere).await;
    let error = failure(Client::new(format!("ws://{first}/"))).await;
    assert!(matches!(error, ConnectError::Refused(answer) if answer.status() == 302));
    // Whoever wants none sees the answer.
    let (first, _) = sending_to(307, format!("ws://{target}/")).await;
    let error = failure(Client::new(format!("ws://{first}/")).redirects(0)).await;
    let ConnectError::Refused(answer) = error else {
        panic!("{error:?}");
    };
    assert_eq!(answer.headers()["location"], format!("ws://{target}/"));
    assert!(heads.all().is_empty());
}

#[tokio::test]
async fn within_the_origin_everything_goes_along() {
    let (server, heads) = answering(|head| {
        let first = head.starts_with("GET /first ");
        first.then(|| moved(302, "second?x"))
    })
    .await;
    let url = format!("ws://me:pw@{server}/first");
    soon(known(&url).connect()).await.unwrap();
    let heads = heads.all();
    assert_eq!(heads.len(), 2);
    assert!(heads[1].starts_with("GET /second?x "), "{}", heads[1]);
    for head in &heads {
        for name in PERSONAL.iter().chain(&["x-harmless"]) {
            assert_eq!(values(head, name).len(), 1, "{name} in {head}");
        }
        assert_eq!(values(head, "host"), ["own.example"]);
    }
    let key = |head| values(head, "sec-websocket-key");
    assert_ne!(
        key(&heads[0]),
        key(&heads[1]),
        "RFC 6455 §4.1: a new one for each"
    );
}

#[tokio::test]
async fn another_origin_gets_nothing_that_says_who_the_user_is() {
    let (target, heads) = answering(|_| None).await;
    let user = format!("ws://you:theirs@{target}/"); // not for a server to say
    for location in [format!("ws://{target}/"), user] {
        let (first, own) = sending_to(302, location).await;
        let url = format!("ws://me:pw@{first}/");
        soon(known(&url).connect()).await.unwrap();
        assert_eq!(values(&own.one(), "authorization").len(), 1);
    }
    for head in heads.all() {
        for name in PERSONAL {
            assert!(values(&head, name).is_empty(), "{name} in {head}");
        }
        assert_eq!(values(&head, "x-harmless"), ["hello"]);
        assert_eq!(values(&head, "host"), [target.to_string()]);
    }
    assert_eq!(heads.all().len(), 2);
}

#[tokio::test]
async fn trust_does_not_come_back_with_a_redirect_back() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = listener.local_addr().unwrap();
    drop(listener);
    let (first, heads) = answering(move |head| {
        let begin = head.starts_with("GET / ");
        begin.then(|| moved(302, &format!("ws://{other}/")))
    })
    .await;
    let back = tokio::net::TcpListener::bind(other).await.unwrap();
    tokio::spawn(async move {
        let (tcp, _) = back.accept().await.unwrap();
        let mut raw = common::Raw::new(tcp, tidewire_proto::Role::Server);
        raw.read_head().await;
        let location = format!("ws://{first}/back");
        raw.send_bytes(moved(302, &location).as_bytes()).await;
    });
    soon(known(&format!("ws://me:pw@{first}/")).connect())
        .await
        .unwrap();
    let heads = heads.all();
    assert_eq!(values(&heads[0], "authorization").len(), 1);
    assert!(heads[1].starts_with("GET /back "));
    for name in PERSONAL {
        assert!(values(&heads[1], name).is_empty(), "{name} in {}", heads[1]);
    }
}

#[tokio::test]
async fn loops_end_and_the_error_names_the_chain_without_secrets() {
    let (server, heads) = sending_to(302, "/again?token=hunter2".into()).await;
    let url = format!("ws://me:hunter2@{server}/?token=hunter2");
    let error = failure(Client::new(&url)).await;
    let (reason, chain) = reason(&error);
    assert_eq!(reason, RedirectReason::TooMany(5));
    assert_eq!(chain.len(), 6);
    assert_eq!(chain[0], format!("ws://{server}/?…"));
    assert_eq!(chain[5], format!("ws://{server}/again?…"));
    assert_eq!(heads.all().len(), 6);
    assert!(error.to_string().contains(&chain.join(" → ")), "{error}");
    assert!(!everything(&error).contains("hunter2"), "{error}");

    let error = failure(Client::new(&url).redirects(1)).await;
    assert_eq!(heads.all().len(), 8);
    assert!(error.to_string().contains("more than 1 times"), "{error}");
}

#[tokio::test]
async fn from_ws_to_wss_is_followed_and_from_wss_to_ws_is_not() {
    let secure = echo_tls().await;
    let (first, _) = sending_to(301, format!("https://{secure}/")).await;
    let client = known(&format!("ws://{first}/"));
    greet(soon(client.connect()).await.unwrap()).await;

    let (plain, heads) = answering(|_| None).await;
    let tempting = listen(move |tcp| async move {
        let tls = server_tls().accept(tcp).await.unwrap();
        let mut raw = common::Raw::new(tls, tidewire_proto::Role::Server);
        raw.read_head().await;
        let location = format!("http://{plain}/");
        raw.send_bytes(moved(302, &location).as_bytes()).await;
    })
    .await;
    let error = failure(known(&format!("wss://{tempting}/"))).await;
    assert_eq!(reason(&error).0, RedirectReason::Downgrade);
    assert!(heads.all().is_empty());
}

#[tokio::test]
async fn locations_that_cannot_be_used_are_errors_and_no_panics() {
    for location in [
        "ftp://h/",
        "ws+unix:/run/docker.sock:/",
        "ws://",
        "ws://h:99999/",
        "ws://a@b@c/",
        "/a b",
        "\u{fc}",
        "//",
    ] {
        let (first, _) = sending_to(302, location.into()).await;
        let error = failure(Client::new(format!("ws://{first}/"))).await;
        let (reason, chain) = reason(&error);
        assert!(
            matches!(reason, RedirectReason::Location(_)),
            "{location}: {error}"
        );
        assert_eq!(chain, [format!("ws://{first}/")]);
    }
}
