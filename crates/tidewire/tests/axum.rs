//! The extractor: routes, refusals, choices of the handler, and who left before the answer.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

#[path = "common/axum_app.rs"]
mod axum_app;
mod common;
use ::axum::extract::{Path, State};
use ::axum::response::Response;
use ::axum::routing::{any, get};
use ::axum::{Extension, Router};
use axum_app::*;
use common::*;
use tidewire::axum::rejection::WebSocketUpgradeRejection;
use tidewire::axum::{Message, WebSocketUpgrade};
use tidewire::hyper::{HandoverError, UpgradeError};
use tidewire::{ConnectError, Error, OriginPolicy, Server};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tower::ServiceExt;

#[tokio::test]
async fn a_route_sits_beside_others_and_other_extractors() {
    async fn greet(
        Path(name): Path<String>,
        ws: WebSocketUpgrade,
        State(greeting): State<&'static str>,
    ) -> Response {
        ws.on_upgrade(move |mut socket| async move {
            let line = Message::text(format!("{greeting}, {name}"));
            socket.send(line).await.unwrap();
            socket.close().await.unwrap();
            assert!(matches!(
                socket.recv().await,
                Some(Ok(Message::Close(None)))
            ));
            assert!(socket.recv().await.is_none());
            assert!(socket.recv().await.is_none(), "the end stays the end");
            socket.close().await.unwrap();
        })
    }
    let app = Router::new()
        .route("/plain", get(|| async { "plain" }))
        .route("/greet/{name}", any(greet))
        .with_state("hello");
    let addr = listen(app).await;
    let mut raw = Raw::new(TcpStream::connect(addr).await.unwrap(), Role::Client);
    raw.send_bytes(b"GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(raw.read_to_end().await.ends_with(b"\r\n\r\nplain"));
    let mut ws = client_of(addr, "/greet/ada").connect().await.unwrap();
    let greeting = ws.recv().await.unwrap().unwrap();
    assert_eq!(greeting.as_text(), Some("hello, ada"));
    assert_eq!(ws.recv().await.unwrap(), None);
    let story = ws.close_story().unwrap();
    assert_eq!(
        story.received.unwrap().to_string(),
        "1005 (no status received)"
    );
}

#[tokio::test]
async fn refusals_have_types_statuses_and_text() {
    type Kind = fn(&WebSocketUpgradeRejection) -> bool;
    macro_rules! kind {
        ($name:ident) => {
            |rejection| matches!(rejection, WebSocketUpgradeRejection::$name(_))
        };
    }
    let cases: [(&str, &str, u16, Kind); 9] = [
        ("", "", 426, kind!(ConnectionNotUpgradable)),
        ("method", "POST", 405, kind!(MethodNotGet)),
        ("version", "2", 505, kind!(HttpVersionNotSupported)),
        ("upgrade", "h2c", 426, kind!(InvalidUpgradeHeader)),
        ("connection", "close", 400, kind!(InvalidConnectionHeader)),
        (
            "sec-websocket-version",
            "8",
            426,
            kind!(InvalidWebSocketVersionHeader),
        ),
        (
            "sec-websocket-key",
            "",
            400,
            kind!(WebSocketKeyHeaderMissing),
        ),
        ("sec-websocket-key", "x", 400, kind!(InvalidHandshake)),
        ("host", "a,b", 400, kind!(InvalidHandshake)),
    ];
    for (part, value, status, is_kind) in cases {
        let mut request = http::Request::new(::axum::body::Body::empty());
        for line in REQUEST.lines().skip(1) {
            let (name, value) = line.split_once(": ").unwrap();
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match part {
            "" => {}
            "method" => *request.method_mut() = value.parse().unwrap(),
            "version" => {
                *request.version_mut() = http::Version::HTTP_2;
                *request.method_mut() = http::Method::CONNECT;
            }
            name if value.is_empty() => drop(request.headers_mut().remove(name)),
            name => {
                let name: http::HeaderName = name.parse().unwrap();
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        let (tell, mut told) = mpsc::unbounded_channel();
        let handler = move |ws: Result<WebSocketUpgrade, WebSocketUpgradeRejection>| async move {
            let rejection = ws.unwrap_err();
            let text = rejection.body_text();
            tell.send((is_kind(&rejection), rejection.status(), text))
                .unwrap();
            rejection
        };
        let app = Router::new().route("/", any(handler));
        let response = app.oneshot(request).await.unwrap();
        let (right_kind, told_status, text) = told.recv().await.unwrap();
        assert!(right_kind, "{part} {value}");
        assert_eq!(told_status, status, "{part} {value}");
        assert_eq!(response.status(), status, "{part} {value}");
        if part == "sec-websocket-version" {
            assert_eq!(response.headers()["sec-websocket-version"], "13");
        }
        let body = ::axum::body::to_bytes(response.into_body(), 1000)
            .await
            .unwrap();
        assert_eq!(body, text);
        assert!(text.ends_with('\n') && text.len() > 20, "{text}");
    }
}

#[tokio::test]
async fn bytes_behind_the_head_arrive_and_the_socket_is_bare() {
    let handler = |ws: WebSocketUpgrade| async {
        ws.on_connect(|mut ws| async move {
            assert!(ws.peer_addr().is_some(), "not in a box");
            while let Ok(Some(message)) = ws.recv().await {
                ws.send(message).await.unwrap();
            }
        })
    };
    let addr = listen(Router::new().route("/", any(handler))).await;
    let mut raw = Raw::new(TcpStream::connect(addr).await.unwrap(), Role::Client);
    let mut bytes = format!("{REQUEST}\r\n").into_bytes();
    bytes.extend_from_slice(&RawFrame::text("early").bytes(Role::Client));
    raw.send_bytes(&bytes).await;
    assert!(raw.read_head().await.starts_with("HTTP/1.1 101 "));
    let echoed = raw.expect("TEXT \"early\" [5 bytes]");
    timeout(PATIENCE, echoed).await.unwrap();
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_unless_chosen() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let strict = move |ws: WebSocketUpgrade| async move {
        ws.on_failed_upgrade(move |error| tell.send(error).unwrap())
            .on_upgrade(echo)
    };
    let handler = |ws: WebSocketUpgrade| async { ws.on_upgrade(echo) };
    let any_origin = |ws: WebSocketUpgrade| async { ws.origin(OriginPolicy::Any).on_upgrade(echo) };
    let listed = OriginPolicy::List(vec!["http://page.example".into()]);
    let server = Extension(Server::new().origin(listed));
    let app = Router::new()
        .route("/strict", any(strict))
        .route("/any", any(any_origin))
        .route("/listed", any(handler).layer(server));
    let addr = listen(app).await;

    let page = |path| client_of(addr, path).origin("http://page.example");
    let Err(ConnectError::Refused(response)) = page("/strict").connect().await else {
        panic!("refused");
    };
    assert_eq!(response.status(), 403);
    let error = told.recv().await.unwrap().into_inner();
    let error = error.downcast::<UpgradeError>().unwrap();
    assert_eq!(error.status(), 403);
    page("/any").connect().await.unwrap();
    page("/listed").connect().await.unwrap();
    let own = client_of(addr, "/strict").origin(format!("http://{addr}"));
    own.connect().await.unwrap();
}

#[tokio::test]
async fn the_handler_picks_among_the_offered_subprotocols() {
    async fn handler(Path(pick): Path<String>, mut ws: WebSocketUpgrade) -> Response {
        let offered: Vec<_> = ws
            .requested_protocols()
            .map(|name| name.to_str().unwrap())
            .collect();
        assert_eq!(offered, ["b", "a"]);
        assert_eq!(ws.selected_protocol(), None);
        ws = match &*pick {
            "preferred" => ws.protocols(["x", "a", "b"]),
            "unknown" => ws.protocols(["x".to_owned()]),
            "by-server" => ws.server(Server::new().subprotocols(["b"])),
            name => {
                ws.set_selected_protocol(name.parse().unwrap());
                ws
            }
        };
        let selected = ws.selected_protocol().cloned();
        ws.on_upgrade(|mut socket| async move {
            if pick != "by-server" {
                assert_eq!(socket.protocol(), selected.as_ref());
            }
            let name = socket.protocol().map(|name| name.to_str().unwrap());
            let name = Message::text(name.unwrap_or("none"));
            socket.send(name).await.unwrap();
        })
    }
    let addr = listen(Router::new().route("/{pick}", any(handler))).await;
    for (pick, agreed) in [
        ("preferred", Some("a")),
        ("unknown", None),
        ("by-server", Some("b")),
        ("b", Some("b")),
        ("c", None),
    ] {
        let client = client_of(addr, &format!("/{pick}"));
        let client = client.subprotocol("b").subprotocol("a");
        let mut ws = client.connect().await.unwrap();
        assert_eq!(ws.subprotocol().as_deref(), agreed, "{pick}");
        let told = ws.recv().await.unwrap().unwrap();
        assert_eq!(told.as_text(), Some(agreed.unwrap_or("none")));
    }
}

#[tokio::test]
async fn limits_hold_in_whatever_order_they_were_chosen() {
    let message = |ws: WebSocketUpgrade| async { ws.max_message_size(100).on_upgrade(echo) };
    let frame = |ws: WebSocketUpgrade| async {
        ws.max_frame_size(100)
            .max_message_size(1000)
            .on_upgrade(echo)
    };
    let app = Router::new()
        .route("/message", any(message))
        .route("/frame", any(frame));
    let addr = listen(app).await;
    for path in ["/message", "/frame"] {
        let mut ws = client_of(addr, path).deflate(None).connect().await.unwrap();
        ws.send(vec![0; 100]).await.unwrap();
        assert_eq!(ws.recv().await.unwrap().unwrap().len(), 100);
        ws.send(vec![0; 101]).await.unwrap();
        let Err(Error::Closed(story)) = ws.recv().await else {
            panic!("the limit holds");
        };
        assert_eq!(story.received.unwrap().code.0, 1009, "{path}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_reported() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (asked, mut arrived) = mpsc::unbounded_channel();
    let handler = move |ws: WebSocketUpgrade| async move {
        let ws = ws.on_failed_upgrade(move |error| tell.send(error).unwrap());
        let _response = ws.on_upgrade(echo);
        asked.send(()).unwrap();
        std::future::pending::<Response>().await
    };
    let raw = raw_of(Router::new().route("/", any(handler)), "/").await;
    arrived.recv().await.unwrap();
    drop(raw);
    let error = timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    let error = error.into_inner().downcast::<HandoverError>().unwrap();
    assert!(matches!(*error, HandoverError::Left(_)), "{error:?}");
}
