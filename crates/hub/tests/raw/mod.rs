//! A client without a heap: it sends fixed bytes over a plain socket, so that counting sees the hub alone.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Opens a WebSocket, with compression offered or not.
pub fn connect(addr: SocketAddr, path: &str, deflate: bool) -> TcpStream {
    let mut tcp = TcpStream::connect(addr).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    tcp.set_nodelay(true).unwrap();
    let mut head = [0; 512];
    let mut room = &mut head[..];
    let offer = if deflate {
        "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    } else {
        ""
    };
    write!(
        room,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
    )
    .unwrap();
    let left = room.len();
    tcp.write_all(&head[..head.len() - left]).unwrap();
    // Byte by byte: what follows belongs to the caller.
    let mut answer = [0; 1024];
    let mut len = 0;
    while !answer[..len].ends_with(b"\r\n\r\n") {
        tcp.read_exact(&mut answer[len..=len]).unwrap();
        len += 1;
    }
    let answer = std::str::from_utf8(&answer[..len]).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert_eq!(answer.contains("permessage-deflate"), deflate);
    tcp
}

/// Sends a short text, with a mask of zeros.
pub fn send(tcp: &mut TcpStream, text: &str) {
    let mut frame = [0; 131];
    frame[0] = 0x81;
    frame[1] = 0x80 | u8::try_from(text.len()).unwrap();
    assert!(text.len() < 126);
    frame[6..6 + text.len()].copy_from_slice(text.as_bytes());
    tcp.write_all(&frame[..6 + text.len()]).unwrap();
}

/// Reads one frame into `buf`; its payload.
pub fn receive<'a>(tcp: &mut TcpStream, buf: &'a mut [u8]) -> &'a [u8] {
    let mut head = [0; 4];
    tcp.read_exact(&mut head[..2]).unwrap();
    let len = match head[1] {
        126 => {
            tcp.read_exact(&mut head[2..]).unwrap();
            usize::from(u16::from_be_bytes([head[2], head[3]]))
        }
        len => usize::from(len),
    };
    tcp.read_exact(&mut buf[..len]).unwrap();
    &buf[..len]
}
