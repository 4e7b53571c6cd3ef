//! Listeners that speak TLS: who is served, who is not, and that a slow client delays nobody.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used)]

mod common;
mod tls_common;
use common::{client, server};
use std::net::SocketAddr;
use std::time::Duration;
use tidewire::{AcceptError, Drain, Listener, Upgrade, WebSocket};
use tls_common::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

async fn listener(authority: &Authority) -> (Listener, SocketAddr) {
    let tls = authority.server(&["localhost"]);
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener.server(server()).tls(tls), addr)
}

async fn connect(authority: &Authority, addr: SocketAddr) -> WebSocket {
    let tcp = TcpStream::connect(addr).await.unwrap();
    let tls = authority.client().connect("localhost", tcp).await.unwrap();
    client().handshake(tls).await.unwrap()
}

async fn is_served(ws: &mut WebSocket) {
    ws.send("there?").await.unwrap();
    assert!(ws.recv().await.unwrap().is_some());
}

async fn echo(mut ws: WebSocket) {
    while let Ok(Some(message)) = ws.recv().await {
        if ws.send(message).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn it_serves_over_tls_and_tells_the_application_about_it() {
    let authority = Authority::new("Test CA");
    let (listener, addr) = listener(&authority).await;
    let handler = |upgrade: Upgrade| async move {
        assert!(upgrade.peer_addr().is_some());
        let tls = upgrade.tls().unwrap();
        assert_eq!(tls.server_name(), Some("localhost"));
        assert!(tls.peer_certificates().is_empty());
        echo(upgrade.accept().await.unwrap()).await;
    };
    tokio::spawn(async move { listener.serve_upgrades(handler).await });
    is_served(&mut connect(&authority, addr).await).await;
}

#[tokio::test]
async fn clients_that_stall_or_speak_no_tls_delay_nobody() {
    let authority = Authority::new("Test CA");
    let (listener, addr) = listener(&authority).await;
    let server = server().handshake_timeout(Duration::from_secs(60));
    let listener = listener.server(server);
    tokio::spawn(async move { listener.serve(echo).await });
    let mut mute = Vec::new();
    for bytes in [&b""[..], b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut tcp = TcpStream::connect(addr).await.unwrap();
        tcp.write_all(bytes).await.unwrap();
        mute.push(tcp);
    }
    is_served(&mut connect(&authority, addr).await).await;
}

#[tokio::test]
async fn the_tls_handshake_has_a_deadline_and_its_failures_are_told() {
    let authority = Authority::new("Test CA");
    let (listener, addr) = listener(&authority).await;
    let server = server().handshake_timeout(Duration::from_millis(200));
    let listener = listener.server(server);
    let mut mute = TcpStream::connect(addr).await.unwrap();
    let outcome = listener.accept().await.unwrap().accept().await;
    assert!(matches!(outcome, Err(AcceptError::Timeout)), "{outcome:?}");
    assert_eq!(mute.read(&mut [0; 10]).await.unwrap(), 0);

    let (listener, addr) = self::listener(&authority).await;
    let mut plain = TcpStream::connect(addr).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let outcome = listener.accept().await.unwrap().accept().await;
    let Err(AcceptError::Tls(error)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(error.to_string().contains("wss://"), "{error}");
}

#[tokio::test]
async fn it_drains_over_tls_and_in_the_middle_of_the_tls_handshake() {
    let authority = Authority::new("Test CA");
    let (listener, addr) = listener(&authority).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let drain = Drain::new().spread(Duration::ZERO);
    let serving = tokio::spawn(listener.serve_until(echo, stopped, drain));
    let mut half = TcpStream::connect(addr).await.unwrap();
    half.write_all(b"\x16\x03\x01").await.unwrap();
    let mut ws = connect(&authority, addr).await;
    is_served(&mut ws).await;
    stop.send(()).unwrap();
    assert!(ws.recv().await.unwrap().is_none());
    assert!(matches!(half.read(&mut [0; 10]).await, Ok(0) | Err(_)));
    drop(ws);
    let drained = serving.await.unwrap().unwrap();
    assert_eq!((drained.closed, drained.cut), (1, 0));
}

/// A `wss://` URL never goes out in the clear, whatever stream it is given.
#[tokio::test]
async fn a_handshake_for_wss_begins_tls_unless_it_was_begun() {
    let authority = Authority::new("Test CA");
    let (listener, addr) = listener(&authority).await;
    tokio::spawn(async move { listener.serve(echo).await });
    for begun in [false, true] {
        let tcp = TcpStream::connect(addr).await.unwrap();
        let client = tidewire::Client::new("wss://user:secret@localhost/").tls(authority.client());
        let mut ws = if begun {
            let tls = authority.client().connect("localhost", tcp).await.unwrap();
            client.handshake(tls).await.unwrap()
        } else {
            client.handshake(tcp).await.unwrap()
        };
        is_served(&mut ws).await;
    }
    // A server without TLS hears nothing that it could read.
    let (a, mut b) = tokio::io::duplex(4096);
    let client = tidewire::Client::new("wss://user:secret@localhost/").tls(authority.client());
    let handshake = tokio::spawn(client.handshake(a));
    let mut first = [0; 1];
    b.read_exact(&mut first).await.unwrap();
    assert_eq!(first[0], 22, "a TLS handshake record");
    handshake.abort();
}
