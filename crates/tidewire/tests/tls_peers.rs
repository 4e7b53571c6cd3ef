//! Peers by others: OpenSSL's `s_client` and `s_server`, and Python's `ssl`.

#![cfg(all(feature = "tls", unix))]
#![allow(clippy::unwrap_used)]

mod tls_common;

use std::path::PathBuf;
use std::process::Stdio;
use tidewire::tls::{ClientTls, ServerTls, TlsStream};
use tidewire::{Client, Message, OriginPolicy, Server};
use tls_common::*;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Files that other programs read; gone with the test.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let directory = format!("tidewire-tls-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Another program, ended with the test.
struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
}

impl Peer {
    fn start(program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).kill_on_drop(true);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("these tests need {program}: install it ({error})"));
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            errors: BufReader::new(child.stderr.take().unwrap()).lines(),
            child,
        }
    }

    async fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).await.unwrap();
    }

    fn end_input(&mut self) {
        self.input = None;
    }

    /// The next line of its output that begins like this.
    async fn hear(&mut self, begin: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.output.next_line())
                .await
                .unwrap()
                .unwrap();
            let Some(line) = line else {
                panic!("{begin:?} never came; {}", self.complaints().await);
            };
            if line.starts_with(begin) {
                return line;
            }
        }
    }

    /// Waits for a line about errors or states that begins like this.
    async fn hear_of(&mut self, begin: &str) {
        while let Some(line) = timeout(PATIENCE, self.errors.next_line())
            .await
            .unwrap()
            .unwrap()
        {
            if line.starts_with(begin) {
                return;
            }
        }
        panic!("{begin:?} never came");
    }

    async fn complaints(&mut self) -> String {
        let mut text = String::new();
        while let Ok(Ok(Some(line))) = timeout(PATIENCE, self.errors.next_line()).await {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    async fn succeeds(&mut self) {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}: {}", self.complaints().await);
    }
}

/// What each peer is tried with: the version, and what OpenSSL and Python call it.
const VERSIONS: [(&str, &str, &str); 2] = [
    ("TLSv1.2", "-tls1_2", "TLSv1_2"),
    ("TLSv1.3", "-tls1_3", "TLSv1_3"),
];

/// A server that sends back what comes, over one TLS connection; and its port.
async fn echo_once(server: ServerTls) -> (u16, tokio::task::JoinHandle<TlsStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut stream = server.accept(tcp).await.unwrap();
        let mut chunk = [0; 1000];
        loop {
            let count = stream.read(&mut chunk).await.unwrap();
            if count == 0 {
                stream.shutdown().await.unwrap();
                return stream;
            }
            stream.write_all(&chunk[..count]).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    (port, serving)
}

#[tokio::test]
async fn openssl_as_client() {
    let authority = Authority::new("CA");
    let files = Files::new("client");
    let ca = files.write("ca.pem", &authority.pem);
    for (version, flag, _) in VERSIONS {
        let (port, serving) = echo_once(authority.server(&["localhost"])).await;
        let at = format!("127.0.0.1:{port}");
        let mut peer = Peer::start(
            "openssl",
            &[
                "s_client",
                "-brief",
                flag,
                "-connect",
                &at,
                "-servername",
                "localhost",
                "-verify_hostname",
                "localhost",
                "-verify_return_error",
                "-CAfile",
                &ca,
                "-alpn",
                "http/1.1",
            ],
        );
        peer.hear_of("CONNECTION ESTABLISHED").await;
        peer.say("hello").await;
        peer.hear("hello").await;
        if version == "TLSv1.3" {
            // New keys, in both directions: ours go out with the next that is said.
            for round in 0..5 {
                peer.say("K").await;
                peer.hear_of("KEYUPDATE").await;
                let line = format!("after update {round}");
                peer.say(&line).await;
                peer.hear(&line).await;
            }
        }
        peer.end_input();
        let stream = timeout(PATIENCE, serving).await.unwrap().unwrap();
        assert_eq!(stream.version(), version);
        assert_eq!(stream.server_name(), Some("localhost"));
        assert_eq!(stream.alpn(), Some(&b"http/1.1"[..]));
        peer.succeeds().await;
    }
}

#[tokio::test]
async fn openssl_as_client_with_a_certificate_and_without() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = authority.server(&["localhost"]);
    let server = server.require_client_certificates(&clients.pem).unwrap();
    let identity = clients.issue(&["somebody"]);
    let files = Files::new("mutual");
    let (chain, key) = (
        files.write("chain.pem", &identity.chain),
        files.write("key.pem", &identity.key),
    );
    for (_, flag, _) in VERSIONS {
        let (port, serving) = echo_once(server.clone()).await;
        let at = format!("127.0.0.1:{port}");
        let args = [
            "s_client", "-brief", flag, "-connect", &at, "-cert", &chain, "-key", &key,
        ];
        let mut peer = Peer::start("openssl", &args);
        peer.say("hello").await;
        peer.hear("hello").await;
        drop(peer);
        assert_eq!(serving.await.unwrap().peer_certificates().len(), 1);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let mut peer = Peer::start("openssl", &["s_client", flag, "-connect", &at]);
        let (tcp, _) = listener.accept().await.unwrap();
        server.accept(tcp).await.unwrap_err();
        let complaints = peer.complaints().await;
        assert!(complaints.contains("alert"), "{complaints}");
    }
}

