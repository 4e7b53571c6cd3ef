//! What an idle connection costs in user space: its task, its socket registration and its state,
//! with compression agreed and without.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use tidewire_testkit::alloc::{CountingAllocator, process_live_bytes};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Bytes that one idle connection may cost.
const MOST: i64 = 1024;
/// Bytes that it may leave behind: lists keep their capacity, some words a connection.
const LEFT: i64 = 64;
const CONNECTIONS: usize = 1000;

/// An echo server on a thread of its own, one task per connection, as `tidewire echo` runs it.
fn serve() -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tidewire::Listener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let echo = |mut ws: tidewire::WebSocket| async move {
                let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
            };
            listener.serve(echo).await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// A client without a heap: it sends fixed bytes over a plain socket.
fn connect(addr: SocketAddr, deflate: bool) -> TcpStream {
    let mut tcp = TcpStream::connect(addr).unwrap();
    let mut exchange = |out: &[u8], answer: &[u8]| {
        tcp.write_all(out).unwrap();
        let mut buf = [0; 1024];
        let mut len = 0;
        while !buf[..len].ends_with(answer) {
            let count = tcp.read(&mut buf[len..]).unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&buf[..len]));
            len += count;
        }
        buf[..len]
            .windows(18)
            .any(|window| window == b"permessage-deflate")
    };
    let agreed = exchange(
        if deflate {
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
              Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        } else {
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        },
        b"\r\n\r\n",
    );
    assert_eq!(agreed, deflate);
    // "Hello", compressed if that was agreed (RFC 7692 §7.2.3.1), with a mask of zeros.
    if deflate {
        exchange(
            b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00",
            b"\x81\x05Hello",
        );
    } else {
        exchange(b"\x81\x85\0\0\0\0Hello", b"\x81\x05Hello");
    }
    tcp
}

/// Bytes a connection more than `before`, once they are no more than `most`, or after five seconds: what a thread is
/// about to free is not what a connection costs.
fn settled(before: i64, most: i64) -> i64 {
    let mut bytes = i64::MAX;
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        bytes = (process_live_bytes() - before) / CONNECTIONS as i64;
        if bytes <= most {
            break;
        }
    }
    bytes
}

/// Bytes that an idle connection costs, and bytes that it leaves behind when it has ended.
fn cost(deflate: bool) -> (i64, i64) {
    let addr = serve();
    let mut clients = Vec::with_capacity(CONNECTIONS + 10);
    // The first ones pay for what the thread shares.
    clients.extend((0..10).map(|_| connect(addr, deflate)));
    std::thread::sleep(std::time::Duration::from_millis(50));
    let before = process_live_bytes();
    clients.extend((0..CONNECTIONS).map(|_| connect(addr, deflate)));
    let idle = settled(before, MOST);
    clients.truncate(10);
    (idle, settled(before, LEFT))
}

#[test]
fn an_idle_connection_costs_at_most_a_kibibyte() {
    for deflate in [false, true] {
        let (idle, left) = cost(deflate);
        println!(
            "idle connection, deflate {deflate}: {idle} bytes of user-space memory; \
             {left} when it has ended"
        );
        assert!(idle <= MOST, "{idle} bytes with deflate {deflate}");
        assert!(left <= LEFT, "{left} bytes left with deflate {deflate}");
    }
}
