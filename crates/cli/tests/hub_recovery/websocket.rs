//! Listening over WebSocket: a native session of many channels, or a plain connection for each.

use crate::hub_common::native::{Gone, Native, websocket};
use crate::transport::{Later, Line, Positions, Told, Transport, Wish, checked, soon, told};
use serde_json::{Value, json};
use std::collections::VecDeque;
use tidewire::{Message, WebSocket};

/// `/ws`.
pub(crate) struct OverNative;

impl Transport for OverNative {
    fn name(&self) -> &'static str {
        "native"
    }

    fn open<'a>(&'a self, wish: Wish<'a>) -> Later<'a, Result<Box<dyn Line>, Gone>> {
        Box::pin(async move {
            let native = soon("hello", Native::open(wish.addr, None, wish.buffer)).await?;
            let subscribe = |(channel, since): (&&str, &Option<String>)| {
                let mut command = json!({"op": "subscribe", "id": 1, "channel": channel});
                if let Some(since) = since {
                    command["since"] = json!(since);
                }
                command
            };
            // One batch: many channels recover side by side.
            let batch: Value = wish.positions.iter().map(subscribe).collect();
            native.send(&batch).await?;
            Ok(Box::new(native) as Box<dyn Line>)
        })
    }
}

impl Line for Native {
    fn next(&mut self) -> Later<'_, Result<Told, Gone>> {
        Box::pin(async move {
            loop {
                let object = Native::next(self).await?;
                if let Some(told) = told(&object)? {
                    return Ok(told);
                }
            }
        })
    }
}

/// `/c/{channel}?since=…`: payloads and nothing else.
pub(crate) struct OverPlain;

impl Transport for OverPlain {
    fn name(&self) -> &'static str {
        "plain"
    }

    /// It cannot say that a position is gone, so it is for channels that are kept.
    fn fits(&self, positions: &Positions) -> bool {
        let kept =
            |(channel, pos): (&&str, &Option<String>)| pos.is_some() && crate::is_whole(channel);
        positions.iter().all(kept)
    }

    fn open<'a>(&'a self, wish: Wish<'a>) -> Later<'a, Result<Box<dyn Line>, Gone>> {
        Box::pin(async move {
            let mut lines = Vec::new();
            let mut begun = VecDeque::new();
            for (channel, pos) in wish.positions {
                let pos = pos.clone().unwrap_or_default();
                let path = format!("/c/{channel}?since={pos}&echo=1");
                lines.push((*channel, websocket(wish.addr, &path, wish.buffer).await?));
                begun.push_back(Told::Begin {
                    channel,
                    pos,
                    recovered: Some(true),
                });
            }
            Ok(Box::new(Plain { lines, begun }) as Box<dyn Line>)
        })
    }
}

struct Plain {
    lines: Vec<(&'static str, WebSocket)>,
    begun: VecDeque<Told>,
}

impl Line for Plain {
    fn next(&mut self) -> Later<'_, Result<Told, Gone>> {
        Box::pin(async move {
            if let Some(begun) = self.begun.pop_front() {
                return Ok(begun);
            }
            let (channel, message) = any(&mut self.lines).await;
            let payload = match message? {
                Some(Message::Text(text)) => checked(text.as_bytes()),
                Some(Message::Binary(bytes)) => checked(&bytes),
                None => return Err(Gone("closed".to_owned())),
            };
            Ok(Told::Record {
                channel,
                pos: None,
                mark: payload,
            })
        })
    }
}

/// What comes first on any of them.
async fn any(
    lines: &mut [(&'static str, WebSocket)],
) -> (&'static str, Result<Option<Message>, tidewire::Error>) {
    let mut waiting: Vec<_> = lines
        .iter_mut()
        .map(|(channel, line)| (*channel, Box::pin(line.recv())))
        .collect();
    std::future::poll_fn(|cx| {
        for (channel, line) in &mut waiting {
            if let std::task::Poll::Ready(message) = line.as_mut().poll(cx) {
                return std::task::Poll::Ready((*channel, message));
            }
        }
        std::task::Poll::Pending
    })
    .await
}
