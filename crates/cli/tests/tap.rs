//! `tidewire tap`: what passes through, what is shown and recorded, the faults, and hostile sides.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStderr, Stdio};

/// A running tap; as a server it is used as an echo is.
struct Tap {
    door: Echo,
    stderr: BufReader<ChildStderr>,
    first: String,
}

/// What a tap said until it was ended.
struct Said {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

impl Tap {
    fn start(url: &str, args: &[&str]) -> Tap {
        Tap::listen("127.0.0.1:0", url, args)
    }

    fn listen(place: &str, url: &str, args: &[&str]) -> Tap {
        let mut child = tidewire()
            .args(["tap", place, url])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        let port = first.split(" → ").next().unwrap();
        let port = port.trim_end_matches('/').rsplit(':').next().unwrap();
        let port = port
            .parse()
            .unwrap_or_else(|_| panic!("the first line is {first:?}"));
        Tap {
            door: Echo { child, port },
            stderr,
            first,
        }
    }

    fn url(&self) -> String {
        self.door.url()
    }

    /// Ends it as Ctrl-C does.
    fn end(mut self) -> Said {
        signal(&self.door.child, rustix::process::Signal::INT);
        let code = wait_for(&mut self.door.child);
        let (mut stdout, mut stderr) = (String::new(), self.first.clone());
        let mut out = self.door.child.stdout.take().unwrap();
        out.read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut stderr).unwrap();
        Said {
            stdout,
            stderr,
            code,
        }
    }
}

/// Waits until the log of a tap has a connection's end.
fn lines_until(tap: &mut Tap, wanted: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut out = BufReader::new(tap.door.child.stdout.as_mut().unwrap());
    loop {
        let mut line = String::new();
        assert!(
            out.read_line(&mut line).unwrap() > 0,
            "{wanted} is not in {lines:?}"
        );
        // Without the time, which is another each time.
        let line = line
            .trim_start()
            .split_once(' ')
            .unwrap()
            .1
            .trim_end()
            .to_owned();
        lines.push(line);
        if lines.last().is_some_and(|line| line.contains(wanted)) {
            return lines;
        }
    }
}

