//! How often a message costs an allocation: at most once where it is handed out owned, never where
//! it is visited in place.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use tidewire::WebSocket;
use tidewire_testkit::alloc::{CountingAllocator, process_allocated_bytes, process_allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ROUNDS: usize = 5000;

async fn owned(mut ws: WebSocket) {
    while let Ok(Some(message)) = ws.recv().await {
        ws.send(message).await.unwrap();
    }
}

async fn in_place(mut ws: WebSocket) {
    let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
}

/// Serves one connection with `handler` on a thread of its own.
fn connect<F: Future<Output = ()> + 'static>(handler: fn(WebSocket) -> F) -> TcpStream {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (tcp, _) = listener.accept().unwrap();
            tcp.set_nonblocking(true).unwrap();
            let tcp = tokio::net::TcpStream::from_std(tcp).unwrap();
            handler(tidewire::accept(tcp).await.unwrap()).await;
        });
    });
    let mut tcp = TcpStream::connect(addr).unwrap();
    tcp.set_nodelay(true).unwrap();
    tcp.write_all(
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .unwrap();
    let mut head = [0; 512];
    let mut len = 0;
    while !head[..len].ends_with(b"\r\n\r\n") {
        len += tcp.read(&mut head[len..]).unwrap();
    }
    tcp
}

/// Allocations per message, with `depth` messages of `size` bytes in flight.
fn allocations<F: Future<Output = ()> + 'static>(
    handler: fn(WebSocket) -> F,
    depth: usize,
    size: u8,
) -> f64 {
    let mut tcp = connect(handler);
    // Masked with zeros: what goes out comes back the same, but for the mask.
    let frame = [&[0x82, 0x80 | size, 0, 0, 0, 0][..], &vec![7; size.into()]].concat();
    let burst = frame.repeat(depth);
    let mut back = vec![0; (frame.len() - 4) * depth];
    let mut round = || {
        tcp.write_all(&burst).unwrap();
        tcp.read_exact(&mut back).unwrap();
    };
    (0..10).for_each(|_| round()); // what the thread shares is made once
    let before = process_allocations();
    (0..ROUNDS).for_each(|_| round());
    (process_allocations() - before) as f64 / (ROUNDS * depth) as f64
}

/// The allocator counts for the whole process: one test at a time.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[test]
fn a_message_costs_at_most_one_allocation() {
    let _alone = ONE_AT_A_TIME.lock();
    for depth in [1, 16] {
        let (owned, in_place) = (
            allocations(owned, depth, 32),
            allocations(in_place, depth, 32),
        );
        println!(
            "allocations per message at depth {depth}: recv/send {owned:.3}, in place {in_place:.3}"
        );
        assert!(owned <= 1.01, "{owned} with recv and send at depth {depth}");
        assert!(in_place <= 0.01, "{in_place} in place at depth {depth}");
    }
}

#[test]
fn a_large_message_goes_into_the_buffer_of_the_last() {
    const LEN: usize = 1 << 20;
    let _alone = ONE_AT_A_TIME.lock();
    let mut tcp = connect(in_place);
    let head = [&[0x82, 0xff][..], &(LEN as u64).to_be_bytes(), &[0; 4]].concat();
    let frame = [head, vec![7; LEN]].concat();
    let mut back = vec![0; LEN + 10];
    let mut round = || {
        tcp.write_all(&frame).unwrap();
        tcp.read_exact(&mut back).unwrap();
    };
    (0..5).for_each(|_| round());
    let before = process_allocated_bytes();
    (0..20).for_each(|_| round());
    let bytes = (process_allocated_bytes() - before) / 20;
    println!("bytes allocated for a message of 1 MiB: {bytes}");
    assert!(
        bytes < LEN as u64 / 2,
        "{bytes} bytes, half of the message or more"
    );
}
