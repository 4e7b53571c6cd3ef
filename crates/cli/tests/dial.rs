//! What the flags of a connection put into the request and change on the way, seen by the server.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener};
use std::time::Instant;

/// A server of one connection that agrees with `headers`, and closes.
fn agreeing(headers: &'static str) -> (u16, std::thread::JoinHandle<String>) {
    server(move |stream, head| {
        switch(stream, head, headers);
        _ = stream.write_all(&frame(8, &close(1000, "")));
        _ = stream.read(&mut [0; 64]);
    })
}

/// A server of one connection that answers with `answer`.
fn answering(answer: impl Into<Vec<u8>>) -> (u16, std::thread::JoinHandle<String>) {
    let answer = answer.into();
    server(move |stream, _| {
        _ = stream.write_all(&answer);
        _ = stream.shutdown(std::net::Shutdown::Write);
        _ = stream.read(&mut [0; 64]);
    })
}

/// The lines of the request that these arguments make, in small letters.
fn request(path: &str, args: &[&str]) -> Vec<String> {
    let (port, server) = agreeing("");
    let url = format!("127.0.0.1:{port}{path}");
    let output = run(&[&[url.as_str()][..], args].concat(), b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    let head = server.join().unwrap().to_ascii_lowercase();
    head.lines()
        .map(|line| line.replace(&port.to_string(), "PORT"))
        .collect()
}

/// The values of a header among such lines.
fn values<'a>(lines: &'a [String], name: &str) -> Vec<&'a str> {
    let lines = lines.iter().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(other, _)| *other == name)
        .map(|(_, value)| value)
        .collect()
}

/// How a run that must not connect ends: its code, and what it says.
fn failure(args: &[&str]) -> (i32, String) {
    let output = run(args, b"");
    let said = text(&output.stderr);
    assert!(output.stdout.is_empty(), "{args:?}");
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code().unwrap(), said)
}

#[test]
fn two_headers_of_one_name_both_arrive_wherever_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("headers");
    std::fs::write(&file, "# comment\r\nX-A: 3\r\n\r\nX-B: from file\r\n").unwrap();
    let file = format!("@{}", file.display());
    let lines = request("/", &["-H", "X-A: 1", "-H", "x-a:2", "-H", &file]);
    assert_eq!(values(&lines, "x-a"), ["1", "2", "3"]);
    assert_eq!(values(&lines, "x-b"), ["from file"]);
    // Flags before the URL are equal (trap 13): -H takes one value and leaves the URL alone.
    let (port, server) = agreeing("");
    run(
        &["-H", "X-A: 1", &format!("127.0.0.1:{port}"), "-H", "X-A: 2"],
        b"",
    );
    let head = server.join().unwrap();
    assert!(head.contains("X-A: 1\r\nX-A: 2\r\n"), "{head}");
}

#[test]
fn each_flag_says_its_header() {
    let args = [
        "-o",
        "auto",
        "--host",
        "chat.example",
        "-A",
        "me/1",
        "-u",
        "ann:pass:word",
        "--cookie",
        "a=1; b=2",
        "--cookie",
        "c=3",
        "-s",
        "v1,v2",
        "-s",
        "v3",
        "-p",
        "8",
        "--no-deflate",
    ];
    let lines = request("/x?y=1", &args);
    assert_eq!(lines[0], "get /x?y=1 http/1.1");
    for (name, value) in [
        ("origin", "http://chat.example"),
        ("host", "chat.example"),
        ("user-agent", "me/1"),
        ("authorization", "basic yw5uonbhc3m6d29yza=="),
        ("cookie", "a=1; b=2; c=3"),
        ("sec-websocket-protocol", "v1, v2, v3"),
        ("sec-websocket-version", "8"),
    ] {
        assert_eq!(values(&lines, name), [value], "{lines:#?}");
    }
    assert!(values(&lines, "sec-websocket-extensions").is_empty());

    let plain = request("/", &["-o", "auto", "-H", "Host: own"]);
    assert_eq!(values(&plain, "origin"), ["http://127.0.0.1:PORT"]);
    assert_eq!(values(&plain, "host"), ["own"]);
    let offer = values(&plain, "sec-websocket-extensions");
    assert!(offer[0].starts_with("permessage-deflate"), "{offer:?}");
    assert!(values(&plain, "user-agent").is_empty());
}

