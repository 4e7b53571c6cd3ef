//! Opening a connection: the halves of it, and what is known of it.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tidewire::{ConnectError, Error, Event, Message, Received, Receiver, Sender};

use super::talk::Opened;
use super::wire::Wire;
use crate::dial::Dial;

/// A connection that is open.
pub(super) struct Link {
    pub(super) tx: Sender,
    pub(super) rx: Receiver,
    pub(super) wire: Wire,
    pub(super) opened: Opened,
}

/// An attempt that failed: how far it came, and why.
pub(super) struct NoLink {
    pub(super) steps: Vec<String>,
    pub(super) error: ConnectError,
}

/// An attempt that is being made.
pub(super) type Linking = Pin<Box<dyn Future<Output = Result<Link, NoLink>>>>;

/// Makes one attempt; `frames`: each frame is to be shown.
pub(super) fn open(dial: Arc<Dial>, frames: bool) -> Linking {
    Box::pin(async move {
        let wire = Wire::new(frames);
        match dial.connect(Some(wire.watcher())).await {
            Ok(ws) => {
                let opened = wire.opened(&ws);
                let (tx, rx) = ws.split();
                Ok(Link {
                    tx,
                    rx,
                    wire,
                    opened,
                })
            }
            Err(error) => Err(NoLink {
                steps: wire.steps(),
                error,
            }),
        }
    })
}

/// What comes out of a connection.
#[derive(Debug)]
pub(super) enum Item {
    Message(Message),
    Ping(Bytes),
    Pong(Bytes),
    /// Nothing more; Err: and it did not end as it should have.
    Over(Result<(), Error>),
}

/// The next that comes.
pub(super) fn poll(rx: &mut Receiver, cx: &mut Context<'_>) -> Poll<Item> {
    let mut item = None;
    let received = ready!(rx.poll_receive(cx, |event, _| {
        item = match event {
            Event::Text(text) => Some(Item::Message(Message::Text(text.into_text()))),
            Event::Binary(data) => Some(Item::Message(Message::Binary(data.into_bytes()))),
            Event::Ping(payload) => Some(Item::Ping(payload.into_bytes())),
            Event::Pong(payload) => Some(Item::Pong(payload.into_bytes())),
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(())
    }));
    match (received, item) {
        (Ok(Received::Paused), Some(item)) => Poll::Ready(item),
        (Ok(Received::Closed(story)), _) if !story.is_clean() => {
            Poll::Ready(Item::Over(Err(Error::Closed(story))))
        }
        (Ok(_), _) => Poll::Ready(Item::Over(Ok(()))),
        (Err(error), _) => Poll::Ready(Item::Over(Err(error))),
    }
}

/// Sends `message`: at once, or with what follows it.
pub(super) fn send(tx: &Sender, message: Message, more: bool) -> Sending {
    let tx = tx.clone();
    Box::pin(async move {
        match more {
            true => tx.feed(message).await,
            false => tx.send(message).await,
        }
    })
}

/// Waits until everything is with the operating system.
pub(super) fn flush(tx: &Sender) -> Sending {
    let tx = tx.clone();
    Box::pin(async move { tx.flush().await })
}

/// Something that is being sent.
pub(super) type Sending = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// The attempt, unless Ctrl-C or the end of `--timeout` comes first.
pub(super) async fn first(
    mut linking: Linking,
    limit: Option<std::time::Duration>,
) -> Result<Result<Link, NoLink>, Cut> {
    let late = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = poll_fn(|cx| linking.as_mut().poll(cx)) => Ok(result),
        _ = tokio::signal::ctrl_c() => Err(Cut::Interrupted),
        () = late => Err(Cut::Late),
    }
}

/// What cut an attempt short.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    Interrupted,
    Late,
}
