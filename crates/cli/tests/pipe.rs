//! The client in scripts: what ends a conversation, how messages are written, what is checked.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Output, Stdio};

fn ends(output: &Output, exit: i32) {
    assert_eq!(output.status.code(), Some(exit), "{}", text(&output.stderr));
}

/// A server that sends these messages, one by one, then waits for a Close and answers it.
fn sends(messages: &'static [&'static str]) -> (String, std::thread::JoinHandle<String>) {
    let (port, server) = server(move |stream, head| {
        switch(stream, head, "");
        for message in messages {
            stream.write_all(&frame(1, message.as_bytes())).unwrap();
        }
        while let (opcode, payload) = receive(stream)
            && opcode != 8
        {
            assert_eq!(opcode, 1, "{payload:?}");
        }
        stream.write_all(&frame(8, &close(1000, ""))).unwrap();
    });
    (format!("127.0.0.1:{port}"), server)
}

#[test]
fn a_count_is_exact_even_if_more_came_with_it() {
    let (url, server) = sends(&["one", "two", "three"]);
    let output = run(&[&url, "--count", "2"], b"go\n");
    ends(&output, 0);
    assert_eq!(text(&output.stdout), "one\ntwo\n");
    server.join().unwrap();
    let (url, _server) = sends(&["one", "two", "three"]);
    let output = run(&[&url, "-1"], b"go\n");
    ends(&output, 0);
    assert_eq!(text(&output.stdout), "one\n");
}

#[test]
fn what_does_not_come_in_time_has_a_code_of_its_own() {
    for (args, exit, said) in [
        (
            &["--count", "4", "--within", "0.3"][..],
            11,
            "3 of --count 4 messages came",
        ),
        (
            &["--count", "4", "-w", "0.3"],
            11,
            "3 of --count 4 messages came",
        ),
        (
            &["--count", "4", "--timeout", "0.3"],
            11,
            "the time of --timeout is over",
        ),
        (
            &["--until", "$.id==2", "--within", "0.3"],
            11,
            "--until $.id==2 was not met by any of 3",
        ),
        (
            &["--expect", "four", "--within", "0.3"],
            1,
            "--expect four was not met: 3 messages came",
        ),
        (
            &["--expect", "two", "--expect", "one", "--within", "0.3"],
            1,
            "--expect one was not met",
        ),
        (
            &["--expect", "four", "--timeout", "0.3"],
            1,
            "--expect four was not met",
        ),
        (
            &["--expect-close", "1000", "--within", "0.3"],
            1,
            "the server did not close",
        ),
    ] {
        let (url, _server) = sends(&["{\"id\":1}", "one", "two"]);
        let args: Vec<&str> = [url.as_str(), "-x", "go"]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        let output = run(&args, b"");
        ends(&output, exit);
        assert!(
            text(&output.stderr).contains(said),
            "{args:?}: {}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), "{\"id\":1}\none\ntwo\n");
    }
}

#[test]
fn what_comes_ends_it_at_once() {
    for (args, last) in [
        (&["--until", "$.id==1"][..], "{\"id\":1}"),
        (&["--until", "/^on/"], "one"),
        (&["--expect", "two"], "two"),
        (&["--expect", "one", "--expect", "/^t/"], "two"),
        (&["--expect", "$.id", "--count", "2"], "one"),
    ] {
        let (url, server) = sends(&["{\"id\":1}", "one", "two", "three"]);
        let args: Vec<&str> = [url.as_str(), "-x", "go", "-w", "-1"]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        let output = run(&args, b"");
        ends(&output, 0);
        assert_eq!(text(&output.stdout).lines().last(), Some(last), "{args:?}");
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_leaves_before_all_came_is_judged_by_both() {
    for (code, args, exit) in [
        (1000, &["--count", "2"][..], 11),
        (1000, &["--expect", "x"], 1),
        (4001, &["--count", "2"], 10),
        (4001, &["--expect-close", "4001"], 0),
        (4001, &["--expect-close", "4002"], 1),
        (1000, &["--expect-close", "4001"], 1),
        (4001, &["--expect-close", "4001", "--expect", "x"], 1),
    ] {
        let (port, _server) = server(move |stream, head| {
            switch(stream, head, "");
            stream.write_all(&frame(1, b"one")).unwrap();
            stream.write_all(&frame(8, &close(code, ""))).unwrap();
            _ = receive(stream);
        });
        let url = format!("127.0.0.1:{port}");
        let all: Vec<&str> = [url.as_str()]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        let output = run(&all, b"");
        assert_eq!(
            output.status.code(),
            Some(exit),
            "{code} {args:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_server_that_does_not_answer_our_close_is_no_failure() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(1, b"answer")).unwrap();
        assert_eq!(receive(stream).0, 8);
        // Not a word, as many servers do.
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-1"], b"");
    server.join().unwrap();
    ends(&output, 0);
    let said = text(&output.stderr);
    assert!(
        said.contains("the server did not answer our Close"),
        "{said}"
    );
}

#[test]
fn nothing_is_lost_at_the_end_of_the_input() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        // Slower than the input comes: it has to wait for us, and its end too.
        let mut count = 0;
        loop {
            let (opcode, payload) = receive(stream);
            if opcode == 8 {
                stream.write_all(&frame(8, &payload)).unwrap();
                return;
            }
            assert_eq!(payload.len(), 10_000);
            count += 1;
            if count % 500 == 0 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            if count == 3000 {
                stream.write_all(&frame(1, b"all")).unwrap();
            }
        }
    });
    let line = "x".repeat(10_000) + "\n";
    let output = run(
        &[&format!("127.0.0.1:{port}"), "-E"],
        line.repeat(3000).as_bytes(),
    );
    server.join().unwrap();
    ends(&output, 0);
    assert!(output.stdout.is_empty() || output.stdout == b"all\n");
}

#[test]
fn the_input_is_not_read_before_there_is_a_connection() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = listener.local_addr().unwrap().to_string();
    let binary = env!("CARGO_BIN_EXE_tidewire");
    // The reader behind it gets the lines that it did not take.
    let script =
        format!("printf 'one\\ntwo\\n' | ({binary} {url} --connect-timeout 0.3 -q; echo $?; cat)");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert_eq!(
        text(&output.stdout),
        "11\none\ntwo\n",
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn records_and_bytes_go_both_ways_as_they_are() {
    let echo = Echo::start(&[]);
    let url = echo.url();
    let output = run(&[&url, "-0", "-w", "0.3"], b"a\nb\0\0c");
    ends(&output, 0);
    assert_eq!(output.stdout, b"a\nb\0\0c\0");
    let output = run(&[&url, "-0", "-b", "-w", "0.3"], b"\xff\n\0x");
    assert_eq!(output.stdout, b"\xff\n\0x\0");
    let output = run(&[&url, "-b", "-x", "hi", "-x", "ho", "-w", "0.3"], b"");
    assert_eq!(output.stdout, b"hiho");
    let big: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let output = run(&[&url, "-b", "-w", "0.5"], &big);
    assert!(
        output.stdout == big,
        "{} bytes came back",
        output.stdout.len()
    );
}

#[test]
fn line_feeds_within_a_message_stay_unless_one_line_is_asked_for() {
    let (url, _server) = sends(&["{\n  \"a\": 1\r\n}"]);
    let output = run(&[&url, "-1", "--oneline"], b"");
    assert_eq!(text(&output.stdout), "{   \"a\": 1 }\n");
    let (url, _server) = sends(&["{\n  \"a\": 1\r\n}"]);
    let output = run(&[&url, "-1"], b"");
    assert_eq!(text(&output.stdout), "{\n  \"a\": 1\r\n}\n");
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(2, b"{}")).unwrap();
        assert_eq!(receive(stream).0, 8);
    });
    let output = run(&[&format!("127.0.0.1:{port}"), "-1", "-t"], b"");
    assert_eq!(text(&output.stdout), "{}\n");
}

