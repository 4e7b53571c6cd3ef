//! `tidewire replay`: what is sent again and in which order, what is found different, what is refused.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CHROME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/chrome.har");

/// A recording of these (way, text) rows, 50 ms apart.
fn recording(dir: &Path, rows: &[(&str, &str)]) -> PathBuf {
    let path = dir.join("session.ndjson");
    let mut text = String::from(
        "{\"at\":1790000000000,\"way\":\"event\",\"kind\":\"connecting\",\"text\":\"Connecting to ws://was/\"}\n",
    );
    for (index, (way, payload)) in rows.iter().enumerate() {
        let at = 1_790_000_000_000_u64 + 50 * index as u64;
        let row = serde_json::json!({"at": at, "way": way, "kind": "text", "text": payload});
        text += &format!("{row}\n");
    }
    std::fs::write(&path, text).unwrap();
    path
}

fn replay(path: &Path, args: &[&str]) -> std::process::Output {
    let mut all = vec!["replay", path.to_str().unwrap()];
    all.extend(args);
    run(&all, b"")
}

#[test]
fn what_an_echo_said_is_said_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(
        dir.path(),
        &[("out", "one"), ("in", "one"), ("out", "{\"a\":1}"), ("in", "{ \"a\" : 1 }")],
    );
    let echo = Echo::start(&[]);
    for speed in ["1", "4x", "max"] {
        let output = replay(&path, &[&echo.url(), "--speed", speed, "--diff", "--wait", "0.3"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
        assert!(said.contains("sent 2 of 2, received 2 (recorded: 2)\n"), "{said}");
        assert!(said.contains("no difference: the 2 messages recorded came again\n"), "{said}");
    }
    let output = replay(&path, &[&echo.url(), "--speed", "max", "--wait", "300ms"]);
    assert_eq!(text(&output.stdout), "one\n{\"a\":1}\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn differences_are_named_and_end_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(
        dir.path(),
        &[
            ("out", "go"),
            ("in", r#"{"id":7,"price":1.5}"#),
            ("in", "constant"),
            ("in", "lost"),
            ("in", "12:00:01 up"),
        ],
    );
    let answering = |answers: &'static [&'static str]| {
        server(move |stream, head| {
            switch(stream, head, "");
            assert_eq!(receive(stream), (1, b"go".to_vec()));
            for answer in answers {
                stream.write_all(&frame(1, answer.as_bytes())).unwrap();
            }
            let (_, payload) = receive(stream);
            _ = stream.write_all(&frame(8, &payload));
        })
    };
    let changed = &[r#"{"price":2,"id":8}"#, "constant", "12:00:02 up", "\u{1b}[2Jmore"];
    let (port, _server) = answering(changed);
    let url = format!("127.0.0.1:{port}");
    let output = replay(&path, &[&url, "--diff", "--wait", "0.4"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "~ message 1 came otherwise\n    $.id: 7 → 8\n    $.price: 1.5 → 2\n\
         ~ message 3 came otherwise\n    - lost\n    + 12:00:02 up\n\
         ~ message 4 came otherwise\n    - 12:00:01 up\n    + \\x1b[2Jmore\n"
    );
    assert!(text(&output.stderr).contains("3 differences\n"));

    let (port, _server) = answering(&[r#"{"price":1.5,"id":8}"#, "constant", "lost", "12:00:02 up"]);
    let url = format!("127.0.0.1:{port}");
    let ignore = ["--ignore", "$.id", "--ignore", r"/\d+:\d+:\d+/"];
    let output = replay(&path, &[&[url.as_str(), "--diff", "--wait", "0.4"], &ignore[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn at_full_speed_answers_are_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path(), &[("out", "ask"), ("in", "answer"), ("out", "next")]);
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        assert_eq!(receive(stream), (1, b"ask".to_vec()));
        stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
        let mut byte = [0];
        let early = std::io::Read::read(stream, &mut byte);
        assert!(early.is_err(), "sent before the answer came");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&frame(1, b"answer")).unwrap();
        assert_eq!(receive(stream), (1, b"next".to_vec()));
        stream.write_all(&frame(8, &close(1000, ""))).unwrap();
        _ = receive(stream);
    });
    let url = format!("127.0.0.1:{port}");
    let output = replay(&path, &[&url, "--speed", "max", "--wait", "10"]);
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn an_end_of_another_kind_is_a_difference() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path(), &[("out", "one"), ("in", "one"), ("out", "two")]);
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"{\"at\":1790000000200,\"way\":\"event\",\"kind\":\"close\",\"code\":1000}\n")
        .unwrap();
    for (args, exit) in [(&["--diff"][..], 1), (&[], 10)] {
        let (port, _server) = server(|stream, head| {
            switch(stream, head, "");
            let (_, payload) = receive(stream);
            stream.write_all(&frame(1, &payload)).unwrap();
            stream.write_all(&frame(8, &close(4001, "no more"))).unwrap();
            _ = receive(stream);
        });
        let url = format!("127.0.0.1:{port}");
        let output = replay(&path, &[&[url.as_str(), "--wait", "1"], args].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{said}");
        assert!(said.contains("Disconnected (code: 4001, reason: \"no more\")"), "{said}");
        if exit == 1 {
            let shown = text(&output.stdout);
            assert!(shown.contains("closed otherwise\n    - 1000\n    + 4001 \"no more\"\n"), "{shown}");
        }
    }
}

#[test]
fn what_chrome_saved_is_listed_and_replayed_by_its_number() {
    let chrome = Path::new(CHROME);
    let output = replay(chrome, &["127.0.0.1:1"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error: the recording holds 2 connections: choose one with --entry N\n"), "{said}");
    assert!(
        said.contains("  1  2026-03-04T10:11:12.4Z  wss://shop.example/feed  sent 2, received 2\n")
            && said.contains("  2  2026-03-04T10:11:13Z  wss://shop.example/chat  sent 1, received 0\n"),
        "{said}"
    );
    assert_eq!(replay(chrome, &["127.0.0.1:1", "--entry", "3"]).status.code(), Some(2));
    assert_eq!(replay(chrome, &["127.0.0.1:1", "--entry", "0"]).status.code(), Some(2));

    let echo = Echo::start(&["--subprotocol", "feed.v1"]);
    let output = replay(chrome, &[&echo.url(), "--entry", "1", "--diff", "--wait", "0.3"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stdout));
    assert!(said.contains("subprotocol: feed.v1\n"), "{said}");
    let output = replay(chrome, &[&echo.url(), "--entry", "2", "--wait", "0.3"]);
    assert_eq!(text(&output.stdout), "second \u{0} \u{2028} 😀\n");
}

#[test]
fn files_that_are_broken_are_refused_with_the_line() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content, expected) in [
        ("a.ndjson", &b"{\"at\":1,\"way\":\"out\",\"kind\":\"text\",\"text\":\"x\"}\n{broken\n"[..], "a.ndjson, line 2 is not JSON"),
        ("b.ndjson", b"{\"at\":1,\"way\":\"up\"}\n", "b.ndjson, line 1: \"way\" must be"),
        ("c.ndjson", b"\x1b]0;title\x07\n", "c.ndjson, line 1 is not JSON"),
        ("d.ndjson", b"", "d.ndjson holds no connection"),
        ("e.har", b"{\"log\":\n{\"entries\":\n[,]}}", "line 3"),
        ("f.har", b"{\"log\":{\"entries\":[]}}", "f.har holds no WebSocket messages"),
        ("g.har", b"\xff\xfe\x00", "g.har is not JSON"),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        let output = replay(&path, &["127.0.0.1:1"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with("error: ") && said.contains(expected), "{said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
    let output = replay(Path::new("/no/such.har"), &["127.0.0.1:1"]);
    assert!(text(&output.stderr).starts_with("error: cannot read /no/such.har"));
}

#[test]
fn wrong_use_is_told() {
    for args in [
        &["--speed", "fast"][..],
        &["--diff", "--ignore", "$.a["],
        &["--ignore", "$.a"],
        &["--diff", "--ignore", "/(/"],
        &["--wait", "-2"],
    ] {
        let output = replay(Path::new(CHROME), &[&["127.0.0.1:1"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path(), &[("out", "x")]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(replay(&path, &[&free.to_string()]).status.code(), Some(4));
}
