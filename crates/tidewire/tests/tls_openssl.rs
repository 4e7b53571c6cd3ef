//! OpenSSL's `s_client` and `s_server` as peers.

#![cfg(all(feature = "tls", unix))]
#![allow(clippy::unwrap_used)]

mod tls_common;

use tidewire::tls::{ClientTls, ServerTls, TlsStream};
use tidewire::{Config, Server};
use tls_common::peer::{Files, Peer, VERSIONS};
use tls_common::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A server that sends back what comes, over one TLS connection; and its port.
async fn echo_once(server: ServerTls) -> (u16, tokio::task::JoinHandle<TlsStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut stream = server.accept(tcp).await.unwrap();
        let mut chunk = [0; 1000];
        loop {
            let count = stream.read(&mut chunk).await.unwrap();
            if count == 0 {
                stream.shutdown().await.unwrap();
                return stream;
            }
            stream.write_all(&chunk[..count]).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    (port, serving)
}

#[tokio::test]
async fn openssl_as_client() {
    let authority = Authority::new("CA");
    let files = Files::new("client");
    let ca = files.write("ca.pem", &authority.pem);
    for (version, flag, _) in VERSIONS {
        let (port, serving) = echo_once(authority.server(&["localhost"])).await;
        let at = format!("127.0.0.1:{port}");
        let mut peer = Peer::start(
            "openssl",
            &[
                "s_client",
                "-brief",
                flag,
                "-connect",
                &at,
                "-servername",
                "localhost",
                "-verify_hostname",
                "localhost",
                "-verify_return_error",
                "-CAfile",
                &ca,
                "-alpn",
                "http/1.1",
            ],
        );
        peer.hear_of("CONNECTION ESTABLISHED").await;
        peer.say("hello").await;
        peer.hear("hello").await;
        if version == "TLSv1.3" {
            // New keys, in both directions: ours go out with the next that is said.
            for round in 0..5 {
                peer.say("K").await;
                peer.hear_of("KEYUPDATE").await;
                let line = format!("after update {round}");
                peer.say(&line).await;
                peer.hear(&line).await;
            }
        }
        peer.end_input();
        let stream = timeout(PATIENCE, serving).await.unwrap().unwrap();
        assert_eq!(stream.version(), version);
        assert_eq!(stream.server_name(), Some("localhost"));
        assert_eq!(stream.alpn(), Some(&b"http/1.1"[..]));
        peer.succeeds().await;
    }
}

#[tokio::test]
async fn openssl_as_client_with_a_certificate_and_without() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = authority.server(&["localhost"]);
    let server = server.require_client_certificates(&clients.pem).unwrap();
    let identity = clients.issue(&["somebody"]);
    let files = Files::new("mutual");
    let (chain, key) = (
        files.write("chain.pem", &identity.chain),
        files.write("key.pem", &identity.key),
    );
    for (_, flag, _) in VERSIONS {
        let (port, serving) = echo_once(server.clone()).await;
        let at = format!("127.0.0.1:{port}");
        let args = [
            "s_client", "-brief", flag, "-connect", &at, "-cert", &chain, "-key", &key,
        ];
        let mut peer = Peer::start("openssl", &args);
        peer.say("hello").await;
        peer.hear("hello").await;
        drop(peer);
        assert_eq!(serving.await.unwrap().peer_certificates().len(), 1);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let mut peer = Peer::start("openssl", &["s_client", flag, "-connect", &at]);
        let (tcp, _) = listener.accept().await.unwrap();
        server.accept(tcp).await.unwrap_err();
        let complaints = peer.complaints().await;
        assert!(complaints.contains("alert"), "{complaints}");
    }
}

#[tokio::test]
async fn what_tls_says_by_itself_leaves_though_the_websocket_says_nothing() {
    let authority = Authority::new("CA");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let args = ["s_client", "-tls1_2", "-brief", "-crlf", "-connect", &at];
    let mut peer = Peer::start("openssl", &args);
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let stream = authority.server(&["localhost"]).accept(tcp).await.unwrap();
        let silent = Config::new().ping_interval(None); // a Ping would take it along
        let server = Server::new().config(silent);
        let mut ws = server.accept(stream).await.unwrap();
        let _ = ws.recv().await;
    });
    peer.say(
        "GET / HTTP/1.1\nHost: localhost\nUpgrade: websocket\nConnection: Upgrade\n\
         Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n",
    )
    .await;
    peer.hear("HTTP/1.1 101").await;
    // Wants to shake hands again, which is answered with an alert and nothing else.
    peer.say("R").await;
    let complaints = peer.complaints().await;
    assert!(complaints.contains("no renegotiation"), "{complaints}");
    timeout(PATIENCE, serving).await.unwrap().unwrap();
}

/// `openssl s_server`, which sends each line back reversed; and its address.
async fn reversing_server(args: &[&str]) -> (Peer, String) {
    let args = [&["s_server", "-accept", "127.0.0.1:0", "-rev"], args].concat();
    let mut peer = Peer::start("openssl", &args);
    let line = peer.hear("ACCEPT ").await;
    (peer, line["ACCEPT ".len()..].to_owned())
}

/// One line there and one back.
async fn reverse(client: &ClientTls, at: &str) -> TlsStream {
    let tcp = TcpStream::connect(at).await.unwrap();
    let mut stream = client.connect("localhost", tcp).await.unwrap();
    stream.write_all(b"hello\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = [0; 6];
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"olleh\n");
    stream
}

#[tokio::test]
async fn openssl_as_server() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let files = Files::new("server");
    let identity = authority.issue(&["localhost"]);
    let (chain, key) = (
        files.write("chain.pem", &identity.chain),
        files.write("key.pem", &identity.key),
    );
    let clients_ca = files.write("clients.pem", &clients.pem);
    let somebody = clients.issue(&["somebody"]);
    for (version, flag, _) in VERSIONS {
        let (_peer, at) = reversing_server(&[flag, "-cert", &chain, "-key", &key]).await;
        let client = authority.client();
        assert_eq!(reverse(&client, &at).await.version(), version);
        assert!(reverse(&client, &at).await.is_resumed(), "{version}");
        for group in ["P-256", "X25519", "P-384"] {
            let args = [flag, "-cert", &chain, "-key", &key, "-groups", group];
            let (_peer, at) = reversing_server(&args).await;
            reverse(&client, &at).await;
        }
        let args = [
            flag,
            "-cert",
            &chain,
            "-key",
            &key,
            "-Verify",
            "1",
            "-CAfile",
            &clients_ca,
            "-verify_return_error",
        ];
        let (_peer, at) = reversing_server(&args).await;
        let known = client.client_certificate_pem(&somebody.chain, &somebody.key);
        reverse(&known, &at).await;
    }
}

#[tokio::test]
async fn openssl_as_a_server_of_old_versions_only_is_told_from_others() {
    let identity = Authority::new("CA").issue(&["localhost"]);
    let files = Files::new("old");
    let (chain, key) = (
        files.write("chain.pem", &identity.chain),
        files.write("key.pem", &identity.key),
    );
    let args = [
        "-tls1_1",
        "-cipher",
        "ALL:@SECLEVEL=0",
        "-cert",
        &chain,
        "-key",
        &key,
    ];
    let (_peer, at) = reversing_server(&args).await;
    let tcp = TcpStream::connect(at).await.unwrap();
    let error = ClientTls::new().danger_accept_any_certificate();
    let error = error
        .connect("localhost", tcp)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("neither TLS 1.2 nor 1.3"), "{error}");
}
