//! A message of any size flows through bounded memory, compressed or not. `TIDEWIRE_STREAM_GIB` sets its
//! size; by default it is a quarter, and a sixteenth where it is compressed.

#![allow(clippy::unwrap_used)]

mod common;
use bytes::Bytes;
use common::*;
use std::io::Write as _;
use std::time::Instant;
use tidewire::{DeflateConfig, Kind, WebSocket};
use tidewire_proto::Role;
use tidewire_testkit::Random;
use tidewire_testkit::alloc::{Cost, CountingAllocator, measure};
use tokio::io::duplex;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Bytes that both ends together, the pipe between them and what they share may hold at most.
const MOST: usize = 1024 * 1024;
const CHUNK: usize = 64 * 1024;

fn size(deflate: bool) -> u64 {
    let default = if deflate { 0.0625 } else { 0.25 };
    let gib: f64 = std::env::var("TIDEWIRE_STREAM_GIB").map_or(default, |gib| gib.parse().unwrap());
    (gib * (1u64 << 30) as f64) as u64
}

fn run<T>(work: impl Future<Output = T>) -> (T, Cost) {
    measure(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work)
    })
}

async fn write(ws: WebSocket, chunk: Bytes, size: u64) -> WebSocket {
    let mut writer = ws.send_stream(Kind::Binary);
    let mut written = 0;
    while written < size {
        let part = chunk.slice(..chunk.len().min((size - written) as usize));
        written += part.len() as u64;
        writer.write(part).await.unwrap();
    }
    writer.finish().await.unwrap();
    drop(writer);
    ws
}

/// Sends a message of [`size`] bytes through a pipe, and reads it.
fn through_a_pipe(from: Role, deflate: bool, chunk: &Bytes) -> Cost {
    let size = size(deflate);
    let start = Instant::now();
    let (seen, cost) = run(async {
        let (a, b) = duplex(CHUNK);
        let wish = deflate.then(DeflateConfig::default);
        let (client, server) =
            open(client().deflate(wish.clone()), server().deflate(wish), a, b).await;
        let (from, mut to) = match from {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        let reading = async {
            let mut reader = to.recv_stream().await.unwrap().unwrap();
            let mut seen = 0u64;
            while let Some(part) = reader.chunk().await.unwrap() {
                // The whole pattern, wherever the message was cut.
                let at = (seen % chunk.len() as u64) as usize;
                assert!(part.first() == Some(&chunk[at]));
                seen += part.len() as u64;
            }
            seen
        };
        tokio::join!(reading, write(from, chunk.clone(), size)).0
    });
    assert_eq!(seen, size);
    let line = format!(
        "  {:.2} GiB from a {from:?}, compressed {deflate}: {} KiB at most, {:.1} s\n",
        size as f64 / (1u64 << 30) as f64,
        cost.peak / 1024,
        start.elapsed().as_secs_f64(),
    );
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    cost
}

#[test]
fn a_huge_message_flows_through_a_mebibyte() {
    let mut random = Random::new(1);
    let words = [
        "tide ",
        "wire ",
        "wave ",
        "shore ",
        "boat ",
        "{\"id\": 1}, ",
    ];
    let mut text = String::new();
    while text.len() < CHUNK {
        text.push_str(words[random.below(words.len())]);
    }
    let text = Bytes::from(text).slice(..CHUNK);
    for from in [Role::Client, Role::Server] {
        for deflate in [false, true] {
            let cost = through_a_pipe(from, deflate, &text);
            assert!(cost.peak <= MOST, "{} bytes", cost.peak);
        }
    }
}

#[test]
fn a_bomb_of_zeros_does_too() {
    let zeros = Bytes::from(vec![0; CHUNK]);
    let cost = through_a_pipe(Role::Client, true, &zeros);
    assert!(cost.peak <= MOST, "{} bytes", cost.peak);
}

#[test]
fn a_message_that_nobody_reads_on_is_thrown_away_as_it_comes() {
    let chunk = Bytes::from(Random::new(1).bytes(CHUNK));
    for deflate in [false, true] {
        let size = size(deflate) / 4;
        let (next, cost) = run(async {
            let (a, b) = duplex(CHUNK);
            let wish = deflate.then(DeflateConfig::default);
            let (client, mut server) =
                open(client().deflate(wish.clone()), server().deflate(wish), a, b).await;
            let reading = async {
                drop(server.recv_stream().await.unwrap().unwrap());
                server.recv().await.unwrap().unwrap()
            };
            let writing = async {
                let client = write(client, chunk.clone(), size).await;
                client.send("next").await.unwrap();
                client
            };
            tokio::join!(reading, writing).0
        });
        assert_eq!(next.as_text(), Some("next"));
        assert!(cost.peak <= MOST, "{} bytes", cost.peak);
    }
}
