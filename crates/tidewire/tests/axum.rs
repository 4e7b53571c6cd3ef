//! The extractor: routes, refusals, choices of the handler, messages of every kind, and bad ends.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

mod common;
use ::axum::extract::{Path, State};
use ::axum::response::Response;
use ::axum::routing::{any, get};
use ::axum::{Extension, Router};
use common::*;
use futures_util::StreamExt;
use std::net::SocketAddr;
use std::time::Duration;
use tidewire::axum::rejection::WebSocketUpgradeRejection;
use tidewire::axum::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use tidewire::hyper::{HandoverError, UpgradeError};
use tidewire::{Client, ConnectError, Error, OriginPolicy, Server};
use tidewire_proto::{Role, SendError};
use tidewire_testkit::RawFrame;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tower::ServiceExt;

const PATIENCE: Duration = Duration::from_secs(30);

async fn listen(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { ::axum::serve(listener, app).await });
    addr
}

fn client_of(addr: SocketAddr, path: &str) -> Client {
    Client::new(format!("ws://{addr}{path}"))
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_))
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

fn echo_app() -> Router {
    let handler = |ws: WebSocketUpgrade| async { ws.on_upgrade(echo) };
    Router::new().route("/echo", any(handler))
}

/// A server by `handler`, and a client by hand that has asked for a WebSocket.
async fn raw_of(app: Router, path: &str) -> Raw<TcpStream> {
    let addr = listen(app).await;
    let mut raw = Raw::new(TcpStream::connect(addr).await.unwrap(), Role::Client);
    let request = REQUEST.replace("GET / ", &format!("GET {path} "));
    raw.send_bytes(format!("{request}\r\n").as_bytes()).await;
    raw
}

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
async fn messages_of_every_size_come_back_compressed() {
    let addr = listen(echo_app()).await;
    let mut ws = client_of(addr, "/echo").connect().await.unwrap();
    assert!(ws.deflate().is_some());
    for size in [0, 1, 10_000, 1 << 20] {
        let text = "abcdefgh".repeat(size / 8);
        ws.send(&text).await.unwrap();
        assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some(&*text));
        ws.send(vec![1; size]).await.unwrap();
        assert_eq!(ws.recv().await.unwrap().unwrap().as_bytes(), vec![1; size]);
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
async fn control_frames_are_seen_and_answered_without_help() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |ws: WebSocketUpgrade| async move {
        ws.on_upgrade(|mut socket| async move {
            socket.send(Message::Ping("ours".into())).await.unwrap();
            socket.send(Message::Pong("unasked".into())).await.unwrap();
            while let Some(message) = socket.next().await {
                tell.send(Some(message.unwrap())).unwrap();
            }
            tell.send(None).unwrap();
        })
    };
    let mut raw = raw_of(Router::new().route("/", any(handler)), "/").await;
    raw.read_head().await;
    raw.expect("PING \"ours\" [4 bytes]").await;
    raw.expect("PONG \"unasked\" [7 bytes]").await;
    raw.send(RawFrame::ping("theirs")).await;
    raw.expect("PONG \"theirs\" [6 bytes]").await;
    raw.send_all(&[RawFrame::pong("ours"), RawFrame::close(4321, "done")])
        .await;
    raw.expect_close(4321).await;
    raw.expect_end().await;
    let done = CloseFrame {
        code: 4321,
        reason: "done".into(),
    };
    for expected in [
        Message::Ping("theirs".into()),
        Message::Pong("ours".into()),
        Message::Close(Some(done)),
    ] {
        assert_eq!(told.recv().await.unwrap(), Some(expected));
    }
    assert_eq!(told.recv().await.unwrap(), None, "the end");
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_and_the_connection_goes_on() {
    let handler = |ws: WebSocketUpgrade| async {
        ws.on_upgrade(|mut socket| async move {
            let close = |code, reason: &str| {
                let reason = reason.into();
                Message::Close(Some(CloseFrame { code, reason }))
            };
            let long = "x".repeat(126);
            for (message, misuse) in [
                (
                    Message::Ping(long.clone().into()),
                    SendError::ControlTooLong,
                ),
                (
                    Message::Pong(long.clone().into()),
                    SendError::ControlTooLong,
                ),
                (close(1000, &long), SendError::ReasonTooLong),
                (close(1006, ""), SendError::CodeNotAllowed(1006.into())),
            ] {
                let error = socket.send(message).await.unwrap_err().into_inner();
                let error = error.downcast::<Error>().unwrap();
                assert!(
                    matches!(*error, Error::Misuse(told) if told == misuse),
                    "{error}"
                );
            }
            socket.send(Message::text("still here")).await.unwrap();
            socket
                .send(close(close_code::RESTART, "later"))
                .await
                .unwrap();
            let late = socket
                .send(Message::text("too late"))
                .await
                .unwrap_err()
                .into_inner();
            assert!(late.downcast::<Error>().is_ok());
            while let Some(Ok(_)) = socket.recv().await {}
        })
    };
    let addr = listen(Router::new().route("/", any(handler))).await;
    let mut ws = client_of(addr, "/").connect().await.unwrap();
    let message = ws.recv().await.unwrap().unwrap();
    assert_eq!(message.as_text(), Some("still here"));
    let Err(Error::Closed(story)) = ws.recv().await else {
        panic!("closed with a code");
    };
    assert_eq!(
        story.received.unwrap().to_string(),
        "1012 (service restart): later"
    );
}

#[tokio::test]
async fn a_stream_forwards_into_a_sink() {
    let handler = |ws: WebSocketUpgrade| async {
        ws.on_upgrade(|socket| async {
            let (sink, stream) = socket.split();
            let messages = stream.take(3);
            messages.forward(sink).await.unwrap();
        })
    };
    let addr = listen(Router::new().route("/", any(handler))).await;
    let mut ws = client_of(addr, "/").connect().await.unwrap();
    for text in ["one", "two", "three"] {
        ws.send(text).await.unwrap();
        assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some(text));
    }
    // `forward` closes the sink behind the last one.
    assert_eq!(ws.recv().await.unwrap(), None);
}