#[test]
fn every_byte_of_the_frames_passes_as_it_came() {
    let sent = [
        &[0x01, 0x83, 9, 8, 7, 6, b'a' ^ 9, b'b' ^ 8, b'c' ^ 7][..], // a text begins, under a key of its own
        &[0x89, 0x82, 1, 1, 1, 1, b'h' ^ 1, b'i' ^ 1],               // a Ping in between
        &[0x80, 0x80, 0, 0, 0, 0],                                   // its end
        &[0x82, 0xFE, 0, 126, 0, 0, 0, 0],                           // binary, longer
        &[0xFF; 126],
    ]
    .concat();
    let answered = [
        frame(0xA, b"hi"),
        vec![0x02, 1, 0xFF, 0x80, 1, 0x00],
        frame(8, &close(4001, "bye")),
    ]
    .concat();
    let (expected, answer) = (sent.clone(), answered.clone());
    let (port, server) = server(move |stream, head| {
        switch(
            stream,
            head,
            "Sec-WebSocket-Protocol: v2\r\nX-Odd:  spaced \r\n",
        );
        let mut got = vec![0; expected.len()];
        stream.read_exact(&mut got).unwrap();
        assert!(got == expected, "{got:x?}");
        stream.write_all(&answer).unwrap();
        _ = stream.read(&mut [0; 64]);
    });
    let mut tap = Tap::start(&format!("127.0.0.1:{port}"), &["-H", "X-Key: k"]);
    let place = format!("127.0.0.1:{}", tap.door.port);
    let headers = format!(
        "Origin: http://{place}\r\nX-A: 1\r\nx-a: 2\r\nSec-WebSocket-Protocol: v1, v2\r\nCookie: a=b\r\n"
    );
    let mut stream = tap.door.connect();
    let request = format!(
        "GET /room?x=%20 HTTP/1.1\r\nHost: {place}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let head = read_head(&mut stream);
    assert!(
        head.contains("\r\nSec-WebSocket-Protocol: v2\r\nX-Odd:  spaced \r\n"),
        "{head}"
    );
    stream.write_all(&sent).unwrap();
    let mut got = vec![0; answered.len()];
    stream.read_exact(&mut got).unwrap();
    assert!(got == answered, "{got:x?}");
    drop(stream);
    let asked = server.join().unwrap();
    assert!(asked.starts_with("GET /room?x=%20 HTTP/1.1\r\n"), "{asked}");
    for line in [
        format!("Host: 127.0.0.1:{port}"),
        format!("Origin: http://127.0.0.1:{port}"),
        "X-A: 1\r\nx-a: 2\r\nSec-WebSocket-Protocol: v1, v2\r\nCookie: a=b\r\nx-key: k\r\n"
            .to_owned(),
    ] {
        assert!(
            asked.contains(&format!("\r\n{line}")),
            "{line} is not in {asked}"
        );
    }
    let lines = lines_until(&mut tap, "ended");
    assert!(lines[0].starts_with("#1 connected 127.0.0.1:"), "{lines:?}");
    assert!(
        lines[0].ends_with(&format!(" → ws://127.0.0.1:{port}/room?x=%20")),
        "{lines:?}"
    );
    assert_eq!(lines[1], "#1 open · v2");
    let binary = format!("#1 → binary 126 B  {} …", ["ff"; 32].join(" "));
    for line in [
        "#1 → ping 2 B  hi",
        "#1 → text 3 B  abc  (2 frames)",
        &binary,
        "#1 ← pong 2 B  hi",
        "#1 ← binary 2 B  ff 00  (2 frames)",
        "#1 ← close 4001 \"bye\"",
    ] {
        assert!(
            lines.contains(&line.to_owned()),
            "{line} is not in {lines:#?}"
        );
    }
    assert!(
        lines.last().unwrap().starts_with("#1 ended 4001 "),
        "{lines:?}"
    );
    assert_eq!(tap.end().code, Some(130));
}

#[test]
fn compressed_messages_pass_compressed_and_are_shown_inflated() {
    let echo = Echo::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tap.ndjson");
    let path = file.to_str().unwrap();
    let mut tap = Tap::start(&echo.url(), &["--record", path]);
    let long = format!("{{\"list\":[{}]}}", ["\"again and again\""; 200].join(","));
    let output = run(&[&tap.url(), "-x", &long, "-x", "short", "-w", "0.3"], b"");
    assert_eq!(text(&output.stdout), format!("{long}\nshort\n"));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = lines_until(&mut tap, "ended 1000");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("#1 open · permessage-deflate")),
        "{lines:?}"
    );
    for arrow in ["→", "←"] {
        let line = lines.iter().find(|line| {
            line.starts_with(&format!("#1 {arrow} text {} B  {{\"list\"", long.len()))
        });
        let line = line.unwrap_or_else(|| panic!("{lines:#?}"));
        assert!(line.contains("B deflated"), "{line}");
    }
    tap.end();
    let recorded = std::fs::read_to_string(&file).unwrap();
    let quoted = serde_json::to_string(&long).unwrap();
    assert_eq!(recorded.matches(&quoted).count(), 2, "{recorded}");
}

