//! The traps that other clients fall into: one test each, under the number of the list. Those of the
//! way to a server (8 to 10) are held by `dial.rs`, those of keys and commands (7, 12) by `terminal.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

#[test]
fn trap_1_a_line_through_a_pipe_prints_its_echo() {
    let echo = Echo::start(&[]);
    let output = run(&[&echo.url(), "-w", "0.3"], b"hi\n");
    assert_eq!(text(&output.stdout), "hi\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn trap_2_execute_needs_no_stdin() {
    let echo = Echo::start(&[]);
    let output = tidewire()
        .args([&echo.url(), "-x", "hi", "-w", "0.3"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "hi\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn trap_3_a_refused_port_is_a_failure_without_stdin_too() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let output = tidewire()
        .arg(format!("127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
}

#[test]
fn trap_4_a_private_code_and_a_killed_connection_are_failures() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        let end = frame(8, &close(4001, "token expired"));
        stream.write_all(&end).unwrap();
        _ = receive(stream);
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-w", "-1"], b"");
    assert_eq!(output.status.code(), Some(10));
    assert!(
        text(&output.stderr).contains("Disconnected (code: 4001, reason: \"token expired\")"),
        "{}",
        text(&output.stderr)
    );
    let (port, _server) = server(|stream, head| switch(stream, head, ""));
    let output = run(&[&format!("127.0.0.1:{port}"), "-w", "-1"], b"");
    assert_eq!(output.status.code(), Some(9), "{}", text(&output.stderr));
}

#[test]
fn trap_5_a_pipe_gets_neither_prompt_nor_escape() {
    let echo = Echo::start(&[]);
    for colour in ["--color=auto", "--color=always"] {
        let output = run(
            &[
                &echo.url(),
                "-w",
                "0.3",
                "-vv",
                "-P",
                "--ping",
                "0.1",
                colour,
            ],
            b"{\"a\":1}\n",
        );
        assert_eq!(text(&output.stdout), "{\"a\":1}\n");
        let said = text(&output.stderr);
        assert!(!said.contains("\n> {"), "{said}");
        assert!(colour != "--color=auto" || !said.contains('\x1b'), "{said}");
    }
}

#[test]
fn trap_6_every_byte_survives_a_binary_echo() {
    let echo = Echo::start(&[]);
    let all: Vec<u8> = (0..=255).chain([0xff, b'\n', 0, b'\r', b'\n']).collect();
    let output = run(&[&echo.url(), "-b", "-w", "0.3"], &all);
    assert!(output.stdout == all, "{:?}", output.stdout);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all");
    std::fs::write(&file, &all).unwrap();
    let at = format!("@{}", file.display());
    let output = run(&[&echo.url(), "-b", "-x", &at, "-1"], b"");
    assert!(output.stdout == all, "{:?}", output.stdout);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn trap_11_escapes_of_the_peer_reach_a_pipe_as_they_are() {
    let nasty = "\x1b]0;pwned\x07\u{9b}2J\u{202e}";
    let echo = Echo::start(&[]);
    let output = run(&[&echo.url(), "-x", nasty, "-1"], b"");
    assert_eq!(text(&output.stdout), format!("{nasty}\n"));
}

#[cfg(unix)]
#[test]
fn trap_11_escapes_of_the_peer_cannot_drive_a_terminal() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let device = std::fs::File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "X-Evil: \u{9b}2J\r\n");
        let nasty = "\x1b]0;pwned\x07\u{9b}2J\u{202e}x";
        stream.write_all(&frame(1, nasty.as_bytes())).unwrap();
        stream.write_all(&frame(9, b"\x1b[2J")).unwrap();
        stream.write_all(&frame(8, &close(1000, "\x1b[H"))).unwrap();
        _ = receive(stream);
    });
    let mut child = tidewire()
        .args([
            &format!("127.0.0.1:{port}"),
            "-x",
            "hi",
            "-vv",
            "-P",
            "-w",
            "-1",
        ])
        .stdin(Stdio::null())
        .stdout(device.try_clone().unwrap())
        .stderr(device.try_clone().unwrap())
        .spawn()
        .unwrap();
    assert_eq!(wait_for(&mut child), Some(0));
    let mut screen = std::fs::File::from(master);
    let mut seen = vec![0; 64 * 1024];
    let count = screen.read(&mut seen).unwrap();
    let mut seen = text(&seen[..count]);
    while !seen.contains("Disconnected") {
        let mut more = vec![0; 64 * 1024];
        let count = screen.read(&mut more).unwrap();
        seen += &text(&more[..count]);
    }
    assert!(
        !seen.contains(['\x1b', '\u{9b}', '\u{202e}', '\x07']),
        "{seen:?}"
    );
    assert!(
        seen.contains("\\x1b]0;pwned\\x07\\x9b2J\\u{202e}x"),
        "{seen:?}"
    );
    assert!(seen.contains("* ping \"\\x1b[2J\""), "{seen:?}");
    assert!(seen.contains("reason: \"\\x1b[H\""), "{seen:?}");
}

#[test]
fn trap_13_flags_stand_before_or_after_the_url() {
    let echo = Echo::start(&[]);
    let url = echo.url();
    let flags = ["-H", "X-A: 1", "-s", "v1", "-w", "0.2"];
    let before: Vec<&str> = flags.into_iter().chain([url.as_str()]).collect();
    let after: Vec<&str> = [url.as_str()].into_iter().chain(flags).collect();
    let [before, after] = [before, after].map(|args| run(&args, b"hi\n"));
    assert_eq!(text(&before.stdout), "hi\n");
    assert_eq!(before.stdout, after.stdout);
    assert_eq!(before.stderr, after.stderr);
    assert_eq!(before.status.code(), after.status.code());
}

#[cfg(unix)]
#[test]
fn trap_15_a_reader_that_has_enough_ends_it_quietly() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        // More than any pipe holds, as long as somebody listens.
        while stream.write_all(&frame(1, &[b'x'; 1000])).is_ok() {}
    });
    let binary = env!("CARGO_BIN_EXE_tidewire");
    let script = format!("{binary} 127.0.0.1:{port} -w -1 | head -1; echo ${{PIPESTATUS[0]}}");
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let printed = text(&output.stdout);
    assert_eq!(printed, format!("{}\n0\n", "x".repeat(1000)));
    assert_eq!(text(&output.stderr), "Connected (press CTRL+C to quit)\n");
}

