//! The clients of an interactive server: each comes, says things, and leaves.

use std::cell::Cell;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::Poll;

use tidewire::{
    AcceptError, Accepted, CloseCode, CloseStory, ClosedBy, Error, Event, Message, Received,
    Receiver, Sender, Server, WebSocket,
};
use tokio::sync::mpsc;
use tokio::task::spawn_local;

use crate::bind::{Arrived, Door};
use crate::echo::http::{self, Pages};
use crate::tls::{self, Tls};

/// What happened at a client.
pub(super) enum Happened {
    /// One has come, with this number.
    Came(u64, Newcomer),
    /// It sent a message.
    Said(u64, Message),
    /// It answered a Ping.
    Ponged(u64, Vec<u8>),
    /// It has gone: with this code and reason, and the error if it was one.
    Left(u64, CloseCode, String, Option<String>),
    /// Somebody came and did not become a client.
    TurnedAway(String, String),
}

/// What is known of a client that has come.
pub(super) struct Newcomer {
    pub(super) sender: Sender,
    pub(super) address: String,
    pub(super) path: String,
    pub(super) subprotocol: Option<String>,
}

/// What all clients share.
pub(super) struct Host {
    pub(super) server: Server,
    pub(super) tls: Option<Tls>,
    pub(super) pages: Pages,
    pub(super) count: Cell<u64>,
    pub(super) happened: mpsc::Sender<Happened>,
}

/// Takes whoever comes, each in a task of its own.
pub(super) async fn accept(door: Rc<Door>, host: Rc<Host>) {
    loop {
        let arrived = door.accept().await;
        spawn_local(serve(arrived, host.clone()));
    }
}

async fn serve(arrived: Arrived, host: Rc<Host>) {
    let address = arrived.name();
    let opened = match (arrived, &host.tls) {
        (Arrived::Tcp(tcp, _), None) => host.welcome(tcp, &address).await,
        (Arrived::Tcp(tcp, _), Some(tls)) => match tls::accept(&tls.server, tcp).await {
            Ok(Some(stream)) => host.welcome(stream, &address).await,
            Ok(None) => None,
            Err(error) => {
                let away = Happened::TurnedAway(address.clone(), error.to_string());
                _ = host.happened.send(away).await;
                None
            }
        },
        #[cfg(unix)]
        (Arrived::Unix(stream), _) => host.welcome(stream, &address).await,
    };
    if let Some(ws) = opened {
        host.listen(ws, address).await;
    }
}

impl Host {
    /// Hears what somebody wants: plain HTTP is answered here.
    async fn welcome<S: tidewire::Io>(&self, io: S, address: &str) -> Option<WebSocket> {
        match self.server.accept_or_http(io).await {
            Ok(Accepted::WebSocket(ws)) => return Some(ws),
            Ok(Accepted::Http(plain)) => {
                http::serve(plain.read.into(), plain.io, &self.pages).await;
            }
            Err(AcceptError::Refused(refusal)) => {
                let away = Happened::TurnedAway(address.to_owned(), refusal.to_string());
                _ = self.happened.send(away).await;
            }
            // Who leaves before it is a client is nobody.
            Err(_) => {}
        }
        None
    }

    /// One client's life. It reads no further while nobody takes what it says.
    async fn listen(&self, ws: WebSocket, address: String) {
        let number = self.count.get() + 1;
        self.count.set(number);
        let path = ws.target().map(|target| target.to_string());
        let subprotocol = ws.subprotocol();
        let (sender, mut receiver) = ws.split();
        let newcomer = Newcomer {
            sender,
            address,
            path: path.unwrap_or_else(|| "/".to_owned()),
            subprotocol,
        };
        let mut happened = Happened::Came(number, newcomer);
        let result = loop {
            if self.happened.send(happened).await.is_err() {
                return;
            }
            happened = match hear(&mut receiver).await {
                Ok(Some(Heard::Message(message))) => Happened::Said(number, message),
                Ok(Some(Heard::Pong(payload))) => Happened::Ponged(number, payload),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
        };
        let (code, reason, error) = end(result, receiver.close_story());
        let left = Happened::Left(number, code, reason, error);
        _ = self.happened.send(left).await;
    }
}

enum Heard {
    Message(Message),
    Pong(Vec<u8>),
}

/// The next that a client says; `None`: it closed.
async fn hear(receiver: &mut Receiver) -> Result<Option<Heard>, Error> {
    poll_fn(|cx| {
        let mut heard = None;
        let received = receiver.poll_receive(cx, |event, _| {
            heard = Some(match event {
                Event::Text(text) => Heard::Message(Message::Text(text.into_text())),
                Event::Binary(data) => Heard::Message(Message::Binary(data.into_bytes())),
                Event::Pong(data) => Heard::Pong(data.to_vec()),
                _ => return ControlFlow::Continue(()),
            });
            ControlFlow::Break(())
        });
        received.map(|received| match received? {
            Received::Paused => Ok(heard),
            Received::Closed(story) if story.is_clean() => Ok(None),
            Received::Closed(story) => Err(Error::Closed(story)),
            _ => Ok(None),
        })
    })
    .await
}

/// The code and the reason of the side that began, and what went wrong besides.
fn end(
    result: Result<(), Error>,
    story: Option<CloseStory>,
) -> (CloseCode, String, Option<String>) {
    let (story, error) = match result {
        Err(Error::Closed(story)) => (Some(*story), None),
        Err(error) => (story, Some(error.to_string())),
        Ok(()) => (story, None),
    };
    let frame = story.and_then(|story| match story.by {
        ClosedBy::Us => story.sent,
        ClosedBy::Peer => story.received,
        _ => None,
    });
    match frame {
        Some(frame) => (frame.code, frame.reason.to_string(), error),
        None => (CloseCode::ABNORMAL, String::new(), error),
    }
}

/// Ready when one of them takes more, or nobody will.
pub(super) async fn one_takes_more(senders: &[&Sender]) {
    poll_fn(|cx| {
        let mut open = false;
        for sender in senders {
            match sender.poll_writable(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(()),
                Poll::Ready(Err(_)) => {}
                Poll::Pending => open = true,
            }
        }
        if open { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}
