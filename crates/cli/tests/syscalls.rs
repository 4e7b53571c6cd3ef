//! How many system calls an echo costs `tidewire echo`, counted by strace.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
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

struct Server {
    process: Child,
    tracer: Child,
    addr: String,
    trace: std::path::PathBuf,
}

impl Server {
    fn start(name: &str) -> Self {
        let trace = std::env::temp_dir().join(format!("tidewire-{}-{name}", std::process::id()));
        let mut process = Command::new(env!("CARGO_BIN_EXE_tidewire"))
            .args(["echo", "127.0.0.1:0", "--threads", "1", "--quiet"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let addr = line
            .trim()
            .trim_start_matches("listening on ws://")
            .trim_end_matches('/');
        let mut tracer = Command::new("strace")
            .args(["-f", "-e", "signal=none", "-o"])
            .arg(&trace)
            .args(["-p", &process.id().to_string()])
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
            addr: addr.to_owned(),
            process,
            tracer,
            trace,
        }
    }

    /// Ends the server and counts what it did.
    fn count(mut self) -> Calls {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
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

fn connect(addr: &str) -> TcpStream {
    let mut tcp = TcpStream::connect(addr).unwrap();
    tcp.set_nodelay(true).unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    tcp.write_all(request.as_bytes()).unwrap();
    let (mut head, mut len) = ([0; 512], 0);
    while !head[..len].ends_with(b"\r\n\r\n") {
        len += tcp.read(&mut head[len..]).unwrap();
    }
    tcp
}

fn run(depth: usize, rounds: usize) -> Calls {
    let server = Server::start(&format!("{depth}-{rounds}"));
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| connect(&server.addr)).collect();
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
