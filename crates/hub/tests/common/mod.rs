//! A hub on a free port, and clients for it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod stream;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidewire::{Client, ConnectError, WebSocket};
use tidewire_hub::config::Config;
use tidewire_hub::{Guard, Hub};
use tidewire_hub_core::{Access, Namespace, Storage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything here takes on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running hub, and what it told whoever runs it.
pub struct Running {
    pub hub: Hub,
    pub told: Arc<Mutex<Vec<String>>>,
}

/// A namespace where anyone may do anything.
pub fn open_to_all(storage: Storage) -> Namespace {
    let mut namespace = Namespace::default();
    namespace.storage = storage;
    namespace.subscribe = Access::Anyone;
    namespace.publish = Access::Anyone;
    namespace.presence = Access::Anyone;
    namespace.rate = 1_000_000;
    namespace.burst = 1_000_000;
    namespace
}

/// `chat` and `live` in memory, open to all.
pub fn in_memory() -> Config {
    let mut config = Config::default();
    config.listen = vec!["127.0.0.1:0".into()];
    config.guard = Guard::new(&config.listen, Vec::new(), Vec::new(), true);
    config.shards = 2;
    for name in ["chat", "live"] {
        let namespace = open_to_all(Storage::Memory);
        config.settings.namespaces.insert(name.into(), namespace);
    }
    config
}

/// `chat` on disk, `live` in memory.
pub fn on_disk(folder: &Path) -> Config {
    let mut config = in_memory();
    config.data = folder.to_owned();
    let namespace = open_to_all(Storage::Durable);
    config.settings.namespaces.insert("chat".into(), namespace);
    config
}

pub async fn start(config: Config) -> Running {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let tell = told.clone();
    let hub = Hub::start(config, move |event| {
        tell.lock().unwrap().push(event.to_string());
    });
    let hub = hub.await.unwrap_or_else(|error| panic!("{error}"));
    Running { hub, told }
}

/// For tests that are not asynchronous themselves.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

impl Running {
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.hub.addrs()[0])
    }

    pub async fn open(&self, path: &str) -> WebSocket {
        let connected = timeout(PATIENCE, Client::new(self.url(path)).connect());
        connected.await.unwrap().unwrap()
    }

    /// The status and body that a handshake is refused with.
    pub async fn refused(&self, client: Client) -> (u16, String) {
        match timeout(PATIENCE, client.connect()).await.unwrap() {
            Err(ConnectError::Refused(answer)) => {
                let body = String::from_utf8_lossy(answer.body()).into_owned();
                (answer.status().as_u16(), body)
            }
            other => panic!("{other:?}"),
        }
    }

    /// What the hub answers to these bytes, until it ends the connection.
    pub async fn raw(&self, request: &str) -> String {
        let mut tcp = TcpStream::connect(self.hub.addrs()[0]).await.unwrap();
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, tcp.read_to_end(&mut answer));
        read.await.unwrap().unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub async fn get(&self, path: &str) -> String {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ))
        .await
    }

    /// The status and body of a request.
    pub async fn request(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String) {
        let length = body.len();
        let answer = self
            .raw(&format!(
                "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\
                 Content-Length: {length}\r\n\r\n{body}"
            ))
            .await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    pub async fn stop(self) {
        let drained = self.hub.shut_down(PATIENCE).await;
        assert_eq!(drained.cut, 0);
    }
}

/// The next text message.
pub async fn text(ws: &mut WebSocket) -> String {
    let message = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
    message.unwrap().as_text().unwrap().to_owned()
}

/// The next message as JSON.
pub async fn json(ws: &mut WebSocket) -> serde_json::Value {
    serde_json::from_str(&text(ws).await).unwrap()
}

/// Asks, and gives the answer; what comes before it is thrown away.
pub async fn ask(ws: &mut WebSocket, command: &str) -> serde_json::Value {
    ws.send(command).await.unwrap();
    let asked: serde_json::Value = serde_json::from_str(command).unwrap();
    loop {
        let heard = json(ws).await;
        if heard["id"] == asked["id"] {
            return heard;
        }
    }
}
