//! Upgrades of requests that hyper received: answers, refusals, bytes behind the head, and who left.

#![cfg(feature = "hyper")]
#![allow(clippy::unwrap_used)]

mod common;
use ::hyper::body::Incoming;
use ::hyper::server::conn::http1;
use ::hyper::service::service_fn;
use ::hyper::{Request, Response, StatusCode, header};
use common::*;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tidewire::hyper::{HandoverError, Upgrade, UpgradeError};
use tidewire::{Client, Config, ConnectError, DeflateConfig, Error, Server, WebSocket};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::io::duplex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// Serves each connection of a port with hyper.
async fn listen<A, F>(answer: A) -> SocketAddr
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<String>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(serve_over(tcp, answer.clone()));
        }
    });
    addr
}

async fn serve_over<S: tidewire::Io, A, F>(io: S, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<String>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let response = answer(request);
        async { Ok::<_, Infallible>(response.await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(io), service);
    let _ = connection.with_upgrades().await;
}

async fn echo(mut ws: WebSocket) {
    let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
}

async fn echo_or_http(mut request: Request<Incoming>) -> Response<String> {
    match request.uri().path() {
        "/echo" => tidewire::hyper::serve(&mut request, &Server::new(), echo),
        path => Response::new(format!("plain {path}\n")),
    }
}

fn url(addr: SocketAddr, path: &str) -> String {
    format!("ws://{addr}{path}")
}

/// What a server answers to these bytes until it ends the connection.
async fn answer_to(addr: SocketAddr, request: &str) -> String {
    let mut raw = Raw::new(TcpStream::connect(addr).await.unwrap(), Role::Client);
    raw.send_bytes(request.as_bytes()).await;
    let answer = timeout(PATIENCE, raw.read_to_end()).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn websocket_and_plain_http_share_a_port() {
    let addr = listen(echo_or_http).await;
    let plain = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(answer_to(addr, plain).await.ends_with("plain /x\n"));

    let client = Client::new(url(addr, "/echo")).deflate(Some(DeflateConfig::default()));
    let mut ws = client.connect().await.unwrap();
    assert!(ws.deflate().is_some());
    for size in [0, 5, 10_000, 1 << 20] {
        ws.send("ü".repeat(size / 2)).await.unwrap();
        let echoed = ws.recv().await.unwrap().unwrap();
        assert_eq!(echoed.as_text(), Some(&*"ü".repeat(size / 2)));
        ws.send(vec![size as u8; size]).await.unwrap();
        let echoed = ws.recv().await.unwrap().unwrap();
        assert_eq!(echoed.as_bytes(), vec![size as u8; size]);
    }
    assert!(ws.close(1000, "").await.unwrap().is_clean());
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_told_which() {
    let addr = listen(echo_or_http).await;
    let good = REQUEST.replace("GET / ", "GET /echo ");
    let cases = [
        ("Upgrade: websocket", "Accept: x", 426, "upgrade: websocket"),
        (
            "Version: 13",
            "Version: 8",
            426,
            "sec-websocket-version: 13",
        ),
        ("GET ", "POST ", 405, "allow: GET"),
        (
            "localhost\r\n",
            "localhost\r\nOrigin: http://evil\r\n",
            403,
            "",
        ),
        ("localhost\r\n", "localhost\r\nOrigin: null\r\n", 403, ""),
        ("localhost\r\n", "localhost\r\nHost: b\r\n", 400, ""),
        (
            "localhost\r\n",
            "localhost\r\nContent-Length: 1\r\n",
            400,
            "",
        ),
        ("Key: ", "Key: x", 400, ""),
        ("Connection: Upgrade", "Connection: close", 400, ""),
        ("HTTP/1.1", "HTTP/1.0", 505, ""),
    ];
    for (from, to, status, line) in cases {
        let request = format!("{}\r\n", good.replace(from, to));
        assert_ne!(request, format!("{good}\r\n"), "{to}");
        let answer = answer_to(addr, &request).await;
        let head = answer.split("\r\n\r\n").next().unwrap();
        let minor = if to == "HTTP/1.0" { 0 } else { 1 };
        assert!(
            head.starts_with(&format!("HTTP/1.{minor} {status} ")),
            "{to}: {answer}"
        );
        assert!(
            head.to_lowercase().contains(&line.to_lowercase()),
            "{to}: {answer}"
        );
        assert!(
            answer.ends_with('\n') && !answer.ends_with("\r\n\r\n"),
            "{to}: {answer}"
        );
    }
}

#[tokio::test]
async fn bytes_behind_the_head_arrive() {
    let (a, b) = duplex(4096);
    tokio::spawn(serve_over(b, echo_or_http));
    let piped = pipelined(Raw::new(a, Role::Client));
    let addr = listen(echo_or_http).await;
    let tcp = TcpStream::connect(addr).await.unwrap();
    timeout(PATIENCE, piped).await.unwrap();
    let over_tcp = pipelined(Raw::new(tcp, Role::Client));
    timeout(PATIENCE, over_tcp).await.unwrap();
}

/// Sends a request and, in the same write, what is to be echoed.
async fn pipelined<S: tidewire::Io>(mut raw: Raw<S>) {
    let frames = [RawFrame::text("early"), RawFrame::text("bird")];
    let mut bytes = REQUEST.replace("GET / ", "GET /echo ").into_bytes();
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&RawFrame::join(&frames, Role::Client));
    raw.send_bytes(&bytes).await;
    let head = raw.read_head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(!head.to_lowercase().contains("content-length"), "{head}");
    raw.expect("TEXT \"early\" [5 bytes]").await;
    raw.expect("TEXT \"bird\" [4 bytes]").await;
}

#[tokio::test]
async fn the_socket_is_taken_out_of_every_box_of_hyper() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let answer = move |mut request: Request<Incoming>| {
        let tell = tell.clone();
        let server = Server::new();
        let handler = |ws: WebSocket| async move { tell.send(ws.peer_addr()).unwrap() };
        std::future::ready(tidewire::hyper::serve(&mut request, &server, handler))
    };
    let addr = listen(answer.clone()).await;
    let _ = tidewire::connect(url(addr, "/")).await.unwrap();
    assert!(told.recv().await.unwrap().is_some(), "hyper's server");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request| {
            let response = answer(request);
            async { Ok::<_, Infallible>(response.await) }
        });
        let builder = auto::Builder::new(TokioExecutor::new());
        let io = TokioIo::new(tcp);
        builder
            .serve_connection_with_upgrades(io, service)
            .await
            .unwrap();
    });
    let _ = tidewire::connect(url(addr, "/")).await.unwrap();
    assert!(told.recv().await.unwrap().is_some(), "hyper-util's server");
}

