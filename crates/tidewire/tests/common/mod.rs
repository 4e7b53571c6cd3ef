//! What the driver's tests share: pairs over a network in memory, a peer that speaks bytes by hand,
//! streams that tear and count whatever they run over.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tidewire::test_util::{Network, TestIo, give_up_after};
use tidewire::{Client, Config, OriginPolicy, Server, WebSocket};
use tidewire_proto::Role;
use tidewire_proto::handshake::accept_value;
use tidewire_testkit::wire::{WireFrame, parse};
use tidewire_testkit::{Random, RawFrame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;

/// A client that offers nothing but the protocol itself.
pub fn client() -> Client {
    Client::new("ws://localhost/").deflate(None)
}

/// A server that agrees to nothing but the protocol itself.
pub fn server() -> Server {
    Server::new().origin(OriginPolicy::Any).deflate(None)
}

/// A configuration without keepalive, for tests in which hours pass.
pub fn no_keepalive() -> Config {
    Config::new().ping_interval(None)
}

/// Both ends of a connection.
pub async fn open<A, B>(client: Client, server: Server, a: A, b: B) -> (WebSocket, WebSocket)
where
    A: tidewire::Io,
    B: tidewire::Io,
{
    let (client, server) = tokio::join!(client.handshake(a), server.accept(b));
    (client.unwrap(), server.unwrap())
}

/// Both ends of a wire that holds `capacity` bytes each way.
pub fn wire(capacity: usize) -> (TestIo, TestIo) {
    let (client, server, _) = Network::new().buffer(capacity).io();
    (client, server)
}

/// Both ends of a connection over a wire that holds `capacity` bytes each way.
pub async fn pair_of(client: Client, server: Server, capacity: usize) -> (WebSocket, WebSocket) {
    let network = Network::new().buffer(capacity);
    let (client, server, _) = network.pair_with(client, &server).await;
    (client, server)
}

pub async fn pair_with(capacity: usize) -> (WebSocket, WebSocket) {
    pair_of(client(), server(), capacity).await
}

pub async fn pair() -> (WebSocket, WebSocket) {
    pair_with(64 * 1024).await
}

/// The request of a client that knows what it does, without the empty line.
pub const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A peer that speaks bytes by hand.
pub struct Raw<S = TestIo> {
    pub io: S,
    role: Role,
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub fn new(io: S, role: Role) -> Self {
        Self {
            io,
            role,
            unread: Vec::new(),
        }
    }

    pub async fn send(&mut self, frame: RawFrame) {
        let bytes = frame.bytes(self.role);
        self.send_bytes(&bytes).await;
    }

    /// All frames at once.
    pub async fn send_all(&mut self, frames: &[RawFrame]) {
        let bytes = RawFrame::join(frames, self.role);
        self.send_bytes(&bytes).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
    }

    /// The head that the other side sends, with the empty line; what follows is kept.
    pub async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.io.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    /// Everything that comes until the end of the connection.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.unread);
        self.io.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    /// The next frame; `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<WireFrame> {
        loop {
            let (mut frames, _) = parse(&self.unread);
            if !frames.is_empty() {
                let first = frames.remove(0);
                let used = self.unread.len() - self.length_behind(&first);
                self.unread.drain(..used);
                return Some(first);
            }
            let mut chunk = [0; 4096];
            let count = self.io.read(&mut chunk).await.unwrap();
            if count == 0 {
                assert!(self.unread.is_empty(), "half a frame: {:02x?}", self.unread);
                return None;
            }
            self.unread.extend_from_slice(&chunk[..count]);
        }
    }

    /// How many unread bytes lie behind the first frame.
    fn length_behind(&self, first: &WireFrame) -> usize {
        let head = match first.payload.len() {
            0..=125 => 2,
            126..=0xFFFF => 4,
            _ => 10,
        };
        self.unread.len() - head - 4 * usize::from(first.masked) - first.payload.len()
    }

    /// The next frame prints as `expected`.
    pub async fn expect(&mut self, expected: &str) {
        let frame = self
            .next()
            .await
            .unwrap_or_else(|| panic!("the end, not {expected}"));
        assert_eq!(frame.to_string(), expected);
    }

    /// The other side ends the connection, and says nothing more before.
    pub async fn expect_end(&mut self) {
        assert_eq!(self.next().await, None);
    }

    /// The next frame is a Close with this code.
    pub async fn expect_close(&mut self, code: u16) {
        let frame = self.next().await.expect("a Close, not the end");
        assert_eq!(frame.close().map(|(code, _)| code), Some(code), "{frame}");
    }
}

