//! What an idle connection of the extractor costs in user space: hyper's part is gone, the
//! handshake's too.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::routing::any;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tidewire::axum::{WebSocket, WebSocketUpgrade};
use tidewire_testkit::alloc::{CountingAllocator, process_live_bytes};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Bytes that one idle connection may cost: what one of `Listener` costs, and the messages with
/// control frames that the handler's future has room for.
const MOST: i64 = 1280;
const CONNECTIONS: usize = 500;

/// An echo server of axum's kind on a thread of its own.
fn serve() -> SocketAddr {
    async fn echo(mut socket: WebSocket) {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    }
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let handler = |ws: WebSocketUpgrade| async { ws.on_upgrade(echo) };
            let app = Router::new().route("/", any(handler));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// A client without a heap: it sends fixed bytes over a plain socket, and has an echo.
fn connect(addr: SocketAddr) -> TcpStream {
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
    };
    exchange(
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"\r\n\r\n",
    );
    exchange(b"\x81\x85\0\0\0\0Hello", b"\x81\x05Hello");
    tcp
}

#[test]
fn an_idle_connection_keeps_nothing_of_its_handshake() {
    let addr = serve();
    let mut clients = Vec::with_capacity(CONNECTIONS + 10);
    clients.extend((0..10).map(|_| connect(addr))); // these pay for what the thread shares
    std::thread::sleep(Duration::from_millis(50));
    let before = process_live_bytes();
    clients.extend((0..CONNECTIONS).map(|_| connect(addr)));
    let mut idle = i64::MAX;
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(50));
        idle = (process_live_bytes() - before) / CONNECTIONS as i64;
        if idle <= MOST {
            break;
        }
    }
    println!("idle connection of the axum extractor: {idle} bytes of user-space memory");
    assert!(idle <= MOST, "{idle} bytes");
}
