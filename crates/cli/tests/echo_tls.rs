//! `tidewire echo` over TLS: with a certificate of one's own, and with the local authority.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use tidewire::tls::{ClientTls, TlsStream};
use tidewire::{Client, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A TLS connection of a client that trusts this authority and no other.
async fn tls(port: u16, authority: &Path, host: &str) -> TlsStream {
    let authority = std::fs::read(authority).unwrap();
    let tls = ClientTls::new().root_pem(authority).only_added_roots();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tls.connect(host, tcp).await.unwrap()
}

async fn is_echoed(port: u16, authority: &Path, host: &str) {
    let io = tls(port, authority, host).await;
    let client = Client::new("ws://localhost/");
    let mut ws = client.handshake(io).await.unwrap();
    ws.send("over TLS").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("over TLS")));
    ws.close(1000, "").await.unwrap();
}

async fn page(port: u16, authority: &Path) -> String {
    let mut io = tls(port, authority, "localhost").await;
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    io.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    io.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_local_authority_is_made_told_and_kept() {
    let data = tempfile::tempdir().unwrap();
    let authority = data.path().join("tidewire/tls-dev/ca.pem");
    let mut first = None;
    for _ in 0..2 {
        let mut command = tidewire();
        command.env("XDG_DATA_HOME", data.path());
        let mut echo = Echo::start_as(&mut command, &["--tls-dev"]);
        runtime().block_on(async {
            for host in ["localhost", "127.0.0.1", "::1"] {
                is_echoed(echo.port, &authority, host).await;
            }
            let page = page(echo.port, &authority).await;
            assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
            assert!(page.ends_with("</html>\n"), "{page}");
        });
        let stderr = BufReader::new(echo.child.stderr.take().unwrap());
        let hint: Vec<String> = stderr.lines().take(7).map(Result::unwrap).collect();
        let hint = hint.join("\n");
        for part in [
            authority.to_str().unwrap(),
            "curl --cacert",
            "SSL_CERT_FILE=",
            "Firefox, Chromium",
            "localhost, 127.0.0.1, ::1",
        ] {
            assert!(hint.contains(part), "{part} is not in\n{hint}");
        }
        let now = std::fs::read(&authority).unwrap();
        assert_eq!(*first.get_or_insert(now.clone()), now, "the same again");
    }
}

#[test]
fn a_relative_xdg_folder_is_passed_over_and_no_home_is_told() {
    let home = tempfile::tempdir().unwrap();
    let mut command = tidewire();
    command
        .env("XDG_DATA_HOME", "relative")
        .env("HOME", home.path());
    let mut echo = Echo::start_as(&mut command, &["--tls-dev", "--quiet"]);
    assert!(!Path::new("relative").exists());
    if cfg!(target_os = "linux") {
        let authority = home.path().join(".local/share/tidewire/tls-dev/ca.pem");
        runtime().block_on(is_echoed(echo.port, &authority, "localhost"));
    }
    _ = echo.child.kill();
    let mut said = String::new();
    let stderr = echo.child.stderr.take();
    stderr.unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "", "quiet");
    let mut command = tidewire();
    command.env_remove("XDG_DATA_HOME").env_remove("HOME");
    let output = command.args(["echo", "0", "--tls-dev"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("--tls-cert"), "{said}");
}

#[test]
fn a_certificate_of_ones_own_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let args = ["--tls-cert", cert.to_str().unwrap(), "--tls-key"];
    let echo = Echo::start(&[&args[..], &[key.to_str().unwrap()]].concat());
    runtime().block_on(is_echoed(echo.port, &cert, "localhost"));

    // What speaks no TLS ends alone.
    let mut plain = echo.connect();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    plain.shutdown(std::net::Shutdown::Write).unwrap();
    _ = plain.read_to_end(&mut Vec::new());
    runtime().block_on(is_echoed(echo.port, &cert, "localhost"));
}

#[test]
fn certificates_that_cannot_be_used_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.pem");
    std::fs::write(&file, "not PEM").unwrap();
    let file = file.to_str().unwrap();
    for (cert, key, part) in [
        ("/no/such.pem", file, "/no/such.pem"),
        (file, file, "no certificate in the PEM"),
    ] {
        let output = run(&["echo", "0", "--tls-cert", cert, "--tls-key", key], b"");
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.starts_with("error: ") && said.contains(part), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_drains_over_tls_too() {
    use rustix::process::Signal;
    let data = tempfile::tempdir().unwrap();
    let mut command = tidewire();
    command.env("XDG_DATA_HOME", data.path());
    let mut echo = Echo::start_as(&mut command, &["--tls-dev", "--threads", "2"]);
    let authority = data.path().join("tidewire/tls-dev/ca.pem");
    runtime().block_on(async {
        let io = tls(echo.port, &authority, "localhost").await;
        let client = Client::new("ws://localhost/");
        let mut ws = client.handshake(io).await.unwrap();
        ws.send("before").await.unwrap();
        assert!(ws.recv().await.unwrap().is_some());
        signal(&echo.child, Signal::TERM);
        assert_eq!(ws.recv().await.unwrap(), None);
        let frame = ws.close_story().unwrap().received.unwrap();
        assert_eq!(frame.code.0, 1001);
    });
    assert_eq!(wait_for(&mut echo.child), Some(0));
}

#[test]
fn the_client_of_the_tool_trusts_what_it_is_told_to_and_says_how() {
    let data = tempfile::tempdir().unwrap();
    let authority = data.path().join("tidewire/tls-dev/ca.pem");
    let mut command = tidewire();
    command.env("XDG_DATA_HOME", data.path());
    let echo = Echo::start_as(&mut command, &["--tls-dev", "-q"]);
    let url = format!("wss://localhost:{}/", echo.port);

    let mut trusting = tidewire();
    trusting.env("SSL_CERT_FILE", &authority);
    let output = trusting.args([&url, "-x", "hello", "-w", "5"]).output();
    let output = output.unwrap();
    assert_eq!(text(&output.stdout), "hello\n", "{}", text(&output.stderr));

    let stranger = run(&[&url, "-x", "hello"], b"");
    assert_eq!(stranger.status.code(), Some(5));
    let told = text(&stranger.stderr);
    assert!(
        told.contains("hint: ") && told.contains("--ca FILE"),
        "{told}"
    );
}
