//! `Client::watch`: the way to a server and what goes over the wire, through a proxy and TLS too.

#![cfg(all(feature = "proxy", feature = "tls", unix))]
#![allow(clippy::unwrap_used)]

mod common;
mod reach;

use reach::*;
use std::sync::{Arc, Mutex};
use tidewire::wire::Seen;
use tidewire::{Client, ConnectError, Message, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

type Log = Arc<Mutex<Vec<String>>>;

/// A client whose log has a line for each thing.
fn watched(url: &str) -> (Client, Log) {
    let log = Log::default();
    let lines = log.clone();
    let client = Client::new(url).tls(client_tls()).deflate(None);
    let client = client.watch(move |seen| {
        let line = match seen {
            Seen::Proxy(url) => format!("proxy {url}"),
            Seen::Connected(address) => format!("connected {address}"),
            Seen::Secured(tls) => format!("{} {}", tls.version(), tls.cipher_suite()),
            Seen::Head(way, head) => {
                let head = std::str::from_utf8(head).unwrap();
                assert!(head.ends_with("\r\n\r\n"));
                format!("{way:?} {}", head.lines().next().unwrap())
            }
            Seen::Frame(way, frame) => format!("{way:?} {} {}", frame.name(), frame.len()),
            other => panic!("{other:?}"),
        };
        lines.lock().unwrap().push(line);
    });
    (client, log)
}

/// Echoes through it, small and large, and closes.
async fn converse(client: Client) {
    let mut ws = soon(client.connect()).await.unwrap();
    ws.send("hi").await.unwrap();
    assert_eq!(soon(ws.recv()).await.unwrap().unwrap(), "hi");
    let large = vec![7; 300_000];
    ws.send(large.clone()).await.unwrap();
    assert_eq!(
        soon(ws.recv()).await.unwrap().unwrap(),
        Message::binary(large)
    );
    soon(ws.close(1000, "")).await.unwrap();
}

const TALK: [&str; 8] = [
    "Out GET /x HTTP/1.1",
    "In HTTP/1.1 101 Switching Protocols",
    "Out text 2",
    "In text 2",
    "Out binary 300000",
    "In binary 300000",
    "Out close 2",
    "In close 2",
];

#[tokio::test]
async fn each_step_is_told_in_its_order() {
    let plain = echo().await;
    let (client, log) = watched(&format!("ws://{plain}/x"));
    converse(client).await;
    let mut expected = vec![format!("connected {plain}")];
    expected.extend(TALK.map(str::to_owned));
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn below_the_websocket_and_above_tls_and_behind_a_proxy() {
    let secure = echo_tls().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert!(tcp.read(&mut head).await.unwrap() > 0);
        tcp.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut far = TcpStream::connect(secure).await.unwrap();
        _ = copy_bidirectional(&mut tcp, &mut far).await;
    });
    let (client, log) = watched(&format!("wss://{secure}/x"));
    converse(client.proxy(Proxy::new(format!("http://me:s3cr3t@{proxy}")))).await;
    let log = log.lock().unwrap();
    assert_eq!(log[0], format!("proxy http://{proxy}"), "without the user");
    assert_eq!(log[1], format!("connected {proxy}"));
    assert!(log[2].starts_with("TLSv1.3 TLS_"), "{}", log[2]);
    assert_eq!(log[3..], TALK);
}

#[tokio::test]
async fn a_handshake_over_a_stream_of_ones_own_is_watched_too() {
    let plain = echo().await;
    let (client, log) = watched(&format!("ws://{plain}/x"));
    let tcp = TcpStream::connect(plain).await.unwrap();
    let mut ws = soon(client.handshake(tcp)).await.unwrap();
    soon(ws.close(1000, "")).await.unwrap();
    let expected = [TALK[0], TALK[1], TALK[6], TALK[7]];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_refusal_is_told_without_its_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert!(tcp.read(&mut head).await.unwrap() > 0);
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\n\x81\x02no";
        tcp.write_all(answer).await.unwrap();
    });
    let (client, log) = watched(&format!("ws://{addr}/x"));
    let error = soon(client.connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused(_)), "{error}");
    let log = log.lock().unwrap();
    assert_eq!(log[1..], [TALK[0], "In HTTP/1.1 403 Forbidden"]);
}
