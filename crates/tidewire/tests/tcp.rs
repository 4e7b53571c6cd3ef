//! Real sockets, where the end of a connection is more than the end of a pipe: FIN, not RST.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::time::Duration;
use tidewire::{Client, Error, Listener, Message, OriginPolicy, Server, WebSocket};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// A client by hand and its server over TCP.
async fn raw_tcp(server: Server) -> (Raw<TcpStream>, WebSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (raw, accepted) = tokio::join!(TcpStream::connect(addr), listener.accept());
    raw_client_of(server, raw.unwrap(), accepted.unwrap().0).await
}

#[tokio::test]
async fn a_failed_peer_reads_its_close_and_a_fin_though_its_input_was_not_read() {
    let cases = [
        (RawFrame::text("x").rsv(1), 1002),
        (RawFrame::text([0xff]), 1007),
        (RawFrame::binary("").claiming(1 << 40), 1009),
    ];
    for (frame, code) in cases {
        let (mut peer, mut ws) = raw_tcp(server()).await;
        let mut bytes = frame.bytes(Role::Client);
        // What still comes would be answered with a reset, and that would destroy the Close.
        bytes.resize(bytes.len() + 1_000_000, 0);
        let outcome = tokio::spawn(async move {
            let outcome = ws.recv().await;
            drop(ws);
            outcome
        });
        timeout(PATIENCE, peer.send_bytes(&bytes)).await.unwrap();
        let outcome = outcome.await.unwrap();
        assert!(
            matches!(outcome, Err(Error::Protocol(_) | Error::Limit(_))),
            "{outcome:?}"
        );
        timeout(PATIENCE, peer.expect_close(code)).await.unwrap();
        // An orderly end: `read` would give ECONNRESET otherwise.
        timeout(PATIENCE, peer.expect_end()).await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_client_reads_why_though_its_input_was_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        assert!(server().accept(tcp).await.is_err());
    });
    let mut peer = Raw::new(TcpStream::connect(addr).await.unwrap(), Role::Client);
    let mut bytes = format!("{REQUEST}\r\n")
        .replace("Version: 13", "Version: 7")
        .into_bytes();
    bytes.resize(bytes.len() + 30_000, b'x');
    peer.send_bytes(&bytes).await;
    let answer = timeout(PATIENCE, peer.read_to_end()).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 426 "));
}

#[tokio::test]
async fn the_server_is_the_first_to_end_the_connection() {
    let (mut peer, mut ws) = raw_tcp(server()).await;
    peer.send(RawFrame::close(1000, "")).await;
    assert_eq!(ws.recv().await.unwrap(), None);
    peer.expect_close(1000).await;
    peer.expect_end().await; // this end is still open
}

#[tokio::test]
async fn a_client_and_a_server_talk_over_tcp() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut ws = listener.accept().await.unwrap().accept().await.unwrap();
        assert!(ws.peer_addr().is_some());
        ws.for_each(|event, link| link.echo(event).unwrap()).await
    });
    let mut ws = tidewire::connect(format!("ws://{addr}/")).await.unwrap();
    assert_eq!(ws.peer_addr(), Some(addr));
    for size in [0, 5, 70_000, 3_000_000] {
        let message = Message::binary(tidewire_testkit::Random::new(1).bytes(size));
        ws.send(message.clone()).await.unwrap();
        assert!(ws.recv().await.unwrap().unwrap() == message);
    }
    assert!(ws.close(1000, "").await.unwrap().is_clean());
    assert!(serving.await.unwrap().unwrap().is_clean());
    assert_eq!(ws.peer_addr(), None);
}

#[tokio::test]
async fn a_message_larger_than_every_socket_buffer_comes_back_whole() {
    let (peer, mut ws) = raw_tcp(server()).await;
    tokio::spawn(async move { ws.for_each(|event, link| drop(link.echo(event))).await });
    let payload = tidewire_testkit::Random::new(1).bytes(12_000_000);
    let bytes = RawFrame::binary(&payload).bytes(Role::Client);
    let (reading, mut writing) = peer.io.into_split();
    let sending = tokio::spawn(async move {
        writing.write_all(&bytes).await.unwrap();
        writing
    });
    let mut reader = Raw::new(tokio::io::join(reading, tokio::io::sink()), Role::Client);
    // The parser of the tests looks at everything again for each read: read it whole first.
    let mut back = vec![0; 10 + payload.len()];
    tokio::io::AsyncReadExt::read_exact(&mut reader.io, &mut back)
        .await
        .unwrap();
    assert!(back[10..] == payload);
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn serve_hands_connections_to_the_handler_and_slow_clients_delay_nobody() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let server = Server::new().origin(OriginPolicy::Any);
        listener
            .server(server)
            .serve(|mut ws| async move {
                while let Ok(Some(message)) = ws.recv().await {
                    if ws.send(message).await.is_err() {
                        break;
                    }
                }
            })
            .await
    });
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut tcp = TcpStream::connect(addr).await.unwrap();
        tcp.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        slow.push(tcp);
    }
    let talk = async {
        for n in 0..10 {
            let mut ws = tidewire::connect(format!("ws://{addr}/")).await.unwrap();
            ws.send(format!("client {n}")).await.unwrap();
            assert_eq!(
                ws.recv().await.unwrap(),
                Some(Message::text(format!("client {n}")))
            );
            ws.close(1000, "").await.unwrap();
        }
    };
    // Less than the ten seconds that a slow handshake may take.
    timeout(Duration::from_secs(9), talk).await.unwrap();
    drop(slow);
    assert!(!serving.is_finished());
    serving.abort();
}

#[tokio::test]
async fn nobody_listens_is_told_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let outcome = Client::new(format!("ws://{addr}/")).connect().await;
    let Err(tidewire::ConnectError::Unreachable(tried)) = outcome else {
        panic!("{outcome:?}");
    };
    let [(tried, why)] = tried.attempts() else {
        panic!("{tried:?}");
    };
    assert_eq!(*tried, addr);
    assert_eq!(why.kind(), std::io::ErrorKind::ConnectionRefused);
}
