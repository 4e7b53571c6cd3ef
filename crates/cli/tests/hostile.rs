//! Servers that mean harm: the client says what is wrong, ends with its code, and takes no harm.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Output;

/// Connects to a server that says 101 and then these bytes.
fn after_101(bytes: Vec<u8>, args: &[&str]) -> Output {
    let (port, _server) = server(move |stream, head| {
        switch(stream, head, "");
        _ = stream.write_all(&bytes);
        drain(stream);
    });
    let url = format!("127.0.0.1:{port}");
    let args: Vec<&str> = [url.as_str(), "-w", "-1", "--timeout", "15"]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    run(&args, b"")
}

/// Reads until the client is gone, so that what was written is not lost in a reset.
fn drain(stream: &mut TcpStream) {
    _ = stream.shutdown(std::net::Shutdown::Write);
    _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn broken_frames_are_a_broken_protocol() {
    let masked = vec![0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];
    let mut huge = vec![0x82, 127];
    huge.extend((4u64 << 30).to_be_bytes());
    let mut negative = vec![0x82, 127];
    negative.extend(u64::MAX.to_be_bytes());
    for (name, bytes, code) in [
        ("masked by a server", masked, 1002),
        ("a reserved bit", vec![0xA1, 1, b'x'], 1002),
        (
            "RSV1 without compression",
            vec![0x90 | 0x40 | 1, 1, b'x'],
            1002,
        ),
        ("a reserved opcode", vec![0x83, 0], 1002),
        ("a fragmented Ping", vec![0x09, 0], 1002),
        ("a long Ping", vec![0x89, 126, 0, 126], 1002),
        ("a continuation of nothing", vec![0x80, 0], 1002),
        ("a Close of one byte", vec![0x88, 1, 3], 1002),
        (
            "a Close with a code nobody may send",
            frame(8, &close(1006, "")),
            1002,
        ),
        ("text that is none", frame(1, b"\xff\xfe"), 1007),
        (
            "a reason that is no text",
            vec![0x88, 3, 3, 0xe8, 0xff],
            1007,
        ),
        ("4 GiB announced", huge, 1009),
        ("a length of 64 bits", negative, 1002),
    ] {
        let output = after_101(bytes, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(8), "{name}: {said}");
        assert!(
            said.contains(&format!("Disconnected (code: {code}, ")),
            "{name}: {said}"
        );
        assert!(output.stdout.is_empty(), "{name}");
    }
}

#[test]
fn broken_frames_are_shown_as_they_are() {
    let output = after_101(vec![0x90 | 0x40 | 0x20 | 5, 3, 1, 2, 3], &["-vv"]);
    let said = text(&output.stderr);
    assert!(
        said.contains("\n← reserved 5 fin rsv1 rsv2 rsv3 len=3  +"),
        "{said}"
    );
    assert!(said.contains("\n→ close fin mask len="), "{said}");
    assert!(said.contains(" 1002  +"), "{said}");
}

#[test]
fn a_head_without_end_is_given_up() {
    let (port, _server) = server(|stream, _| {
        _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n");
        while stream.write_all(b"X-More: and more, and more\r\n").is_ok() {}
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-v"], b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.len() < 200_000, "{} bytes", said.len());
}

#[test]
fn an_accept_that_is_not_ours_is_no_websocket() {
    let (port, _server) = server(|stream, _| {
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                      Connection: Upgrade\r\nSec-WebSocket-Accept: \x1b[31mAAAA\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        drain(stream);
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-v"], b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(
        said.contains("\n< HTTP/1.1 101 Switching Protocols\n"),
        "{said}"
    );
    assert!(
        said.contains("error: ") && !said.contains('\x1b'),
        "{said:?}"
    );
    assert!(!said.contains("Connected ("), "{said}");
}

#[test]
fn a_subprotocol_nobody_offered_is_no_handshake() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "Sec-WebSocket-Protocol: evil\r\n");
        drain(stream);
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-s", "v1"], b"");
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
}

#[test]
fn a_flood_does_not_keep_the_user_from_leaving() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        let piece = frame(1, b"x").repeat(1000);
        while stream.write_all(&piece).is_ok() {}
    });
    let output = run(
        &[
            &format!("127.0.0.1:{port}"),
            "-w",
            "-1",
            "--timeout",
            "0.5",
            "--oneline",
        ],
        b"",
    );
    assert_eq!(output.status.code(), Some(11), "{}", text(&output.stderr));
    assert!(output.stdout.starts_with(b"x\nx\n"));
}

#[test]
fn json_that_nests_without_end_meets_nothing_and_breaks_nothing() {
    let deep = frame(1, "[".repeat(100_000).as_bytes());
    let mut bytes = deep;
    bytes.extend(frame(1, br#"{"id":1}"#));
    let output = after_101(bytes, &["--until", "$..id", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stdout.ends_with(b"\n{\"id\":1}\n"));
}

#[test]
fn pings_without_end_are_answered_and_cost_nothing() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        for number in 0..1000u32 {
            stream.write_all(&frame(9, &number.to_be_bytes())).unwrap();
        }
        // RFC 6455 §5.5.3: of Pings that came together the last may be answered alone.
        while receive(stream) != (10, 999u32.to_be_bytes().to_vec()) {}
        stream.write_all(&frame(10, b"unasked")).unwrap();
        stream.write_all(&frame(8, &close(1000, ""))).unwrap();
        _ = receive(stream);
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-w", "-1", "-P"], b"");
    server.join().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said.matches("* ping ").count(), 1000);
    assert!(said.contains("* pong \"unasked\" (unasked)"), "{said}");
}