#[tokio::test]
async fn an_answer_is_shaped_after_the_request_was_seen() {
    let answer = |mut request: Request<Incoming>| async move {
        let server = Server::new().subprotocols(["a"]);
        let upgrade = Upgrade::new(&mut request, &server).unwrap();
        let offered: Vec<_> = upgrade.offered_subprotocols().collect();
        assert_eq!(offered, ["a", "b"]);
        let pick = request.headers()["x-pick"].to_str().unwrap();
        let (response, upgrading) = upgrade
            .subprotocol(pick)
            .header("set-cookie", "n=1")
            .config(Config::new().max_message(10))
            .high_water(1000)
            .accept();
        assert_eq!(response.headers()[header::SET_COOKIE], "n=1");
        tokio::spawn(async move { echo(upgrading.await.unwrap()).await });
        response
    };
    let addr = listen(answer).await;
    for (pick, agreed) in [("a", Some("a")), ("b", Some("b"))] {
        let client = Client::new(url(addr, "/")).header("x-pick", pick);
        let client = client.subprotocol("a").subprotocol("b");
        let mut ws = client.connect().await.unwrap();
        assert_eq!(ws.subprotocol().as_deref(), agreed);
        ws.send("more than ten bytes").await.unwrap();
        let Err(Error::Closed(story)) = ws.recv().await else {
            panic!("the limit of this connection holds");
        };
        assert_eq!(story.received.unwrap().code.0, 1009);
    }
}

