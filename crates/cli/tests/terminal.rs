//! The command on a terminal: a pseudo-terminal shows what a person would see.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
mod terminal_common;

use common::*;
use std::io::Write;
use std::sync::mpsc::channel;
use std::time::Duration;
use terminal_common::Terminal;

#[test]
fn lines_go_out_answers_come_in_and_ctrl_d_leaves_cleanly() {
    let echo = Echo::start(&[]);
    let mut terminal = Terminal::start(tidewire().arg(echo.url()).env("NO_COLOR", "1"));
    terminal.sees("Connected (press CTRL+C to quit)");
    terminal.sees("> ");
    terminal.kind("hello\r");
    terminal.sees("< hello");
    terminal.kind("\x04");
    terminal.sees("Disconnected (code: 1000, reason: \"\")");
    assert_eq!(wait_for(&mut terminal.child), Some(0));
    assert!(terminal.is_cooked());
}

#[test]
fn a_peer_cannot_drive_the_terminal_and_the_typed_line_survives() {
    let (go, wait) = channel::<()>();
    let (port, server) = server(move |stream, head| {
        switch(stream, head, "");
        wait.recv().unwrap();
        stream
            .write_all(&frame(
                1,
                "\x1b]0;pwned\x07\u{9b}2J\u{202e}x\n> spoof".as_bytes(),
            ))
            .unwrap();
        stream.write_all(&frame(2, &[0, 0xff])).unwrap();
        assert_eq!(receive(stream), (1, b"half a line".to_vec()));
        stream
            .write_all(&frame(8, &close(4001, "\x1b[2J")))
            .unwrap();
        _ = receive(stream);
    });
    let mut terminal = Terminal::start(tidewire().arg(format!("127.0.0.1:{port}")));
    terminal.sees("> ");
    terminal.kind("half");
    terminal.sees("half");
    go.send(()).unwrap();
    let before = terminal.sees("\\x1b]0;pwned\\x07\\x9b2J\\u{202e}x");
    assert!(!before.contains("\x1b]0;"), "{before:?}");
    let after = terminal.sees("[binary 2 B] 00 ff");
    assert!(
        after.contains("\n  > spoof"),
        "the second line is indented: {after:?}"
    );
    terminal.sees("half");
    terminal.kind(" a line\r");
    terminal.sees("Disconnected (code: 4001, reason: \"\\x1b[2J\")");
    assert_eq!(wait_for(&mut terminal.child), Some(10));
    server.join().unwrap();
    assert!(terminal.is_cooked(), "the terminal's modes are put back");
}

#[test]
fn a_long_paste_arrives_whole_and_ctrl_c_leaves_cleanly() {
    let echo = Echo::start(&[]);
    let mut terminal = Terminal::start(tidewire().arg(echo.url()).env("NO_COLOR", "1"));
    terminal.sees("> ");
    // A terminal in its own line mode would cut this at 4,096 bytes.
    let long = "x".repeat(8192);
    terminal.kind(&format!("\x1b[200~{long}\nend\x1b[201~\r"));
    terminal.sees(&format!("< {long}\r\n  end"));
    terminal.kind("\x03");
    terminal.sees("Disconnected (code: 1000, reason: \"\")");
    assert_eq!(wait_for(&mut terminal.child), Some(130));
    assert!(terminal.is_cooked());
}

#[test]
fn a_server_that_hangs_up_gives_the_terminal_back() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        std::thread::sleep(Duration::from_millis(300));
        stream.write_all(&frame(1, b"last words")).unwrap();
        stream.write_all(&frame(8, &close(1001, ""))).unwrap();
        _ = receive(stream);
    });
    let mut terminal = Terminal::start(tidewire().arg(format!("127.0.0.1:{port}")));
    terminal.sees("last words");
    terminal.sees("Disconnected (code: 1001");
    assert_eq!(wait_for(&mut terminal.child), Some(0));
    assert!(terminal.is_cooked());
}

#[test]
fn echo_logs_to_a_terminal_and_escapes_what_clients_say() {
    let mut terminal = Terminal::start(tidewire().args(["echo", "0"]));
    terminal.sees("listening on ws://127.0.0.1:");
    let port = terminal.sees("/");
    let url = format!("127.0.0.1:{}/a%20path", port.trim_end_matches('/'));
    let output = run(&[&url, "-x", "\x1b[2Jhi\u{202e}", "-w", "0.3"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let log = terminal.sees("normal closure)");
    assert!(
        log.contains("\x1b[32mclient connected\x1b[0m (127.0.0.1:"),
        "{log:?}"
    );
    assert!(log.contains("/a%20path)"), "{log:?}");
    assert!(log.contains("\\x1b[2Jhi\\u{202e}"), "{log:?}");
    assert!(
        !log.contains("\x1b[2J") && !log.contains('\u{202e}'),
        "{log:?}"
    );
    assert!(
        log.contains("client disconnected\x1b[0m (1000, normal closure)"),
        "{log:?}"
    );
}

#[test]
fn no_color_and_quiet_are_obeyed() {
    let said = |args: &[&str]| {
        let mut terminal = Terminal::start(tidewire().args(args).env("NO_COLOR", "1"));
        terminal.sees("listening on ws://127.0.0.1:");
        let port = terminal.sees("/");
        run(
            &[
                &format!(":{}", port.trim_end_matches('/')),
                "-x",
                "hi",
                "-w",
                "0.2",
            ],
            b"",
        );
        signal(&terminal.child, rustix::process::Signal::INT);
        wait_for(&mut terminal.child);
        std::thread::sleep(Duration::from_millis(50));
        while let Ok(bytes) = terminal.screen.try_recv() {
            terminal.seen.extend(bytes);
        }
        text(&std::mem::take(&mut terminal.seen))
    };
    let log = said(&["echo", "0"]);
    assert!(
        log.contains("client connected") && !log.contains('\x1b'),
        "{log:?}"
    );
    assert_eq!(said(&["echo", "0", "--quiet"]).trim(), "");
}
