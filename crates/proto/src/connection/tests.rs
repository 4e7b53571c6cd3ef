//! What cannot be seen from outside: that a connection at rest, or past its end, holds nothing.
//! How it behaves is in `tests/connection/`, what it allocates in `tests/allocations.rs`.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::deflate::Pool;
use tidewire_testkit::beginning;

/// A server that got this from a client, one byte at a time.
fn server_after(bytes: &[u8]) -> Connection {
    let now = beginning();
    let mut connection = Connection::new(Role::Server, Arc::new(Config::default()), None, now);
    for byte in bytes {
        let mut byte = [*byte];
        let mut input = &mut byte[..];
        while let Ok(Some(_)) = connection.receive(now, &mut Pool::default(), &mut input) {}
    }
    connection
}

/// A frame masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

fn holds_nothing(connection: &Connection) -> bool {
    format!("{:?}", connection.recv)
        .contains("head_len: 0, frame: None, message: None, control: None")
}

#[test]
fn a_connection_is_small() {
    let size = size_of::<Connection>();
    assert!(
        size <= 320,
        "{size} bytes: with its task and its socket it must stay below 1 KiB"
    );
}

#[test]
fn nothing_is_held_between_messages() {
    let fragments = [frame(0x01, b"Sp"), frame(0x89, b"ping"), frame(0x80, b"am")].concat();
    let connection = server_after(&fragments);
    assert!(holds_nothing(&connection), "{:?}", connection.recv);
}

#[test]
fn nothing_is_held_past_the_end() {
    let begun = [frame(0x01, b"gathered"), frame(0x89, b"ping")].concat();
    for (name, end) in [
        ("the peer's Close", frame(0x88, b"")),
        ("a violation", frame(0xB1, b"")),
    ] {
        let mut connection = server_after(&[&begun[..], &end].concat());
        assert!(holds_nothing(&connection), "{name}: {:?}", connection.recv);
        connection.poll_transmit(beginning(), &mut NoMasks, &mut Vec::new());
        assert_eq!(
            format!("{:?}", connection.control),
            format!("{:?}", ControlQueue::default())
        );
    }
    let mut connection = server_after(&begun);
    assert!(!holds_nothing(&connection));
    assert!(connection.receive_eof(beginning()).is_err());
    assert!(holds_nothing(&connection));
}

/// A server never asks for a key.
struct NoMasks;

impl MaskSource for NoMasks {
    fn next_mask(&mut self) -> [u8; 4] {
        panic!("a server asked for a masking key")
    }
}
