//! A page with its agent, and far servers that are written by hand.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use crate::common::{PATIENCE, Running, in_memory, start};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::net::SocketAddr;
use tidewire::{Client, Error, Message, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The tester's page, which has used its link.
pub struct Page {
    pub running: Running,
    pub key: String,
}

/// One socket of it.
pub struct Agent {
    pub ws: WebSocket,
}

impl Page {
    pub async fn new() -> Self {
        let running = start(in_memory()).await;
        let mut page = Self {
            running,
            key: String::new(),
        };
        let link = page.running.hub.tester_link().unwrap();
        let answer = page.post(link.split("#agent=").nth(1).unwrap()).await;
        let key = answer.split("{\"key\":\"").nth(1).unwrap();
        page.key = key.split('"').next().unwrap().to_owned();
        page
    }

    /// Asks for a key.
    pub async fn post(&self, token: &str) -> String {
        let addr = self.running.hub.addrs()[0];
        let length = token.len();
        let request = format!(
            "POST /agent HTTP/1.1\r\nHost: {addr}\r\nOrigin: http://{addr}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{token}"
        );
        self.first(&request).await
    }

    /// The first bytes of the answer to a request.
    pub async fn first(&self, request: &str) -> String {
        let mut tcp = TcpStream::connect(self.running.hub.addrs()[0])
            .await
            .unwrap();
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 16 * 1024];
        let mut count = 0;
        // Head and body may come apart.
        for _ in 0..2 {
            let read = timeout(PATIENCE, tcp.read(&mut answer[count..])).await;
            count += read.unwrap().unwrap();
            let text = String::from_utf8_lossy(&answer[..count]);
            if text
                .split("\r\n\r\n")
                .nth(1)
                .is_some_and(|body| !body.is_empty())
            {
                break;
            }
        }
        String::from_utf8_lossy(&answer[..count]).into_owned()
    }

    pub fn client(&self) -> Client {
        let addr = self.running.hub.addrs()[0];
        Client::new(self.running.url("/agent"))
            .origin(format!("http://{addr}"))
            .subprotocol("tidewire-agent.v1")
    }

    /// A socket that has said nothing yet.
    pub async fn agent(&self) -> Agent {
        let connected = timeout(PATIENCE, self.client().connect()).await.unwrap();
        let ws = connected.unwrap();
        assert_eq!(ws.subprotocol().as_deref(), Some("tidewire-agent.v1"));
        Agent { ws }
    }

    /// A socket that was told where to connect.
    pub async fn dial(&self, mut open: Value) -> Agent {
        open["op"] = "open".into();
        open["key"] = self.key.clone().into();
        let agent = self.agent().await;
        agent.say(open).await;
        agent
    }
}

impl Agent {
    pub async fn say(&self, command: Value) {
        self.ws.send(command.to_string()).await.unwrap();
    }

    pub async fn any(&mut self) -> Message {
        timeout(PATIENCE, self.ws.recv())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    }

    /// The next event.
    pub async fn next(&mut self) -> Value {
        crate::common::json(&mut self.ws).await
    }

    /// The next event of this kind.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await;
            if event["ev"] == kind {
                return event;
            }
            assert!(event["ev"] != "close", "{event} before {kind}");
        }
    }

    /// The next binary message.
    pub async fn message(&mut self) -> Vec<u8> {
        match self.any().await {
            Message::Binary(payload) => payload.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    /// The code that the page's socket ends with.
    pub async fn ended(&mut self) -> u16 {
        code(&mut self.ws).await
    }
}

/// A server that gives each connection this answer, and the head of the first request.
pub async fn raw(answer: &[u8]) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let answer = answer.to_vec();
    let task = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 16 * 1024];
        let count = tcp.read(&mut head).await.unwrap();
        head.truncate(count);
        tcp.write_all(&answer).await.unwrap();
        tcp.shutdown().await.unwrap();
        head
    });
    (addr, task)
}

/// The head of a request.
pub async fn read_head(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        timeout(PATIENCE, tcp.read_exact(&mut byte))
            .await
            .unwrap()
            .unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// The answer that agrees to a request.
pub fn agreement(head: &str) -> Vec<u8> {
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then_some(value)
    });
    let whole = format!("{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key.unwrap());
    let accept = BASE64_STANDARD.encode(Sha1::digest(whole));
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// A far server that has upgraded, by hand, and the page's agent with it.
pub async fn upgraded(page: &Page, extra: Value) -> (Agent, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut open = json!({"url": format!("ws://{}/", listener.local_addr().unwrap())});
    open.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    let mut agent = page.dial(open).await;
    let (mut tcp, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let head = read_head(&mut tcp).await;
    tcp.write_all(&agreement(&head)).await.unwrap();
    agent.until("open").await;
    (agent, tcp)
}

/// How a page's socket ended.
async fn code(ws: &mut WebSocket) -> u16 {
    loop {
        match timeout(PATIENCE, ws.recv()).await.unwrap() {
            Ok(Some(_)) => {}
            Ok(None) => return ws.close_story().unwrap().code().into(),
            Err(Error::Closed(story)) => return story.code().into(),
            Err(error) => panic!("{error}"),
        }
    }
}
