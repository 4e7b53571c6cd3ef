//! What a delivery costs when many listen: allocations, counted in this process.
#![allow(clippy::unwrap_used)]

mod common;
mod raw;
use common::*;
use std::net::{SocketAddr, TcpStream};
use tidewire_testkit::alloc::{CountingAllocator, process_allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const SUBSCRIBERS: usize = 1000;
const BURST: usize = 4;

fn listen(addr: SocketAddr) -> TcpStream {
    let mut tcp = raw::connect(addr, "/ws", true);
    let mut buf = [0; 4096];
    raw::receive(&mut tcp, &mut buf);
    raw::send(&mut tcp, r#"{"op":"subscribe","id":1,"channel":"live:x"}"#);
    raw::receive(&mut tcp, &mut buf);
    tcp
}

/// Publishes a burst, and waits until everybody has it.
fn round(publisher: &mut TcpStream, listeners: &mut [TcpStream]) {
    let mut buf = [0; 4096];
    for _ in 0..BURST {
        raw::send(
            publisher,
            "a message of a length that is quite usual in a channel of a chat, say",
        );
    }
    for listener in listeners {
        for _ in 0..BURST {
            assert!(!raw::receive(listener, &mut buf).is_empty());
        }
    }
}

#[test]
fn a_delivery_to_one_of_a_thousand_allocates_next_to_nothing() {
    let runtime = runtime();
    let mut config = in_memory();
    config.shards = 1;
    for namespace in config.settings.namespaces.values_mut() {
        namespace.presence = tidewire_hub_core::Access::Nobody;
    }
    let running = runtime.block_on(start(config));
    let addr = running.hub.addrs()[0];
    let mut listeners: Vec<_> = (0..SUBSCRIBERS).map(|_| listen(addr)).collect();
    let mut publisher = raw::connect(addr, "/c/live:x", false);
    // Buffers and tables grow to their size.
    for _ in 0..5 {
        round(&mut publisher, &mut listeners);
    }
    const ROUNDS: usize = 10;
    let before = process_allocations();
    for _ in 0..ROUNDS {
        round(&mut publisher, &mut listeners);
    }
    let allocations = process_allocations() - before;
    let deliveries = ROUNDS * BURST * SUBSCRIBERS;
    let each = allocations as f64 / deliveries as f64;
    println!("allocations per delivery at {SUBSCRIBERS} subscribers: {each:.4}");
    assert!(
        each < 0.1,
        "{allocations} allocations for {deliveries} deliveries"
    );
    let counters = runtime.block_on(running.hub.counters());
    assert_eq!(
        counters[0].delivered as usize,
        (5 + ROUNDS) * BURST * SUBSCRIBERS
    );
}
