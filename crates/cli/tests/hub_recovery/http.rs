//! Listening over plain HTTP: server-sent events, and long polls.

use crate::hub_common::native::{Gone, PATIENCE, dial};
use crate::transport::{
    Later, Line, Positions, Told, Transport, Wish, channel, cursor, positions, soon, told,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// An answer whose body is read piece by piece.
struct Answer {
    tcp: BufReader<TcpStream>,
    body: Body,
    line: Vec<u8>,
}

enum Body {
    /// So many bytes are left.
    Length(usize),
    /// In chunks.
    Chunked,
    Over,
}

/// Asks with GET, and reads the head of the answer, which must be 200.
async fn get(
    addr: SocketAddr,
    path: &str,
    headers: &str,
    buffer: Option<u32>,
) -> Result<Answer, Gone> {
    let mut tcp = dial(addr, buffer).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{headers}\r\n");
    tcp.write_all(request.as_bytes()).await?;
    let mut tcp = BufReader::new(tcp);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if tcp.read_until(b'\n', &mut head).await? == 0 {
            return Err(Gone("no answer".to_owned()));
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let body = match length {
        Some(length) => Body::Length(length.trim().parse().unwrap()),
        None if head.contains("transfer-encoding: chunked") => Body::Chunked,
        None => panic!("{path}: a body without an end: {head}"),
    };
    let mut answer = Answer {
        tcp,
        body,
        line: Vec::new(),
    };
    if !head.starts_with("http/1.1 200 ") {
        let body = answer.piece().await?.unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        let ends: String = body
            .chars()
            .take(600)
            .chain(body.chars().rev().take(1))
            .collect();
        let errors: Vec<_> = body
            .match_indices("\"op\":\"error\"")
            .map(|(at, _)| {
                body.get(at..)
                    .map(|rest| rest.chars().take(300).collect::<String>())
            })
            .collect();
        panic!("{path}: {head}{ends} {errors:?}");
    }
    Ok(answer)
}

impl Answer {
    /// The next piece of the body; `None`: it is over. Not cancel-safe.
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, Gone> {
        match self.body {
            Body::Over => Ok(None),
            Body::Length(length) => {
                let mut piece = vec![0; length];
                self.tcp.read_exact(&mut piece).await?;
                self.body = Body::Over;
                Ok(Some(piece))
            }
            Body::Chunked => {
                self.line.clear();
                if self.tcp.read_until(b'\n', &mut self.line).await? == 0 {
                    return Err(Gone("cut".to_owned()));
                }
                let size = String::from_utf8(self.line.clone()).unwrap();
                let size = usize::from_str_radix(size.trim(), 16).unwrap();
                let mut piece = vec![0; size + 2];
                self.tcp.read_exact(&mut piece).await?;
                assert!(piece.ends_with(b"\r\n"), "a chunk has its end");
                piece.truncate(size);
                if size == 0 {
                    self.body = Body::Over;
                    return Ok(None);
                }
                Ok(Some(piece))
            }
        }
    }
}

fn query(wish: &Wish<'_>) -> String {
    let channels = wish
        .positions
        .keys()
        .map(|channel| format!("channel={channel}"));
    channels.collect::<Vec<_>>().join("&")
}

/// A cursor names every channel, or there is none.
fn has_cursor(positions: &Positions) -> bool {
    let known = positions.values().filter(|pos| pos.is_some()).count();
    known == 0 || known == positions.len()
}

/// `/sse`.
pub(crate) struct OverSse;

impl Transport for OverSse {
    fn name(&self) -> &'static str {
        "sse"
    }

    fn fits(&self, positions: &Positions) -> bool {
        has_cursor(positions)
    }

    fn open<'a>(&'a self, wish: Wish<'a>) -> Later<'a, Result<Box<dyn Line>, Gone>> {
        Box::pin(async move {
            let last = cursor(wish.positions);
            let last = last.map(|cursor| format!("Last-Event-ID: {cursor}\r\n"));
            let headers = format!("Accept: text/event-stream\r\n{}", last.unwrap_or_default());
            let path = format!("/sse?{}", query(&wish));
            let answer = soon(
                "an event stream",
                get(wish.addr, &path, &headers, wish.buffer),
            );
            let answer = answer.await?;
            let channels = wish.positions.keys().copied().collect();
            let (events, told) = tokio::sync::mpsc::channel(1);
            let reading = tokio::spawn(read_events(answer, channels, events));
            let reading = Reading(reading.abort_handle());
            Ok(Box::new(Sse { told, reading }) as Box<dyn Line>)
        })
    }
}

struct Sse {
    told: tokio::sync::mpsc::Receiver<Result<Told, Gone>>,
    #[allow(dead_code)] // Dropped with the line.
    reading: Reading,
}

/// A task that ends with its owner.
struct Reading(tokio::task::AbortHandle);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Line for Sse {
    fn next(&mut self) -> Later<'_, Result<Told, Gone>> {
        Box::pin(async move {
            let told = self.told.recv().await;
            told.unwrap_or_else(|| Err(Gone("the stream ended".to_owned())))
        })
    }
}