/// A client by hand, and the server it is connected to.
pub async fn raw_client_of<A, B>(server: Server, io: A, other: B) -> (Raw<A>, WebSocket)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: tidewire::Io,
{
    let mut raw = Raw::new(io, Role::Client);
    raw.send_bytes(format!("{REQUEST}\r\n").as_bytes()).await;
    let (head, ws) = tokio::join!(raw.read_head(), server.accept(other));
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    (raw, ws.unwrap())
}

/// A client by hand, and the server it is connected to over a wire.
pub async fn raw_client(server: Server, capacity: usize) -> (Raw, WebSocket) {
    let (a, b) = wire(capacity.max(512));
    raw_client_of(server, a, b).await
}

/// The answer of a server that knows what it does to the request `head`; `rest` are more headers.
pub fn response_to(head: &str, rest: &str) -> String {
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim())
    });
    let accept = accept_value(key.expect("a key").as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{rest}\r\n"
    )
}

/// A server by hand, and the client that is connected to it over a wire.
pub async fn raw_server(client: Client, capacity: usize) -> (Raw, WebSocket) {
    let (a, b) = wire(capacity.max(512));
    let mut raw = Raw::new(b, Role::Server);
    let (ws, ()) = tokio::join!(client.handshake(a), async {
        let head = raw.read_head().await;
        raw.send_bytes(response_to(&head, "").as_bytes()).await;
    });
    (raw, ws.unwrap())
}

/// The virtual seconds that a future takes.
pub async fn seconds<T>(future: impl Future<Output = T>) -> (T, f64) {
    let start = Instant::now();
    let result = future.await;
    (result, start.elapsed().as_secs_f64())
}

/// Polls `future` at most `patience + 1` times, and drops it then: `None`.
pub async fn impatient<F: Future>(future: F, patience: usize) -> Option<F::Output> {
    give_up_after(patience, future).await
}

/// A pipe that gives and takes a few bytes at a time, and often nothing.
pub struct Torn<S> {
    inner: S,
    random: Random,
    most: usize,
}

impl<S> Torn<S> {
    pub fn new(inner: S, seed: u64, most: usize) -> Self {
        Self {
            inner,
            random: Random::new(seed),
            most,
        }
    }

    /// How many bytes may pass now; `None`: ask again later.
    fn pass(&mut self, cx: &Context<'_>) -> Option<usize> {
        if self.random.below(2) == 0 {
            cx.waker().wake_by_ref();
            return None;
        }
        Some(1 + self.random.below(self.most))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Torn<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(most) = self.pass(cx) else {
            return Poll::Pending;
        };
        let mut part = vec![0; most.min(buf.remaining())];
        let mut part = ReadBuf::new(&mut part);
        let poll = Pin::new(&mut self.inner).poll_read(cx, &mut part);
        buf.put_slice(part.filled());
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Torn<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(most) = self.pass(cx) else {
            return Poll::Pending;
        };
        Pin::new(&mut self.inner).poll_write(cx, &bytes[..most.min(bytes.len())])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.pass(cx).is_none() {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A pipe that counts the writes that took something, and the bytes read.
pub struct Counted<S> {
    inner: S,
    pub writes: Arc<AtomicUsize>,
    pub read: Arc<AtomicUsize>,
}

impl<S> Counted<S> {
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            writes: Arc::default(),
            read: Arc::default(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.read
            .fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.writes
            .fetch_add(usize::from(poll.is_ready()), Ordering::Relaxed);
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.writes
            .fetch_add(usize::from(poll.is_ready()), Ordering::Relaxed);
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