#[tokio::test]
async fn a_broken_rule_is_one_error_and_then_the_end() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |ws: WebSocketUpgrade| async move {
        ws.on_upgrade(|mut socket| async move {
            let error = socket.recv().await.unwrap().unwrap_err();
            tell.send(error.to_string()).unwrap();
            assert!(socket.recv().await.is_none());
            tell.send("the end".to_owned()).unwrap();
        })
    };
    let mut raw = raw_of(Router::new().route("/", any(handler)), "/").await;
    raw.read_head().await;
    raw.send(RawFrame::text([0xff])).await;
    raw.expect_close(1007).await;
    let error = told.recv().await.unwrap();
    assert!(error.contains("UTF-8"), "{error}");
    assert_eq!(told.recv().await.unwrap(), "the end");
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_own_connection() {
    let handler = |ws: WebSocketUpgrade| async {
        ws.on_upgrade(|mut socket| async move {
            let _ = socket.recv().await;
            panic!("this panic belongs to the test");
        })
    };
    let addr = listen(echo_app().route("/panic", any(handler))).await;
    let mut other = client_of(addr, "/echo").connect().await.unwrap();
    let mut ws = client_of(addr, "/panic").connect().await.unwrap();
    ws.send("now").await.unwrap();
    let end = timeout(PATIENCE, ws.recv()).await.unwrap();
    assert!(end.is_err(), "{end:?}");
    other.send("still here").await.unwrap();
    assert_eq!(
        other.recv().await.unwrap().unwrap().as_text(),
        Some("still here")
    );
    client_of(addr, "/echo").connect().await.unwrap();
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

#[tokio::test]
async fn a_peer_that_does_not_read_makes_the_sender_wait() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |ws: WebSocketUpgrade| async move {
        ws.max_write_buffer_size(1000)
            .deflate(None)
            .on_upgrade(|mut socket| async move {
                for _ in 0..64 {
                    socket
                        .send(Message::binary(vec![0; 1 << 20]))
                        .await
                        .unwrap();
                    tell.send(()).unwrap();
                }
            })
    };
    let addr = listen(Router::new().route("/", any(handler))).await;
    let mut ws = client_of(addr, "/").connect().await.unwrap();
    told.recv().await.unwrap();
    // Sockets hold some megabytes; that is all that is sent while nothing is read.
    let mut sent = 1;
    while timeout(Duration::from_millis(300), told.recv())
        .await
        .is_ok()
    {
        sent += 1;
    }
    assert!(sent < 64, "{sent} messages were taken at once");
    for _ in 0..64 {
        assert_eq!(ws.recv().await.unwrap().unwrap().len(), 1 << 20);
    }
}
