//! How many system calls an echo costs `tidewire echo`, counted by strace.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::disallowed_macros)]

mod common;
use common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

const CONNECTIONS: usize = 32;

/// The calls that move bytes, and the one that waits for them.
const MOVE: [&str; 8] = [
    "recvfrom", "sendto", "recvmsg", "sendmsg", "read", "write", "readv", "writev",
];
const WAIT: [&str; 2] = ["epoll_wait", "epoll_pwait"];

#[derive(Clone, Copy)]
struct Calls {
    moving: usize,
    waiting: usize,
}

struct Traced {
    echo: Echo,
    tracer: Child,
    trace: std::path::PathBuf,
}

impl Traced {
    fn start(name: &str) -> Self {
        let trace = std::env::temp_dir().join(format!("tidewire-{}-{name}", std::process::id()));
        let echo = Echo::start(&["--threads", "1", "--quiet"]);
        let mut tracer = Command::new("strace")
            .args(["-f", "-e", "signal=none", "-o"])
            .arg(&trace)
            .args(["-p", &echo.child.id().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed (apt-get install strace)");
        // `Process N attached`: from here on everything is seen.
        let mut attached = String::new();
        BufReader::new(tracer.stderr.take().unwrap())
            .read_line(&mut attached)
            .unwrap();
        assert!(
            attached.contains("attached"),
            "strace may not trace here: {attached}"
        );
        Self {
            echo,
            tracer,
            trace,
        }
    }

    /// Ends the server and counts what it did.
    fn count(mut self) -> Calls {
        drop(self.echo);
        self.tracer.wait().unwrap();
        let trace = std::fs::read_to_string(&self.trace).unwrap();
        let _ = std::fs::remove_file(&self.trace);
        // `PID name(args) = result`; a call cut in two has its name in the first line only.
        let names = trace.lines().filter_map(|line| {
            let (_, call) = line.split_once(char::is_whitespace)?;
            Some(call.trim_start().split_once('(')?.0)
        });
        let mut calls = Calls {
            moving: 0,
            waiting: 0,
        };
        for name in names {
            calls.moving += usize::from(MOVE.contains(&name));
            calls.waiting += usize::from(WAIT.contains(&name));
        }
        calls
    }
}

fn run(depth: usize, rounds: usize) -> Calls {
    let server = Traced::start(&format!("{depth}-{rounds}"));
    let mut clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| server.echo.websocket("/", "").0)
        .collect();
    let frame = [&[0x82, 0xa0, 0, 0, 0, 0][..], &[7; 32]].concat();
    let burst = frame.repeat(depth);
    let mut back = vec![0; 34 * depth];
    for _ in 0..rounds {
        for tcp in &mut clients {
            tcp.write_all(&burst).unwrap();
        }
        for tcp in &mut clients {
            tcp.read_exact(&mut back).unwrap();
        }
    }
    server.count()
}

/// System calls per echo: those that move bytes, and all.
fn per_echo(depth: usize) -> (f64, f64) {
    // The difference of a long and a short run: what starting and connecting cost falls away.
    let (short, long) = (run(depth, 10), run(depth, 60));
    let echoes = (50 * CONNECTIONS * depth) as f64;
    let moving = (long.moving - short.moving) as f64 / echoes;
    (
        moving,
        moving + long.waiting.saturating_sub(short.waiting) as f64 / echoes,
    )
}

#[test]
fn an_echo_costs_two_system_calls_and_a_batch_shares_them() {
    for (depth, most) in [(1, 2.02), (16, 0.13)] {
        let (moving, all) = per_echo(depth);
        println!("system calls per echo at depth {depth}: {moving:.4}, with waiting {all:.4}");
        assert!(moving <= most, "{moving} calls per echo at depth {depth}");
        assert!(
            depth == 1 || all < 0.2,
            "{all} calls per echo, waiting included, at depth {depth}"
        );
    }
}
