//! `tidewire -l`: an interactive server, as its clients and its user meet it.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A running server in a pipe, ended with the test.
struct Listen {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<String>,
    port: u16,
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while let Ok(1..) = from.read_until(b'\n', &mut line) {
            if sender.send(text(&std::mem::take(&mut line))).is_err() {
                return;
            }
        }
    });
    lines
}

/// Waits for a line that has `what` in it.
fn wait(lines: &Receiver<String>, what: &str) -> String {
    let mut seen = String::new();
    let end = Instant::now() + Duration::from_secs(20);
    while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        if line.contains(what) {
            return line;
        }
        seen += &line;
    }
    panic!("{what:?} did not come, but {seen:?}");
}

fn spawn(command: &mut Command) -> (Child, Receiver<String>) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = lines(child.stderr.take().unwrap());
    (child, said)
}

impl Listen {
    fn start(args: &[&str]) -> Listen {
        let (mut child, said) = spawn(tidewire().args(args));
        let line = wait(&said, "Listening on ws");
        let port = line.split("127.0.0.1:").nth(1).unwrap();
        let port = port.split('/').next().unwrap().parse().unwrap();
        Listen {
            stdin: child.stdin.take(),
            child,
            said,
            port,
        }
    }

    fn kind(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
    }

    fn client(&self, path: &str, headers: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let head = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        (stream, head)
    }
}

impl Drop for Listen {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn lines_go_to_all_and_payloads_come_out_as_they_are() {
    let mut server = Listen::start(&["-l", "0"]);
    wait(&server.said, "only this machine can connect");
    let out = lines(server.child.stdout.take().unwrap());
    // Written before anybody is there: kept for the first.
    server.kind("early\n");
    let (mut one, _) = server.client("/room/a", "");
    assert_eq!(receive(&mut one), (1, b"early".to_vec()));
    assert!(wait(&server.said, "#1 connected 127.0.0.1:").contains("/room/a"));
    let (mut two, _) = server.client("/\u{1b}[2J".replace('\u{1b}', "%1b").as_str(), "");
    wait(&server.said, "#2 connected");
    server.kind("to both\r\n/to 1 is text here\n");
    for client in [&mut one, &mut two] {
        assert_eq!(receive(client), (1, b"to both".to_vec()));
        assert_eq!(receive(client), (1, b"/to 1 is text here".to_vec()));
    }
    send(&mut one, 1, "\u{1b}[31mä".as_bytes());
    assert_eq!(wait(&out, "ä"), "\u{1b}[31mä\n");
    send(&mut two, 2, b"\x00\xffbytes\n");
    assert_eq!(wait(&out, "bytes").len(), "\0\u{fffd}bytes\n".len());
    send(&mut two, 8, &close(4001, "\u{1b}[2Jbye"));
    wait(
        &server.said,
        "#2 disconnected (code: 4001, reason: \"\\x1b[2Jbye\")",
    );
    // The end of the input ends nothing; a signal does.
    drop(server.stdin.take());
    send(&mut one, 1, b"still there");
    wait(&out, "still there");
    signal(&server.child, rustix::process::Signal::INT);
    assert_eq!(
        receive(&mut one),
        (8, close(1001, "the server is stopping"))
    );
    send(&mut one, 8, &close(1001, ""));
    assert_eq!(wait_for(&mut server.child), Some(0));
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_and_is_closed() {
    let mut server = Listen::start(&["listen", "0"]);
    let (_slow, _) = server.client("/", "");
    wait(&server.said, "#1 connected");
    let (mut fast, _) = server.client("/", "");
    wait(&server.said, "#2 connected");
    let count = 48;
    let line = "x".repeat(1 << 20);
    let mut stdin = server.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for _ in 0..count {
            writeln!(stdin, "{line}").unwrap();
        }
        stdin
    });
    for _ in 0..count {
        let (opcode, payload) = receive(&mut fast);
        assert_eq!((opcode, payload.len()), (1, 1 << 20));
    }
    drop(writer.join().unwrap());
    wait(&server.said, "#1 does not read");
}

