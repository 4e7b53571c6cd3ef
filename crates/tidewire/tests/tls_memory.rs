//! What an idle TLS connection costs in user space: all of it, the WebSocket and its task included.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used)]

mod tls_common;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion, version};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tidewire::Server;
use tidewire::tls::ServerTls;
use tidewire_testkit::alloc::{CountingAllocator, process_live_bytes};
use tls_common::Authority;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Bytes that one idle connection may cost: near 1 KiB is the WebSocket's, the rest the keys and the
/// session of rustls.
const MOST: i64 = 4608;
/// Bytes that it may leave behind: lists keep their capacity, some words a connection.
const LEFT: i64 = 128;
const CONNECTIONS: usize = 500;

/// An echo server on a thread of its own, one task per connection.
fn serve(tls: ServerTls) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let handshake = tls.accept(tcp);
                tokio::spawn(async move {
                    let Ok(stream) = handshake.await else { return };
                    let Ok(mut ws) = Server::new().accept(stream).await else {
                        return;
                    };
                    let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
                });
            }
        });
    });
    told.recv().unwrap()
}

/// A client that says hello, hears it back, and then forgets all but its socket.
fn connect(addr: SocketAddr, config: &Arc<ClientConfig>) -> TcpStream {
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(config.clone(), name).unwrap();
    let mut tcp = TcpStream::connect(addr).unwrap();
    let mut stream = rustls::Stream::new(&mut session, &mut tcp);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    stream.write_all(b"\x81\x85\0\0\0\0Hello").unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\x81\x05Hello");
    drop(session);
    tcp
}

/// Bytes a connection more than `before`, once they are no more than `most`, or after five seconds.
fn settled(before: i64, most: i64) -> i64 {
    let mut bytes = i64::MAX;
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(50));
        bytes = (process_live_bytes() - before) / CONNECTIONS as i64;
        if bytes <= most {
            break;
        }
    }
    bytes
}

/// Bytes that an idle connection costs, and bytes that it leaves behind when it has ended.
fn cost(version: &'static SupportedProtocolVersion) -> (i64, i64) {
    let authority = Authority::new("CA");
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes());
    roots.add(root.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let config = Arc::new(config);
    let addr = serve(authority.server(&["localhost"]));
    let mut clients = Vec::with_capacity(CONNECTIONS + 10);
    // The first ones pay for what the thread shares.
    clients.extend((0..10).map(|_| connect(addr, &config)));
    std::thread::sleep(Duration::from_millis(50));
    let before = process_live_bytes();
    clients.extend((0..CONNECTIONS).map(|_| connect(addr, &config)));
    let idle = settled(before, MOST);
    clients.truncate(10);
    (idle, settled(before, LEFT))
}

#[test]
fn an_idle_tls_connection_owns_no_buffer() {
    for version in [&version::TLS13, &version::TLS12] {
        let (idle, left) = cost(version);
        println!(
            "idle TLS connection, {:?}: {idle} bytes of user-space memory; {left} when it has ended",
            version.version
        );
        assert!(idle <= MOST, "{idle} bytes with {version:?}");
        assert!(left <= LEFT, "{left} bytes left with {version:?}");
    }
}
