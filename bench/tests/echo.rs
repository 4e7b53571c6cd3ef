//! Each peer really echoes what the comparison sends: small, pipelined, and a mebibyte.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio_tungstenite::tungstenite::{self, Message};

/// A running peer, ended by its pid when dropped.
struct Peer {
    child: Child,
    address: String,
}

impl Peer {
    fn start(name: &str, scheme: &str) -> Peer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_peers"))
            .args([name, "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim_end()
            .strip_prefix(&format!("listening on {scheme}://"))
            .and_then(|rest| rest.strip_suffix('/'))
            .unwrap_or_else(|| panic!("{name} said {line:?}"))
            .to_owned();
        Peer { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn speaks_websocket(name: &str) {
    let peer = Peer::start(name, "ws");
    let url = format!("ws://{}/", peer.address);
    let (mut socket, _) = tungstenite::client(url, peer.connect()).unwrap();

    for message in [
        Message::text("ab".repeat(16)),
        Message::binary(vec![7; 16 * 1024]),
        Message::binary((0..1 << 20).map(|i| i as u8).collect::<Vec<u8>>()),
    ] {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message, "{name}");
    }

    let sent: Vec<Message> = (0..16).map(|i| Message::text(format!("{i:032}"))).collect();
    for message in &sent {
        socket.write(message.clone()).unwrap();
    }
    socket.flush().unwrap();
    for message in &sent {
        assert_eq!(&socket.read().unwrap(), message, "{name}: in order");
    }
}

#[test]
fn tokio_tungstenite_forwarding() {
    speaks_websocket("tokio-tungstenite");
}

#[test]
fn tokio_tungstenite_sending_one_by_one() {
    speaks_websocket("tokio-tungstenite-next");
}

#[test]
fn fastwebsockets() {
    speaks_websocket("fastwebsockets");
}

/// The whole mebibyte is sent before anything is read, so the server's socket fills and the rest has to wait.
#[test]
fn raw_returns_every_byte_even_to_a_slow_reader() {
    let peer = Peer::start("raw", "tcp");
    let sent: Vec<u8> = (0..8_u32 << 20).map(|i| (i % 251) as u8).collect();
    let mut reader = peer.connect();
    let mut writer = reader.try_clone().unwrap();
    let to_send = sent.clone();
    let sending = std::thread::spawn(move || {
        writer.write_all(&to_send).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    std::thread::sleep(Duration::from_millis(100));
    let mut received = Vec::new();
    reader.read_to_end(&mut received).unwrap();
    sending.join().unwrap();
    assert!(
        received == sent,
        "{} of {} bytes came back",
        received.len(),
        sent.len()
    );
}