#[test]
fn many_clients_hear_every_line_in_order() {
    let mut server = Listen::start(&["-l", "127.0.0.1:0"]);
    let mut clients: Vec<_> = (0..100).map(|_| server.client("/", "").0).collect();
    wait(&server.said, "#100 connected");
    let all: String = (0..200).map(|i| format!("line {i}\n")).collect();
    server.kind(&all);
    for client in &mut clients {
        for i in 0..200 {
            assert_eq!(receive(client), (1, format!("line {i}").into_bytes()));
        }
    }
}

#[test]
fn nonsense_on_the_wire_harms_only_who_sends_it() {
    let mut server = Listen::start(&["-l", "0"]);
    let (mut good, _) = server.client("/", "");
    wait(&server.said, "#1 connected");
    for nonsense in [
        &b"\x81\x05hello"[..],                       // not masked
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", // 2^64 bytes
        b"\xc1\x80\x00\x00\x00\x00",                 // RSV1 of nobody
        b"\x81\x81\x00\x00\x00\x00\xff",             // no UTF-8
    ] {
        let (mut bad, _) = server.client("/", "");
        bad.write_all(nonsense).unwrap();
        assert_eq!(receive(&mut bad).0, 8);
        wait(&server.said, "disconnected (code: 10");
    }
    // Neither are those that never ask for anything, or for no WebSocket.
    let mut silent = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    silent.write_all(b"GET / HT").unwrap();
    let mut plain = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut page = String::new();
    plain.read_to_string(&mut page).unwrap();
    assert!(
        page.starts_with("HTTP/1.1 200 ") && page.contains("<html"),
        "{page}"
    );
    server.kind("still here\n");
    assert_eq!(receive(&mut good), (1, b"still here".to_vec()));
}

#[test]
fn input_that_is_no_text_ends_it_with_a_reason() {
    let mut server = Listen::start(&["-l", "0"]);
    let (mut client, _) = server.client("/", "");
    server
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"ok\n\xff\xfe\n")
        .unwrap();
    assert_eq!(receive(&mut client), (1, b"ok".to_vec()));
    assert_eq!(receive(&mut client).0, 8);
    wait(&server.said, "error: line 2 of the input is not UTF-8");
    drop(client);
    assert_eq!(wait_for(&mut server.child), Some(1));
}

#[test]
fn subprotocols_are_agreed_on_as_asked() {
    let offer = "Sec-WebSocket-Protocol: v1, v2\r\n";
    let server = Listen::start(&["-l", "0", "-s", "v2"]);
    assert!(
        server
            .client("/", offer)
            .1
            .to_lowercase()
            .contains("protocol: v2\r\n")
    );
    let server = Listen::start(&["listen", "0"]);
    assert!(
        server
            .client("/", offer)
            .1
            .to_lowercase()
            .contains("protocol: v1\r\n")
    );
}

#[test]
fn a_unix_socket_works_and_its_file_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ws.sock");
    let place = format!("unix:{}", path.display());
    let (mut child, said) = spawn(tidewire().args(["-l", &place]));
    wait(&said, &format!("Listening on {place}"));
    let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n",
        )
        .unwrap();
    wait(&said, "#1 connected a unix socket");
    // A second server does not take the place of one that lives.
    let second = run(&["-l", &place], b"");
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("is in use"),
        "{}",
        text(&second.stderr)
    );
    drop(stream);
    signal(&child, rustix::process::Signal::TERM);
    assert_eq!(wait_for(&mut child), Some(0));
    assert!(!path.exists());
}

#[test]
fn wrong_places_are_told_before_anything_listens() {
    for (args, code, words) in [
        (&["-l", "notaport"][..], 2, "is no place to listen"),
        (&["listen", "/tmp/x"], 2, "unix:/PATH"),
        (
            &["-l", "0", "--tls-dev", "--tls-cert", "a", "--tls-key", "b"],
            2,
            "--tls-dev",
        ),
        (&["localhost:1", "--tls-dev"], 2, "give -l PORT too"),
        (
            &["-l", "unix:/nowhere/at/all/x"],
            1,
            "cannot listen on /nowhere",
        ),
        (
            &["-l", "203.0.113.7:1"],
            1,
            "not an address of this machine",
        ),
    ] {
        let output = run(args, b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = text(&run(&["-l", &port], b"").stderr);
    assert!(
        said.contains("is in use") && said.contains("tidewire -l "),
        "{said}"
    );
}
