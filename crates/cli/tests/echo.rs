//! `tidewire echo`, the real process, over real sockets.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{Read, Write};

#[test]
fn text_and_binary_come_back_on_any_path_from_any_origin() {
    let echo = Echo::start(&[]);
    for headers in [
        "",
        "Origin: null\r\n",
        "Origin: https://elsewhere.example\r\n",
    ] {
        let (mut ws, _) = echo.websocket("/any/path?x=1", headers);
        send(&mut ws, 1, "grüße".as_bytes());
        assert_eq!(receive(&mut ws), (1, "grüße".as_bytes().to_vec()));
        let big: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        send(&mut ws, 2, &big);
        assert_eq!(receive(&mut ws), (2, big));
        send(&mut ws, 8, &close(1000, ""));
        assert_eq!(receive(&mut ws), (8, close(1000, "")));
    }
}

#[test]
fn many_clients_on_several_threads_are_all_served() {
    let echo = Echo::start(&["--threads", "3"]);
    let mut clients: Vec<_> = (0..20).map(|_| echo.websocket("/", "").0).collect();
    for (number, ws) in clients.iter_mut().enumerate() {
        send(ws, 1, format!("client {number}").as_bytes());
    }
    for (number, ws) in clients.iter_mut().enumerate() {
        assert_eq!(receive(ws), (1, format!("client {number}").into_bytes()));
    }
}

#[test]
fn the_first_subprotocol_offered_is_chosen_unless_some_are_named() {
    let offer = "Sec-WebSocket-Protocol: chat, superchat\r\n";
    let (_, head) = Echo::start(&[]).websocket("/", offer);
    assert!(
        head.contains("\r\nsec-websocket-protocol: chat\r\n"),
        "{head}"
    );
    let (_, head) = Echo::start(&["--subprotocol", "superchat"]).websocket("/", offer);
    assert!(
        head.contains("\r\nsec-websocket-protocol: superchat\r\n"),
        "{head}"
    );
    let (_, head) = Echo::start(&["--subprotocol", "other"]).websocket("/", offer);
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
}

#[test]
fn deflate_is_agreed_to_unless_switched_off() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (_, head) = Echo::start(&[]).websocket("/", offer);
    assert!(
        head.contains("\r\nsec-websocket-extensions: permessage-deflate"),
        "{head}"
    );
    let (_, head) = Echo::start(&["--no-deflate"]).websocket("/", offer);
    assert!(!head.contains("sec-websocket-extensions"), "{head}");
}

#[test]
fn the_prefix_goes_before_texts_only() {
    let echo = Echo::start(&["--prefix", "you said: "]);
    let (mut ws, _) = echo.websocket("/", "");
    send(&mut ws, 1, b"hi");
    assert_eq!(receive(&mut ws), (1, b"you said: hi".to_vec()));
    send(&mut ws, 2, b"hi");
    assert_eq!(receive(&mut ws), (2, b"hi".to_vec()));
}

#[test]
fn a_message_over_the_limit_is_answered_with_1009() {
    let echo = Echo::start(&["--max-message", "1KiB"]);
    let (mut ws, _) = echo.websocket("/", "");
    send(&mut ws, 2, &[7; 1024]);
    assert_eq!(receive(&mut ws), (2, vec![7; 1024]));
    send(&mut ws, 2, &[7; 1025]);
    let (opcode, payload) = receive(&mut ws);
    assert_eq!((opcode, &payload[..2]), (8, &1009u16.to_be_bytes()[..]));
}

#[test]
fn plain_http_gets_the_page_and_its_connection_ends() {
    let echo = Echo::start(&[]);
    let answer = echo.http("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("content-security-policy: default-src 'none'"),
        "{answer}"
    );
    assert!(answer.ends_with("</html>\n"), "{answer}");
    let answer = echo.http("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let answer = echo.http("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let answer = echo.http("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(!answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn files_and_websockets_share_the_port_and_nothing_else_is_reachable() {
    let dir = tempfile::tempdir().unwrap();
    let public = dir.path().join("public");
    std::fs::create_dir(&public).unwrap();
    std::fs::write(public.join("index.html"), "<p>mine</p>").unwrap();
    std::fs::write(dir.path().join("secret.txt"), "secret").unwrap();
    let echo = Echo::start(&["--dir", public.to_str().unwrap()]);
    let get = |path: &str| echo.http(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(get("/").ends_with("<p>mine</p>"));
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//../secret.txt",
    ] {
        let answer = get(path);
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(!answer.contains("\r\n\r\nsecret"), "{path}: {answer}");
    }
    let (mut ws, _) = echo.websocket("/index.html", "");
    send(&mut ws, 1, b"still here");
    assert_eq!(receive(&mut ws), (1, b"still here".to_vec()));
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    let echo = Echo::start(&[]);
    let output = run(&["echo", &format!("127.0.0.1:{}", echo.port)], b"");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.starts_with(&format!("error: port {} on 127.0.0.1 is in use", echo.port)),
        "{said}"
    );
    assert!(said.contains("tidewire echo "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn bad_addresses_and_bad_options_are_usage_errors() {
    for args in [
        &["echo", "notaport:x"][..],
        &["echo", "70000"],
        &["echo", "--threads", "0"],
    ] {
        let output = run(args, b"");
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            text(&output.stderr)
        );
    }
    let output = run(&["echo", "0", "--dir", "/no/such/dir"], b"");
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn a_signal_drains_and_logs_nothing_where_no_terminal_is() {
    use rustix::process::Signal;
    for kind in [Signal::INT, Signal::TERM] {
        let mut echo = Echo::start(&["--threads", "2"]);
        let mut clients: Vec<_> = (0..4).map(|_| echo.websocket("/", "").0).collect();
        send(&mut clients[0], 1, b"before");
        assert_eq!(receive(&mut clients[0]).0, 1);
        signal(&echo.child, kind);
        for ws in &mut clients {
            let (opcode, payload) = receive(ws);
            assert_eq!((opcode, &payload[..2]), (8, &1001u16.to_be_bytes()[..]));
            send(ws, 8, &payload[..2]);
        }
        assert_eq!(wait_for(&mut echo.child), Some(0));
        let mut said = String::new();
        echo.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(said, "");
    }
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_does_not_wait_for_a_silent_client() {
    use rustix::process::Signal;
    let mut echo = Echo::start(&[]);
    let (mut ws, _) = echo.websocket("/", "");
    signal(&echo.child, Signal::INT);
    assert_eq!(receive(&mut ws).0, 8, "told, and never answers");
    signal(&echo.child, Signal::INT);
    assert_eq!(wait_for(&mut echo.child), Some(130));
}

#[test]
fn garbage_ends_one_connection_and_not_the_server() {
    let echo = Echo::start(&[]);
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01"[..],
        b"\r\n\r\n\r\n\r\n",
        b"GET\r\n\r\n",
    ] {
        let mut stream = echo.connect();
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", text(&answer));
    }
    let (mut ws, _) = echo.websocket("/", "");
    send(&mut ws, 1, b"alive");
    assert_eq!(receive(&mut ws), (1, b"alive".to_vec()));
}
