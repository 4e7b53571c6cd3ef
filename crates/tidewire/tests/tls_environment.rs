//! What a client takes from its environment: the roots of `SSL_CERT_FILE`, and `SSLKEYLOGFILE` only if
//! it was asked to. Each case runs in a process of its own, which is this program again.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used)]

mod tls_common;

use std::process::Output;
use tidewire::tls::ClientTls;
use tls_common::*;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// Where the child connects to; whether it asks for the key log.
const CONNECT: &str = "TIDEWIRE_TEST_CONNECT";
const KEY_LOG: &str = "TIDEWIRE_TEST_KEY_LOG";

/// The child's part.
async fn connect(at: &str) {
    let tcp = TcpStream::connect(at).await.unwrap();
    let mut tls = ClientTls::new();
    if std::env::var_os(KEY_LOG).is_some() {
        tls = tls.key_log_from_env();
    }
    match tls.connect("localhost", tcp).await {
        Ok(_) => println!("connected"),
        Err(error) => println!("error: {error}"),
    }
}

#[tokio::test]
async fn the_environment_gives_roots_and_only_on_request_takes_keys() {
    if let Ok(at) = std::env::var(CONNECT) {
        return connect(&at).await;
    }
    let authority = Authority::new("CA");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let server = authority.server(&["localhost"]);
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(server.accept(tcp));
        }
    });
    let name = format!("tidewire-tls-environment-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    let (ca, keys) = (directory.join("ca.pem"), directory.join("keys"));
    std::fs::write(&ca, &authority.pem).unwrap();
    let child = |roots: &std::path::Path, key_log: bool| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--nocapture", "--test-threads=1"]);
        command.env(CONNECT, &at).env("SSL_CERT_FILE", roots);
        command
            .env("SSLKEYLOGFILE", &keys)
            .env_remove("SSL_CERT_DIR");
        if key_log {
            command.env(KEY_LOG, "yes");
        }
        command.kill_on_drop(true).output()
    };
    let said = |output: std::io::Result<Output>| String::from_utf8(output.unwrap().stdout).unwrap();

    let text = said(child(&directory.join("missing"), false).await);
    assert!(text.contains("error: no root certificates"), "{text}");
    assert!(text.contains("ca-certificates"), "{text}");
    let text = said(child(&ca, false).await);
    assert!(text.contains("connected"), "{text}");
    assert!(!keys.exists(), "nobody asked for the keys");
    let text = said(child(&ca, true).await);
    assert!(text.contains("connected"), "{text}");
    let logged = std::fs::read_to_string(&keys).unwrap();
    assert!(logged.contains("CLIENT_TRAFFIC_SECRET_0"), "{logged}");
    std::fs::remove_dir_all(&directory).unwrap();
}
