//! The staged accept: the application looks at a request, takes its time, and answers as it likes.

#![allow(clippy::unwrap_used)]

mod common;
use bytes::Bytes;
use common::*;
use http::Response;
use std::time::Duration;
use tidewire::{
    AcceptError, AnswerMisuse, Config, ConnectError, DeflateConfig, Error, Message, Server, Upgrade,
};
use tidewire_proto::Role;
use tokio::io::{DuplexStream, duplex};
use tokio::time::sleep;

/// A request of a client by hand, with more headers, received.
async fn request(server: &Server, headers: &str) -> (Raw<DuplexStream>, Upgrade) {
    let (a, b) = duplex(64 * 1024);
    let mut raw = Raw::new(a, Role::Client);
    raw.send_bytes(format!("{REQUEST}{headers}\r\n").as_bytes())
        .await;
    (raw, server.receive(b).await.unwrap())
}

/// A refusal as the client by hand sees it: the whole of it, to the end of the connection.
async fn refused(response: Response<impl Into<Bytes>>) -> (String, Result<(), AcceptError>) {
    let (mut raw, upgrade) = request(&server(), "").await;
    let (bytes, outcome) = tokio::join!(raw.read_to_end(), upgrade.refuse(response));
    (String::from_utf8(bytes).unwrap(), outcome)
}

fn status(code: u16) -> http::response::Builder {
    Response::builder().status(code)
}

#[tokio::test(start_paused = true)]
async fn the_application_sees_the_request() {
    let headers = "Cookie: a=1; b=2\r\nSec-WebSocket-Protocol: v2, v1\r\nX-Any: thing\r\n";
    let (_raw, upgrade) = request(&server(), headers).await;
    assert_eq!(upgrade.request().uri(), "/");
    assert_eq!(upgrade.request().headers()["cookie"], "a=1; b=2");
    assert_eq!(upgrade.request().headers()["x-any"], "thing");
    assert_eq!(upgrade.offered_subprotocols(), ["v2", "v1"]);
    assert_eq!(upgrade.peer_addr(), None, "a pipe has no address");
    let (_raw, upgrade) = request(&server(), "").await;
    assert!(upgrade.offered_subprotocols().is_empty());
}

#[tokio::test(start_paused = true)]
async fn rules_and_origin_come_before_the_application() {
    for (headers, status) in [
        ("Origin: http://evil.example\r\n", 403),
        ("Sec-WebSocket-Version: 8\r\n", 400),
        ("Content-Length: 99999999999\r\n", 400),
        ("Transfer-Encoding: chunked\r\n", 400),
        ("Sec-WebSocket-Protocol: a, a\r\n", 400),
        ("Sec-WebSocket-Protocol: a b\r\n", 400),
    ] {
        let (a, b) = duplex(64 * 1024);
        let mut raw = Raw::new(a, Role::Client);
        raw.send_bytes(format!("{REQUEST}{headers}\r\n").as_bytes())
            .await;
        let server = Server::new();
        let (head, outcome) = tokio::join!(raw.read_head(), server.receive(b));
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{headers}: {head}"
        );
        assert!(
            matches!(&outcome, Err(AcceptError::Refused(refusal)) if refusal.status() == status),
            "{outcome:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_request_is_refused_without_a_body() {
    let (a, b) = duplex(64 * 1024);
    let mut raw = Raw::new(a, Role::Client);
    let head = format!("{REQUEST}\r\n").replacen("GET", "HEAD", 1);
    raw.send_bytes(head.as_bytes()).await;
    let server = server();
    let (answer, outcome) = tokio::join!(raw.read_to_end(), server.receive(b));
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.ends_with("\r\n\r\n"));
    assert!(answer.contains("Content-Length: 0\r\n"), "{answer}");
    assert!(matches!(outcome, Err(AcceptError::Refused(_))));
}

