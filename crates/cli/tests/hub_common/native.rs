//! A client of the native protocol, written against `docs/reference/protocol.md` and not with the hub's code.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tidewire::{Client, Message, WebSocket};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long an answer may take before the hub counts as stuck.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The connection is over, or never was.
#[derive(Debug)]
pub struct Gone(pub String);

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Gone {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// A segment of a slow reader. The system reserves a socket's buffer by it: with loopback's 64 KiB, it
/// would take megabytes before the hub notices that nobody reads.
#[cfg(unix)]
const SEGMENT: u32 = 536;

/// A TCP connection; `buffer`: how much the system may hold for it unread.
pub async fn dial(addr: SocketAddr, buffer: Option<u32>) -> Result<TcpStream, Gone> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = buffer {
        socket.set_recv_buffer_size(bytes)?;
        #[cfg(unix)]
        socket2::SockRef::from(&socket).set_tcp_mss(SEGMENT)?;
    }
    let tcp = timeout(PATIENCE, socket.connect(addr)).await??;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// A WebSocket to `path`.
pub async fn websocket(
    addr: SocketAddr,
    path: &str,
    buffer: Option<u32>,
) -> Result<WebSocket, Gone> {
    let tcp = dial(addr, buffer).await?;
    let client = Client::new(format!("ws://{addr}{path}"));
    Ok(timeout(PATIENCE, client.handshake(tcp)).await??)
}

/// A session of `/ws`.
pub struct Native {
    ws: WebSocket,
    /// The signed id of this guest.
    pub client: String,
    /// What came while an answer was waited for.
    aside: VecDeque<Value>,
    next_id: u64,
}

impl Native {
    /// A new session; with `client`, that of a guest who returns.
    pub async fn open(
        addr: SocketAddr,
        client: Option<&str>,
        buffer: Option<u32>,
    ) -> Result<Self, Gone> {
        let ws = websocket(addr, "/ws", buffer).await?;
        let mut native = Self {
            ws,
            client: String::new(),
            aside: VecDeque::new(),
            next_id: 1 << 32,
        };
        let hello = native.next().await?;
        assert_eq!(hello["op"], "hello", "the first word is {hello}");
        assert_eq!(hello["protocol"], "tidewire.v1", "{hello}");
        native.client = hello["client"].as_str().unwrap().to_owned();
        if let Some(client) = client {
            let answer = native.ask(json!({"op": "auth", "client": client})).await?;
            assert_eq!(answer["op"], "ok", "a guest could not return: {answer}");
            native.client = client.to_owned();
        }
        Ok(native)
    }

    /// Sends a command, or a batch of them.
    pub async fn send(&self, command: &Value) -> Result<(), Gone> {
        Ok(self.ws.send(command.to_string()).await?)
    }

    /// The next object, in the order in which the hub sent them.
    pub async fn next(&mut self) -> Result<Value, Gone> {
        match self.aside.pop_front() {
            Some(value) => Ok(value),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Result<Value, Gone> {
        match self.ws.recv().await? {
            Some(Message::Text(text)) => {
                let value: Value = serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("the hub sent {text}: {error}"));
                Ok(value)
            }
            Some(other) => panic!("the hub sent {other:?}"),
            None => Err(Gone("closed".to_owned())),
        }
    }

    /// Sends a command and waits for its answer; whatever else comes is kept for [`next`](Self::next).
    pub async fn ask(&mut self, mut command: Value) -> Result<Value, Gone> {
        let id = self.next_id;
        self.next_id += 1;
        command["id"] = json!(id);
        self.send(&command).await?;
        timeout(PATIENCE, async {
            loop {
                let value = self.receive().await?;
                if value["id"] == json!(id) {
                    return Ok(value);
                }
                self.aside.push_back(value);
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no answer to {command}"))
    }

    /// Everything of a channel after a position, or everything there is, by pages of history: position and
    /// payload. `None`: the hub says that the position is gone.
    pub async fn history(
        &mut self,
        channel: &str,
        after: Option<&str>,
    ) -> Result<Option<Vec<(String, Value)>>, Gone> {
        let mut all = Vec::new();
        let mut cursor = after.map(str::to_owned);
        if cursor.is_none() {
            // Backwards to the beginning, as a person scrolls.
            let mut before: Option<String> = None;
            let mut pages = Vec::new();
            loop {
                let mut command = json!({"op": "history", "channel": channel, "limit": 500});
                if let Some(pos) = &before {
                    command["before"] = json!(pos);
                }
                let answer = self.ask(command).await?;
                assert_eq!(answer["op"], "ok", "{answer}");
                let page = records(&answer);
                let more = answer["more"] == true;
                let Some((first, _)) = page.first() else {
                    assert!(!more, "an empty page that is not the last: {answer}");
                    break;
                };
                before = Some(first.clone());
                pages.push(page);
                if !more {
                    break;
                }
            }
            all.extend(pages.into_iter().rev().flatten());
            return Ok(Some(all));
        }
        while let Some(pos) = cursor.take() {
            let command = json!({"op": "history", "channel": channel, "after": pos, "limit": 500});
            let answer = self.ask(command).await?;
            if answer["code"] == "gone" {
                return Ok(None);
            }
            assert_eq!(answer["op"], "ok", "{answer}");
            let page = records(&answer);
            if answer["more"] == true {
                let (last, _) = page.last().expect("a page with more after it has records");
                cursor = Some(last.clone());
            }
            all.extend(page);
        }
        Ok(Some(all))
    }
}

fn records(answer: &Value) -> Vec<(String, Value)> {
    let messages = answer["messages"].as_array().unwrap();
    let record = |message: &Value| {
        let pos = message["pos"].as_str().unwrap().to_owned();
        (pos, message.clone())
    };
    messages.iter().map(record).collect()
}

/// A position's parts: the life of the log, and the place in it.
pub fn parts(pos: &str) -> (String, u64) {
    let (term, offset) = pos.rsplit_once('-').unwrap();
    (term.to_owned(), offset.parse().unwrap())
}
