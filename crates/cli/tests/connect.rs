//! `tidewire connect` in scripts: what is on stdout, what the exit code says.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn ten_thousand_lines_come_back_as_they_went() {
    let echo = Echo::start(&[]);
    let mut input = String::new();
    for number in 0..10_000 {
        input += &format!("{{\"line\":{number},\"text\":\"ä\"}}\n");
    }
    let output = run(&["connect", &echo.url(), "-w", "1"], input.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        output.stdout == input.as_bytes(),
        "{} bytes came back",
        output.stdout.len()
    );
    let said = text(&output.stderr);
    assert!(
        said.contains("Connected (press CTRL+C to quit)\n"),
        "{said}"
    );
    assert!(
        said.contains("Disconnected (code: 1000, reason: \"\")"),
        "{said}"
    );
}

#[test]
fn the_url_may_be_bare_and_anywhere() {
    let echo = Echo::start(&[]);
    let bare = format!("127.0.0.1:{}/x", echo.port);
    for args in [
        &[bare.as_str(), "-w", "0.3"][..],
        &["-w", "300ms", &bare],
        &["-c", &bare, "-w", "0.3"],
        &["connect", "-c", &bare, "-w", "0.3"],
    ] {
        let output = run(args, b"no line feed at the end");
        assert_eq!(
            text(&output.stdout),
            "no line feed at the end\n",
            "{args:?}"
        );
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn execute_sends_without_touching_stdin() {
    let echo = Echo::start(&[]);
    let args = [&echo.url(), "-x", "one", "-x", "two", "-w", "0.3"];
    let output = tidewire().args(args).stdin(Stdio::null()).output().unwrap();
    assert_eq!(text(&output.stdout), "one\ntwo\n");
    assert_eq!(output.status.code(), Some(0));
    let output = run(&args, b"not read\n");
    assert_eq!(text(&output.stdout), "one\ntwo\n");
}

#[test]
fn late_answers_are_waited_for_in_silence() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        assert_eq!(receive(stream), (1, b"go".to_vec()));
        for part in 0..5 {
            std::thread::sleep(Duration::from_millis(400));
            stream
                .write_all(&frame(1, format!("part {part}").as_bytes()))
                .unwrap();
        }
        let (opcode, payload) = receive(stream);
        assert_eq!(opcode, 8);
        stream.write_all(&frame(8, &payload)).unwrap();
    });
    let output = run(&[&format!("localhost:{port}"), "-w", "1.5"], b"go\n");
    server.join().unwrap();
    assert_eq!(
        text(&output.stdout),
        "part 0\npart 1\npart 2\npart 3\npart 4\n"
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn binary_and_escapes_reach_a_pipe_byte_for_byte() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(2, b"\xff\x00\x1b\n")).unwrap();
        stream.write_all(&frame(1, b"\x1b]0;title\x07")).unwrap();
        stream.write_all(&frame(8, &close(1000, ""))).unwrap();
        _ = receive(stream);
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-w", "-1"], b"");
    assert_eq!(output.stdout, b"\xff\x00\x1b\n\x1b]0;title\x07\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn headers_origin_and_subprotocols_arrive() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "Sec-WebSocket-Protocol: v2\r\n");
        stream.write_all(&frame(8, &close(1000, ""))).unwrap();
        _ = receive(stream);
    });
    let output = run(
        &[
            &format!("127.0.0.1:{port}/p?q=1"),
            "-H",
            "X-A: 1",
            "-H",
            "X-A: 2",
            "-o",
            "https://o.example",
            "-s",
            "v1",
            "-s",
            "v2",
        ],
        b"",
    );
    let head = server.join().unwrap();
    assert!(head.starts_with("GET /p?q=1 HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    for line in [
        "x-a: 1",
        "x-a: 2",
        "origin: https://o.example",
        "sec-websocket-protocol: v1, v2",
    ] {
        assert!(
            head.contains(&format!("\r\n{line}\r\n")),
            "{line} is not in {head}"
        );
    }
    assert!(
        text(&output.stderr).contains("subprotocol: v2\n"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn every_end_has_its_exit_code() {
    for (code, exit) in [
        (1000, 0),
        (1001, 0),
        (4001, 10),
        (1011, 10),
        (1002, 8),
        (1009, 8),
    ] {
        let (port, _server) = server(move |stream, head| {
            switch(stream, head, "");
            stream.write_all(&frame(8, &close(code, "why"))).unwrap();
            _ = receive(stream);
        });
        let output = run(&[&format!("127.0.0.1:{port}"), "-w", "-1"], b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{code}: {said}");
        assert!(
            said.contains(&format!("Disconnected (code: {code}, reason: \"why\")")),
            "{said}"
        );
    }
}

#[test]
fn a_connection_that_just_ends_is_1006() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(1, b"last words")).unwrap();
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-w", "-1"], b"");
    assert_eq!(text(&output.stdout), "last words\n");
    assert_eq!(output.status.code(), Some(9));
    assert!(
        text(&output.stderr).contains("Disconnected (code: 1006"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_server_that_breaks_the_protocol_is_told_apart() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(1, b"\xff\xfe")).unwrap();
        let mut rest = Vec::new();
        _ = stream.read_to_end(&mut rest);
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-w", "-1"], b"");
    assert_eq!(output.status.code(), Some(8), "{}", text(&output.stderr));
}

#[test]
fn a_refused_handshake_is_shown_with_its_body_and_a_hint() {
    let (port, _server) = server(|stream, _| {
        let body = "{\"error\":\"missing token\x1b[2J\"}";
        let answer = format!(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let output = run(&[&format!("127.0.0.1:{port}")], b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(
        said.starts_with("error: the server answered 401 Unauthorized"),
        "{said}"
    );
    assert!(said.contains("  www-authenticate: Bearer\n"), "{said}");
    assert!(
        said.contains("{\"error\":\"missing token\\x1b[2J\"}"),
        "{said}"
    );
    assert!(said.contains("hint: "), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_wrong_accept_is_not_a_websocket() {
    let (port, _server) = server(|stream, _| {
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                      Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let output = run(&[&format!("127.0.0.1:{port}")], b"");
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
}

#[test]
fn nobody_there_no_such_host_no_tls_no_sense() {
    let free = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let refused = run(&[&format!("ws://127.0.0.1:{free}/")], b"");
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stderr));
    let said = text(&refused.stderr);
    assert!(said.contains("nothing listens there"), "{said}");
    let echo = Echo::start(&[]);
    let no_tls = echo.url().replace("ws://", "wss://");
    for (url, exit) in [
        ("ws://no-such-host.invalid/", 3),
        (no_tls.as_str(), 5),
        ("ftp://127.0.0.1/", 2),
    ] {
        let output = run(&[url], b"");
        assert_eq!(
            output.status.code(),
            Some(exit),
            "{url}: {}",
            text(&output.stderr)
        );
        assert!(
            text(&output.stderr).starts_with("error: "),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let output = run(
        &[&format!("127.0.0.1:{port}"), "--connect-timeout", "0.5"],
        b"",
    );
    assert_eq!(output.status.code(), Some(11), "{}", text(&output.stderr));
}

#[test]
fn input_that_is_no_text_stops_with_its_line_number() {
    let echo = Echo::start(&[]);
    let output = run(&[&echo.url(), "-w", "0.3"], b"fine\n\xff\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("line 2 of the input is not UTF-8"));
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let echo = Echo::start(&[]);
    let mut child = tidewire()
        .args([&echo.url(), "-w", "-1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"first\n").unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "first\n");
    drop(stdout);
    stdin.write_all(b"second\n").unwrap();
    assert_eq!(wait_for(&mut child), Some(0));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "Connected (press CTRL+C to quit)\n");
}

#[cfg(unix)]
#[test]
fn ctrl_c_closes_and_says_130() {
    let echo = Echo::start(&[]);
    let mut child = tidewire()
        .args([&echo.url(), "-x", "ready", "-w", "-1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    signal(&child, rustix::process::Signal::INT);
    assert_eq!(wait_for(&mut child), Some(130));
}
