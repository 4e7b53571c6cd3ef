//! The hub over TLS, and against clients that do not get on with it.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use tidewire::Client;
use tidewire::tls::{ClientTls, ServerTls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn channels_are_spoken_over_tls_and_failed_handshakes_are_counted() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (chain, key) = (issued.cert.pem(), issued.signing_key.serialize_pem());
    let mut config = in_memory();
    config.tls = Some(ServerTls::from_pem(&chain, &key).unwrap());
    let running = start(config).await;
    let port = running.hub.addrs()[0].port();

    let tls = ClientTls::new().root_pem(&chain);
    let url = format!("wss://localhost:{port}/chat/lobby?echo=1");
    let origin = format!("https://localhost:{port}");
    let client = Client::new(url).tls(tls).header("Origin", origin);
    let mut ws = timeout(PATIENCE, client.connect()).await.unwrap().unwrap();
    ws.send("sealed").await.unwrap();
    assert_eq!(text(&mut ws).await, "sealed");

    let mut plain = TcpStream::connect(running.hub.addrs()[0]).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut alert = Vec::new();
    _ = timeout(PATIENCE, plain.read_to_end(&mut alert))
        .await
        .unwrap();
    assert!(!alert.starts_with(b"HTTP"), "{alert:?}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_and_ends_the_connection() {
    let running = start(in_memory()).await;
    let large = "x".repeat(200_000);
    for head in [
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: {large}\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
            "A: b\r\n".repeat(80)
        ),
    ] {
        let mut tcp = TcpStream::connect(running.hub.addrs()[0]).await.unwrap();
        // The hub may hang up before it has all of it.
        _ = tcp.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        _ = timeout(PATIENCE, tcp.read_to_end(&mut answer))
            .await
            .unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
    assert!(running.get("/healthz").await.starts_with("HTTP/1.1 200"));
}
