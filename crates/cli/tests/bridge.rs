//! `tidewire bridge`: bytes and messages through it, and how its ends end.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A running bridge with an end that listens, ended with the test.
struct Bridge {
    child: Child,
    said: Receiver<String>,
    port: u16,
}

impl Bridge {
    fn start(args: &[&str]) -> Bridge {
        let mut child = tidewire()
            .arg("bridge")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, said) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut bridge = Bridge {
            child,
            said,
            port: 0,
        };
        let line = bridge.says("listening on ");
        let port = line.rsplit(':').next().unwrap();
        bridge.port = port.parse().unwrap();
        bridge
    }

    fn says(&self, what: &str) -> String {
        let mut seen = String::new();
        let end = Instant::now() + Duration::from_secs(20);
        let left = || end.saturating_duration_since(Instant::now());
        while let Ok(line) = self.said.recv_timeout(left()) {
            if line.contains(what) {
                return line;
            }
            seen = seen + &line + "\n";
        }
        panic!("{what:?} did not come, but {seen:?}");
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream
    }

    fn handshake(&self, headers: &str) -> (TcpStream, String) {
        let mut stream = self.tcp();
        let request = format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let head = read_head(&mut stream);
        (stream, head)
    }

    fn websocket(&self) -> TcpStream {
        let (stream, head) = self.handshake("");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        stream
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A TCP server of one connection that sends everything back when all has come.
fn echo_at_end() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            stream.write_all(&all).unwrap();
        }
    });
    port
}

fn every_byte(times: usize) -> Vec<u8> {
    (0..=255u8).cycle().take(256 * times).collect()
}

#[test]
fn a_half_closed_stream_goes_on_the_other_way_and_bytes_stay_what_they_are() {
    let to = format!("tcp:127.0.0.1:{}", echo_at_end());
    let bridge = Bridge::start(&["tcp-l:0", &to]);
    let mut stream = bridge.tcp();
    let sent = every_byte(4096);
    let mut writer = stream.try_clone().unwrap();
    let bytes = sent.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&bytes).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    writing.join().unwrap();
    assert!(back == sent);
    bridge.says("#1 both ends are done");
}

#[test]
fn a_stream_s_bytes_pass_through_a_websocket_and_its_half_close_is_kept() {
    let echo = Echo::start(&[]);
    let bridge = Bridge::start(&["tcp-l:0", &echo.url()]);
    let mut stream = bridge.tcp();
    let sent = every_byte(1000);
    stream.write_all(&sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
    bridge.says("#1 disconnected (code: 1000");
}

#[test]
fn a_websocket_client_reaches_a_tcp_server_in_binary() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let to = format!("tcp:{}", listener.local_addr().unwrap());
    let bridge = Bridge::start(&["ws-l:0", &to]);
    let mut client = bridge.websocket();
    let (mut server, _) = listener.accept().unwrap();
    send(&mut client, 2, b"\x00\n\xff");
    send(&mut client, 1, "ä\n".as_bytes());
    let mut got = [0; 6];
    server.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"\x00\n\xff\xc3\xa4\n");
    server.write_all(b"\xffback\n").unwrap();
    assert_eq!(receive(&mut client), (2, b"\xffback\n".to_vec()));
    send(&mut client, 8, &close(1000, ""));
    assert_eq!(receive(&mut client).0, 8);
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}

#[test]
fn a_command_speaks_in_lines_and_its_exit_code_is_told() {
    let command = r#"sh-c:read a; echo "got $a"; printf '\377\n'; exit 3"#;
    let mut bridge = Bridge::start(&["ws-l:0", command, "--one"]);
    let mut client = bridge.websocket();
    send(&mut client, 1, b"one\ntwo\r\nthree\n");
    assert_eq!(receive(&mut client), (1, b"got one two  three".to_vec()));
    assert_eq!(receive(&mut client), (2, vec![0xff]), "no UTF-8 is no text");
    let (opcode, payload) = receive(&mut client);
    assert_eq!(opcode, 8);
    assert_eq!(payload, close(1011, "the command ended with exit code 3"));
    send(&mut client, 8, &close(1011, ""));
    bridge.says("the command ended with exit code 3");
    assert_eq!(wait_for(&mut bridge.child), Some(1));
}