#[tokio::test(start_paused = true)]
async fn any_http_response_refuses() {
    let cases = [
        (
            status(401)
                .header("WWW-Authenticate", "Bearer realm=\"x\"")
                .body("who are you?\n"),
            "HTTP/1.1 401 Unauthorized\r\n",
            "Www-Authenticate: Bearer realm=\"x\"\r\n",
            "who are you?\n",
        ),
        (
            status(429).header("Retry-After", "30").body(""),
            "HTTP/1.1 429 Too Many Requests\r\n",
            "Retry-After: 30\r\n",
            "",
        ),
        (
            status(302).header("Location", "wss://b.example/").body(""),
            "HTTP/1.1 302 Found\r\n",
            "Location: wss://b.example/\r\n",
            "",
        ),
        (
            // A length that is not true is put right.
            status(503).header("Content-Length", "7").body("later"),
            "HTTP/1.1 503 Service Unavailable\r\n",
            "Content-Length: 5\r\n",
            "later",
        ),
        (
            status(426).body("newer, please"),
            "HTTP/1.1 426 Upgrade Required\r\n",
            "Upgrade: websocket\r\n",
            "newer, please",
        ),
        (
            status(599).body("ours"),
            "HTTP/1.1 599 \r\n",
            "Content-Length: 4\r\n",
            "ours",
        ),
    ];
    for (response, line, header, body) in cases {
        let (answer, outcome) = refused(response.unwrap()).await;
        let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
        let head = format!("{head}\r\n");
        assert!(head.starts_with(line), "{answer}");
        assert!(head.contains(header), "{answer}");
        assert!(head.contains("Connection: close"), "{answer}");
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{answer}"
        );
        assert_eq!(rest, body);
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn statuses_without_content_tell_no_length() {
    for (code, length) in [(204, false), (304, false), (205, true)] {
        let (answer, outcome) = refused(status(code).body("").unwrap()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{answer}");
        assert_eq!(answer.contains("Content-Length: 0\r\n"), length, "{answer}");
        assert!(outcome.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_cannot_be_sent_is_the_callers_error_and_a_500_for_the_client() {
    let reserved = |name: &'static str| AnswerMisuse::ReservedHeader(name.parse().unwrap());
    let cases = [
        (
            status(101).body(""),
            AnswerMisuse::Status(http::StatusCode::SWITCHING_PROTOCOLS),
        ),
        (
            status(103).body(""),
            AnswerMisuse::Status(http::StatusCode::EARLY_HINTS),
        ),
        (
            status(204).body("but"),
            AnswerMisuse::Body(http::StatusCode::NO_CONTENT),
        ),
        (
            status(400).header("Upgrade", "h2c").body(""),
            reserved("upgrade"),
        ),
        (
            status(400).header("connection", "keep-alive").body(""),
            reserved("connection"),
        ),
        (
            status(400).header("Transfer-Encoding", "chunked").body(""),
            reserved("transfer-encoding"),
        ),
        (
            status(400).header("Sec-WebSocket-Accept", "x").body(""),
            reserved("sec-websocket-accept"),
        ),
    ];
    for (response, expected) in cases {
        let (answer, outcome) = refused(response.unwrap()).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(
            matches!(&outcome, Err(AcceptError::Misuse(misuse)) if *misuse == expected),
            "{expected:?}: {outcome:?}"
        );
    }
    let mut many = status(400).body("").unwrap();
    for number in 0..1001 {
        let name: http::HeaderName = format!("x-{number}").parse().unwrap();
        many.headers_mut()
            .insert(name, http::HeaderValue::from_static(""));
    }
    let (_, outcome) = refused(many).await;
    assert!(matches!(
        outcome,
        Err(AcceptError::Misuse(AnswerMisuse::TooManyHeaders))
    ));
}

#[tokio::test(start_paused = true)]
async fn the_client_sees_status_headers_and_body_of_a_refusal() {
    let (a, b) = duplex(64 * 1024);
    let refuse = async {
        let upgrade = server().receive(b).await.unwrap();
        sleep(Duration::from_secs(3)).await; // a database
        let response = status(401)
            .header("WWW-Authenticate", "Bearer")
            .header("Set-Cookie", "seen=1")
            .body("a token is needed\n".to_owned());
        upgrade.refuse(response.unwrap()).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(client().handshake(a), refuse);
    let Err(ConnectError::Refused(response)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    assert_eq!(response.headers()["set-cookie"], "seen=1");
    assert_eq!(response.body(), b"a token is needed\n");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_larger_than_any_buffer_arrives_whole_or_ends_in_time() {
    let body = vec![b'x'; 5_000_000];
    let (a, b) = duplex(1000);
    let mut raw = Raw::new(a, Role::Client);
    raw.send_bytes(format!("{REQUEST}\r\n").as_bytes()).await;
    let upgrade = server().receive(b).await.unwrap();
    let response = status(403).body(body.clone()).unwrap();
    let (bytes, outcome) = tokio::join!(raw.read_to_end(), upgrade.refuse(response));
    assert!(bytes.ends_with(&body) && outcome.is_ok());

    let (a, b) = duplex(1000);
    let mut stuck = Raw::new(a, Role::Client);
    stuck.send_bytes(format!("{REQUEST}\r\n").as_bytes()).await;
    let upgrade = server().receive(b).await.unwrap();
    let response = status(403).body(body).unwrap();
    let (outcome, time) = seconds(upgrade.refuse(response)).await;
    assert!(matches!(outcome, Err(AcceptError::Timeout)), "{outcome:?}");
    assert!((9.9..11.0).contains(&time), "{time} s");
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_goes_on_sending_is_cut_off() {
    let (a, b) = duplex(1000);
    let mut raw = Raw::new(a, Role::Client);
    raw.send_bytes(format!("{REQUEST}\r\n").as_bytes()).await;
    let upgrade = server().receive(b).await.unwrap();
    let flood = async {
        use tokio::io::AsyncWriteExt;
        let mut sent = 0;
        while raw.io.write_all(&[0; 1000]).await.is_ok() {
            sent += 1000;
        }
        sent
    };
    let (sent, (outcome, time)) = tokio::join!(
        flood,
        seconds(upgrade.refuse(status(403).body("").unwrap()))
    );
    assert!(outcome.is_ok() && time < 1.1, "{outcome:?}, {time} s");
    assert!(sent <= 70_000, "{sent} bytes");
}

/// What both ends get when the server accepts as `accept` says.
async fn accepted<F>(
    server: Server,
    client: tidewire::Client,
    accept: impl FnOnce(Upgrade) -> F,
) -> (tidewire::WebSocket, tidewire::WebSocket)
where
    F: Future<Output = Result<tidewire::WebSocket, AcceptError>>,
{
    let (a, b) = duplex(64 * 1024);
    let accept = async { accept(server.receive(b).await.unwrap()).await.unwrap() };
    let (client, server) = tokio::join!(client.handshake(a), accept);
    (client.unwrap(), server)
}

#[tokio::test(start_paused = true)]
async fn headers_are_added_to_the_response() {
    let (mut raw, upgrade) = request(&server(), "").await;
    let upgrade = upgrade
        .header("Set-Cookie", "session=abc; HttpOnly")
        .header("Set-Cookie", "theme=dark")
        .header("X-Server", "7");
    let (head, ws) = tokio::join!(raw.read_head(), upgrade.accept());
    assert!(ws.is_ok());
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.contains("Set-Cookie: session=abc; HttpOnly\r\n"),
        "{head}"
    );
    assert!(head.contains("Set-Cookie: theme=dark\r\n"), "{head}");
    assert!(head.contains("X-Server: 7\r\n"), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
}

#[tokio::test(start_paused = true)]
async fn headers_that_cannot_be_sent_are_the_callers_error_and_a_500_for_the_client() {
    let cases = [
        ("X-User", "a\r\nSet-Cookie: admin=1"),
        ("X-User", "a\nb"),
        ("X-User", "a\0b"),
        ("X-User: x\r\nX", "a"),
        ("X User", "a"),
        ("", "a"),
        ("Sec-WebSocket-Accept", "AAAA"),
        ("sec-websocket-protocol", "chat"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Sec-WebSocket-Anything", "x"),
        ("Upgrade", "h2c"),
        ("CONNECTION", "close"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
    ];
    for (name, value) in cases {
        let (mut raw, upgrade) = request(&server(), "").await;
        let upgrade = upgrade.header("X-Good", "1").header(name, value);
        let (answer, outcome) = tokio::join!(raw.read_to_end(), upgrade.accept());
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 500 "), "{name:?}: {answer}");
        assert!(!answer.contains("admin"), "{answer}");
        assert!(
            matches!(
                outcome,
                Err(AcceptError::Misuse(
                    AnswerMisuse::InvalidHeader(_) | AnswerMisuse::ReservedHeader(_)
                ))
            ),
            "{name:?}: {value:?}: {outcome:?}"
        );
    }
    let (_raw, mut upgrade) = request(&server(), "").await;
    for _ in 0..1001 {
        upgrade = upgrade.header("X", "y");
    }
    assert!(matches!(
        upgrade.accept().await,
        Err(AcceptError::Misuse(AnswerMisuse::TooManyHeaders))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_subprotocol_is_chosen_after_an_await() {
    let preferring = server().subprotocols(["v2", "v1"]);
    let offering = || client().subprotocol("v1").subprotocol("v2");
    let (mine, other) = accepted(preferring.clone(), offering(), async |upgrade: Upgrade| {
        sleep(Duration::from_secs(5)).await;
        upgrade.subprotocol("v1").accept().await
    })
    .await;
    assert_eq!(mine.subprotocol().as_deref(), Some("v1"));
    assert_eq!(other.subprotocol().as_deref(), Some("v1"));
    let (mine, _) = accepted(preferring, offering(), |upgrade| upgrade.accept()).await;
    assert_eq!(
        mine.subprotocol().as_deref(),
        Some("v2"),
        "as the server says"
    );

    let (mut raw, upgrade) = request(&server(), "Sec-WebSocket-Protocol: a\r\n").await;
    let upgrade = upgrade.subprotocol("b");
    let (head, outcome) = tokio::join!(raw.read_head(), upgrade.accept());
    assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
    let Err(AcceptError::Misuse(misuse)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(misuse, AnswerMisuse::SubprotocolNotOffered("b".into()));
    assert!(misuse.to_string().contains("offered_subprotocols"));
}

#[tokio::test(start_paused = true)]
async fn compression_is_decided_for_each_connection() {
    let offering = || client().deflate(Some(DeflateConfig::default()));
    let (mine, other) = accepted(server(), offering(), |upgrade| {
        upgrade.deflate(Some(DeflateConfig::default())).accept()
    })
    .await;
    assert!(mine.deflate().is_some() && other.deflate().is_some());
    let (mine, other) = accepted(Server::new(), offering(), |upgrade| {
        upgrade.deflate(None).accept()
    })
    .await;
    assert!(mine.deflate().is_none() && other.deflate().is_none());
}

#[tokio::test(start_paused = true)]
async fn limits_are_set_for_each_connection() {
    let server = server();
    for (path, fits) in [("ws://localhost/small", false), ("ws://localhost/", true)] {
        let client = tidewire::Client::new(path).deflate(None);
        let (mine, mut other) = accepted(server.clone(), client, async |upgrade: Upgrade| {
            if upgrade.request().uri().path() == "/small" {
                return upgrade.config(Config::new().max_message(10)).accept().await;
            }
            upgrade.accept().await
        })
        .await;
        mine.send("longer than ten bytes").await.unwrap();
        match other.recv().await {
            Ok(Some(message)) if fits => {
                assert_eq!(message, Message::text("longer than ten bytes"))
            }
            Err(Error::Limit(_)) if !fits => {}
            outcome => panic!("{path}: {outcome:?}"),
        }
        if !fits {
            let sent = other.close_story().unwrap().sent.unwrap();
            assert_eq!(sent.code.0, 1009);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn frames_that_came_with_the_request_wait_for_the_answer() {
    let (a, b) = duplex(64 * 1024);
    let mut raw = Raw::new(a, Role::Client);
    let mut bytes = format!("{REQUEST}\r\n").into_bytes();
    bytes.extend(tidewire_testkit::RawFrame::text("early").bytes(Role::Client));
    raw.send_bytes(&bytes).await;
    let upgrade = server().receive(b).await.unwrap();
    sleep(Duration::from_secs(100)).await;
    let mut ws = upgrade.header("X", "y").accept().await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("early")));
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_dropped_without_an_answer_is_a_500() {
    type Drop = fn(Upgrade) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    let cases: [Drop; 4] = [
        |upgrade| Box::pin(async move { drop(upgrade) }),
        |upgrade| Box::pin(async move { drop(upgrade.accept()) }),
        |upgrade| Box::pin(async move { drop(upgrade.refuse(Response::new(""))) }),
        |upgrade| {
            Box::pin(async move {
                let _upgrade = upgrade;
                sleep(Duration::from_secs(1)).await;
                panic!("a handler that fails");
            })
        },
    ];
    for dropped in cases {
        let (mut raw, upgrade) = request(&server(), "").await;
        let handler = tokio::spawn(dropped(upgrade));
        let answer = String::from_utf8(raw.read_to_end().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        let _ = handler.await;
    }
}

#[test]
fn an_upgrade_that_outlives_its_runtime_just_ends() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let (mut raw, upgrade) = first.block_on(request(&server(), ""));
    drop(first);
    drop(upgrade);
    assert!(runtime().block_on(raw.read_to_end()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_has_its_time_whatever_the_application_takes() {
    let server = server().handshake_timeout(Duration::from_secs(5));
    // One that drips is refused in time.
    let (a, b) = duplex(64 * 1024);
    let mut raw = Raw::new(a, Role::Client);
    let drip = async {
        for byte in REQUEST.bytes() {
            raw.send_bytes(&[byte]).await;
            sleep(Duration::from_millis(300)).await;
        }
    };
    let patient = seconds(server.receive(b));
    let (outcome, time) = tokio::select! {
        outcome = patient => outcome,
        () = drip => panic!("it was let drip to the end"),
    };
    assert!(matches!(outcome, Err(AcceptError::Timeout)), "{outcome:?}");
    assert!((5.0..6.1).contains(&time), "{time} s");

    // One that was quick and then does not read is given up too.
    let (a, b) = duplex(1);
    let mut raw: Raw<DuplexStream> = Raw::new(a, Role::Client);
    let bytes = format!("{REQUEST}\r\n");
    let ((), upgrade) = tokio::join!(raw.send_bytes(bytes.as_bytes()), server.receive(b));
    let upgrade = upgrade.unwrap();
    sleep(Duration::from_secs(1000)).await;
    let (outcome, time) = seconds(upgrade.accept()).await;
    assert!(matches!(outcome, Err(AcceptError::Timeout)), "{outcome:?}");
    assert!(time < 5.1, "{time} s");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_left_meanwhile_is_an_io_error() {
    let (raw, upgrade) = request(&server(), "").await;
    drop(raw);
    assert!(matches!(upgrade.accept().await, Err(AcceptError::Io(_))));
    let (raw, upgrade) = request(&server(), "").await;
    drop(raw);
    let refused = upgrade.refuse(Response::new("")).await;
    assert!(matches!(refused, Err(AcceptError::Io(_))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_a_torn_pipe_is_whole() {
    for seed in 0..20 {
        let (a, b) = duplex(64 * 1024);
        let mut raw = Raw::new(a, Role::Client);
        raw.send_bytes(format!("{REQUEST}\r\n").as_bytes()).await;
        let upgrade = server().receive(Torn::new(b, seed, 20)).await.unwrap();
        let response = status(403).body(vec![b'y'; 300]).unwrap();
        let (bytes, outcome) = tokio::join!(raw.read_to_end(), upgrade.refuse(response));
        assert!(bytes.ends_with(&[b'y'; 300]) && outcome.is_ok());
    }
}

#[tokio::test]
async fn a_client_can_have_the_head_of_the_answer() {
    let listener = tidewire::Listener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        listener
            .serve_upgrades(|upgrade| async move {
                let upgrade = upgrade.header("set-cookie", "session=1");
                let _ = upgrade.accept().await.unwrap().recv().await;
            })
            .await
    });
    let client = tidewire::Client::new(url);
    let (_ws, response) = client.connect_with_response().await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["set-cookie"], "session=1");
}

/// Hooks look at a request through a reference, across awaits; handles are kept in shared state.
#[test]
fn handles_can_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<tidewire::WebSocket>();
    check::<tidewire::Sender>();
    check::<tidewire::Receiver>();
    check::<tidewire::Client>();
    check::<tidewire::Server>();
    check::<tidewire::Listener>();
    check::<tidewire::Incoming>();
    check::<tidewire::Upgrade>();
    check::<tidewire::Connections>();
    check::<tidewire::Error>();
    check::<tidewire::ConnectError>();
    check::<tidewire::AcceptError>();
    check::<tidewire::PreparedFrame>();
    #[cfg(feature = "tls")]
    check::<tidewire::tls::TlsStream>();
}
