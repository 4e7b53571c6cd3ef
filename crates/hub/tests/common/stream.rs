//! A client of `/sse` that reads events by hand.

use super::{PATIENCE, Running};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub struct Events {
    lines: BufReader<TcpStream>,
    /// The id of the last event that had one.
    pub id: String,
}

impl Running {
    /// Opens a stream. `last`: the `Last-Event-ID` of a browser that comes back.
    pub async fn events(&self, query: &str, last: Option<&str>) -> Events {
        let mut tcp = TcpStream::connect(self.hub.addrs()[0]).await.unwrap();
        let last = last.map_or(String::new(), |last| format!("Last-Event-ID: {last}\r\n"));
        let request = format!("GET /sse?{query} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut events = Events {
            lines: BufReader::new(tcp),
            id: String::new(),
        };
        let mut head = String::new();
        loop {
            let line = events.line().await;
            if line.is_empty() {
                break;
            }
            head.push_str(&line);
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("text/event-stream"), "{head}");
        events
    }
}

impl Events {
    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.lines.read_line(&mut line));
        assert_ne!(read.await.unwrap().unwrap(), 0, "the stream ended");
        line.trim_end().to_owned()
    }

    /// The next event, as JSON.
    pub async fn next(&mut self) -> Value {
        let mut data = String::new();
        loop {
            let line = self.line().await;
            if let Some(id) = line.strip_prefix("id: ") {
                self.id = id.to_owned();
            } else if let Some(piece) = line.strip_prefix("data: ") {
                data.push_str(piece);
                data.push('\n');
            } else if line.is_empty() && !data.is_empty() {
                return serde_json::from_str(&data).unwrap();
            }
            // The rest are sizes of chunks, comments, and `retry`.
        }
    }

    /// The next event of this kind.
    pub async fn until(&mut self, op: &str) -> Value {
        loop {
            let event = self.next().await;
            if event["op"] == op {
                return event;
            }
        }
    }

    /// A comment that keeps the stream alive.
    pub async fn comment(&mut self) {
        while self.line().await != ":" {}
    }
}