#[cfg(unix)]
#[test]
fn trap_15_nobody_who_reads_the_status_is_no_reason_to_fail() {
    let echo = Echo::start(&[]);
    let mut child = tidewire()
        .args([&echo.url(), "-vv", "-w", "0.3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hi\n").unwrap();
    drop(stdin);
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "hi\n");
    assert_eq!(wait_for(&mut child), Some(0));
}

#[test]
fn trap_15_a_stream_that_is_closed_changes_no_exit_code() {
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = refused.local_addr().unwrap().to_string();
    drop(refused);
    let mut child = tidewire()
        .args([url.as_str(), "-x", "hi"])
        .stderr(closed())
        .spawn()
        .unwrap();
    assert_eq!(wait_for(&mut child), Some(4));
    let mut child = tidewire()
        .args([url.as_str(), "--as", "js", "-H", "A: b"])
        .stdout(closed())
        .stderr(closed())
        .spawn()
        .unwrap();
    assert_eq!(wait_for(&mut child), Some(0));
}

#[test]
fn trap_16_a_close_is_answered_with_its_code() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(8, &close(4321, "bye"))).unwrap();
        let (opcode, payload) = receive(stream);
        assert_eq!((opcode, &payload[..2]), (8, &4321u16.to_be_bytes()[..]));
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-w", "-1"], b"");
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(10));
}

#[test]
fn what_came_before_the_end_is_never_lost() {
    let count = 20_000;
    let (port, server) = server(move |stream, head| {
        switch(stream, head, "");
        let mut all = Vec::new();
        for number in 0..count {
            all.extend(frame(1, number.to_string().as_bytes()));
        }
        all.extend(frame(8, &close(1000, "")));
        stream.write_all(&all).unwrap();
        _ = receive(stream);
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-w", "0"], b"");
    server.join().unwrap();
    // It wants to leave at once; what is here by then still counts, and in order.
    let lines = text(&output.stdout);
    assert!(
        lines
            .lines()
            .enumerate()
            .all(|(n, line)| line == n.to_string())
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}