#[test]
fn a_token_comes_from_the_line_a_file_or_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "from.file\n").unwrap();
    let file = format!("@{}", file.display());
    for (given, sent) in [("abc", "bearer abc"), (&file, "bearer from.file")] {
        let lines = request("/", &["--bearer", given]);
        assert_eq!(values(&lines, "authorization"), [sent]);
    }
    let (port, server) = agreeing("");
    let url = format!("127.0.0.1:{port}");
    let mut command = tidewire();
    command.args([&url, "--bearer", "env:MY_TOKEN"]);
    command.env("MY_TOKEN", "s3cr3t").output().unwrap();
    assert!(server.join().unwrap().contains("Bearer s3cr3t\r\n"));
}

#[test]
fn a_cookie_jar_gives_what_is_for_the_url() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jar");
    let jar = "# Netscape HTTP Cookie File\n\
        127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\tabc\n\
        127.0.0.1\tFALSE\t/chat\tFALSE\t0\troom\t7\n\
        127.0.0.1\tFALSE\t/\tTRUE\t0\tsecret\tno\n\
        other.example\tFALSE\t/\tFALSE\t0\tother\tno\n";
    std::fs::write(&file, jar).unwrap();
    let file = format!("@{}", file.display());
    let lines = request("/chat/x", &["--cookie", &file]);
    assert_eq!(values(&lines, "cookie"), ["room=7; sid=abc"]);
    std::fs::write(&file[1..], "{\"a\": 1}").unwrap();
    let (code, said) = failure(&["127.0.0.1:1", "--cookie", &file]);
    assert_eq!(code, 2);
    assert!(
        said.contains("--cookie @") && said.contains("line 1:"),
        "{said}"
    );
}

#[test]
fn bad_input_names_its_flag_and_its_byte_and_connects_nowhere() {
    let long = "x".repeat(256);
    for (args, parts) in [
        (&["-H", "no colon"][..], &["--header", "no colon"][..]),
        (&["-H", "A b: c"], &["--header", "byte 2 (0x20)"]),
        (&["-H", "A: b\r\nC: d"], &["--header", "byte 2 (0x0d)"]),
        (&["-H", "Upgrade: x"], &["-H 'Upgrade", "leave it out"]),
        (&["-H", "@/no/such"], &["-H /no/such", "No such file"]),
        (&["-s", "a b"], &["--subprotocol", "\"a b\""]),
        (&["-s", "a", "-s", "a"], &["-s: ", "`a`"]),
        (&["-o", "a\nb"], &["--origin", "byte 2 (0x0a)"]),
        (&["--host", "a/b"], &["--host", "a/b"]),
        (&["--cookie", "a"], &["--cookie", "no ="]),
        (&["--cookie", "a=\u{1b}"], &["--cookie", "byte 1 (0x1b)"]),
        (&["-u", "ann"], &["-u ann", "no password"]),
        (&["-u", "a:b", "--bearer", "c"], &["--auth", "--bearer"]),
        (&["--bearer", "a b"], &["--bearer", "byte 2 (0x20)"]),
        (&["--bearer", "env:TIDEWIRE_NONE"], &["--bearer", "not set"]),
        (&["-p", "256"], &["--protocol", "256"]),
        (&["--max-message", "0"], &["--max-message"]),
        (&["--proxy", "ftp://h"], &["--proxy", "ftp://"]),
        (&["--proxy", "http://h:99999"], &["proxy", "port"]),
        (&["--resolve", "a:1"], &["--resolve", "no address"]),
        (&["--source-ip", "here"], &["--source-ip", "\"here\""]),
        (&["-4", "-6"], &["--ipv4", "--ipv6"]),
        (&["-6"], &["-6: 127.0.0.1", "IPv6"]),
        (&["--alpn", &long], &["--alpn", "255 bytes"]),
        (&["--key", "x"], &["--cert"]),
        (
            &["--cert", "x", "--passphrase", "wss://h/"],
            &["--passphrase", "URL"],
        ),
    ] {
        let (code, said) = failure(&[&["127.0.0.1:1"][..], args].concat());
        let expected = if said.contains("No such file") { 1 } else { 2 };
        assert_eq!(code, expected, "{args:?}: {said}");
        assert!(said.starts_with("error: "), "{said}");
        for part in parts {
            assert!(said.contains(part), "{args:?}: {part} is not in {said}");
        }
    }
}

