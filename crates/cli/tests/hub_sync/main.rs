//! `kill -9` keeps the page cache, so the order of system calls is looked at too: nothing is acknowledged
//! or delivered before the sync of what it tells has returned.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::disallowed_macros)]

#[path = "../hub_common/mod.rs"]
mod hub_common;
mod trace;

use hub_common::Hub;
use hub_common::native::{Native, PATIENCE};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tokio::time::timeout;

const CONFIG: &str = r#"
[namespaces.chat]
storage = "durable"
subscribe = "anyone"
publish = "anyone"
rate = 1000000
burst = 1000000
"#;

const PUBLISHERS: u64 = 3;
const EACH: u64 = 120;
/// Publishes of one connection under way: commits hold several.
const UNDER_WAY: u64 = 8;

/// strace, attached to a process and to all its threads.
fn attach(hub: &Hub, trace: &std::path::Path) -> Child {
    let calls =
        "trace=fdatasync,fsync,pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg,sendmmsg";
    let mut tracer = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-s",
            "131072",
            "-e",
            "signal=none",
            "-e",
            calls,
            "-o",
        ])
        .arg(trace)
        .args(["-p", &hub.pid().to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace is installed (apt-get install strace)");
    // `Process N attached with M threads`: from here on everything is seen.
    let mut attached = String::new();
    let mut said = BufReader::new(tracer.stderr.take().unwrap());
    said.read_line(&mut attached).unwrap();
    assert!(
        attached.contains("attached"),
        "strace may not trace here: {attached}"
    );
    std::thread::spawn(move || said.lines().for_each(drop));
    tracer
}

/// Publishes marked texts; their ids are their marks.
async fn publish(hub: std::net::SocketAddr, number: u64) {
    let mut native = Native::open(hub, None, None).await.unwrap();
    let channel = format!("chat:{}", number % 2);
    let (mut sent, mut answered) = (0, 0);
    while answered < EACH {
        while sent < EACH && sent - answered < UNDER_WAY {
            let mark = 1_000_000 * (number + 1) + sent;
            let text = format!("mark-{mark}.");
            let command = json!({"op": "publish", "id": mark, "channel": channel, "text": text});
            native.send(&command).await.unwrap();
            sent += 1;
        }
        let answer = timeout(PATIENCE, native.next()).await.unwrap().unwrap();
        assert_eq!(answer["op"], "ok", "{answer}");
        answered += 1;
    }
}

/// Reads both channels until everything has come.
async fn listen(mut native: Native) {
    for _ in 0..PUBLISHERS * EACH {
        let message = timeout(PATIENCE, native.next()).await.unwrap().unwrap();
        assert_eq!(message["op"], "message", "{message}");
    }
}

#[tokio::test]
async fn nothing_is_told_before_it_is_on_disk() {
    let mut hub = Hub::start(CONFIG);
    let mut listeners = Vec::new();
    for _ in 0..2 {
        let mut native = Native::open(hub.addr(), None, None).await.unwrap();
        for channel in ["chat:0", "chat:1"] {
            // An answer to a command that is no publish has no number that could be taken for a mark.
            let command = json!({"op": "subscribe", "id": "s", "channel": channel});
            native.send(&command).await.unwrap();
            assert_eq!(native.next().await.unwrap()["op"], "ok");
        }
        listeners.push(native);
    }
    let path = hub.folder().join("trace");
    let mut tracer = attach(&hub, &path);
    let listeners: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(listen(listener)))
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|number| tokio::spawn(publish(hub.addr(), number)))
        .collect();
    for task in publishers.into_iter().chain(listeners) {
        task.await.unwrap();
    }
    hub.kill();
    tracer.wait().unwrap();
    // Bytes that are no text are escaped, so the trace is text.
    let trace = std::fs::read_to_string(&path).unwrap();
    let data = std::fs::canonicalize(hub.data()).unwrap();
    let verdict = trace::judge(&trace, data.to_str().unwrap());
    println!(
        "{} acknowledged, {} delivered, {} syncs",
        verdict.acknowledged, verdict.delivered, verdict.syncs
    );
    let shown = verdict.wrong.iter().take(20).collect::<Vec<_>>();
    assert!(
        shown.is_empty(),
        "{} wrong: {shown:#?}",
        verdict.wrong.len()
    );
    let all = usize::try_from(PUBLISHERS * EACH).unwrap();
    assert_eq!(verdict.acknowledged, all, "every acknowledgement was seen");
    assert_eq!(verdict.delivered, 2 * all, "every delivery was seen");
    assert!(verdict.syncs > 0);
}