#[test]
fn what_is_recorded_is_replayed_and_holds_no_secret() {
    let echo = Echo::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.ndjson", "a.har"] {
        let file = dir.path().join(name);
        let path = file.to_str().unwrap();
        let mut tap = Tap::start(&echo.url(), &["--record", path]);
        for words in ["one", "two"] {
            let url = format!("{}p?access_token=s3cret", tap.url());
            let output = run(
                &[
                    &url,
                    "-H",
                    "Authorization: Bearer s3cret",
                    "-x",
                    words,
                    "-x",
                    "ä\n\"",
                    "-w",
                    "0.2",
                ],
                b"",
            );
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        }
        let said = lines_until(&mut tap, "#2 ended");
        assert_eq!(tap.end().code, Some(130));
        let recorded = std::fs::read_to_string(&file).unwrap();
        assert!(
            !recorded.contains("s3cret") && recorded.contains("access_token=redacted"),
            "{recorded}"
        );
        assert!(!said.concat().contains("s3cret"), "{said:?}");
        for (entry, words) in [("1", "one"), ("2", "two")] {
            let args = [
                "replay",
                path,
                &echo.url(),
                "--entry",
                entry,
                "--speed",
                "max",
                "--wait",
                "0.2",
            ];
            let output = run(&args, b"");
            assert_eq!(
                text(&output.stdout),
                format!("{words}\nä\n\"\n"),
                "{}",
                text(&output.stderr)
            );
            let output = run(&[&args[..], &["--diff"]].concat(), b"");
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        }
    }
    let file = dir.path().join("secrets.ndjson");
    let mut tap = Tap::start(
        &echo.url(),
        &["--record", file.to_str().unwrap(), "--record-secrets"],
    );
    run(
        &[
            &tap.url(),
            "-H",
            "Authorization: Bearer s3cret",
            "-x",
            "x",
            "-w",
            "0.1",
        ],
        b"",
    );
    lines_until(&mut tap, "ended");
    tap.end();
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .contains("Bearer s3cret")
    );
}

#[test]
fn a_recording_is_there_when_the_tap_is_killed() {
    let echo = Echo::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.ndjson", "a.har"] {
        let file = dir.path().join(name);
        let mut tap = Tap::start(&echo.url(), &["--record", file.to_str().unwrap()]);
        let (mut stream, _) = tap.door.websocket("/", "");
        send(&mut stream, 1, b"kept");
        assert_eq!(receive(&mut stream), (1, b"kept".to_vec()));
        lines_until(&mut tap, "← text");
        // A HAR is put in place a moment later.
        for _ in 0..500 {
            let whole = std::fs::read_to_string(&file).unwrap_or_default();
            if whole.matches("\"kept\"").count() == 2 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        tap.door.child.kill().unwrap();
        tap.door.child.wait().unwrap();
        let output = run(
            &[
                "replay",
                file.to_str().unwrap(),
                &echo.url(),
                "--diff",
                "--wait",
                "0.2",
            ],
            b"",
        );
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}{}",
            text(&output.stderr),
            text(&output.stdout)
        );
        let left = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(
            left,
            if name == "a.ndjson" { 1 } else { 2 },
            "no other files are left"
        );
    }
}

