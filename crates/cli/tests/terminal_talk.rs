//! A person at the client's prompt: what is typed, pasted and shown.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
mod terminal_common;

use common::*;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;
use terminal_common::Terminal;

/// A client of `url`, without colours.
fn client(url: &str) -> Command {
    let mut command = tidewire();
    command
        .arg(url)
        .env("NO_COLOR", "1")
        .args(["--time", "off"]);
    command
}

/// A client of an echo server, at its prompt.
fn talking(args: &[&str]) -> (Echo, Terminal) {
    let echo = Echo::start(&[]);
    let mut terminal = Terminal::start(client(&echo.url()).args(args));
    terminal.is_ready();
    (echo, terminal)
}

#[test]
fn an_entry_goes_on_until_its_json_is_closed() {
    let (_echo, mut terminal) = talking(&[]);
    terminal.kind("{\"a\":\r");
    terminal.sees("… ");
    terminal.kind("[1\r2]\r");
    terminal.kind("}\r");
    terminal.sees("< {\"a\":\r\n  [1\r\n");
    // What can never become JSON is sent, and so is what an empty line ends.
    terminal.kind("[x}\r");
    terminal.sees("< [x}");
    terminal.kind("[y\r\r");
    terminal.sees("< [y");
    terminal.kind("one\x1b\rtwo\r");
    terminal.sees("< one\r\n  two");
}

#[test]
fn what_is_pasted_is_one_message_whatever_is_in_it() {
    let (go, gone) = channel();
    let (port, server) = server(move |stream, head| {
        switch(stream, head, "");
        go.send(receive(stream)).unwrap();
    });
    let mut terminal = Terminal::start(&mut client(&format!("127.0.0.1:{port}")));
    terminal.is_ready();
    terminal.kind("\x1b[200~/close\r\n{\t[\r\u{202e}漢e\u{301}\u{9b}2J\r\x1b[201~");
    let drawn = terminal.sees("漢e\u{301}2J");
    assert!(
        !drawn.contains('\u{202e}') && !drawn.contains('\u{9b}'),
        "{drawn:?}"
    );
    terminal.kind("\r");
    let (opcode, payload) = gone.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(opcode, 1);
    // Several lines are no command.
    assert_eq!(text(&payload), "/close\n{\t[\n\u{202e}漢e\u{301}\u{9b}2J\n");
    drop(terminal);
    server.join().unwrap();
}

#[test]
fn the_history_is_kept_for_each_host_and_only_for_its_owner() {
    let echo = Echo::start(&[]);
    let mut terminal = Terminal::start(&mut client(&echo.url()));
    terminal.is_ready();
    for entry in ["first one", " a secret", "{\r1}", "last one"] {
        terminal.kind(&format!("{entry}\r"));
        terminal.sees("< ");
    }
    terminal.kind("\x04");
    terminal.sees("Disconnected (code: 1000");
    assert_eq!(wait_for(&mut terminal.child), Some(0));
    let home = terminal.into_home();
    let folder = home.path().join("tidewire/history");
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    assert_eq!(files, [folder.join(format!("127.0.0.1_{}", echo.port))]);
    assert_eq!(
        files[0].metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    let kept = std::fs::read_to_string(&files[0]).unwrap();
    assert!(
        kept.contains("first one") && !kept.contains("secret"),
        "{kept}"
    );

    let mut again = Terminal::start_in(home, &mut client(&echo.url()));
    again.is_ready();
    again.kind("\x1b[A\r");
    again.sees("< last one");
    again.kind("\x12fir");
    again.sees("first one");
    again.kind("\r");
    again.sees("< first one");
    // A message of two lines is one entry.
    again.kind("\x1b[A\x1b[A\x1b[A\r");
    again.sees("< {\r\n");
    again.kind("\x04");
    again.sees("Disconnected");

    let mut without =
        Terminal::start_in(again.into_home(), client(&echo.url()).arg("--no-history"));
    without.is_ready();
    without.kind("\x1b[Anot kept\r");
    without.sees("< not kept");
    without.kind("\x04");
    without.sees("Disconnected");
    assert!(
        !std::fs::read_to_string(&files[0])
            .unwrap()
            .contains("not kept")
    );
}

#[test]
fn ctrl_c_clears_what_is_typed_and_then_leaves_with_130() {
    let (_echo, mut terminal) = talking(&[]);
    terminal.kind("unsent {\x03sent\r");
    let shown = terminal.sees("< sent");
    assert!(!shown.contains("< unsent"), "{shown:?}");
    terminal.kind("more\x03\x03");
    terminal.sees("Disconnected (code: 1000, reason: \"\")");
    assert_eq!(wait_for(&mut terminal.child), Some(130));
    assert!(terminal.is_cooked());
}

#[test]
fn signals_from_outside_give_the_terminal_back() {
    for ends in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let (_echo, mut terminal) = talking(&[]);
        terminal.kind("half a li");
        terminal.sees("half a li");
        signal(&terminal.child, ends);
        terminal.sees("Disconnected (code: 1000");
        let code = wait_for(&mut terminal.child);
        assert_eq!(code, Some(130), "{ends:?}");
        assert!(terminal.is_cooked(), "{ends:?}");
    }
}

