//! Through real proxies, tinyproxy and microsocks, by flag and by environment; and through broken ones.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "../../tidewire/tests/reach/program.rs"]
#[allow(dead_code, unreachable_pub)]
mod program;

use common::*;
use program::Program;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::mpsc::{Receiver, channel};

/// No proxy of who runs the tests.
const VARIABLES: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

fn with(environment: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = tidewire();
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    command.args(args).args(["-x", "hi", "-w", "0.3"]);
    command.output().unwrap()
}

fn echoes(environment: &[(&str, &str)], args: &[&str]) {
    let output = with(environment, args);
    let said = text(&output.stderr);
    assert_eq!(text(&output.stdout), "hi\n", "{args:?}: {said}");
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
}

fn fails(environment: &[(&str, &str)], args: &[&str]) -> String {
    let output = with(environment, args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(12), "{args:?}: {said}");
    assert!(said.starts_with("error: the proxy "), "{said}");
    assert!(!said.contains("s3cr3t"), "{said}");
    said
}

/// A proxy that takes any CONNECT to `port`, whatever is asked for; the heads that came.
fn tunnel(port: u16) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    let (heads, came) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut near = stream.unwrap();
            _ = heads.send(read_head(&mut near));
            let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
            near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far, near),
            ] {
                std::thread::spawn(move || {
                    _ = std::io::copy(&mut from, &mut to);
                    _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    (own, came)
}

#[test]
fn tinyproxy_by_flag_with_and_without_login() {
    let echo = Echo::start(&[]);
    let open = Program::tinyproxy(None);
    let closed = Program::tinyproxy(Some("me s3cr3t"));
    for proxy in [
        format!("http://127.0.0.1:{}", open.port),
        format!("127.0.0.1:{}", open.port),
        format!("http://me:s3cr3t@127.0.0.1:{}", closed.port),
    ] {
        echoes(&[], &[&echo.url(), "--proxy", &proxy]);
    }
    let nobody = format!("http://127.0.0.1:{}", closed.port);
    let said = fails(&[], &[&echo.url(), "--proxy", &nobody]);
    assert!(
        said.contains("407") && said.contains("hint: say who you are to the proxy"),
        "{said}"
    );
    let wrong = format!("http://me:other@127.0.0.1:{}", closed.port);
    let said = fails(&[], &[&echo.url(), "--proxy", &wrong]);
    assert!(said.contains("hint: "), "{said}");
    let proxy = format!("http://127.0.0.1:{}", open.port);
    let said = fails(&[], &["ws://127.0.0.1:1/", "--proxy", &proxy]);
    assert!(
        said.contains(" 5") && said.contains("cannot reach the server"),
        "{said}"
    );
}

#[test]
fn microsocks_by_flag_with_and_without_login() {
    let echo = Echo::start(&[]);
    let open = Program::microsocks(None);
    let closed = Program::microsocks(Some(("me", "s3cr3t")));
    let by_name = format!("ws://localhost:{}/", echo.port);
    for scheme in ["socks5", "socks5h", "socks"] {
        let proxy = format!("{scheme}://127.0.0.1:{}", open.port);
        echoes(&[], &[&echo.url(), "--proxy", &proxy]);
        echoes(&[], &[&by_name, "-4", "--proxy", &proxy]);
    }
    let login = format!("socks5://me:s3cr3t@127.0.0.1:{}", closed.port);
    echoes(&[], &[&echo.url(), "--proxy", &login]);
    for user in ["", "me:wrong@"] {
        let proxy = format!("socks5://{user}127.0.0.1:{}", closed.port);
        let said = fails(&[], &[&echo.url(), "--proxy", &proxy]);
        assert!(said.contains("hint: say who you are"), "{said}");
    }
    let proxy = format!("socks5://127.0.0.1:{}", open.port);
    fails(&[], &["ws://127.0.0.1:1/", "--proxy", &proxy]);
}

#[test]
fn the_environment_names_proxies_and_exceptions() {
    let echo = Echo::start(&[]);
    let (port, heads) = tunnel(echo.port);
    let url = format!("ws://chat.example:{}/", echo.port);
    let proxy = format!("http://me:s3cr3t@127.0.0.1:{port}");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        echoes(&[(name, &proxy)], &[&url]);
        let head = heads.recv().unwrap();
        assert!(
            head.starts_with(&format!("CONNECT chat.example:{} ", echo.port)),
            "{head}"
        );
        assert!(head.contains("Basic bWU6czNjcjN0"), "{head}");
    }
    let table = format!("chat.example:{}:127.0.0.1", echo.port);
    let direct = [url.as_str(), "--resolve", &table];
    for (environment, args) in [
        (
            &[
                ("HTTP_PROXY", "http://127.0.0.1:1"),
                ("NO_PROXY", "chat.example"),
            ][..],
            &[][..],
        ),
        (
            &[
                ("ALL_PROXY", "http://127.0.0.1:1"),
                ("no_proxy", ".example"),
            ],
            &[],
        ),
        (
            &[("ALL_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "*")],
            &[],
        ),
        (
            &[("HTTP_PROXY", "http://127.0.0.1:1")],
            &["--noproxy", "chat.example"],
        ),
        (&[("HTTP_PROXY", "http://127.0.0.1:1")], &["--proxy", ""]),
        (&[("HTTPS_PROXY", "http://127.0.0.1:1")], &[]), // is not for ws://
        (
            &[("NO_PROXY", "chat.example")],
            &["--proxy", "http://127.0.0.1:1"],
        ),
        (&[], &["--proxy", "http://127.0.0.1:1", "--noproxy", "*"]),
    ] {
        echoes(environment, &[&direct[..], args].concat());
    }
    // A flag is stronger than the environment.
    let flag = format!("http://127.0.0.1:{port}");
    echoes(
        &[("HTTP_PROXY", "http://127.0.0.1:1")],
        &[&url, "--proxy", &flag],
    );
    assert!(!heads.recv().unwrap().contains("Basic"));
    let said = fails(&[("HTTP_PROXY", "http://127.0.0.1:1")], &direct);
    assert!(
        said.contains("http://127.0.0.1:1") && said.contains("--proxy ''"),
        "{said}"
    );
}

#[test]
fn the_environment_may_name_socks() {
    let echo = Echo::start(&[]);
    let socks = Program::microsocks(None);
    let proxy = format!("socks5://127.0.0.1:{}", socks.port);
    let url = format!("ws://chat.example:{}/", echo.port);
    let table = format!("chat.example:{}:127.0.0.1", echo.port);
    echoes(&[("ALL_PROXY", &proxy)], &[&url, "--resolve", &table]);
}

#[test]
fn what_is_no_proxy_is_told_apart_and_cannot_drive_the_terminal() {
    let target = "ws://chat.example/";
    for answer in [
        &b"HTTP/1.1 403 Forbidden\r\nX-A: 1\r\n\r\n\x1b]0;pwned\x07not allowed"[..],
        b"\x05\xff",
        b"\x1b[2J\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                _ = stream.read(&mut [0; 1024]);
                _ = stream.write_all(answer);
                _ = stream.shutdown(std::net::Shutdown::Write);
                _ = stream.read(&mut [0; 1024]);
            }
        });
        for scheme in ["http", "socks5h"] {
            let proxy = format!("{scheme}://me:s3cr3t@127.0.0.1:{port}");
            let said = fails(&[], &[target, "--proxy", &proxy]);
            assert!(!said.contains('\x1b'), "{said:?}");
            if answer.starts_with(b"HTTP/1.1 403") && scheme == "http" {
                assert!(
                    said.contains("  x-a: 1\n") && said.contains("not allowed"),
                    "{said}"
                );
                assert!(said.contains("hint: the proxy does not allow"), "{said}");
            }
        }
    }
}