#[test]
fn faults_are_made_as_asked() {
    let echo = Echo::start(&[]);
    let through = |faults: &[&str]| {
        let tap = Tap::start(&echo.url(), faults);
        let output = run(&[&tap.url(), "-x", "one", "-x", "two", "-w", "0.5"], b"");
        let said = tap.end();
        (text(&output.stdout), output.status.code(), said)
    };
    let (stdout, code, said) = through(&["--drop", "1", "--only", "in"]);
    assert_eq!((stdout.as_str(), code), ("", Some(0)));
    assert!(
        said.stdout.contains("← text 3 B  one  (dropped)")
            && said.stdout.contains("→ text 3 B  one\n"),
        "{}",
        said.stdout
    );
    assert!(
        said.stderr.contains("notice: compression is not offered")
            && said.stderr.contains("--seed "),
        "{}",
        said.stderr
    );
    let (stdout, code, said) = through(&["--dup", "1", "--only", "out"]);
    assert_eq!(
        (stdout.as_str(), code),
        ("one\none\ntwo\ntwo\n", Some(0)),
        "{}",
        said.stdout
    );
    let (stdout, code, _) = through(&["--delay", "100ms±50ms", "--fragment", "2"]);
    assert_eq!((stdout.as_str(), code), ("one\ntwo\n", Some(0)));
    let (stdout, code, said) = through(&["--close-after", "1", "--only", "in"]);
    assert_eq!(
        (stdout.as_str(), code),
        ("one\n", Some(9)),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("#1 cut (--close-after)\n"),
        "{}",
        said.stdout
    );
    let (_, code, said) = through(&["--close-after", "100ms"]);
    assert_eq!(code, Some(9), "{}", said.stdout);
    let (first, _, _) = through(&["--drop", "0.5", "--seed", "3"]);
    let (again, _, said) = through(&["--drop", "0.5", "--seed", "3"]);
    assert_eq!(first, again);
    assert!(
        said.stderr.contains("the same faults again: --seed 3\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn fragments_arrive_as_fragments() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        let mut got = [0; 3 * 6 + 5];
        stream.read_exact(&mut got).unwrap();
        let firsts = [got[0], got[8], got[16]];
        assert_eq!(firsts, [0x01, 0x00, 0x80], "{got:x?}");
        _ = stream.write_all(&frame(8, &close(1000, "")));
    });
    let tap = Tap::start(&format!("127.0.0.1:{port}"), &["--fragment", "2"]);
    let (mut stream, _) = tap.door.websocket("/", "");
    send(&mut stream, 1, b"hello");
    assert_eq!(receive(&mut stream).0, 8);
    server.join().unwrap();
}

#[test]
fn json_is_a_line_for_each_event() {
    let echo = Echo::start(&["--subprotocol", "v1"]);
    let tap = Tap::start(&echo.url(), &["--json"]);
    for _ in 0..2 {
        let (mut stream, _) = tap.door.websocket("/", "Sec-WebSocket-Protocol: v1\r\n");
        send(&mut stream, 2, b"\x00\xff");
        assert_eq!(receive(&mut stream), (2, b"\x00\xff".to_vec()));
        send(&mut stream, 8, &close(1000, ""));
        assert_eq!(receive(&mut stream).0, 8);
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
    }
    let said = tap.end();
    let lines: Vec<serde_json::Value> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let brief: Vec<String> = lines
        .iter()
        .filter(|line| line["conn"] == 2)
        .map(|line| format!("{} {} {}", line["dir"], line["op"], line["data"]).replace('"', ""))
        .collect();
    assert_eq!(brief[0], format!("out open ws://127.0.0.1:{}/", echo.port));
    assert_eq!(brief[1..3], ["out binary AP8=", "in binary AP8="]);
    assert!(
        lines
            .iter()
            .all(|line| line["t"].as_f64().is_some_and(|t| t > 1.6e9))
    );
    let closes = lines
        .iter()
        .filter(|line| line["op"] == "close" && line["code"] == 1000);
    assert_eq!(closes.count(), 2, "{}", said.stdout);
}

#[test]
fn hostile_servers_are_passed_on_and_named() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(1, b"\x1b]0;title\x07")).unwrap();
        // A masked frame, and then noise that claims exabytes.
        stream.write_all(&[0x81, 0x81, 0, 0, 0, 0, b'x']).unwrap();
        stream
            .write_all(&[0x82, 0x7F, 0x7F, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3])
            .unwrap();
    });
    let mut tap = Tap::start(&format!("127.0.0.1:{port}"), &[]);
    let (mut stream, _) = tap.door.websocket("/\u{7e}", "");
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert!(
        got.ends_with(&[
            0x81, 0x81, 0, 0, 0, 0, b'x', 0x82, 0x7F, 0x7F, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3
        ]),
        "{got:x?}"
    );
    drop(stream);
    let lines = lines_until(&mut tap, "ended 1006");
    assert!(
        lines.contains(&"#1 ← text 10 B  \\x1b]0;title\\x07".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("#1 the server: ") && line.contains("unseen")),
        "{lines:?}"
    );
    tap.end();

    for (answer, status) in [
        (
            &b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nwhy\x1b?"[..],
            "answered 401 Unauthorized",
        ),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the server's answer is none"),
        (b"", "the server's answer is none"),
    ] {
        let (port, _server) = server(move |stream, _| stream.write_all(answer).unwrap());
        let mut tap = Tap::start(&format!("127.0.0.1:{port}"), &[]);
        let mut stream = tap.door.connect();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n")
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert!(got == answer, "{}", text(&got));
        let lines = lines_until(&mut tap, status);
        assert!(
            lines.iter().all(|line| !line.contains('\u{1b}')),
            "{lines:?}"
        );
    }
}