#[test]
fn nul_keeps_lines_within_a_message() {
    let bridge = Bridge::start(&["ws-l:0", "exec:cat", "--null"]);
    let mut client = bridge.websocket();
    send(&mut client, 1, b"one\ntwo");
    assert_eq!(receive(&mut client), (1, b"one\ntwo".to_vec()));
}

#[test]
fn a_command_that_outlives_its_client_is_ended_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let command = format!(
        "sh-c:trap '' HUP; sleep 1000 & echo $$ $! > {}; echo ready; wait; sleep 1000",
        pids.display()
    );
    let bridge = Bridge::start(&["ws-l:0", &command]);
    let mut client = bridge.websocket();
    assert_eq!(receive(&mut client), (1, b"ready".to_vec()));
    drop(client);
    bridge.says("#1 disconnected (code: 1006");
    let pids = std::fs::read_to_string(pids).unwrap();
    let alive = |pid: &str| {
        // A process that has ended and whose parent does not care would be one in state Z.
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
            !cfg!(target_os = "linux") || !stat.rsplit(')').next().unwrap().starts_with(" Z")
        })
    };
    let end = Instant::now() + Duration::from_secs(20);
    while pids.split_whitespace().any(alive) {
        assert!(Instant::now() < end, "one of {pids} lives");
        std::thread::sleep(Duration::from_millis(20));
    }
    let shell = pids.split_whitespace().next().unwrap();
    let of_us = std::fs::read_to_string(format!("/proc/{shell}/stat"));
    assert!(of_us.is_err(), "the command is a zombie");
}

#[test]
fn two_websockets_keep_kinds_and_codes() {
    let (port, server) = server(|stream, head| {
        switch(stream, head, "");
        assert_eq!(receive(stream), (1, b"text".to_vec()));
        assert_eq!(receive(stream), (2, b"\xff".to_vec()));
        stream.write_all(&frame(2, b"\x01")).unwrap();
        stream.write_all(&frame(8, &close(4001, "enough"))).unwrap();
        _ = receive(stream);
    });
    let to = format!("ws://127.0.0.1:{port}/");
    let bridge = Bridge::start(&["ws-l:0", &to]);
    let mut client = bridge.websocket();
    send(&mut client, 1, b"text");
    send(&mut client, 2, b"\xff");
    assert_eq!(receive(&mut client), (2, b"\x01".to_vec()));
    assert_eq!(receive(&mut client), (8, close(4001, "enough")));
    send(&mut client, 8, &close(4001, ""));
    bridge.says("4001");
    server.join().unwrap();
}

#[test]
fn stdin_waits_for_its_answers_and_the_exit_code_tells_the_end() {
    let echo = Echo::start(&[]);
    let output = run(&["bridge", "-", &echo.url(), "-w", "0.5"], b"one\ntwo");
    assert_eq!(output.stdout, b"one\ntwo\n", "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(0));
    let bytes = every_byte(400);
    let output = run(
        &["bridge", "-", &echo.url(), "-b", "-q", "-w", "0.5"],
        &bytes,
    );
    assert!(output.stdout == bytes);
    assert_eq!(text(&output.stderr), "");
    let output = run(&["bridge", "-", "exec:cat"], &bytes);
    assert!(output.stdout == bytes, "{}", text(&output.stderr));
    assert_eq!(
        run(&["bridge", "-", "sh-c:exit 7"], b"").status.code(),
        Some(1)
    );
}

#[test]
fn an_endless_line_ends_at_the_limit() {
    let echo = Echo::start(&[]);
    let mut bridge = Bridge::start(&[
        "tcp-l:0",
        &echo.url(),
        "--lines",
        "--max-message",
        "64K",
        "--one",
    ]);
    let mut stream = bridge.tcp();
    let chunk = [b'x'; 16 * 1024];
    // It stops reading; how far the system's buffers take it does not matter.
    while stream.write_all(&chunk).is_ok() {}
    bridge.says("a line is longer than 65536 bytes");
    assert_eq!(wait_for(&mut bridge.child), Some(8));
}

#[test]
fn many_at_a_time_and_no_more_than_allowed() {
    let bridge = Bridge::start(&["ws-l:0", "exec:cat", "--max-connections", "3"]);
    let mut clients: Vec<_> = (0..3).map(|_| bridge.websocket()).collect();
    for (i, client) in clients.iter_mut().enumerate() {
        send(client, 1, format!("{i}").as_bytes());
        assert_eq!(receive(client), (1, format!("{i}").into_bytes()));
    }
    let mut fourth = bridge.tcp();
    fourth
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    fourth
        .write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n",
        )
        .unwrap();
    assert!(fourth.read(&mut [0; 1]).is_err(), "it waits for its turn");
    send(&mut clients[0], 8, &close(1000, ""));
    fourth
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    assert!(read_head(&mut fourth).starts_with("HTTP/1.1 101 "));
}

