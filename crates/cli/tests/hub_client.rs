//! `tidewire sub`, `pub` and `send` against a real hub, a hub that is killed, and servers that are none.
#![allow(clippy::unwrap_used)]

mod common;
mod hub_common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use common::{frame, receive, send, server, switch, text, tidewire, wait_for};
use hub_common::Hub;
use serde_json::{Value, json};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG: &str = r#"
[namespaces.chat]
storage = "durable"
subscribe = "anyone"
publish = "anyone"
presence = "anyone"
rate = 1000000
burst = 1000000

[namespaces.slow]
subscribe = "anyone"
publish = "anyone"
rate = 100
burst = 10

[namespaces.live]
subscribe = "anyone"
publish = "anyone"
history_size = 5
max_message = 100

[namespaces.closed]
"#;

/// A command for this hub.
fn at(hub: &str, args: &[&str]) -> Command {
    let mut command = tidewire();
    command
        .args(args)
        .env("TIDEWIRE_HUB", hub)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end.
fn run(hub: &Hub, args: &[&str], input: &str) -> Output {
    run_at(&format!("http://{}", hub.addr()), args, input)
}

fn run_at(hub: &str, args: &[&str], input: &str) -> Output {
    let mut child = at(hub, args).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Who was refused does not read to the end.
    _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// A command that runs, and the lines of one of its streams.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    out: mpsc::Receiver<String>,
    err: mpsc::Receiver<String>,
}

impl Running {
    fn start(hub: &Hub, args: &[&str]) -> Self {
        let mut child = at(&format!("http://{}", hub.addr()), args).spawn().unwrap();
        Running {
            stdin: child.stdin.take(),
            out: lines(child.stdout.take().unwrap()),
            err: lines(child.stderr.take().unwrap()),
            child,
        }
    }

    /// The next line of stdout.
    fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).expect("a line on stdout")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Waits for a line on stderr that holds this.
    fn told(&self, part: &str) -> String {
        loop {
            let line = self.err.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{part:?} is told on stderr"));
            if line.contains(part) {
                return line;
            }
        }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            _ = sender.send(line);
        }
    });
    receiver
}

/// Subscribes, and waits until it does.
fn subscribed(hub: &Hub, channel: &str, args: &[&str]) -> Running {
    let args = [&["sub", channel, "--name", "Watcher"], args].concat();
    let running = Running::start(hub, &args);
    // Everything published after this one is heard.
    loop {
        let done = run(hub, &["pub", channel, "are you there?"], "");
        assert!(done.status.success(), "{done:?}");
        if running.out.recv_timeout(Duration::from_millis(300)).is_ok() {
            break;
        }
    }
    while running.out.recv_timeout(Duration::from_millis(300)).is_ok() {}
    running
}