#[test]
fn redirects_are_followed_when_asked_and_tell_strangers_nothing() {
    let (last, second) = agreeing("");
    let location = format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{last}/b\r\n\r\n");
    let (port, first) = answering(location.clone());
    let url = format!("127.0.0.1:{port}/a");
    let who = [
        "-u",
        "ann:pw",
        "--cookie",
        "sid=1",
        "-H",
        "X-Api-Key: 2",
        "-H",
        "X-Trace: 3",
        "--host",
        "first.example",
    ];
    let output = run(&[&[url.as_str(), "-L"][..], &who].concat(), b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let head = first.join().unwrap().to_ascii_lowercase();
    for name in [
        "authorization: basic",
        "cookie: sid=1",
        "x-api-key: 2",
        "host: first.",
    ] {
        assert!(head.contains(name), "{head}");
    }
    let head = second.join().unwrap().to_ascii_lowercase();
    assert!(
        head.contains("x-trace: 3") && head.starts_with("get /b "),
        "{head}"
    );
    for name in ["authorization", "cookie", "x-api-key", "first.example"] {
        assert!(!head.contains(name), "{name} went to a stranger: {head}");
    }

    for args in [&[][..], &["-L", "--max-redirects", "0"]] {
        let (port, _first) = answering(location.clone());
        let url = format!("127.0.0.1:{port}");
        let (code, said) = failure(&[&[url.as_str()][..], args].concat());
        assert_eq!(code, 6, "{said}");
        assert!(said.contains("302 Found"), "{said}");
        assert!(
            said.contains("hint: -L follows to http://127.0.0.1"),
            "{said}"
        );
    }
}

#[test]
fn a_circle_of_redirects_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            read_head(&mut stream);
            _ = stream.write_all(b"HTTP/1.1 307 Again\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let (code, said) = failure(&[&format!("127.0.0.1:{port}"), "-L"]);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("more than 10 times"), "{said}");
}

#[test]
fn names_and_addresses_are_the_users_to_choose() {
    let (port, server) = agreeing("");
    let table = format!("chat.example:{port}:127.0.0.1");
    let url = format!("ws://chat.example:{port}/");
    let output = run(&[&url, "--resolve", &table, "-4"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let head = server.join().unwrap();
    assert!(
        head.contains(&format!("Host: chat.example:{port}\r\n")),
        "{head}"
    );
    let (code, said) = failure(&[&url, "--resolve", &table, "-6"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("none of IPv6 (-6)"), "{said}");
}

#[cfg(target_os = "linux")] // all of 127.0.0.0/8 is this machine's there
#[test]
fn a_connection_comes_from_the_address_that_was_chosen() {
    let (port, _server) = server(|stream, head| {
        let from: IpAddr = "127.0.0.5".parse().unwrap();
        assert_eq!(stream.peer_addr().unwrap().ip(), from);
        switch(stream, head, "");
        _ = stream.write_all(&frame(8, &close(1000, "")));
        _ = stream.read(&mut [0; 64]);
    });
    let url = format!("127.0.0.1:{port}");
    let output = run(&[&url, "--source-ip", "127.0.0.5"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (code, said) = failure(&[&url, "--source-ip", "192.0.2.1"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("hint: the address of --source-ip"), "{said}");
}

#[cfg(unix)]
#[test]
fn unix_sockets_by_url_and_by_flag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let (heads, came) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = read_head(&mut stream);
            switch(&mut stream, &head, "");
            _ = stream.write_all(&frame(8, &close(1000, "")));
            heads.send(head).unwrap();
            _ = stream.read(&mut [0; 64]);
        }
    });
    let path = path.to_str().unwrap();
    let own = format!("ws+unix:{path}:/x?y");
    let short = format!("unix:{path}:/x?y");
    for (args, host) in [
        (&[own.as_str()][..], "localhost"),
        (&[short.as_str()], "localhost"),
        (
            &["ws://chat.example/x?y", "--unix-socket", path],
            "chat.example",
        ),
    ] {
        let output = run(args, b"");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let head = came.recv().unwrap();
        assert!(head.starts_with("GET /x?y HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("Host: {host}\r\n")), "{head}");
    }
    let (code, said) = failure(&["ws+unix:/no/such.sock:/"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("/no/such.sock"), "{said}");
}

#[test]
fn a_message_above_the_limit_ends_the_connection() {
    let big = || {
        server(|stream, head| {
            switch(stream, head, "");
            _ = stream.write_all(&frame(1, &[b'x'; 3000]));
            let (opcode, payload) = receive(stream);
            _ = stream.write_all(&frame(opcode, &payload));
        })
    };
    let (port, _server) = big();
    let output = run(&[&format!(":{port}"), "--max-message", "2KiB"], b"");
    assert_eq!(output.status.code(), Some(8), "{}", text(&output.stderr));
    let (port, _server) = big();
    let output = run(
        &[&format!(":{port}"), "--max-message", "3KiB", "-w", "0.3"],
        b"",
    );
    assert_eq!(output.stdout.len(), 3001, "{}", text(&output.stderr));
}

#[test]
fn a_refusal_is_shown_with_status_headers_body_and_a_hint() {
    for (answer, parts) in [
        (
            "401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 25\r\n\r\n\
             {\"error\":\"missing token\"}\n",
            &[
                "401 Unauthorized",
                "  www-authenticate: Bearer",
                "missing token",
                "--bearer",
            ][..],
        ),
        (
            "403 Forbidden\r\n\r\nno",
            &["403", "\n  no\n", "hint: ", "-o auto"],
        ),
        ("404 Not Found\r\nContent-Length: 0\r\n\r\n", &["/ws"]),
        (
            "426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\n\r\n",
            &["version 13"],
        ),
        (
            "200 OK\r\nContent-Type: text/html\r\n\r\n<p>hi",
            &["<p>hi", "a web page"],
        ),
        ("502 Bad Gateway\r\n\r\n", &["in front"]),
        (
            "400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.",
            &["wss://"],
        ),
        (
            "500 x\r\nX-Nasty: \x1b]0;pwned\x07\r\n\r\n\x1b[2Jerror: fake",
            &["\\x1b[2J"],
        ),
    ] {
        let (port, _server) = answering(format!("HTTP/1.1 {answer}"));
        let (code, said) = failure(&[&format!("127.0.0.1:{port}")]);
        assert!(!said.contains('\x1b'), "{said:?}");
        if answer.contains("pwned") {
            continue; // such a head may be refused as none
        }
        assert_eq!(code, 6, "{said}");
        for part in parts {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
}

#[test]
fn answers_without_end_are_given_up_and_shown_in_part() {
    let mut head = b"HTTP/1.1 500 Broken\r\n".to_vec();
    for number in 0..1_000_000 {
        head.extend(format!("X-{number}: endless\r\n").as_bytes());
    }
    let (port, _server) = answering(head);
    let (code, said) = failure(&[&format!("127.0.0.1:{port}")]);
    assert_eq!(code, 7, "{said}");
    let mut body = b"HTTP/1.1 500 Broken\r\nContent-Length: 999999999\r\n\r\n".to_vec();
    body.resize(8 << 20, b'x');
    let (port, _server) = answering(body);
    let start = Instant::now();
    let (code, said) = failure(&[&format!("127.0.0.1:{port}")]);
    assert_eq!(code, 6, "{said}");
    assert!(said.len() < 4000, "{} bytes", said.len());
    assert!(start.elapsed().as_secs() < 20);
    for garbage in [
        &b"\x00\xff\x00\xff\n\n"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"",
    ] {
        let (port, _server) = answering(garbage);
        let (code, said) = failure(&[&format!("127.0.0.1:{port}")]);
        assert_eq!(code, 7, "{said}");
        assert!(said.contains("hint: "), "{said}");
    }
}

#[test]
fn a_server_that_is_silent_ends_at_the_deadline_and_the_stage_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for (scheme, part) in [
        ("ws", "did not answer the handshake"),
        ("wss", "TLS handshake"),
    ] {
        let url = format!("{scheme}://127.0.0.1:{port}/");
        let (code, said) = failure(&[&url, "--connect-timeout", "300ms"]);
        assert_eq!(code, 11, "{said}");
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_password_in_the_url_is_sent_but_not_shown() {
    let (port, server) = answering("HTTP/1.1 401 No\r\n\r\n");
    let (_, said) = failure(&[&format!("ws://ann:s3cr3t@127.0.0.1:{port}/")]);
    assert!(!said.contains("s3cr3t"), "{said}");
    assert!(server.join().unwrap().contains("Basic YW5uOnMzY3IzdA=="));
    let (code, said) = failure(&["ws://ann:s3cr3t@127.0.0.1:1/"]);
    assert_eq!(code, 4, "{said}");
    assert!(!said.contains("s3cr3t"), "{said}");
}