#[test]
fn pages_and_other_machines_are_kept_from_commands() {
    let bridge = Bridge::start(&["ws-l:0", "exec:cat"]);
    let (_, head) = bridge.handshake("Origin: http://localhost\r\n");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    bridge.says("--allow-origin");
    let allowed = ["ws-l:0", "exec:cat", "--allow-origin", "https://a.example"];
    let bridge = Bridge::start(&allowed);
    let (_, head) = bridge.handshake("Origin: https://a.example\r\n");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let output = run(&["bridge", "ws-l:0.0.0.0:0", "exec:cat"], b"");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("--allow-remote-exec"), "{said}");
    Bridge::start(&["ws-l:0.0.0.0:0", "exec:cat", "--allow-remote-exec"]);
}

#[test]
fn a_page_s_request_reaches_no_command_behind_a_plain_port() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    let request = |port| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let body = format!("touch {}\n", made.display());
        let head = "POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Type: text/plain\r\n\r\n";
        stream
            .write_all((head.to_owned() + &body).as_bytes())
            .unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        _ = stream.read_to_end(&mut Vec::new());
    };
    let bridge = Bridge::start(&["tcp-l:0", "sh-c:sh 2>/dev/null"]);
    request(bridge.port);
    bridge.says("--allow-origin any");
    assert!(!made.exists());
    let mut stream = bridge.tcp();
    stream.write_all(b"echo $((6 * 7))\nexit\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert_eq!(said, "42\n");
    let bridge = Bridge::start(&["tcp-l:0", "exec:cat", "--allow-origin", "any"]);
    let mut stream = bridge.tcp();
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    said.clear();
    stream.read_to_string(&mut said).unwrap();
    assert_eq!(said, "GET / HTTP/1.1\r\n");
}

#[test]
fn a_slow_reader_of_stdout_loses_nothing() {
    let message = vec![b'x'; 1 << 20];
    let sent = message.clone();
    let (port, server) = server(move |stream, head| {
        switch(stream, head, "");
        for _ in 0..8 {
            stream.write_all(&frame(2, &sent)).unwrap();
        }
        stream.write_all(&frame(8, &close(1000, ""))).unwrap();
        while receive(stream).0 != 8 {}
    });
    let url = format!("ws://127.0.0.1:{port}/");
    let mut child = tidewire()
        .args(["bridge", "-", &url, "-b", "-w", "0.1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Longer than the wait and all that a close may take.
    std::thread::sleep(Duration::from_secs(8));
    let mut all = Vec::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), 8 * message.len());
    assert_eq!(wait_for(&mut child), Some(0));
    server.join().unwrap();
}

#[test]
fn what_makes_no_sense_is_told() {
    for (args, code, words) in [
        (&["nonsense", "-"][..], 2, "is no end of a bridge"),
        (&["-", "-"], 2, "there is one stdin"),
        (&["ws-l:0", "tcp-l:0"], 2, "only one end"),
        (&["tcp-l:0", "-", "--tls-dev"], 2, "ws-l"),
        (&["-", "exec:'a"], 2, "quotes"),
        (&["-", "exec:/nowhere/at/all"], 1, "cannot run"),
        (
            &["-", "unix:/nowhere/at/all"],
            4,
            "cannot reach unix:/nowhere/at/all",
        ),
        (&["-"], 2, "<B>"),
        (&["-", "ws://h", "-0", "-b"], 2, "--binary"),
    ] {
        let output = run(&[&["bridge"], args].concat(), b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}
