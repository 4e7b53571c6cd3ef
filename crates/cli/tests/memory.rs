//! What an idle connection costs the process `tidewire echo`, as the system counts it: resident bytes.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::disallowed_macros)]

mod common;
use common::*;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Resident bytes that one idle connection may cost.
const MOST: u64 = 1024;
/// So many are open before the counting begins, and so many are counted.
const FIRST: u64 = 1000;
const COUNTED: u64 = 5000;

/// Opens a connection, with compression agreed or not, and has one message come back.
fn open(server: &Echo, deflate: bool) -> TcpStream {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (mut tcp, head) = server.websocket("/", if deflate { offer } else { "" });
    assert_eq!(head.contains("permessage-deflate"), deflate);
    // "Hello", with a mask of zeros.
    tcp.write_all(b"\x81\x85\0\0\0\0Hello").unwrap();
    let mut back = [0; 7];
    tcp.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"\x81\x05Hello");
    tcp
}

fn resident(server: &Echo) -> u64 {
    let status = format!("/proc/{}/status", server.child.id());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}

#[test]
fn an_idle_connection_costs_the_process_at_most_a_kibibyte() {
    for deflate in [false, true] {
        // Memory is counted in pages: huge ones would hide what a connection costs.
        let mut command = tidewire();
        command.env("MIMALLOC_ALLOW_THP", "0");
        let server = Echo::start_as(&mut command, &["--threads", "1", "--quiet"]);
        let mut clients: Vec<_> = (0..FIRST).map(|_| open(&server, deflate)).collect();
        let before = resident(&server);
        clients.extend((0..COUNTED).map(|_| open(&server, deflate)));
        let bytes = (resident(&server) - before) / COUNTED;
        println!("idle connection of tidewire echo, deflate {deflate}: {bytes} resident bytes");
        assert!(
            bytes <= MOST,
            "{bytes} resident bytes with deflate {deflate}"
        );
    }
}