/// What would make a client fail, or split the response, never leaves: it is told to who set it.
#[tokio::test]
async fn an_answer_that_cannot_be_sent_is_a_500_and_an_error() {
    type Change = fn(Upgrade) -> Upgrade;
    let changes: [(Change, &str); 4] = [
        (|upgrade| upgrade.subprotocol("c"), "was not offered"),
        (
            |upgrade| upgrade.header("Sec-WebSocket-Accept", "x"),
            "belongs to the handshake",
        ),
        (|upgrade| upgrade.header("x", "a\r\nb: c"), "cannot be sent"),
        (|upgrade| upgrade.header("x y", "z"), "cannot be sent"),
    ];
    for (change, why) in changes {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let answer = move |mut request: Request<Incoming>| {
            let tell = tell.clone();
            async move {
                let upgrade = Upgrade::new(&mut request, &Server::new()).unwrap();
                let (response, upgrading) = change(upgrade).accept();
                tell.send(upgrading.await.unwrap_err().to_string()).unwrap();
                response
            }
        };
        let addr = listen(answer).await;
        let client = Client::new(url(addr, "/")).subprotocol("a");
        let Err(ConnectError::Refused(response)) = client.connect().await else {
            panic!("{why}");
        };
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let error = told.recv().await.unwrap();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn an_unanswered_upgrade_leaves_an_ordinary_request() {
    let answer = |mut request: Request<Incoming>| async move {
        let upgrade = Upgrade::new(&mut request, &Server::new()).unwrap();
        drop(upgrade);
        let mut response = Response::new("not today\n".to_owned());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    };
    let addr = listen(answer).await;
    let Err(ConnectError::Refused(response)) = tidewire::connect(url(addr, "/")).await else {
        panic!("refused");
    };
    assert_eq!(response.status(), 503);
    assert_eq!(response.body(), b"not today\n");
}

/// The request of a client that knows what it does, with no connection under it.
fn request() -> http::request::Builder {
    Request::get("/")
        .header("host", "a")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

#[tokio::test]
async fn a_request_without_a_connection_is_the_servers_fault() {
    let mut lone = request().body(()).unwrap();
    let error = Upgrade::new(&mut lone, &Server::new()).unwrap_err();
    assert!(matches!(error, UpgradeError::NoConnection), "{error}");
    let response = Response::from(error);
    assert_eq!(response.status(), 500);

    // A connection can be upgraded once.
    let answer = |mut request: Request<Incoming>| async move {
        let server = Server::new();
        let _first = Upgrade::new(&mut request, &server).unwrap();
        tidewire::hyper::serve(&mut request, &server, echo)
    };
    let addr = listen(answer).await;
    let Err(ConnectError::Refused(response)) = tidewire::connect(url(addr, "/")).await else {
        panic!("refused");
    };
    assert_eq!(response.status(), 500);
}

#[tokio::test]
async fn a_websocket_over_http2_is_refused_by_its_version() {
    for (method, version) in [
        ("CONNECT", http::Version::HTTP_2),
        ("GET", http::Version::HTTP_3),
    ] {
        let request = request().method(method).version(version);
        let error = Upgrade::new(&mut request.body(()).unwrap(), &Server::new()).unwrap_err();
        assert_eq!(error.status(), 505);
        assert!(error.to_string().contains("HTTP/1.1"), "{error}");
    }
}

/// A service that says what becomes of its upgrades, and returns its response when told to.
async fn reported<F>(
    answered: impl Fn() -> F + Clone + Send + 'static,
) -> (Raw<tokio::io::DuplexStream>, Reports)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (tell, told) = mpsc::unbounded_channel();
    let (a, b) = duplex(4096);
    let answer = move |mut request: Request<Incoming>| {
        let (response, upgrading) = Upgrade::new(&mut request, &Server::new()).unwrap().accept();
        let (tell, answered) = (tell.clone(), answered());
        tokio::spawn(async move { tell.send(upgrading.await) });
        async move {
            answered.await;
            Ok::<_, Infallible>(response)
        }
    };
    // Without `with_upgrades` if nobody waits for the answer.
    tokio::spawn(async move {
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(b), service_fn(answer));
        let _ = connection.await;
    });
    let mut raw = Raw::new(a, Role::Client);
    raw.send_bytes(format!("{REQUEST}\r\n").as_bytes()).await;
    (raw, told)
}

type Reports = mpsc::UnboundedReceiver<Result<WebSocket, HandoverError>>;

#[tokio::test]
async fn hyper_that_keeps_its_connection_is_reported() {
    let (_raw, mut told) = reported(|| std::future::ready(())).await;
    let outcome = timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    let error = outcome.unwrap_err();
    assert!(matches!(error, HandoverError::NotEnabled(_)), "{error:?}");
    assert!(error.to_string().contains("with_upgrades"), "{error}");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_reported() {
    let (raw, mut told) = reported(std::future::pending).await;
    tokio::task::yield_now().await;
    drop(raw);
    let outcome = timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    let error = outcome.unwrap_err();
    assert!(matches!(error, HandoverError::Left(_)), "{error:?}");
}
