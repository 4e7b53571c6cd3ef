//! What an idle native session with one subscription costs in user space, all in all: its task, its
//! socket, the WebSocket's state, the session and the subscription; with compression agreed and without.
#![allow(clippy::unwrap_used)]

mod common;
mod raw;
use common::*;
use std::net::TcpStream;
use tidewire_testkit::alloc::{CountingAllocator, process_live_bytes};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Bytes that one idle session may cost.
const MOST: i64 = 2048;
/// Bytes that it may leave behind: tables keep their capacity.
const LEFT: i64 = 384;
/// Bytes that each of as many again may leave behind: nothing, up to the noise of threads.
const MORE: i64 = 16;
const SESSIONS: usize = 1000;

fn open(addr: std::net::SocketAddr, deflate: bool) -> TcpStream {
    let mut tcp = raw::connect(addr, "/ws", deflate);
    let mut buf = [0; 4096];
    let compressed = raw::receive(&mut tcp, &mut buf);
    assert!(!compressed.is_empty(), "hello");
    raw::send(&mut tcp, r#"{"op":"subscribe","id":1,"channel":"lobby"}"#);
    assert!(!raw::receive(&mut tcp, &mut buf).is_empty(), "ok");
    tcp
}

/// Bytes a session more than `before`, once they are no more than `most`, or after five seconds.
fn settled(before: i64, most: i64) -> i64 {
    let mut bytes = i64::MAX;
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        bytes = (process_live_bytes() - before) / SESSIONS as i64;
        if bytes <= most {
            break;
        }
    }
    bytes
}

#[test]
fn an_idle_session_with_one_subscription_costs_at_most_two_kibibytes() {
    let runtime = runtime();
    for deflate in [false, true] {
        let mut config = in_memory();
        config.shards = 1;
        // No presence, as in a namespace of mere messages: who is present is the engine's to keep.
        for namespace in config.settings.namespaces.values_mut() {
            namespace.presence = tidewire_hub_core::Access::Nobody;
        }
        let running = runtime.block_on(start(config));
        let addr = running.hub.addrs()[0];
        let mut clients = Vec::with_capacity(SESSIONS + 10);
        // The first ones pay for what the shard shares.
        clients.extend((0..10).map(|_| open(addr, deflate)));
        std::thread::sleep(std::time::Duration::from_millis(200));
        let before = process_live_bytes();
        clients.extend((0..SESSIONS).map(|_| open(addr, deflate)));
        let idle = settled(before, MOST);
        clients.truncate(10);
        let left = settled(before, LEFT);
        println!("idle session, deflate {deflate}: {idle} bytes; {left} when it has ended");
        assert!(idle <= MOST, "{idle} bytes with deflate {deflate}");
        assert!(left <= LEFT, "{left} bytes left with deflate {deflate}");
        let before = process_live_bytes();
        clients.extend((0..SESSIONS).map(|_| open(addr, deflate)));
        clients.truncate(10);
        let more = settled(before, MORE);
        assert!(more <= MORE, "{more} bytes more with deflate {deflate}");
    }
}