#[test]
fn json_tells_every_event_one_on_a_line() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "Sec-WebSocket-Protocol: v2\r\n");
        assert_eq!(receive(stream), (1, b"hi".to_vec()));
        stream
            .write_all(&frame(1, "a\n\x1b\u{9b}".as_bytes()))
            .unwrap();
        stream.write_all(&frame(2, b"\xff\x00")).unwrap();
        stream.write_all(&frame(9, b"p")).unwrap();
        stream.write_all(&frame(8, &close(4001, "bye"))).unwrap();
        _ = receive(stream);
    });
    let url = format!("ws://user:secret@127.0.0.1:{port}/x");
    let output = run(&[&url, "-s", "v2", "-x", "hi", "--json", "-w", "-1"], b"");
    ends(&output, 10);
    let printed = text(&output.stdout);
    assert!(
        !printed.contains("secret") && !printed.contains('\x1b'),
        "{printed}"
    );
    let lines: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of =
        |name: &str| -> Vec<&serde_json::Value> { lines.iter().map(|line| &line[name]).collect() };
    assert_eq!(
        of("op"),
        ["open", "text", "text", "binary", "ping", "close"]
    );
    assert_eq!(of("dir"), ["out", "out", "in", "in", "in", "in"]);
    assert_eq!(
        of("data")[1..],
        ["hi", "a\n\u{1b}\u{9b}", "/wA=", "p", "bye"]
    );
    assert_eq!(lines[0]["subprotocol"], "v2");
    assert_eq!(
        (&lines[5]["code"], &lines[5]["reason"]),
        (&4001.into(), &"bye".into())
    );
    let times: Vec<f64> = of("t").into_iter().map(|t| t.as_f64().unwrap()).collect();
    assert!(times.is_sorted() && times[0] > 1.7e9, "{times:?}");
}

