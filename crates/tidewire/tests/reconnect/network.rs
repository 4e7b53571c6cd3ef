//! A network in memory: each connection that the client opens is handed to a function, with its number.

use crate::common::{Raw, client, no_keepalive, response_to, server};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tidewire::reconnect::{Attempt, Backoff, End, ReconnectEvent, Reconnecting};
use tidewire::{Client, ConnectError, WebSocket};
use tidewire_proto::Role;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

type Connecting = Pin<Box<dyn Future<Output = Result<WebSocket, ConnectError>> + Send>>;

/// What `connect_with` takes: connection `n`, from 1, is served by `serve(n, io)`.
pub fn network<S, F>(
    capacity: usize,
    serve: S,
) -> impl Fn(Client, Attempt) -> Connecting + Send + Sync + 'static
where
    S: Fn(u32, DuplexStream) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let count = AtomicU32::new(0);
    move |client, _| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let (a, b) = duplex(capacity);
        tokio::spawn(serve(number, b));
        Box::pin(client.handshake(a))
    }
}

/// A client over such a network; hours may pass.
pub fn feed<S, F>(serve: S) -> Reconnecting
where
    S: Fn(u32, DuplexStream) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    client()
        .config(no_keepalive())
        .reconnecting()
        .connect_with(network(64 * 1024, serve))
}

/// Nothing left to chance: each wait is its window.
pub fn exact() -> Backoff {
    Backoff::new().jitter(0.0)
}

pub async fn accept(io: DuplexStream) -> WebSocket {
    server().config(no_keepalive()).accept(io).await.unwrap()
}

/// Accepts, sends, and keeps the connection for so many seconds; then drops it.
pub async fn send_and_drop(io: DuplexStream, message: &str, seconds: f64) {
    let ws = accept(io).await;
    ws.send(message).await.unwrap();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// Accepts, and closes at once.
pub async fn close_with(io: DuplexStream, code: u16) {
    let _ = accept(io).await.close(code, "so it is").await;
}

/// Receives and sends back, for ever.
pub async fn echo(io: DuplexStream) {
    let mut ws = accept(io).await;
    while let Ok(Some(message)) = ws.recv().await {
        ws.send(message).await.unwrap();
    }
}

/// Reads the request and answers it with these bytes.
pub async fn respond(io: DuplexStream, response: impl AsRef<[u8]>) {
    let mut raw = Raw::new(io, Role::Server);
    raw.read_head().await;
    raw.io.write_all(response.as_ref()).await.unwrap();
}

/// Accepts by hand; gives the request.
pub async fn accept_raw(io: DuplexStream) -> (Raw<DuplexStream>, String) {
    let mut raw = Raw::new(io, Role::Server);
    let head = raw.read_head().await;
    raw.send_bytes(response_to(&head, "").as_bytes()).await;
    (raw, head)
}

/// The next loss: how it ended, and how many seconds it is waited for.
pub async fn next_loss(feed: &mut Reconnecting) -> (std::sync::Arc<End>, f64) {
    loop {
        let event = feed.next_event().await.unwrap().unwrap();
        if let ReconnectEvent::Lost { end, retry_in, .. } = event {
            return (end, retry_in.as_secs_f64());
        }
    }
}

/// The seconds waited for after each of so many losses.
pub async fn waits(feed: &mut Reconnecting, count: usize) -> Vec<f64> {
    let mut waits = Vec::new();
    for _ in 0..count {
        waits.push(next_loss(feed).await.1);
    }
    waits
}

pub async fn next_text(feed: &mut Reconnecting) -> String {
    let message = feed.recv().await.unwrap().unwrap();
    message.as_text().unwrap().to_owned()
}
