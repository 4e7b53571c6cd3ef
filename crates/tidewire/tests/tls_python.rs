//! Python's `ssl` as a peer, with a WebSocket by hand on top.

#![cfg(all(feature = "tls", unix))]
#![allow(clippy::unwrap_used)]

mod tls_common;

use tidewire::{Client, Message, OriginPolicy, Server};
use tls_common::peer::{Files, Peer, VERSIONS};
use tls_common::*;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A WebSocket client in Python: one message there and back, then an orderly end of both layers.
const PYTHON_CLIENT: &str = r"
import socket, ssl, sys
port, ca, version = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
context.set_alpn_protocols(['http/1.1'])
tcp = socket.create_connection(('127.0.0.1', int(port)))
tls = context.wrap_socket(tcp, server_hostname='localhost')
tls.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
def read(count):
    data = b''
    while len(data) < count:
        part = tls.recv(count - len(data))
        assert part, 'the end'
        data += part
    return data
head = b''
while not head.endswith(b'\r\n\r\n'):
    head += read(1)
assert head.startswith(b'HTTP/1.1 101'), head
body = bytes(range(256)) * 1000
size = len(body).to_bytes(8, 'big')
tls.sendall(b'\x82\xff' + size + b'\0\0\0\0' + body)
assert read(10) == b'\x82\x7f' + size
assert read(len(body)) == body
tls.sendall(b'\x88\x82\0\0\0\0\x03\xe8')
assert read(4) == b'\x88\x02\x03\xe8'
assert tls.recv(1) == b'', 'close_notify'   # an end without it raises
print(tls.version(), tls.selected_alpn_protocol(), flush=True)
";

#[tokio::test]
async fn python_as_client() {
    let authority = Authority::new("CA");
    let files = Files::new("python-client");
    let ca = files.write("ca.pem", &authority.pem);
    for (version, _, name) in VERSIONS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mut peer = Peer::start("python3", &["-c", PYTHON_CLIENT, &port, &ca, name]);
        let serving = async {
            let (tcp, _) = listener.accept().await.unwrap();
            let stream = authority.server(&["localhost"]).accept(tcp).await.unwrap();
            let server = Server::new().origin(OriginPolicy::Any);
            let mut ws = server.accept(stream).await.unwrap();
            ws.for_each(|event, link| drop(link.echo(event))).await
        };
        let story = timeout(PATIENCE, serving).await.unwrap().unwrap();
        assert!(story.is_clean(), "{story}");
        assert_eq!(peer.hear("").await, format!("{version} http/1.1"));
        peer.succeeds().await;
    }
}

/// A WebSocket server in Python: sends messages back until it hears a Close.
const PYTHON_SERVER: &str = r"
import base64, hashlib, socket, ssl, sys
chain, key, version = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
context.load_cert_chain(chain, key)
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
tls = context.wrap_socket(listener.accept()[0], server_side=True)
file = tls.makefile('rb')
line = file.readline()
while line != b'\r\n':
    name, _, value = line.partition(b':')
    if name.lower() == b'sec-websocket-key':
        sha1 = hashlib.sha1(value.strip() + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
    line = file.readline()
tls.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Accept: ' + base64.b64encode(sha1.digest()) + b'\r\n\r\n')
while True:
    first, code = file.read(2)
    code -= 128
    size_bytes = file.read({126: 2, 127: 8}.get(code, 0))
    size = int.from_bytes(size_bytes, 'big') if size_bytes else code
    mask = int.from_bytes(file.read(4) * (size // 4 + 1), 'big') >> 8 * (4 - size % 4)
    body = (int.from_bytes(file.read(size), 'big') ^ mask).to_bytes(size, 'big')
    tls.sendall(bytes([first, code]) + size_bytes + body)
    if first == 0x88:
        break
tls.unwrap()                                # says goodbye, and hears it
print('goodbye', flush=True)
";

#[tokio::test]
async fn python_as_server() {
    let authority = Authority::new("CA");
    let files = Files::new("python-server");
    let identity = authority.issue(&["localhost"]);
    let (chain, key) = (
        files.write("chain.pem", &identity.chain),
        files.write("key.pem", &identity.key),
    );
    for (version, _, name) in VERSIONS {
        let mut peer = Peer::start("python3", &["-c", PYTHON_SERVER, &chain, &key, name]);
        let port = peer.hear("").await;
        let tcp = TcpStream::connect(format!("127.0.0.1:{port}"))
            .await
            .unwrap();
        let stream = authority.client().connect("localhost", tcp).await.unwrap();
        assert_eq!(stream.version(), version);
        let client = Client::new("ws://localhost/").deflate(None);
        let mut ws = client.handshake(stream).await.unwrap();
        for size in [0, 5, 200, 70_000] {
            let sent = Message::binary(vec![size as u8; size]);
            ws.send(sent.clone()).await.unwrap();
            let back = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
            assert!(back == Some(sent), "{size} bytes");
        }
        let story = timeout(PATIENCE, ws.close(1000u16, ""))
            .await
            .unwrap()
            .unwrap();
        assert!(story.is_clean(), "{story}");
        peer.hear("goodbye").await;
        peer.succeeds().await;
    }
}