#[test]
fn what_is_published_is_printed_as_one_line_of_json_or_its_payload_alone() {
    let hub = Hub::start(CONFIG);
    let done = run(&hub, &["pub", "lobby", "-"], "a\nb");
    assert_eq!(
        (done.status.code(), text(&done.stderr).as_str()),
        (Some(0), "")
    );
    assert_eq!(text(&done.stdout), "");
    run(&hub, &["pub", "lobby", r#"{"exact": 1.0e5}"#, "--json"], "");
    run(&hub, &["pub", "lobby", "-b", "-"], "\0\u{1}");
    run(&hub, &["pub", "lobby", "--null"], "x\ny\0z");

    let done = run(
        &hub,
        &["sub", "lobby", "--history", "9", "--count", "5"],
        "",
    );
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let lines: Vec<Value> = text(&done.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["channel"], "chat:lobby");
    assert_eq!(lines[0]["text"], "a\nb");
    assert!(text(&done.stdout).contains(r#""data":{"exact": 1.0e5}"#));
    assert_eq!(lines[2]["base64"], "AAE=");
    assert_eq!(
        (&lines[3]["text"], &lines[4]["text"]),
        (&json!("x\ny"), &json!("z"))
    );

    let since = lines[2]["pos"].as_str().unwrap();
    let done = run(
        &hub,
        &["sub", "lobby", "--since", since, "--count", "2", "--raw"],
        "",
    );
    assert_eq!(text(&done.stdout), "x\ny\nz\n");
    let done = run(
        &hub,
        &["sub", "lobby", "--history", "3", "--count", "1", "--raw"],
        "",
    );
    assert_eq!(done.stdout, [0, 1]);
}

#[test]
fn each_line_of_a_growing_file_is_published_when_it_is_written() {
    let hub = Hub::start(CONFIG);
    let watcher = subscribed(&hub, "chat:log", &["--raw"]);
    let file = hub.folder().join("app.log");
    std::fs::write(&file, "first\n").unwrap();
    let mut tail = Command::new("tail")
        .args(["-n", "+1", "-f"])
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let url = format!("http://{}", hub.addr());
    let mut publisher = at(&url, &["pub", "chat:log"])
        .stdin(tail.stdout.take().unwrap())
        .spawn()
        .unwrap();
    assert_eq!(watcher.line(), "first");
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    for line in ["second", "third"] {
        writeln!(file, "{line}").unwrap();
        assert_eq!(watcher.line(), line);
    }
    tail.kill().unwrap();
    tail.wait().unwrap();
    assert_eq!(wait_for(&mut publisher), Some(0), "the end of its input");
}

#[test]
fn nothing_is_lost_or_doubled_when_the_hub_is_killed_while_both_run() {
    let mut hub = Hub::start(CONFIG);
    let addr = hub.addr().to_string();
    let watcher = subscribed(&hub, "chat:orders", &["--raw"]);
    let mut publisher = Running::start(&hub, &["pub", "chat:orders"]);
    let mut heard = Vec::new();
    let mut next = 0;
    for round in 0..4 {
        // Some are under way whenever it dies.
        for _ in 0..700 {
            publisher.type_line(&format!("m{next}"));
            next += 1;
        }
        for _ in 0..100 * round {
            heard.push(watcher.line());
        }
        hub.kill();
        for _ in 0..50 {
            publisher.type_line(&format!("m{next}"));
            next += 1;
        }
        watcher.told("lost the hub");
        hub.restart_at(&addr);
        watcher.told("found the hub again");
    }
    drop(publisher.stdin.take());
    while heard.len() < next {
        heard.push(watcher.line());
    }
    let all: Vec<String> = (0..next).map(|number| format!("m{number}")).collect();
    assert!(heard == all, "in order, each once: {:?}", odd(&heard));
    assert_eq!(wait_for(&mut publisher.child), Some(0));
    let more = watcher.out.recv_timeout(Duration::from_millis(200));
    assert!(more.is_err(), "{more:?} is too many");
    assert!(watcher.err.try_iter().all(|line| !line.contains("gap")));
}

/// Where the order breaks.
fn odd(heard: &[String]) -> Option<(usize, &String)> {
    let mut places = heard.iter().enumerate();
    places.find(|(number, line)| **line != format!("m{number}"))
}

#[test]
fn a_gap_is_told_and_what_is_left_behind_it_comes() {
    let mut hub = Hub::start(CONFIG);
    let addr = hub.addr().to_string();
    let watcher = subscribed(&hub, "live:news", &["--raw"]);
    hub.kill();
    // What is in memory alone is gone with the hub.
    watcher.told("lost the hub");
    hub.restart_at(&addr);
    watcher.told("gap in live:news");
    run(&hub, &["pub", "live:news"], "one\ntwo\n");
    assert_eq!([watcher.line(), watcher.line()], ["one", "two"]);
}

#[test]
fn a_hub_that_asks_to_wait_gets_everything_in_its_order() {
    let hub = Hub::start(CONFIG);
    let lines: String = (0..60).map(|number| format!("{number}\n")).collect();
    let done = run(&hub, &["pub", "slow:x"], &lines);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let done = run(
        &hub,
        &[
            "sub",
            "slow:x",
            "--history",
            "100",
            "--count",
            "60",
            "--raw",
        ],
        "",
    );
    let heard = text(&done.stdout);
    let all: BTreeSet<&str> = heard.lines().collect();
    assert_eq!((all.len(), heard.lines().count()), (60, 60), "each once");
    assert!(heard.ends_with("57\n58\n59\n"), "{heard}");
}

#[test]
fn a_key_keeps_a_message_once_for_the_same_guest() {
    let hub = Hub::start(CONFIG);
    let url = format!("ws://{}/ws", hub.addr());
    let hello = common::run(&[&url], b"");
    let hello: Value = serde_json::from_str(text(&hello.stdout).lines().next().unwrap()).unwrap();
    let token = hello["client"].as_str().unwrap();
    let args = [
        "pub",
        "lobby",
        "paid",
        "--message-key",
        "order-7",
        "--token",
        token,
    ];
    for _ in 0..3 {
        assert_eq!(run(&hub, &args, "").status.code(), Some(0));
    }
    run(&hub, &["pub", "lobby", "end"], "");
    let done = run(
        &hub,
        &["sub", "lobby", "--history", "9", "--count", "2", "--raw"],
        "",
    );
    assert_eq!(text(&done.stdout), "paid\nend\n");
    let done = run(&hub, &["pub", "lobby", "x", "--token", "forged.AAAA"], "");
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("--token"), "{done:?}");
}

#[test]
fn who_comes_and_goes_is_printed_when_asked_for() {
    let hub = Hub::start(CONFIG);
    let watcher = subscribed(&hub, "chat:room", &["--presence"]);
    let guest = Running::start(&hub, &["sub", "chat:room", "--name", "Bob"]);
    let join = loop {
        let line = watcher.json();
        if line["name"] == "Bob" {
            break line;
        }
    };
    assert_eq!(join["op"], "join");
    drop(guest);
    let leave = watcher.json();
    assert_eq!(
        (&leave["op"], &leave["name"]),
        (&json!("leave"), &json!("Bob"))
    );
}

#[test]
fn a_message_to_one_session_reaches_it_and_one_that_is_gone_is_told() {
    let hub = Hub::start(CONFIG);
    let watcher = subscribed(&hub, "chat:room", &["--presence"]);
    let guest = Running::start(&hub, &["sub", "chat:room"]);
    let session = watcher.json()["session"].as_str().unwrap().to_owned();
    let done = run(&hub, &["send", &session, r#"{"order": 7}"#, "--json"], "");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(guest.line(), r#"{"op":"direct","data":{"order": 7}}"#);
    run(&hub, &["send", &session], "from stdin");
    assert_eq!(guest.json()["text"], "from stdin");
    drop(guest);
    watcher.line();
    for session in [session.as_str(), "../status", ""] {
        let done = run(&hub, &["send", session, "hi"], "");
        assert_ne!(done.status.code(), Some(0), "{done:?}");
    }
    let done = run(&hub, &["send", &session, "hi"], "");
    assert_eq!(done.status.code(), Some(6));
    assert!(
        text(&done.stderr).contains("no such session here"),
        "{done:?}"
    );
}

#[test]
fn what_is_denied_says_what_opens_it() {
    let hub = Hub::start(CONFIG);
    for (args, code, parts) in [
        (
            &["sub", "closed:x"][..],
            6,
            &["closed:x", "subscribe = \"anyone\" in [namespaces.closed]"][..],
        ),
        (
            &["pub", "closed:x", "hi"],
            6,
            &["publish = \"anyone\" in [namespaces.closed]"],
        ),
        (&["sub", "nowhere:x"], 6, &["[namespaces.nowhere]"]),
        (&["pub", "NO:x", "hi"], 2, &["NO:x", "no channel"]),
        (&["sub", "lobby", "--since", "yesterday"], 2, &["--since"]),
        (
            &["sub", "a", "b", "--since", "gWuY-42"],
            2,
            &["--since", "one channel"],
        ),
        (&["pub", "lobby", "{", "--json"], 1, &["not JSON"]),
    ] {
        let done = run(&hub, args, "");
        assert_eq!(done.status.code(), Some(code), "{args:?}: {done:?}");
        for part in parts {
            assert!(text(&done.stderr).contains(part), "{args:?}: {done:?}");
        }
    }
    let large = format!("small\n{}\nnever\n", "x".repeat(101));
    let done = run(&hub, &["pub", "live:x"], &large);
    assert_eq!(done.status.code(), Some(8));
    let told = text(&done.stderr);
    assert!(
        told.contains("message 2") && told.contains("max_message"),
        "{told}"
    );
    let done = run(&hub, &["pub", "live:x", "--json"], "1\n2\n{\n4\n");
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stderr).contains("line 3"), "{done:?}");
}

#[test]
fn without_a_hub_it_says_how_to_start_one() {
    let port = {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        free.local_addr().unwrap().port()
    };
    for args in [
        &["sub", "lobby"][..],
        &["pub", "lobby", "hi"],
        &["send", "x", "hi"],
    ] {
        let done = run_at(&format!("http://127.0.0.1:{port}"), args, "");
        assert_eq!(done.status.code(), Some(4), "{done:?}");
        assert!(
            text(&done.stderr).contains("start one with `tidewire serve`"),
            "{done:?}"
        );
    }
}

/// What a command does against a server that says these texts, and closes.
fn against(args: &[&str], says: &'static [&'static str]) -> Output {
    let (port, thread) = server(move |stream, request| {
        switch(stream, request, "");
        for text in says {
            _ = stream.write_all(&frame(1, text.as_bytes()));
        }
        _ = stream.write_all(&frame(8, &common::close(4500, "\u{1b}[2Jbad_protocol")));
        // Until the client has gone, too.
        _ = std::io::copy(stream, &mut std::io::sink());
    });
    let done = run_at(&format!("http://127.0.0.1:{port}"), args, "");
    thread.join().unwrap();
    done
}

#[test]
fn servers_that_are_no_hub_are_told_apart_and_drive_no_terminal() {
    const HELLO: &str = r#"{"op":"hello","session":"s","client":"c.d","protocol":"tidewire.v1"}"#;
    for says in [
        &["hi"][..],
        &[""],
        &["[]"],
        &["{\"op\":\"\\u001b[2J\"}"],
        &[r#"{"op":"hello","protocol":"tidewire.v9"}"#],
        &[
            HELLO,
            r#"{"op":"message","channel":"chat:x","pos":"?","text":"\u001b[2J"}"#,
        ],
        &[HELLO, r#"{"op":"message","data":1,"text":"2"}"#],
        &[
            HELLO,
            "{\"op\":\"ok\",\"id\":1,\"pos\":\"gWuY-1\"}",
            "\u{9b}2J",
        ],
        &[
            HELLO,
            r#"{"op":"bye","code":4500,"reason":"\u001b[2J","reconnect":false}"#,
        ],
        &[HELLO],
    ] {
        for args in [&["sub", "x"][..], &["pub", "x", "hi"]] {
            let done = against(args, says);
            assert_eq!(done.status.code(), Some(8), "{args:?} {says:?}: {done:?}");
            let told = text(&done.stderr);
            assert!(told.starts_with("error: "), "{told}");
            assert!(!told.contains(['\u{1b}', '\u{9b}']), "{told:?}");
        }
    }
}

#[test]
fn answers_that_nobody_asked_for_acknowledge_nothing() {
    let (port, thread) = server(|stream, request| {
        switch(stream, request, "");
        let hello = r#"{"op":"hello","session":"s","client":"c.d","protocol":"tidewire.v1"}"#;
        stream.write_all(&frame(1, hello.as_bytes())).unwrap();
        let (_, publish) = receive(stream);
        assert!(text(&publish).contains("\"key\""));
        for odd in [
            r#"{"op":"ok"}"#,
            r#"{"op":"ok","id":2}"#,
            r#"{"op":"ok","id":"1"}"#,
            r#"{"op":"error","code":"forbidden"}"#,
            r#"{"op":"error","id":99,"code":"too_large"}"#,
            r#"{"op":"direct","text":"hi"}"#,
            r#"{"op":"of a later version"}"#,
        ] {
            stream.write_all(&frame(1, odd.as_bytes())).unwrap();
        }
        // It still waits.
        stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        assert!(stream.read(&mut [0]).is_err());
        stream
            .write_all(&frame(1, br#"{"op":"ok","id":1}"#))
            .unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(receive(stream).0, 8, "then it closes");
        stream
            .write_all(&frame(8, &common::close(1000, "")))
            .unwrap();
    });
    let done = run_at(&format!("http://127.0.0.1:{port}"), &["pub", "x", "hi"], "");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    thread.join().unwrap();
}

#[test]
fn a_web_server_that_is_no_hub_does_not_take_a_message() {
    for (answer, code) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n\x1b[2Jx",
            6,
        ),
        ("HTTP/1.1 500 No\r\n\r\n", 6),
        ("SSH-2.0-OpenSSH\r\n", 8),
        ("", 8),
    ] {
        let (port, thread) = server(move |stream, request| {
            assert!(
                request.starts_with("POST /sessions/a%2Fb HTTP/1.1\r\n"),
                "{request}"
            );
            assert!(
                request.to_lowercase().contains("host: 127.0.0.1:"),
                "{request}"
            );
            let mut body = [0; 13];
            stream.read_exact(&mut body).unwrap();
            _ = stream.write_all(answer.as_bytes());
        });
        let done = run_at(
            &format!("http://127.0.0.1:{port}"),
            &["send", "a/b", "hi"],
            "",
        );
        thread.join().unwrap();
        assert_eq!(done.status.code(), Some(code), "{answer:?}: {done:?}");
        assert!(!text(&done.stderr).contains('\u{1b}'), "{done:?}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_and_a_reader_that_has_enough_does_so_quietly() {
    let hub = Hub::start(CONFIG);
    let mut watcher = subscribed(&hub, "chat:x", &[]);
    common::signal(&watcher.child, rustix::process::Signal::INT);
    assert_eq!(wait_for(&mut watcher.child), Some(130));
    let mut watcher = at(
        &format!("http://{}", hub.addr()),
        &["sub", "chat:x", "--history", "1"],
    )
    .spawn()
    .unwrap();
    drop(watcher.stdout.take());
    assert_eq!(wait_for(&mut watcher), Some(0));
    // The frames of the tests' own client are not needed here.
    _ = send;
}
