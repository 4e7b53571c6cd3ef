//! The opening handshake over a byte stream: what is refused and how that is told, and that no byte
//! behind a head is lost.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use tidewire::{
    AcceptError, Accepted, ConnectError, HeadLimits, Message, OriginPolicy, Server, WebSocket,
};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::io::duplex;

/// What a server answers to a request, and what it tells its owner.
async fn answer(server: Server, request: &str) -> (String, Result<WebSocket, AcceptError>) {
    let (a, b) = duplex(64 * 1024);
    let mut peer = Raw::new(a, Role::Client);
    peer.send_bytes(request.as_bytes()).await;
    let (head, outcome) = tokio::join!(peer.read_head(), server.accept(b));
    (head, outcome)
}

fn refused_with(outcome: &Result<WebSocket, AcceptError>, status: u16) -> bool {
    matches!(outcome, Err(AcceptError::Refused(refusal)) if refusal.status() == status)
}

#[tokio::test(start_paused = true)]
async fn bad_requests_are_refused_with_the_status_that_says_why() {
    let good = format!("{REQUEST}\r\n");
    let origin = format!("{REQUEST}Origin: http://evil.example\r\n\r\n");
    let cases = [
        (origin, 403, ""),
        (
            good.replace("Version: 13", "Version: 8"),
            426,
            "sec-websocket-version: 13",
        ),
        (
            good.replace("Sec-WebSocket-Version: 13\r\n", ""),
            426,
            "sec-websocket-version: 13",
        ),
        (
            good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
            400,
            "",
        ),
        (
            good.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
            400,
            "",
        ),
        (good.replace("GET", "POST"), 405, "allow: get"),
        (good.replace("HTTP/1.1", "HTTP/1.0"), 505, ""),
        (
            good.replace("Host: localhost", "Host: localhost\r\nHost: b"),
            400,
            "",
        ),
        (good.replace("Host: localhost", "Host : localhost"), 400, ""),
        (
            good.replace("Host: localhost\r\n", "Host: localhost\n"),
            400,
            "",
        ),
        ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), 400, ""),
        (
            format!("{REQUEST}X: {}\r\n\r\n", "x".repeat(20_000)),
            431,
            "",
        ),
        (format!("{REQUEST}{}\r\n", "X: y\r\n".repeat(200)), 431, ""),
    ];
    for (request, status, header) in cases {
        let (head, outcome) = answer(Server::new(), &request).await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{head}\nto\n{request}"
        );
        assert!(head.to_ascii_lowercase().contains(header), "{head}");
        assert!(refused_with(&outcome, status), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_head_may_be_as_large_as_the_server_says() {
    let mut limits = HeadLimits::default();
    limits.max_bytes = 400;
    let request = |len| format!("{REQUEST}X: {}\r\n\r\n", "x".repeat(len));
    let (head, outcome) = answer(Server::new().head_limits(limits), &request(500)).await;
    assert!(
        head.starts_with("HTTP/1.1 431 ") && refused_with(&outcome, 431),
        "{head}"
    );
    let (head, outcome) = answer(Server::new().head_limits(limits), &request(100)).await;
    assert!(
        head.starts_with("HTTP/1.1 101 ") && outcome.is_ok(),
        "{head}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_host_or_no_origin_at_all_is_let_in() {
    for origin in ["", "Origin: http://localhost\r\n"] {
        let (head, outcome) = answer(Server::new(), &format!("{REQUEST}{origin}\r\n")).await;
        assert!(
            head.starts_with("HTTP/1.1 101 ") && outcome.is_ok(),
            "{head}"
        );
    }
    let any = Server::new().origin(OriginPolicy::Any);
    let (head, _) = answer(any, &format!("{REQUEST}Origin: null\r\n\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_status_headers_and_body_to_the_client() {
    let (a, b) = duplex(64 * 1024);
    let client = client().origin("http://evil.example");
    let (client, server) = tokio::join!(client.handshake(a), Server::new().accept(b));
    let Err(ConnectError::Refused(response)) = client else {
        panic!("{client:?}")
    };
    assert_eq!(response.status(), 403);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    let body = String::from_utf8_lossy(response.body());
    assert!(
        body.contains("evil.example") && body.ends_with('\n'),
        "{body}"
    );
    assert!(refused_with(&server, 403));
}

#[tokio::test(start_paused = true)]
async fn a_refusals_body_ends_with_its_length_the_connection_or_a_second() {
    let cases = [
        (
            "HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nnever more",
            false,
            "never",
        ),
        (
            "HTTP/1.1 503 No\r\n\r\nuntil the end",
            true,
            "until the end",
        ),
        (
            "HTTP/1.1 503 No\r\nContent-Length: 500\r\n\r\nstuck",
            false,
            "stuck",
        ),
        (
            "HTTP/1.1 302 Elsewhere\r\nLocation: ws://x/\r\nContent-Length: 0\r\n\r\n",
            false,
            "",
        ),
    ];
    for (response, ends, body) in cases {
        let (a, b) = duplex(4096);
        let mut peer = Raw::new(b, Role::Server);
        let (outcome, _kept) = tokio::join!(seconds(client().handshake(a)), async {
            peer.read_head().await;
            peer.send_bytes(response.as_bytes()).await;
            (!ends).then_some(peer)
        });
        let (Err(ConnectError::Refused(refusal)), time) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(String::from_utf8_lossy(refusal.body()), body);
        assert!(time < 1.1, "{time} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_without_end_is_cut() {
    let (a, b) = duplex(4096);
    let mut peer = Raw::new(b, Role::Server);
    let (outcome, ()) = tokio::join!(client().handshake(a), async {
        peer.read_head().await;
        peer.send_bytes(b"HTTP/1.1 500 No\r\n\r\n").await;
        use tokio::io::AsyncWriteExt;
        while peer.io.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let Err(ConnectError::Refused(refusal)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(refusal.body().len(), 64 * 1024);
}

#[tokio::test(start_paused = true)]
async fn the_client_refuses_answers_that_break_a_rule() {
    let good = |head: &str| response_to(head, "");
    type Answer = Box<dyn Fn(&str) -> String>;
    let cases: Vec<Answer> = vec![
        Box::new(move |head| good(head).replace("Accept: ", "Accept: x")),
        Box::new(|_| response_to("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "")),
        Box::new(|head| {
            response_to(head, "").replace("Accept: ", &format!("Accept: {}", "A".repeat(64)))
        }),
        Box::new(|head| response_to(head, "Sec-WebSocket-Protocol: never-offered\r\n")),
        Box::new(|head| response_to(head, "Sec-WebSocket-Extensions: permessage-deflate\r\n")),
        Box::new(|head| response_to(head, "").replace("Upgrade: websocket\r\n", "")),
        Box::new(|_| "HTTP/2 101 Hm\r\n\r\n".into()),
        Box::new(|head| response_to(head, &format!("X: {}\r\n", "x".repeat(100_000)))),
        Box::new(|_| "\0\0\0\0\r\n\r\n".into()),
    ];
    for (number, answer) in cases.iter().enumerate() {
        let (a, b) = duplex(256 * 1024);
        let mut peer = Raw::new(b, Role::Server);
        let (outcome, _peer) = tokio::join!(client().handshake(a), async {
            let head = peer.read_head().await;
            peer.send_bytes(answer(&head).as_bytes()).await;
            peer
        });
        assert!(
            matches!(outcome, Err(ConnectError::Handshake(_))),
            "{number}: {outcome:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn frames_behind_the_request_head_arrive() {
    for cut in 0..40 {
        let (a, b) = duplex(64 * 1024);
        let mut peer = Raw::new(a, Role::Client);
        let mut bytes = format!("{REQUEST}\r\n").into_bytes();
        let head = bytes.len();
        let frames = [
            RawFrame::text("early"),
            RawFrame::binary([7; 3]),
            RawFrame::close(1000, ""),
        ];
        bytes.extend(RawFrame::join(&frames, Role::Client));
        let at = (head - 10 + cut).min(bytes.len());
        let send = async {
            peer.send_bytes(&bytes[..at]).await;
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            peer.send_bytes(&bytes[at..]).await;
            peer.read_head().await;
        };
        let (mut ws, ()) = tokio::join!(async { server().accept(b).await.unwrap() }, send);
        assert_eq!(ws.recv().await.unwrap(), Some(Message::text("early")));
        assert_eq!(ws.recv().await.unwrap(), Some(Message::binary(vec![7; 3])));
        assert_eq!(ws.recv().await.unwrap(), None);
        peer.expect_close(1000).await;
    }
}

#[tokio::test(start_paused = true)]
async fn frames_behind_the_response_head_arrive() {
    for cut in 0..30 {
        let (a, b) = duplex(64 * 1024);
        let mut peer = Raw::new(b, Role::Server);
        let (ws, _peer) = tokio::join!(client().handshake(a), async {
            let mut bytes = response_to(&peer.read_head().await, "").into_bytes();
            let head = bytes.len();
            let frames = [RawFrame::text("early"), RawFrame::binary([7; 3])];
            bytes.extend(RawFrame::join(&frames, Role::Server));
            let at = (head - 10 + cut).min(bytes.len());
            peer.send_bytes(&bytes[..at]).await;
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            peer.send_bytes(&bytes[at..]).await;
            peer
        });
        let mut ws = ws.unwrap();
        assert_eq!(ws.recv().await.unwrap(), Some(Message::text("early")));
        assert_eq!(ws.recv().await.unwrap(), Some(Message::binary(vec![7; 3])));
    }
}

#[tokio::test(start_paused = true)]
async fn accept_or_http_hands_back_every_byte_it_read() {
    let requests = [
        "GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /x?y HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody",
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for request in requests {
        for piece in [1, 7, 1000] {
            let (a, b) = duplex(64 * 1024);
            let mut peer = Raw::new(a, Role::Client);
            let server = server();
            let (accepted, ()) = tokio::join!(server.accept_or_http(b), async {
                for piece in request.as_bytes().chunks(piece) {
                    peer.send_bytes(piece).await;
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            });
            let Ok(Accepted::Http(mut plain)) = accepted else {
                panic!("{accepted:?}")
            };
            drop(peer);
            tokio::io::AsyncReadExt::read_to_end(&mut plain.io, &mut plain.read)
                .await
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&plain.read), request);
            assert!(request.contains(&plain.request.uri().to_string()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn accept_or_http_still_accepts_and_refuses_websockets() {
    let (a, b) = duplex(4096);
    let server = server();
    let (client, accepted) = tokio::join!(client().handshake(a), server.accept_or_http(b));
    assert!(matches!(
        (client, accepted),
        (Ok(_), Ok(Accepted::WebSocket(_)))
    ));

    let (a, b) = duplex(4096);
    let mut peer = Raw::new(a, Role::Client);
    let bad = format!("{REQUEST}\r\n").replace("Version: 13", "Version: 12");
    peer.send_bytes(bad.as_bytes()).await;
    let (head, outcome) = tokio::join!(peer.read_head(), server.accept_or_http(b));
    assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
    assert!(matches!(outcome, Err(AcceptError::Refused(_))));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_leaves_during_the_handshake_is_an_io_error() {
    let (a, b) = duplex(4096);
    drop(a);
    assert!(matches!(server().accept(b).await, Err(AcceptError::Io(_))));
    let (a, b) = duplex(4096);
    let (outcome, ()) = tokio::join!(client().handshake(a), async {
        let mut peer = Raw::new(b, Role::Server);
        peer.read_head().await;
        peer.send_bytes(b"HTTP/1.1 101 Sw").await;
    });
    assert!(matches!(outcome, Err(ConnectError::Io(_))), "{outcome:?}");
}
