//! What an idle connection costs the process `tidewire echo`, as the system counts it: resident bytes.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Resident bytes that one idle connection may cost.
const MOST: u64 = 1024;
/// So many are open before the counting begins, and so many are counted.
const FIRST: u64 = 1000;
const COUNTED: u64 = 5000;

struct Server {
    process: Child,
    addr: String,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tidewire"))
            .args(["echo", "127.0.0.1:0", "--threads", "1", "--quiet"])
            // Memory is counted in pages: huge ones would hide what a connection costs.
            .env("MIMALLOC_ALLOW_THP", "0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let addr = line
            .trim()
            .trim_start_matches("listening on ws://")
            .trim_end_matches('/');
        Self {
            addr: addr.to_owned(),
            process,
        }
    }

    /// Opens a connection, with compression agreed or not.
    fn connect(&self, deflate: bool) -> TcpStream {
        let mut tcp = TcpStream::connect(&self.addr).unwrap();
        let offer = if deflate {
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        } else {
            ""
        };
        let request = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{offer}\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        tcp.write_all(request.as_bytes()).unwrap();
        let (mut head, mut len) = ([0; 512], 0);
        while !head[..len].ends_with(b"\r\n\r\n") {
            len += tcp.read(&mut head[len..]).unwrap();
        }
        let agreed = head
            .windows(18)
            .any(|window| window == b"permessage-deflate");
        assert_eq!(agreed, deflate);
        // One echo of "Hello", with a mask of zeros.
        tcp.write_all(b"\x81\x85\0\0\0\0Hello").unwrap();
        tcp.read_exact(&mut head[..7]).unwrap();
        assert_eq!(&head[..7], b"\x81\x05Hello");
        tcp
    }

    fn resident(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_idle_connection_costs_the_process_at_most_a_kibibyte() {
    for deflate in [false, true] {
        let server = Server::start();
        let mut clients: Vec<_> = (0..FIRST).map(|_| server.connect(deflate)).collect();
        let before = server.resident();
        clients.extend((0..COUNTED).map(|_| server.connect(deflate)));
        let bytes = (server.resident() - before) / COUNTED;
        println!("idle connection of tidewire echo, deflate {deflate}: {bytes} resident bytes");
        assert!(
            bytes <= MOST,
            "{bytes} resident bytes with deflate {deflate}"
        );
    }
}
