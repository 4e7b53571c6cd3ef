//! `--record`: what a conversation leaves in a file of either format, and what it does not.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use serde_json::Value;
use std::io::Write;
use std::path::Path;

fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_conversation_is_rows_as_the_tester_has_them() {
    let (port, _server) = server(|stream, head| {
        switch(
            stream,
            head,
            "Sec-WebSocket-Protocol: v1\r\nSet-Cookie: id=s3cret\r\n",
        );
        assert_eq!(receive(stream), (1, "ä \"1\"".as_bytes().to_vec()));
        stream.write_all(&frame(9, b"there?")).unwrap();
        stream.write_all(&frame(2, b"\x00\xff")).unwrap();
        stream.write_all(&frame(8, &close(4001, "bye"))).unwrap();
        while receive(stream).0 != 8 {}
    });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.ndjson");
    // What was cut off in the middle of a line is left alone.
    std::fs::write(
        &file,
        "{\"at\":1,\"way\":\"out\",\"kind\":\"text\",\"text\":\"before\"}\n{\"at\":",
    )
    .unwrap();
    let url = format!("ws://127.0.0.1:{port}/p?token=s3cret&room=1");
    let output = run(
        &[
            &url,
            "-s",
            "v1",
            "-H",
            "Authorization: Bearer s3cret",
            "-H",
            "Cookie: id=s3cret",
            "-x",
            "ä \"1\"",
            "--record",
            file.to_str().unwrap(),
        ],
        b"",
    );
    assert_eq!(output.status.code(), Some(10), "{}", text(&output.stderr));
    let content = std::fs::read_to_string(&file).unwrap();
    assert!(
        content.starts_with("{\"at\":1,") && !content.contains("s3cret"),
        "{content}"
    );
    let appended = dir.path().join("b.ndjson");
    let whole: Vec<&str> = content.lines().skip(2).collect();
    std::fs::write(&appended, whole.join("\n")).unwrap();
    let rows = rows(&appended);
    let brief: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row["way"], row["kind"]).replace('"', ""))
        .collect();
    assert_eq!(brief[..2], ["event connecting", "event open"]);
    for wanted in ["out text", "in ping", "in binary", "event close"] {
        assert!(
            brief.contains(&wanted.to_owned()),
            "{wanted} is not in {brief:?}"
        );
    }
    let url = format!("ws://127.0.0.1:{port}/p?token=redacted&room=1");
    assert_eq!(rows[0]["detail"]["url"], url.as_str());
    assert_eq!(rows[1]["detail"]["protocol"], "v1");
    let close = rows.last().unwrap();
    assert_eq!(
        (&close["code"], &close["reason"]),
        (&4001.into(), &"bye".into())
    );
    assert!(
        rows.iter()
            .all(|row| row["at"].as_f64().is_some_and(|at| at > 1.6e12) && row["time"].is_string())
    );
}

#[test]
fn a_har_is_what_chrome_writes_and_both_formats_are_replayed() {
    let echo = Echo::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.har", "a.ndjson"] {
        let file = dir.path().join(name);
        let path = file.to_str().unwrap();
        let output = run(
            &[&echo.url(), "-w", "0.3", "--record", path],
            "one\n{\"two\": 2}\n".as_bytes(),
        );
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let output = run(
            &[
                "replay",
                path,
                &echo.url(),
                "--diff",
                "--speed",
                "max",
                "--wait",
                "0.2",
            ],
            b"",
        );
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("the 2 messages recorded came again"),
            "{said}"
        );
    }
    let har: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("a.har")).unwrap()).unwrap();
    assert_eq!(har["log"]["version"], "1.2");
    let entry = &har["log"]["entries"][0];
    for field in [
        "startedDateTime",
        "time",
        "request",
        "response",
        "cache",
        "timings",
    ] {
        assert!(!entry[field].is_null(), "{field} is not in {entry}");
    }
    let messages = entry["_webSocketMessages"].as_array().unwrap();
    assert_eq!(messages.len(), 4);
    assert!(
        messages
            .iter()
            .all(|one| one["opcode"] == 1 && one["time"].is_number() && one["data"].is_string())
    );
    assert_eq!(
        messages.iter().filter(|one| one["type"] == "send").count(),
        2
    );
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        2,
        "no other files are left"
    );
}

#[test]
fn secrets_are_recorded_when_they_are_asked_for() {
    let echo = Echo::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.ndjson");
    let path = file.to_str().unwrap();
    let args = [
        &echo.url(),
        "-x",
        "x",
        "-w",
        "0.1",
        "-H",
        "X-Api-Key: s3cret",
        "--record",
        path,
    ];
    run(&args, b"");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("s3cret"));
    run(&[&args[..], &["--record-secrets"]].concat(), b"");
    let content = std::fs::read_to_string(&file).unwrap();
    assert!(
        content.contains("X-Api-Key: s3cret") || content.contains("x-api-key: s3cret"),
        "{content}"
    );
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_sent() {
    for (path, exit, expected) in [
        (
            "/no/such/place/a.har",
            1,
            "error: --record: cannot write /no/such/place/a.har",
        ),
        (
            "/no/such/place/a.ndjson",
            1,
            "error: --record: cannot write /no/such/place/a.ndjson",
        ),
        ("a.txt", 2, ".ndjson"),
    ] {
        let output = run(&["127.0.0.1:1", "-x", "x", "--record", path], b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}
