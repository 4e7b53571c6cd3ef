//! How many system calls a delivery costs the hub, counted by strace.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;
mod raw;
use common::*;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

const SUBSCRIBERS: usize = 100;
const BURST: usize = 4;

/// Set in the process that serves.
const SERVE: &str = "TIDEWIRE_TEST_SERVE";

/// The calls that move bytes, and those that wait for them.
const COUNTED: [&str; 10] = [
    "recvfrom",
    "sendto",
    "recvmsg",
    "sendmsg",
    "read",
    "write",
    "readv",
    "writev",
    "epoll_wait",
    "epoll_pwait",
];

/// In the child process: a hub, until its stdin ends. Elsewhere there is nothing to do.
#[test]
fn a_hub_for_the_other_test_to_watch() {
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    let runtime = runtime();
    let mut config = in_memory();
    config.shards = 1;
    let running = runtime.block_on(start(config));
    println!("\nserving {}", running.hub.addrs()[0]);
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).unwrap();
}

struct Traced {
    hub: Child,
    /// Kept open: what the harness prints at its end has to go somewhere.
    _said: Lines<BufReader<ChildStdout>>,
    tracer: Child,
    trace: tempfile::TempPath,
    addr: SocketAddr,
}

impl Traced {
    fn start() -> Self {
        let mut hub = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "a_hub_for_the_other_test_to_watch",
                "--nocapture",
            ])
            .env(SERVE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(hub.stdout.take().unwrap()).lines();
        let addr = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(addr) = line.strip_prefix("serving ") {
                break addr.parse().unwrap();
            }
        };
        let trace = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut tracer = Command::new("strace")
            .args(["-f", "-e", "signal=none", "-o"])
            .arg(&trace)
            .args(["-p", &hub.id().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed (apt-get install strace)");
        let mut attached = String::new();
        BufReader::new(tracer.stderr.take().unwrap())
            .read_line(&mut attached)
            .unwrap();
        assert!(
            attached.contains("attached"),
            "strace may not trace here: {attached}"
        );
        Self {
            hub,
            _said: lines,
            tracer,
            trace,
            addr,
        }
    }

    /// Ends the hub and counts what it did.
    fn count(mut self) -> usize {
        drop(self.hub.stdin.take());
        self.hub.wait().unwrap();
        self.tracer.wait().unwrap();
        let trace = std::fs::read_to_string(&self.trace).unwrap();
        // `PID name(args) = result`; a call cut in two has its name in the first line only.
        let names = trace.lines().filter_map(|line| {
            let (_, call) = line.split_once(char::is_whitespace)?;
            Some(call.trim_start().split_once('(')?.0)
        });
        names.filter(|name| COUNTED.contains(name)).count()
    }
}

fn run(rounds: usize) -> usize {
    let hub = Traced::start();
    let mut buf = [0; 4096];
    let mut listeners: Vec<TcpStream> = (0..SUBSCRIBERS)
        .map(|_| {
            let mut tcp = raw::connect(hub.addr, "/ws", false);
            raw::receive(&mut tcp, &mut buf);
            raw::send(&mut tcp, r#"{"op":"subscribe","id":1,"channel":"live:x"}"#);
            raw::receive(&mut tcp, &mut buf);
            tcp
        })
        .collect();
    let mut publisher = raw::connect(hub.addr, "/c/live:x", false);
    let mut frame = vec![0x81, 0x80 | 64, 0, 0, 0, 0];
    frame.extend([b'x'; 64]);
    let burst = frame.repeat(BURST);
    for _ in 0..rounds {
        publisher.write_all(&burst).unwrap();
        for tcp in &mut listeners {
            for _ in 0..BURST {
                assert!(!raw::receive(tcp, &mut buf).is_empty());
            }
        }
    }
    hub.count()
}

#[test]
fn a_burst_reaches_each_subscriber_in_one_write() {
    // The difference of a long and a short run: what starting and connecting cost falls away.
    let (short, long) = (run(5), run(45));
    let deliveries = (40 * SUBSCRIBERS * BURST) as f64;
    let each = (long - short) as f64 / deliveries;
    println!("system calls per delivery in bursts of {BURST}: {each:.4}");
    assert!(each < 0.5, "{each} calls per delivery");
}