#[test]
fn slash_commands_do_what_the_help_says() {
    let (_echo, mut terminal) = talking(&[]);
    for (typed, shown) in [
        ("/ping a b x2", "* pong \"a b\" "),
        ("", "* pong \"a b\" "),
        ("/bin 00 01 ff", "> [binary 3 B] 00 01 ff  |...|"),
        ("", "< [binary 3 B] 00 01 ff  |...|"),
        ("//ping", "< /ping"),
        ("/close abc", "error: /close takes a code first"),
        ("/nothing", "error: no command /nothing"),
        ("/json", "* what you send must be JSON"),
        ("{\"a\": [1,", "… "),
        ("2.50]}", "< {\"a\":[1,2.50]}"),
        ("no", "error: not JSON: "),
        ("/json off", "* what you send may be anything"),
        ("/pretty on", "* JSON is shown over several lines"),
        ("{\"b\":1.0}", "< {\r\n    \"b\": 1.0\r\n  }"),
        ("/pretty off", "* JSON is shown as it comes"),
        ("/filter ^a", "* only what matches"),
        ("bcd", "> "),
        ("abc", "< abc"),
        ("/filter (", "error: /filter: "),
        ("/filter", "* every message is shown"),
        ("/resend 2", "< bcd"),
        ("/last 2", "> bcd"),
        ("", "< bcd"),
        ("/stats", "* sent "),
        ("", "* round trip of 2 pings: least "),
        ("/every 10ms beep", "< beep"),
        ("", "< beep"),
        ("/stop", "* stopped"),
        ("/stop", "error: /stop: nothing"),
        ("/headers", "101 Switching Protocols"),
        ("/help", "/reconnect            close, and connect again"),
        (
            "/file /dev/zero",
            "error: /file: cannot read /dev/zero: it is not a file",
        ),
    ] {
        if !typed.is_empty() {
            terminal.kind(&format!("{typed}\r"));
        }
        let seen = terminal.sees(shown);
        assert!(
            typed != "abc" || !seen.contains("< bcd"),
            "the filter hides it"
        );
    }
    terminal.kind("/close 4001 that's enough\r");
    terminal.sees("Disconnected (code: 4001");
    assert!(terminal.is_cooked());
}

#[test]
fn files_are_sent_saved_and_recorded() {
    let (_echo, mut terminal) = talking(&[]);
    let folder = terminal.home().to_owned();
    std::fs::write(folder.join("a b.bin"), b"\x00bin").unwrap();
    terminal.kind("/record ~/all.ndjson\r");
    terminal.sees("* recording to ");
    // Tab completes the name, space and all.
    terminal.kind(&format!("/bin @{}/a \t\r", folder.display()));
    terminal.sees("< [binary 4 B] 00 62 69 6e  |.bin|");
    terminal.kind("/save ~/some.ndjson\r");
    terminal.sees("* 2 messages written to ");
    terminal.kind("/save ~/some.ndjson\r");
    terminal.sees("is there already; choose another name");
    terminal.kind("/record stop\r");
    terminal.sees("* recorded to ");
    terminal.kind("/quit\r");
    terminal.sees("Disconnected (code: 1000");
    assert_eq!(wait_for(&mut terminal.child), Some(0));
    let lines = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    for name in ["some.ndjson", "all.ndjson"] {
        let both = lines(name);
        let sent = both.lines().filter(|line| line.contains("AGJpbg=="));
        assert_eq!(sent.count(), 2, "there and back: {both}");
    }
    let opened = lines("all.ndjson");
    assert!(
        opened.contains("Sec-WebSocket-Accept"),
        "how it was opened is recorded: {opened}"
    );
}

#[test]
fn without_slash_every_line_is_a_message() {
    let (_echo, mut terminal) = talking(&["--no-slash"]);
    terminal.kind("/quit\r");
    terminal.sees("< /quit");
    terminal.kind("//x\r");
    terminal.sees("< //x");
}

