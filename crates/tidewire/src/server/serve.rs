//! One task per connection: the loops that accept, with what each connection holds meanwhile.

use super::connections::{Connections, Ticket};
use super::listener::{Incoming, Listener};
use super::{Drain, Drained, Upgrade};
use crate::observe::events;
use crate::websocket::WebSocket;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;
use tokio::net::ToSocketAddrs;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Serves `handler` on `addr` with the defaults, for ever: see [`Listener::serve`].
///
/// # Errors
///
/// The address cannot be had, or accepting fails for good.
///
/// # Cancel safety
///
/// As [`Listener::serve`].
pub async fn serve<H, F>(addr: impl ToSocketAddrs, handler: H) -> io::Result<()>
where
    H: Fn(WebSocket) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    Listener::bind(addr).await?.serve(handler).await
}

impl Listener {
    /// Serves connections for ever, each in a task of its own: `handler` gets it once its handshake
    /// is done. Clients that are refused are told so and not handed on.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it accepts no more; connections that are being served go on.
    pub async fn serve<H, F>(&self, handler: H) -> io::Result<()>
    where
        H: Fn(WebSocket) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.each(None, move |incoming, held| {
            spawn(incoming, held, handler.clone());
        })
        .await
    }

    /// As [`serve`](Self::serve), but hands over the requests: `handler` looks at each, awaits what
    /// it likes, and accepts or refuses it. A handler that does not answer within the
    /// [answer timeout](crate::Server::answer_timeout) is dropped, and its client answered with 500.
    ///
    /// ```no_run
    /// # async fn example(listener: tidewire::Listener) -> std::io::Result<()> {
    /// # async fn may_enter(cookies: Option<&http::HeaderValue>) -> bool { true }
    /// listener
    ///     .serve_upgrades(|upgrade| async move {
    ///         if !may_enter(upgrade.request().headers().get("cookie")).await {
    ///             let mut response = http::Response::new("log in first\n");
    ///             *response.status_mut() = http::StatusCode::FORBIDDEN;
    ///             let _ = upgrade.refuse(response).await;
    ///             return;
    ///         }
    ///         let Ok(mut ws) = upgrade.accept().await else { return };
    ///         let _ = ws.send("welcome").await;
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    ///
    /// # Cancel safety
    ///
    /// As [`serve`](Self::serve).
    pub async fn serve_upgrades<H, F>(&self, handler: H) -> io::Result<()>
    where
        H: Fn(Upgrade) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.each(None, move |incoming, held| {
            spawn_upgrade(incoming, held, handler.clone());
        })
        .await
    }

    /// Serves connections until `shutdown` resolves; then it stops listening, answers clients in
    /// their handshake with 503, and has the connections leave as `drain` says: see
    /// [`Connections::drain`].
    ///
    /// ```no_run
    /// # async fn example(listener: tidewire::Listener) -> std::io::Result<()> {
    /// # async fn chat(ws: tidewire::WebSocket) {}
    /// let ctrl_c = std::future::pending::<()>(); // tokio::signal::ctrl_c(), with its feature
    /// let drained = listener
    ///     .serve_until(chat, ctrl_c, tidewire::Drain::new().code(1012))
    ///     .await?;
    /// if drained.cut > 0 {
    ///     eprintln!("{} connections had to be cut", drained.cut);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept); connections that are being served go on then.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it listens no more; connections that are being served go on, and if the drain had
    /// begun, those that were told so leave.
    pub async fn serve_until<H, F>(
        self,
        handler: H,
        shutdown: impl Future,
        drain: Drain,
    ) -> io::Result<Drained>
    where
        H: Fn(WebSocket) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.until(shutdown, drain, move |incoming, held| {
            spawn(incoming, held, handler.clone());
        })
        .await
    }

    /// [`serve_upgrades`](Self::serve_upgrades) and [`serve_until`](Self::serve_until) in one: a
    /// request that is accepted after `shutdown` has resolved is answered with 503 instead.
    ///
    /// # Errors
    ///
    /// As [`serve_until`](Self::serve_until).
    ///
    /// # Cancel safety
    ///
    /// As [`serve_until`](Self::serve_until).
    pub async fn serve_upgrades_until<H, F>(
        self,
        handler: H,
        shutdown: impl Future,
        drain: Drain,
    ) -> io::Result<Drained>
    where
        H: Fn(Upgrade) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.until(shutdown, drain, move |incoming, held| {
            spawn_upgrade(incoming, held, handler.clone());
        })
        .await
    }

    async fn until(
        self,
        shutdown: impl Future,
        drain: Drain,
        start: impl Fn(Incoming, Held),
    ) -> io::Result<Drained> {
        let connections = Connections::new();
        let accepting = self.each(Some(&connections), start);
        // `shutdown` first: a future that begins to listen for a signal when it is polled does so now.
        if let First::Right(stopped) = first(shutdown, accepting).await {
            stopped?;
        }
        drop(self); // from here on the system refuses new clients
        Ok(connections.drain(drain).await)
    }

    /// Accepts for ever, and starts each connection.
    async fn each(
        &self,
        connections: Option<&Connections>,
        start: impl Fn(Incoming, Held),
    ) -> io::Result<()> {
        loop {
            let connection = seat(self.connections.as_ref()).await;
            let handshake = seat(self.handshakes.as_ref()).await;
            let mut incoming = self.accept().await?;
            let ticket = connections.map(|connections| Arc::new(connections.ticket()));
            if let Some(ticket) = &ticket {
                incoming.enter(ticket);
            }
            let held = Held {
                connection,
                handshake,
                ticket,
            };
            start(incoming, held);
        }
    }
}