#[test]
fn hostile_clients_and_a_server_that_is_not_there_are_answered() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut tap = Tap::start(&free.to_string(), &[]);
    let answer = tap.door.http("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n") && answer.contains("tidewire tap: "),
        "{answer}"
    );
    for request in [
        "\u{1b}[2J\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET http://other/ HTTP/1.1\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        let answer = tap.door.http(request);
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{request:?}: {answer}"
        );
    }
    let endless = format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(5000));
    let mut stream = tap.door.connect();
    stream.write_all(endless.as_bytes()).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 400");
    // Who comes and goes without a word is not worth a line.
    drop(tap.door.connect());
    let lines = lines_until(&mut tap, "#6");
    assert!(
        lines.iter().all(|line| !line.contains('\u{1b}')),
        "{lines:?}"
    );
}

#[test]
fn plain_http_passes_too() {
    let echo = Echo::start(&[]);
    let tap = Tap::start(&echo.url(), &[]);
    let direct = echo.http("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let tapped = tap
        .door
        .http("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.len();
    assert!(
        tapped.starts_with("HTTP/1.1 200 ") && body(&tapped) == body(&direct),
        "{tapped}"
    );
}

#[test]
fn a_page_of_another_site_gets_neither_the_servers_trust_nor_ours() {
    let (port, _server) = server(|stream, head| switch(stream, head, ""));
    let url = format!("ws://127.0.0.1:{port}/");
    let upgrade = |host: &str, origin: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
        )
    };
    let tap = Tap::start(&url, &[]);
    let rebound = upgrade("evil.example:9000", "http://evil.example:9000");
    let answer = tap.door.http(&rebound);
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("no name of this machine"), "{answer}");
    let foreign = upgrade("localhost", "https://evil.example");
    let trusted = Tap::start(&url, &["--bearer", "s3cret"]);
    let answer = trusted.door.http(&foreign);
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("--allow-origin"), "{answer}");
    let named = [
        "--bearer",
        "s3cret",
        "--allow-origin",
        "https://evil.example",
    ];
    let answer = Tap::start(&url, &named).door.http(&foreign);
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
}

#[test]
fn only_this_machine_is_let_in_unless_more_is_written_out() {
    let echo = Echo::start(&[]);
    let tap = Tap::listen("0", &echo.url(), &[]);
    assert!(
        tap.first.starts_with("Listening on ws://127.0.0.1:"),
        "{}",
        tap.first
    );
    assert!(!tap.end().stderr.contains("notice"));
    let tap = Tap::listen("0.0.0.0:0", &echo.url(), &[]);
    let said = tap.end();
    assert!(
        said.stderr
            .contains("notice: whoever reaches this machine can go through to ws://"),
        "{}",
        said.stderr
    );
    for args in [
        &["tap", "notaport", "h:1"][..],
        &["tap", "1", "h:1", "--drop", "2"],
        &["tap", "1", "h:1", "--delay", "soon"],
        &["tap", "1", "h:1", "--close-after", "0"],
        &["tap", "1", "h:1", "--record", "x.txt"],
        &["tap", "1", "h:1", "--only", "both"],
        &["tap", "1", "h:1", "--record-secrets"],
    ] {
        assert_eq!(run(args, b"").status.code(), Some(2), "{args:?}");
    }
}