/// Reads events until the stream ends. The `id` of a record's event has the record's position.
async fn read_events(
    mut answer: Answer,
    channels: Vec<&'static str>,
    events: tokio::sync::mpsc::Sender<Result<Told, Gone>>,
) {
    let mut text = Vec::new();
    let mut begun = BTreeSet::new();
    loop {
        let piece = match answer.piece().await {
            Ok(Some(piece)) => piece,
            Ok(None) => return,
            Err(gone) => return drop(events.send(Err(gone)).await),
        };
        text.extend(piece);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event = String::from_utf8(text.drain(..end + 2).collect()).unwrap();
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            let Some(data) = field("data:") else {
                continue;
            };
            let object: Value = serde_json::from_str(data.trim()).unwrap();
            if object["op"] == "ok" {
                begun.insert(channel(&object));
            }
            let id = field("id:").map(str::trim);
            // A cursor names every channel, so there is none before every channel has begun.
            if object["op"] == "message" && begun.len() == channels.len() {
                let id = id.unwrap_or_else(|| panic!("a record moves the cursor: {event}"));
                let at = positions(id, &channels);
                assert_eq!(at[channel(&object)], object["pos"], "{event}");
            }
            let Some(told) = told(&object).transpose() else {
                continue;
            };
            let over = told.is_err();
            if events.send(told).await.is_err() || over {
                return;
            }
        }
    }
}

/// `/poll`, over and over.
pub(crate) struct OverPoll;

impl Transport for OverPoll {
    fn name(&self) -> &'static str {
        "poll"
    }

    fn fits(&self, positions: &Positions) -> bool {
        has_cursor(positions)
    }

    fn open<'a>(&'a self, wish: Wish<'a>) -> Later<'a, Result<Box<dyn Line>, Gone>> {
        Box::pin(async move {
            let since = cursor(wish.positions);
            let poll = Poll {
                addr: wish.addr,
                query: query(&wish),
                buffer: wish.buffer,
                channels: wish.positions.keys().copied().collect(),
                client: None,
                cursor: since,
                ready: VecDeque::new(),
                asked: None,
            };
            Ok(Box::new(poll) as Box<dyn Line>)
        })
    }
}

struct Poll {
    addr: SocketAddr,
    query: String,
    buffer: Option<u32>,
    channels: Vec<&'static str>,
    client: Option<String>,
    cursor: Option<String>,
    ready: VecDeque<Result<Told, Gone>>,
    /// A poll that is under way.
    asked: Option<Later<'static, Result<Value, Gone>>>,
}

/// One poll, to its end.
async fn poll(addr: SocketAddr, path: String, buffer: Option<u32>) -> Result<Value, Gone> {
    let mut answer =
        tokio::time::timeout(PATIENCE, get(addr, &path, "Connection: close\r\n", buffer))
            .await
            .unwrap_or_else(|_| panic!("{path} was not answered in time"))?;
    let mut body = Vec::new();
    while let Some(piece) = answer.piece().await? {
        body.extend(piece);
    }
    Ok(serde_json::from_slice(&body).unwrap())
}

impl Line for Poll {
    fn next(&mut self) -> Later<'_, Result<Told, Gone>> {
        Box::pin(async move {
            loop {
                if let Some(told) = self.ready.pop_front() {
                    return told;
                }
                if self.asked.is_none() {
                    let mut path = format!("/poll?{}&wait=2s", self.query);
                    for (name, value) in [("since", &self.cursor), ("client", &self.client)] {
                        if let Some(value) = value {
                            path = format!("{path}&{name}={value}");
                        }
                    }
                    self.asked = Some(Box::pin(poll(self.addr, path, self.buffer)));
                }
                if let Some(asked) = &mut self.asked {
                    let answer = asked.await;
                    self.asked = None;
                    self.take(&answer?);
                }
            }
        })
    }
}

impl Poll {
    fn take(&mut self, answer: &Value) {
        let cursor = answer["cursor"].as_str();
        let cursor = cursor.unwrap_or_else(|| panic!("an answer without a cursor: {answer}"));
        let at = positions(cursor, &self.channels);
        self.client = answer["client"].as_str().map(str::to_owned);
        let mut last = BTreeMap::new();
        for object in answer["messages"].as_array().unwrap() {
            if object["op"] == "message" {
                last.insert(channel(object), object["pos"].clone());
            }
            self.ready.extend(told(object).transpose());
        }
        for (channel, pos) in last {
            assert_eq!(at[channel], pos, "the cursor is behind the last record");
        }
        self.cursor = Some(cursor.to_owned());
    }
}