/// What a connection's task holds.
struct Held {
    connection: Option<OwnedSemaphorePermit>,
    /// Until the handshake is done.
    handshake: Option<OwnedSemaphorePermit>,
    ticket: Option<Arc<Ticket>>,
}

impl Held {
    /// What it holds as long as it lives.
    fn for_life(self) -> Option<(Option<OwnedSemaphorePermit>, Option<Arc<Ticket>>)> {
        (self.connection.is_some() || self.ticket.is_some())
            .then_some((self.connection, self.ticket))
    }
}

/// A place, when there is one.
async fn seat(seats: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // The semaphore is never closed.
    seats?.clone().acquire_owned().await.ok()
}

fn spawn<H, F>(incoming: Incoming, mut held: Held, handler: H)
where
    H: Fn(WebSocket) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let seat = held.handshake.take();
    let peer = incoming.peer_addr();
    let handshake = Box::pin(async move {
        let _seat = seat;
        let accepted = async { incoming.request().await?.accept().await }.await;
        accepted.inspect_err(|error| events::not_accepted(peer, error))
    });
    // An idle connection is this task: one that holds nothing pays for nothing.
    let Some(held) = held.for_life() else {
        tokio::spawn(async move {
            if let Ok(socket) = handshake.await {
                handler(socket).await;
            }
        });
        return;
    };
    tokio::spawn(async move {
        let _held = held;
        if let Ok(socket) = handshake.await {
            handler(socket).await;
        }
    });
}

fn spawn_upgrade<H, F>(mut incoming: Incoming, mut held: Held, handler: H)
where
    H: Fn(Upgrade) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let time = incoming.server.answer_timeout;
    let unanswered = Arc::new(());
    let watch = Arc::downgrade(&unanswered);
    incoming.watch(unanswered);
    let seat = held.handshake.take();
    let peer = incoming.peer_addr();
    let handshake = Box::pin(async move {
        let _seat = seat;
        let request = incoming.request().await;
        request.inspect_err(|error| events::not_accepted(peer, error))
    });
    let held = held.for_life();
    tokio::spawn(async move {
        let _held = held;
        let Ok(upgrade) = handshake.await else { return };
        let mut handler = pin!(handler(upgrade));
        if Box::pin(until_answered(handler.as_mut(), watch, time)).await == Next::GoOn {
            handler.await;
        }
    });
}

/// What becomes of a handler.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It has answered, and may take its time.
    GoOn,
    /// It is done, or late.
    End,
}

/// Runs a handler until it is done, has answered, or is late.
async fn until_answered(
    mut handler: Pin<&mut (impl Future<Output = ()> + Send)>,
    watch: Weak<()>,
    time: Option<Duration>,
) -> Next {
    let Some(time) = time else { return Next::GoOn };
    let mut late = pin!(tokio::time::sleep(time));
    poll_fn(|cx| {
        if handler.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Next::End);
        }
        if watch.strong_count() == 0 {
            return Poll::Ready(Next::GoOn);
        }
        late.as_mut().poll(cx).map(|()| Next::End)
    })
    .await
}

/// The one of two that was ready first.
pub(super) enum First<A, B> {
    Left(A),
    Right(B),
}

/// Polls two futures until one is ready; the left one has precedence.
pub(super) async fn first<A: Future, B: Future>(left: A, right: B) -> First<A::Output, B::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|cx| {
        if let Poll::Ready(output) = left.as_mut().poll(cx) {
            return Poll::Ready(First::Left(output));
        }
        right.as_mut().poll(cx).map(First::Right)
    })
    .await
}