#[test]
fn quiet_says_nothing_but_errors() {
    let (url, _server) = sends(&["one"]);
    let output = run(&[&url, "-q", "-1", "-vv", "-P"], b"");
    ends(&output, 0);
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("one\n".into(), String::new())
    );
    let (url, _server) = sends(&["one"]);
    let output = run(&[&url, "-q", "--expect", "two", "--within", "0.1"], b"");
    ends(&output, 1);
    assert_eq!(
        text(&output.stderr),
        "error: --expect two was not met: the message was: one\n"
    );
}

#[test]
fn the_frames_are_shown_with_what_compression_saved() {
    let echo = Echo::start(&[]);
    let long = "tide".repeat(1000);
    let output = run(&[&echo.url(), "-x", &long, "-1", "-vv"], b"");
    ends(&output, 0);
    assert_eq!(text(&output.stdout), long + "\n");
    let said = text(&output.stderr);
    for part in [
        "* connected to 127.0.0.1:",
        "\n> GET / HTTP/1.1\n",
        "\n> Sec-WebSocket-Version: 13\n",
        "\n< HTTP/1.1 101 Switching Protocols\n",
        "\nConnected (press CTRL+C to quit)\n",
        "permessage-deflate",
        "\n→ text fin rsv1 mask len=",
        " (4000 B raw, ",
        "\n← text fin rsv1 len=",
        "\n→ close fin mask len=2 1000  +",
        "\n← close fin len=2 1000  +",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    let output = run(&[&echo.url(), "-x", "hi", "-1", "-v"], b"");
    let said = text(&output.stderr);
    assert!(
        said.contains("\n< HTTP/1.1 101") && !said.contains('→'),
        "{said}"
    );
}

#[test]
fn files_are_sent_without_the_line_feed_that_ends_them() {
    let echo = Echo::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.json");
    std::fs::write(&file, "{\n}\n").unwrap();
    let at = format!("@{}", file.display());
    let output = run(
        &[&echo.url(), "-x", &at, "-x", "@@you", "--count", "2"],
        b"",
    );
    assert_eq!(text(&output.stdout), "{\n}\n@you\n");
    let output = run(&[&echo.url(), "-x", "@no-such-file"], b"");
    ends(&output, 2);
    let said = text(&output.stderr);
    assert!(
        said.starts_with("error: -x: cannot read \"no-such-file\""),
        "{said}"
    );
}

#[test]
fn after_execute_interactive_goes_on_with_the_input() {
    let echo = Echo::start(&[]);
    let output = run(&[&echo.url(), "-x", "one", "-i", "-w", "0.3"], b"two\n");
    assert_eq!(text(&output.stdout), "one\ntwo\n");
}

#[test]
fn regular_pings_are_shown_with_their_time_and_a_silent_peer_is_given_up() {
    let echo = Echo::start(&[]);
    let output = run(&[&echo.url(), "--ping", "0.05", "-P", "-w", "0.5"], b"");
    ends(&output, 0);
    let said = text(&output.stderr);
    assert!(said.contains("* sent ping \"tidewire 1\"\n"), "{said}");
    assert!(
        said.contains("* pong \"tidewire 2\" ") && said.contains(" ms\n"),
        "{said}"
    );
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        while stream.read(&mut [0; 100]).is_ok_and(|count| count > 0) {}
    });
    let url = format!("127.0.0.1:{port}");
    let output = run(
        &[&url, "--ping", "0.1", "--ping-timeout", "0.3", "-w", "-1"],
        b"",
    );
    ends(&output, 11);
    assert!(
        text(&output.stderr).contains("no Pong came"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn what_makes_no_sense_is_told_with_its_flag() {
    for (args, flag) in [
        (&["--until", "$["][..], "--until"),
        (&["--expect", "/(/"], "--expect"),
        (&["--count", "0"], "--count"),
        (&["--count", "1", "-1"], "--one"),
        (&["--within", "1"], "--until"),
        (&["--ping-timeout", "1"], "--ping"),
        (&["--ping", "0"], "--ping"),
        (&["--expect-close", "99"], "--expect-close"),
        (&["--json", "-0"], "--json"),
        (&["-b", "-t"], "--binary"),
        (&["--reconnect=x"], "--reconnect"),
    ] {
        let args: Vec<&str> = ["127.0.0.1:1"]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        let output = run(&args, b"");
        ends(&output, 2);
        assert!(
            text(&output.stderr).contains(flag),
            "{args:?}: {}",
            text(&output.stderr)
        );
    }
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_waits_for_nobody() {
    let (port, _server) = server(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(1, b"ready")).unwrap();
        while stream.read(&mut [0; 100]).is_ok_and(|count| count > 0) {}
    });
    let mut child = tidewire()
        .args([&format!("127.0.0.1:{port}"), "-w", "-1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    signal(&child, rustix::process::Signal::INT);
    std::thread::sleep(std::time::Duration::from_millis(100));
    signal(&child, rustix::process::Signal::INT);
    assert_eq!(wait_for(&mut child), Some(130));
}
