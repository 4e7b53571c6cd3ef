//! `tidewire serve` and `tidewire check-config` as a person meets them.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};

/// A running hub, ended with the test.
struct Serve {
    child: Child,
    /// The addresses it said it listens on, as `http://127.0.0.1:1234`.
    urls: Vec<String>,
    data: tempfile::TempDir,
}

impl Serve {
    fn start(args: &[&str], addresses: usize) -> Serve {
        let data = tempfile::tempdir().unwrap();
        let mut child = tidewire()
            .arg("serve")
            .args(["--data", data.path().to_str().unwrap()])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.as_mut().unwrap());
        let urls = stdout.lines().take(addresses).map(|line| {
            let line = line.unwrap();
            let url = line.strip_prefix("listening on ");
            let url = url.and_then(|url| url.strip_suffix('/'));
            url.unwrap_or_else(|| panic!("the line is {line:?}"))
                .to_owned()
        });
        let urls: Vec<String> = urls.collect();
        assert_eq!(urls.len(), addresses);
        Serve { child, urls, data }
    }

    /// Everything on stderr, after the end.
    fn said(&mut self) -> String {
        let mut said = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn it_says_how_to_use_it_and_a_signal_ends_it() {
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let mut serve = Serve::start(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"], 2);
        assert!(
            serve.urls[0].starts_with("http://127.0.0.1:"),
            "{:?}",
            serve.urls
        );
        assert!(
            serve.urls[1].starts_with("http://127.0.0.1:"),
            "{:?}",
            serve.urls
        );
        common::signal(&serve.child, signal);
        assert_eq!(wait_for(&mut serve.child), Some(0));
        let said = serve.said();
        let url = &serve.urls[0];
        let host = url.strip_prefix("http://").unwrap();
        for part in [
            format!("{url}/chat/lobby\n"),
            format!("wscat -c ws://{host}/chat/lobby\n"),
            format!("curl -N '{url}/sse?channel=lobby'\n"),
            "Development server".to_owned(),
            serve.data.path().to_str().unwrap().to_owned(),
            "saying goodbye".to_owned(),
        ] {
            assert!(said.contains(&part), "{part} is not in\n{said}");
        }
        assert!(!said.contains('\u{1b}'), "no colour outside of a terminal");
    }
}

#[cfg(unix)]
#[test]
fn the_tester_has_a_link_and_a_new_one_when_it_was_used() {
    let mut serve = Serve::start(&["--listen", "127.0.0.1:0"], 1);
    let url = serve.urls[0].clone();
    let host = url.strip_prefix("http://").unwrap().to_owned();
    let mut stderr = BufReader::new(serve.child.stderr.take().unwrap());
    let mut link = || loop {
        let mut line = String::new();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "no link was told");
        if let Some(at) = line.find(&format!("{url}/tester#agent=")) {
            return line[at..].trim_end().to_owned();
        }
    };
    let first = link();
    let token = first.split("#agent=").nth(1).unwrap();
    let mut tcp = std::net::TcpStream::connect(&host).unwrap();
    let length = token.len();
    let request = format!(
        "POST /agent HTTP/1.1\r\nHost: {host}\r\nOrigin: {url}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{token}"
    );
    tcp.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let second = link();
    assert_ne!(first, second);
    common::signal(&serve.child, rustix::process::Signal::TERM);
    assert_eq!(wait_for(&mut serve.child), Some(0));
}

#[cfg(unix)]
#[test]
fn quiet_prints_the_address_and_nothing_else() {
    let mut serve = Serve::start(&["--listen", "127.0.0.1:0", "--quiet"], 1);
    common::signal(&serve.child, rustix::process::Signal::TERM);
    assert_eq!(wait_for(&mut serve.child), Some(0));
    assert_eq!(serve.said(), "");
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let serve = Serve::start(&["--listen", "127.0.0.1:0"], 1);
    let addr = serve.urls[0].strip_prefix("http://").unwrap();
    let data = tempfile::tempdir().unwrap();
    let args = [
        "serve",
        "--listen",
        addr,
        "--data",
        data.path().to_str().unwrap(),
    ];
    let output = run(&args, b"");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    assert!(
        said.starts_with("error: ") && said.contains("in use"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn wrong_options_are_told_by_their_flag_and_end_with_2() {
    for (args, expected) in [
        (
            &["--listen", "0.0.0.0:0"][..],
            "--listen: 0.0.0.0:0 is reachable from other machines",
        ),
        (&["--listen", "nowhere"], "--listen: nowhere has no port"),
        (&["--origin", "*"], "--origin: \"*\" is not an origin"),
        (
            &["--host", "https://a.example"],
            "--host: \"https://a.example\" is an origin",
        ),
        (&["--shards", "x"], "--shards: \"x\" is not a whole number"),
        (
            &["--config", "/no/such/file.toml"],
            "/no/such/file.toml: cannot be read",
        ),
    ] {
        let output = run(&[&["serve"], args].concat(), b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let mut command = tidewire();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("TIDEWIRE_SHARDS", "0x");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("TIDEWIRE_SHARDS: "));
}

#[test]
fn check_config_says_what_a_file_means() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    let sample = run(&["check-config", "--sample"], b"");
    assert_eq!(sample.status.code(), Some(0));
    std::fs::write(&path, &sample.stdout).unwrap();
    let output = run(&["check-config", path.to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("listen = [\"127.0.0.1:4000\"]\n"), "{said}");
    assert!(said.contains("limits.outbox = \"1MiB\"\n"), "{said}");
    let row = |name: &str| {
        let row = said.lines().find(|line| line.starts_with(name));
        row.unwrap().split_whitespace().collect::<Vec<_>>()
    };
    for line in [
        ["namespace", "chat", "dm", "live", "prices"],
        ["storage", "durable", "durable", "memory", "memory"],
        ["history_age", "30d", "30d", "5m", "5m"],
        ["publish", "anyone", "members", "anyone", "anyone"],
        ["max_message", "256KiB", "64KiB", "64KiB", "64KiB"],
    ] {
        assert_eq!(row(&format!("{} ", line[0])), line);
    }
    // The environment counts as it does when serving.
    let mut command = tidewire();
    command
        .arg("check-config")
        .arg(&path)
        .env("TIDEWIRE_LIMITS_OUTBOX", "2MiB");
    let said = text(&command.output().unwrap().stdout);
    assert!(said.contains("limits.outbox = \"2MiB\"\n"), "{said}");
}

#[test]
fn check_config_tells_every_mistake_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    let wrong =
        "shards = \"two\"\n\n[namespaces.chat]\nhistory_sise = 5\nsubscribe = \"everyone\"\n";
    std::fs::write(&path, wrong).unwrap();
    let output = run(&["check-config", path.to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    let begins: Vec<String> = ["1:10", "4:1", "5:13"]
        .map(|at| format!("{}:{at}: ", path.display()))
        .into();
    assert_eq!(said.lines().count(), begins.len(), "{said}");
    for (line, begin) in said.lines().zip(begins) {
        assert!(line.starts_with(&begin), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn tls_dev_is_told_with_its_authority() {
    let home = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut child = tidewire()
        .args(["serve", "--listen", "127.0.0.1:0", "--tls-dev", "--data"])
        .arg(data.path())
        .env("XDG_DATA_HOME", home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("listening on https://127.0.0.1:"),
        "{line}"
    );
    common::signal(&child, rustix::process::Signal::TERM);
    assert_eq!(wait_for(&mut child), Some(0));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    for part in ["wss://127.0.0.1:", "curl --cacert", "tls-dev/ca.pem"] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
}
