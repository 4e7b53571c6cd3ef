//! `--reconnect`: a lost connection is replaced, and nothing that was not sent is lost with it.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// What happens on one connection, with the request's head.
type Serve = Box<dyn FnOnce(&mut TcpStream, &str) + Send>;

/// A server that treats its connections one after the other, each as the list says.
fn servers(list: Vec<Serve>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        for serve in list {
            let (mut stream, _) = listener.accept().unwrap();
            let head = read_head(&mut stream);
            serve(&mut stream, &head);
        }
    });
    (url, thread)
}

fn answer_close(stream: &mut TcpStream) {
    let (opcode, payload) = receive(stream);
    assert_eq!(opcode, 8);
    stream.write_all(&frame(8, &payload)).unwrap();
}

#[test]
fn a_lost_connection_is_replaced_and_greeted_again() {
    let (url, server) = servers(vec![
        Box::new(|stream, head| {
            switch(stream, head, "");
            for expected in [&b"auth"[..], b"sub", b"hello"] {
                assert_eq!(receive(stream), (1, expected.to_vec()));
            }
            stream.write_all(&frame(1, b"one")).unwrap();
            // And it is gone.
        }),
        Box::new(|stream, head| {
            switch(stream, head, "");
            for expected in [&b"auth"[..], b"sub"] {
                assert_eq!(receive(stream), (1, expected.to_vec()));
            }
            stream.write_all(&frame(1, b"two")).unwrap();
            answer_close(stream);
        }),
    ]);
    let args = [
        &url,
        "--reconnect",
        "--on-connect",
        "auth",
        "--on-connect",
        "sub",
        "-x",
        "hello",
        "--count",
        "2",
    ];
    let output = run(&args, b"");
    server.join().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(text(&output.stdout), "one\ntwo\n");
    assert!(
        said.contains(" closed 1006 (abnormal closure); reconnecting in "),
        "{said}"
    );
    assert!(said.contains(" (1/∞)\n"), "{said}");
    assert!(
        said.contains(" down, 2 messages sent again from --on-connect\n"),
        "{said}"
    );
    assert_eq!(
        said.matches("Connected (press CTRL+C to quit)").count(),
        1,
        "{said}"
    );
}

#[test]
fn lines_that_come_in_between_wait_for_the_next_connection() {
    let (url, server) = servers(vec![
        Box::new(|stream, head| {
            switch(stream, head, "");
            stream.write_all(&frame(8, &close(1001, ""))).unwrap();
            assert_eq!(receive(stream).0, 8);
        }),
        Box::new(|stream, head| {
            switch(stream, head, "");
            assert_eq!(receive(stream), (1, b"late".to_vec()));
            stream.write_all(&frame(1, b"got it")).unwrap();
            answer_close(stream);
        }),
    ]);
    let mut child = tidewire()
        .args([&url, "--reconnect", "--count", "1", "--json"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    stdin.write_all(b"late\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let ops: Vec<String> = printed
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["op"].to_string())
        .collect();
    let expected = ["open", "close", "open", "text", "text", "close"];
    assert_eq!(ops, expected.map(|op| format!("\"{op}\"")), "{printed}");
}

#[test]
fn attempts_are_counted_and_the_last_failure_is_told() {
    let (url, server) = servers(vec![Box::new(|stream, head| switch(stream, head, ""))]);
    let output = run(&[&url, "--reconnect=2"], b"");
    server.join().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("(1/2)\n") && said.contains("(2/2)\n"),
        "{said}"
    );
    assert!(
        said.contains("error: ") && said.contains("nothing listens there"),
        "{said}"
    );
}

#[test]
fn a_refusal_that_will_not_pass_ends_it() {
    let (url, server) = servers(vec![
        Box::new(|stream, head| switch(stream, head, "")),
        Box::new(|stream, _| {
            let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nexpired";
            stream.write_all(answer.as_bytes()).unwrap();
        }),
    ]);
    let output = run(&[&url, "--reconnect"], b"");
    server.join().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(
        said.contains("401 Unauthorized") && said.contains("expired"),
        "{said}"
    );
}

#[test]
fn the_first_connection_must_succeed() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = listener.local_addr().unwrap().to_string();
    drop(listener);
    let output = run(&[&url, "--reconnect"], b"");
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
}

#[test]
fn a_deadline_ends_the_waiting_too() {
    let (url, server) = servers(vec![Box::new(|stream, head| {
        switch(stream, head, "");
        stream.write_all(&frame(8, &close(1013, ""))).unwrap();
        assert_eq!(receive(stream).0, 8);
    })]);
    let output = run(&[&url, "--reconnect", "--timeout", "0.5"], b"");
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(11), "{}", text(&output.stderr));
}

#[test]
fn a_peer_that_answers_no_ping_is_left_for_another() {
    let (url, server) = servers(vec![
        Box::new(|stream, head| {
            switch(stream, head, "");
            // Deaf, until the client is gone.
            _ = std::io::copy(stream, &mut std::io::sink());
        }),
        Box::new(|stream, head| {
            switch(stream, head, "");
            stream.write_all(&frame(1, b"back")).unwrap();
            while receive(stream).0 != 8 {}
        }),
    ]);
    let output = run(
        &[
            &url,
            "--reconnect",
            "--ping",
            "0.1",
            "--ping-timeout",
            "0.3",
            "-1",
        ],
        b"",
    );
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "back\n");
}
