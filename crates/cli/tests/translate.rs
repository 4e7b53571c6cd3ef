//! Other ways of saying "this connection": a command for curl, a profile, another tool's words.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};

/// A server that lets one client in and gives the head of its request.
fn asked() -> (u16, Receiver<String>) {
    let (tell, told) = channel();
    let (port, _) = server(move |stream, head| {
        switch(stream, head, "Sec-WebSocket-Protocol: v2\r\n");
        _ = tell.send(head.to_owned());
        receive(stream);
    });
    (port, told)
}

/// A command that has this file of profiles.
fn with_profiles(text: &str) -> (tempfile::TempDir, Command) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("tidewire");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), text).unwrap();
    let mut command = tidewire();
    command.env("XDG_CONFIG_HOME", home.path());
    (home, command)
}

fn said(output: &Output) -> String {
    text(&output.stderr)
}

#[test]
fn a_command_that_a_browser_copied_connects_as_the_page_did() {
    let (port, head) = asked();
    let curl = format!(
        "curl 'ws://127.0.0.1:{port}/chat?x=1' -H 'Upgrade: websocket' -H 'Origin: https://a.example' \
         -b 'sid=abc' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' -H 'Sec-WebSocket-Protocol: v2'"
    );
    // What is typed beside it wins.
    let output = run(
        &["--from-curl", &curl, "-o", "https://b.example", "-E"],
        b"",
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let head = head.recv().unwrap().to_ascii_lowercase();
    for line in [
        "get /chat?x=1 http/1.1\r\n",
        "\r\norigin: https://b.example\r\n",
        "\r\ncookie: sid=abc\r\n",
        "\r\nsec-websocket-protocol: v2\r\n",
    ] {
        assert!(head.contains(line), "{line:?} is not in {head}");
    }
    assert_eq!(head.matches("sec-websocket-key").count(), 1);
    assert!(!head.contains("dghlihnhbxbszsbub25jzq"), "{head}");
    for (curl, part) in [
        ("curl 'ws://h", "--from-curl: "),
        ("wget ws://h", "begins with curl"),
        ("curl -d x ws://h", "gives the request a body"),
        ("curl ws://h; rm -rf x", "';' at byte"),
        ("@/no/such", "/no/such"),
    ] {
        let output = run(&["--from-curl", curl], b"");
        assert_eq!(output.status.code(), Some(2), "{curl}: {}", said(&output));
        assert!(said(&output).contains(part), "{curl}: {}", said(&output));
    }
}

#[test]
fn a_connection_is_printed_for_other_tools_and_none_is_made() {
    for (tool, part) in [
        (
            "wscat",
            "wscat -c ws://127.0.0.1:1/x -s v2 -H 'X-A: it'\\''s'",
        ),
        ("websocat", "websocat "),
        ("curl", "Sec-WebSocket-Version: 13"),
        ("js", "new WebSocket(\"ws://127.0.0.1:1/x\", [\"v2\"])"),
        ("python", "from websockets.sync.client import connect"),
    ] {
        let args = ["127.0.0.1:1/x", "-s", "v2", "-H", "X-A: it's", "--as", tool];
        let output = run(&[&args[..], &["-4"]].concat(), b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let printed = text(&output.stdout);
        assert!(printed.contains(part), "{tool}: {printed}");
        assert!(said(&output).contains("left out: -4"), "{}", said(&output));
    }
    let args = ["127.0.0.1:1", "-x", "@@me", "-x", "@file", "--as", "wscat"];
    let output = run(&args, b"");
    assert_eq!(text(&output.stdout), "wscat -c ws://127.0.0.1:1 -x @me\n");
    assert!(
        said(&output).contains("left out: -x @FILE"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_profile_stands_for_its_url_and_its_options() {
    let (port, head) = asked();
    let (_home, mut command) = with_profiles(&format!(
        "[profiles.prod]\nurl = \"ws://127.0.0.1:{port}/feed\"\nsubprotocol = [\"v2\"]\n\
         bearer = \"${{API_TOKEN}}\"\norigin = \"https://a.example\"\nexit-on-eof = true\n\
         duration = \"5s\"\nheaders = {{ X-Team = \"blue\" }}\n"
    ));
    let output = command
        .args(["@prod", "-o", "https://b.example"])
        .env("API_TOKEN", "s3cret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let head = head.recv().unwrap().to_ascii_lowercase();
    for line in [
        "get /feed http/1.1\r\n",
        "\r\nauthorization: bearer s3cret\r\n",
        "\r\nsec-websocket-protocol: v2\r\n",
        "\r\nx-team: blue\r\n",
        "\r\norigin: https://b.example\r\n",
    ] {
        assert!(head.contains(line), "{line:?} is not in {head}");
    }
}

#[test]
fn a_login_that_is_typed_takes_the_place_of_another_kind() {
    let (port, head) = asked();
    let (_home, mut command) = with_profiles(&format!(
        "[profiles.prod]\nurl = \"ws://127.0.0.1:{port}/\"\nauth = \"ann:secret\"\n"
    ));
    let output = command
        .args(["@prod", "--bearer", "token", "-s", "v2", "-E"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let head = head.recv().unwrap().to_ascii_lowercase();
    assert!(
        head.contains("\r\nauthorization: bearer token\r\n"),
        "{head}"
    );
    assert!(!head.contains("basic"), "{head}");
}

#[test]
fn what_is_wrong_with_a_profile_is_told_with_its_place() {
    for (args, part) in [
        (&["@gone"][..], "there is no profile \"gone\"; there is: "),
        (
            &["connect", "@secret"],
            "the variable NO_SUCH_TOKEN is not set",
        ),
        (
            &["doctor", "@wrong"],
            "nonsense: no command has such an option",
        ),
        (&["@bare"], "the profile @bare has no url"),
    ] {
        let (home, mut command) = with_profiles(
            "[profiles.secret]\nurl = \"ws://127.0.0.1:1\"\nbearer = \"${NO_SUCH_TOKEN}\"\n\
             [profiles.wrong]\nurl = \"ws://127.0.0.1:1\"\nnonsense = 1\n[profiles.bare]\n",
        );
        command.env_remove("NO_SUCH_TOKEN");
        let output = command.args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(part), "{}", said(&output));
        drop(home);
    }
}
