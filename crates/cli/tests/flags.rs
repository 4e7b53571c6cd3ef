//! Flags that the tests of each command leave: each does here what the reference says of it.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};

/// A child that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn a_server_that_is_to_be_quiet_says_nothing_and_one_with_tls_speaks_it() {
    let home = tempfile::tempdir().unwrap();
    // A port that is free now: quiet, it tells none.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let port = port.to_string();
    let mut quiet = Ended(
        tidewire()
            .args(["listen", &port, "-q"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let url = format!(":{port}");
    let mut tries = 0;
    while run(&[&url, "-x", "hello", "-w", "0"], b"").status.code() != Some(0) {
        tries += 1;
        assert!(tries < 100, "nobody listens");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    signal(&quiet.0, rustix::process::Signal::INT);
    assert_eq!(wait_for(&mut quiet.0), Some(0));
    let mut said = String::new();
    quiet
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "");

    let mut secure = Ended(
        tidewire()
            .args(["listen", "0", "--tls-dev"])
            .env("XDG_DATA_HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    let mut told = BufReader::new(secure.0.stderr.take().unwrap());
    told.read_line(&mut line).unwrap();
    let url = line.split_whitespace().nth(2).unwrap();
    assert!(url.starts_with("wss://127.0.0.1:"), "{line}");
    assert_eq!(run(&[url, "-k", "-E"], b"").status.code(), Some(0));
    assert_eq!(run(&[url, "-E"], b"").status.code(), Some(5));
}

#[test]
fn cases_may_run_one_after_the_other() {
    let echo = Echo::start(&["--quiet"]);
    let only = ["--only", "close", "--jobs", "1", "--json"];
    let output = run(&[&["conform", &echo.url()], &only[..]].concat(), b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(
        run(&["conform", ":1", "--jobs", "0"], b"").status.code(),
        Some(2)
    );
}

#[test]
fn a_client_that_never_sleeps_and_a_server_of_bytes_are_measured() {
    let echo = Echo::start(&[]);
    let short = ["--duration", "0.2", "--warmup", "0.05", "-c", "1", "--json"];
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let bytes = format!("tcp://{}", server.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(n @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..n]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    for (url, flag) in [(&echo.url(), "--busy-poll"), (&bytes, "--raw")] {
        let output = run(&[&["bench", url, flag], &short[..]].concat(), b"");
        let code = output.status.code();
        // With one connection the client is often the slower side, and says so.
        assert!(
            code == Some(0) || code == Some(13),
            "{flag}: {}",
            text(&output.stderr)
        );
        assert!(text(&output.stdout).starts_with('{'), "{flag}");
    }
}

#[test]
fn flags_of_a_restored_and_of_an_open_hub_are_heeded() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut serve = tidewire();
    serve
        .args([
            "serve",
            "--listen",
            "0.0.0.0:0",
            "--allow-anonymous",
            "--new-term",
            "--host",
        ])
        .args(["chat.example", "--data", data.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut serve = Ended(serve.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(serve.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("0.0.0.0:"), "{line}");
    signal(&serve.0, rustix::process::Signal::TERM);
    assert_eq!(wait_for(&mut serve.0), Some(0));
}

#[test]
fn the_hub_of_the_line_wins_over_that_of_the_environment() {
    for command in [
        &["sub", "chat:x"][..],
        &["pub", "chat:x", "hi"],
        &["send", "s", "hi"],
    ] {
        let output = tidewire()
            .args(command)
            .args(["--hub", "http://127.0.0.1:1", "-q"])
            .env("TIDEWIRE_HUB", "http://127.0.0.1:2")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
        let said = text(&output.stderr);
        assert!(
            said.contains("127.0.0.1:1") && !said.contains("127.0.0.1:2"),
            "{said}"
        );
    }
}