#[tokio::test]
async fn what_tls_says_by_itself_leaves_though_the_websocket_says_nothing() {
    let authority = Authority::new("CA");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let args = ["s_client", "-tls1_2", "-brief", "-crlf", "-connect", &at];
    let mut peer = Peer::start("openssl", &args);
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let stream = authority.server(&["localhost"]).accept(tcp).await.unwrap();
        let mut ws = Server::new().accept(stream).await.unwrap();
        let _ = ws.recv().await;
    });
    peer.say(
        "GET / HTTP/1.1\nHost: localhost\nUpgrade: websocket\nConnection: Upgrade\n\
         Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n",
    )
    .await;
    peer.hear("HTTP/1.1 101").await;
    // Wants to shake hands again, which is answered with an alert and nothing else.
    peer.say("R").await;
    let complaints = peer.complaints().await;
    assert!(complaints.contains("no renegotiation"), "{complaints}");
    timeout(PATIENCE, serving).await.unwrap().unwrap();
}

/// `openssl s_server`, which sends each line back reversed; and its address.
async fn reversing_server(args: &[&str]) -> (Peer, String) {
    let args = [&["s_server", "-accept", "127.0.0.1:0", "-rev"], args].concat();
    let mut peer = Peer::start("openssl", &args);
    let line = peer.hear("ACCEPT ").await;
    (peer, line["ACCEPT ".len()..].to_owned())
}

/// One line there and one back.
async fn reverse(client: &ClientTls, at: &str) -> TlsStream {
    let tcp = TcpStream::connect(at).await.unwrap();
    let mut stream = client.connect("localhost", tcp).await.unwrap();
    stream.write_all(b"hello\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = [0; 6];
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"olleh\n");
    stream
}

#[tokio::test]
async fn openssl_as_server() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let files = Files::new("server");
    let identity = authority.issue(&["localhost"]);
    let (chain, key) = (
        files.write("chain.pem", &identity.chain),
        files.write("key.pem", &identity.key),
    );
    let clients_ca = files.write("clients.pem", &clients.pem);
    let somebody = clients.issue(&["somebody"]);
    for (version, flag, _) in VERSIONS {
        let (_peer, at) = reversing_server(&[flag, "-cert", &chain, "-key", &key]).await;
        let client = authority.client();
        assert_eq!(reverse(&client, &at).await.version(), version);
        assert!(reverse(&client, &at).await.is_resumed(), "{version}");
        for group in ["P-256", "X25519", "P-384"] {
            let args = [flag, "-cert", &chain, "-key", &key, "-groups", group];
            let (_peer, at) = reversing_server(&args).await;
            reverse(&client, &at).await;
        }
        let args = [
            flag,
            "-cert",
            &chain,
            "-key",
            &key,
            "-Verify",
            "1",
            "-CAfile",
            &clients_ca,
            "-verify_return_error",
        ];
        let (_peer, at) = reversing_server(&args).await;
        let known = client.client_certificate_pem(&somebody.chain, &somebody.key);
        reverse(&known, &at).await;
    }
}

#[tokio::test]
async fn openssl_as_a_server_of_old_versions_only_is_told_from_others() {
    let identity = Authority::new("CA").issue(&["localhost"]);
    let files = Files::new("old");
    let (chain, key) = (
        files.write("chain.pem", &identity.chain),
        files.write("key.pem", &identity.key),
    );
    let args = [
        "-tls1_1",
        "-cipher",
        "ALL:@SECLEVEL=0",
        "-cert",
        &chain,
        "-key",
        &key,
    ];
    let (_peer, at) = reversing_server(&args).await;
    let tcp = TcpStream::connect(at).await.unwrap();
    let error = ClientTls::new().danger_accept_any_certificate();
    let error = error
        .connect("localhost", tcp)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("neither TLS 1.2 nor 1.3"), "{error}");
}

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