#[test]
fn the_window_may_change_its_width() {
    let (_echo, mut terminal) = talking(&["--time", "rel"]);
    terminal.resize(30);
    let json = "{\"a\":\"0123456789\",\"b\":2}";
    terminal.kind(&format!("{json}\r"));
    terminal.sees(&format!("< {json}"));
    terminal.kind("half a line that is longer than twenty");
    terminal.sees("twenty");
    terminal.resize(20);
    // The line is drawn anew over two rows, and what comes is spread.
    terminal.sees("half a line that is longer than twenty");
    terminal.kind(&format!("\x03{json}\r"));
    terminal.sees("< {\r\n    \"a\": \"0123456789\",");
}

#[test]
fn ctrl_o_opens_the_users_editor() {
    let echo = Echo::start(&[]);
    let home = tempfile::tempdir().unwrap();
    let editor = home.path().join("editor");
    std::fs::write(
        &editor,
        "#!/bin/sh\ntest \"$1\" = -x && printf '%s\\nwritten\\n' \"$(cat \"$2\")\" > \"$2\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = client(&echo.url());
    command
        .env_remove("VISUAL")
        .env("EDITOR", format!("{} -x", editor.display()));
    let mut terminal = Terminal::start_in(home, &mut command);
    terminal.is_ready();
    terminal.kind("typed\x0f");
    terminal.sees("written");
    terminal.kind("\r");
    terminal.sees("< typed\r\n  written");
}

#[test]
fn a_flood_leaves_the_line_usable_and_huge_messages_are_cut() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        stream
            .write_all(&frame(1, "y".repeat(3_000_000).as_bytes()))
            .unwrap();
        let batch: Vec<u8> = (0..100)
            .flat_map(|n| frame(1, format!("{{\"n\":{n}}}").as_bytes()))
            .collect();
        let mut reader = stream.try_clone().unwrap();
        let (done, heard) = channel();
        std::thread::spawn(move || {
            let got = receive(&mut reader);
            _ = done.send(got);
            _ = receive(&mut reader);
        });
        // Until the line arrives that is typed meanwhile.
        let mut sent = 0;
        loop {
            if let Ok(got) = heard.try_recv() {
                assert_eq!(got, (1, b"typed in a flood".to_vec()));
                break;
            }
            assert!(sent < 100_000, "the line was not heard");
            stream.write_all(&batch).unwrap();
            sent += 1;
        }
        stream.write_all(&frame(1, b"the last")).unwrap();
        stream.write_all(&frame(8, &close(1000, ""))).unwrap();
        std::thread::sleep(Duration::from_millis(500));
    });
    let mut terminal = Terminal::start(&mut client(&format!("127.0.0.1:{port}")));
    terminal.sees("… (3000000 bytes in all)");
    terminal.sees("{\"n\":99}");
    for key in "typed in a flood".chars() {
        terminal.kind(&key.to_string());
        std::thread::sleep(Duration::from_millis(5));
    }
    terminal.kind("\r");
    terminal.sees("< the last");
    terminal.sees("Disconnected (code: 1000");
    server.join().unwrap();
    assert!(terminal.is_cooked());
}

#[test]
fn a_terminal_without_cursor_movement_is_talked_to_line_by_line() {
    let echo = Echo::start(&[]);
    let mut terminal = Terminal::start(client(&echo.url()).env("TERM", "dumb"));
    terminal.is_ready();
    terminal.kind("hello\n");
    let shown = terminal.sees("< hello");
    assert!(!shown.contains('\x1b'), "{shown:?}");
    terminal.kind("\x04");
    terminal.sees("Disconnected (code: 1000");
    assert_eq!(wait_for(&mut terminal.child), Some(0));
}

#[test]
fn what_is_typed_is_sent_as_binary_when_asked_for() {
    let (_echo, mut terminal) = talking(&["-b"]);
    terminal.kind("hi\r");
    terminal.sees("[binary 2 B] 68 69");
}

#[test]
fn lines_typed_ahead_are_not_lost() {
    let (_echo, mut terminal) = talking(&[]);
    terminal.kind("one\rtwo\rthree\r");
    for shown in ["< one", "< two", "< three"] {
        terminal.sees(shown);
    }
}

#[test]
fn who_waits_for_a_new_connection_can_leave() {
    for (key, code) in [("\x03", 130), ("\x04", 9)] {
        let (port, _server) = server(|stream, head| switch(stream, head, ""));
        let url = format!("127.0.0.1:{port}");
        let mut terminal = Terminal::start(client(&url).arg("--reconnect"));
        terminal.sees("closed 1006");
        terminal.is_ready();
        terminal.kind(key);
        assert_eq!(wait_for(&mut terminal.child), Some(code));
        assert!(terminal.is_cooked());
    }
}
