//! [`Reconnecting`]: one conversation over as many connections as it takes.
//!
//! ```no_run
//! use std::time::Duration;
//! use tidewire::Client;
//!
//! # async fn token() -> Result<String, std::io::Error> { Ok(String::new()) }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut feed = Client::new("ws://127.0.0.1:4000/prices")
//!     .reconnecting()
//!     // Before each attempt: what must be fresh.
//!     .prepare(|client, _attempt| async move {
//!         Ok(client.header("Authorization", format!("Bearer {}", token().await?)))
//!     })
//!     // On each new connection, before its messages are handed out: what the server forgot.
//!     .resume(|ws, _attempt| async move {
//!         ws.send("subscribe prices").await?;
//!         Ok(ws)
//!     })
//!     .give_up_after(Duration::from_secs(3600));
//!
//! while let Some(message) = feed.recv().await? {
//!     println!("{message:?}"); // of all connections, in order
//! }
//! # Ok(()) }
//! ```
//!
//! # What it does
//!
//! A connection that ends is judged by its [`End`]: [`Verdict::of`] has the table, and
//! [`classify`](Reconnecting::classify) replaces it. If it is worth another try, one follows after a
//! wait that [`Backoff`] draws at random, so that the clients of a server that restarts do not return
//! all at once. The wait grows with each failure, and a connection that is accepted and then closed
//! within [`stable_after`](Reconnecting::stable_after) is a failure too: a server in trouble is not
//! hammered. Otherwise [`GaveUp`] holds the reason, with the server's answer if it refused.
//!
//! The first connection is treated as any other: call [`open`](Reconnecting::open) and set limits if
//! a program should not start without one.
//!
//! It owns no task. Nothing goes on, not even a wait, unless the caller awaits one of its methods;
//! dropping their futures loses nothing, so they may stand in a `select!`:
//!
//! ```no_run
//! # async fn example(mut feed: tidewire::Reconnecting, mut tick: tokio::time::Interval)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use tidewire::reconnect::ReconnectEvent;
//! loop {
//!     tokio::select! {
//!         event = feed.next_event() => match event? {
//!             Some(ReconnectEvent::Message(message)) => println!("{message:?}"),
//!             Some(ReconnectEvent::Lost { end, retry_in, .. }) => {
//!                 eprintln!("lost: {end}; again in {retry_in:?}");
//!             }
//!             Some(_) => {}
//!             None => return Ok(()),
//!         },
//!         _ = tick.tick(), if feed.socket().is_some() => feed.send("still here").await?,
//!     }
//! }
//! # }
//! ```
//!
//! # What is not promised
//!
//! Delivery. What the server sent while no connection was open, or what was under way when one was
//! lost, does not come again by itself; and a message that `send` took may be lost with the
//! connection, even if it left this machine. No message is sent twice, for only the application knows
//! which it may repeat. Who needs every message numbers them: the client says in `prepare` or
//! `resume` which position it has, and the server goes on from there.
//!
//! The wait is measured by a clock that on most systems stands still while the machine sleeps. A
//! program that is told of its waking, or of a new network, should call
//! [`retry_now`](Reconnecting::retry_now). That the old connection is dead is found out by its
//! keepalive.

mod attempt; // one attempt: prepare, connect, resume
mod backoff; // how long to wait
mod event; // the words of the public API
mod machine; // the states, and what an end leads to
mod pending; // what happened while the caller was sending
mod run; // receiving, sending, closing
mod verdict; // which ends are worth another try

pub use backoff::Backoff;
pub use event::{Attempt, GaveUp, GiveUpReason, ReconnectError, ReconnectEvent};
pub use verdict::{End, Verdict};

use crate::client::Client;
use crate::client::error::ConnectError;
use crate::websocket::WebSocket;
use attempt::Hooks;
use machine::{Phase, Tally};
use pending::Pending;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// What a hook may fail with: `?` makes it of any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

type Classify = Arc<dyn Fn(&End) -> Verdict + Send + Sync>;

/// A client that connects again when its connection is lost: see the [module](self).
///
/// Dropping it drops the connection, if one is open, or ends the attempt:
/// [`close`](Self::close) ends in order.
#[must_use = "nothing happens until it is received from"]
pub struct Reconnecting {
    client: Client,
    hooks: Hooks,
    backoff: Backoff,
    classify: Option<Classify>,
    stable_after: Duration,
    attempt_timeout: Duration,
    most_attempts: Option<u32>,
    most_time: Option<Duration>,

    phase: Phase,
    tally: Tally,
    /// Connections that were opened so far.
    opened: u64,
    /// Messages taken since everything queued was last seen written.
    unsent: usize,
    pending: Pending,
    /// Whether the stream has given its error.
    #[cfg(feature = "futures")]
    told: bool,
}

impl Client {
    /// A client that connects again when its connection is lost; it connects for the first time when
    /// it is first received from.
    pub fn reconnecting(self) -> Reconnecting {
        Reconnecting {
            client: self,
            hooks: Hooks::default(),
            backoff: Backoff::default(),
            classify: None,
            stable_after: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(60),
            most_attempts: None,
            most_time: None,
            phase: Phase::Due,
            tally: Tally::default(),
            opened: 0,
            unsent: 0,
            pending: Pending::default(),
            #[cfg(feature = "futures")]
            told: false,
        }
    }
}

impl Reconnecting {
    /// How long to wait between attempts. Default: [`Backoff::new`], by chance up to 5 s at first,
    /// and up to 60 s after more failures.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long a connection must last for the failures before it to be forgotten. Default 10 s. Too
    /// short, and a server that accepts and then closes is tried again at the shortest wait for ever;
    /// too long, and after a busy hour a single loss is followed by a long wait.
    pub fn stable_after(mut self, time: Duration) -> Self {
        self.stable_after = time;
        self
    }

    /// Gives up after this many attempts without a stable connection. Default: never. 0 counts as 1.
    /// Few end a program over a server's restart; never leaves one waiting for a server that is gone.
    pub fn give_up_after_attempts(mut self, attempts: u32) -> Self {
        self.most_attempts = Some(attempts.max(1));
        self
    }

    /// Gives up as soon as the next attempt would begin later than this after the first one, or after
    /// the last stable connection ended. Default: never. Less than a server's restart takes ends a
    /// program over it.
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.most_time = Some(time);
        self
    }

    /// How long an attempt may take, hooks included. Default 60 s: connecting has its own deadlines,
    /// this one is for hooks that hang. Too short, and a slow server is never reached.
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.attempt_timeout = time;
        self
    }

    /// Decides which ends are worth another try. Default: [`Verdict::of`]. One that tries for ever what
    /// cannot succeed keeps its server busy:
    ///
    /// ```no_run
    /// use tidewire::reconnect::{End, Verdict};
    ///
    /// # let client = tidewire::Client::new("ws://127.0.0.1/");
    /// let feed = client.reconnecting().classify(|end| match end.close_code() {
    ///     Some(code) if code.0 == 4009 => Verdict::Retry, // this service's "session timed out"
    ///     _ => Verdict::of(end),
    /// });
    /// ```
    pub fn classify(mut self, classify: impl Fn(&End) -> Verdict + Send + Sync + 'static) -> Self {
        self.classify = Some(Arc::new(classify));
        self
    }

    /// Runs before each attempt, on a fresh clone of the client: for a new token, or a position in a
    /// header. To change the URL, return another client. An error counts as a failed attempt. Default:
    /// nothing is changed.
    pub fn prepare<H, F>(mut self, hook: H) -> Self
    where
        H: Fn(Client, Attempt) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Client, BoxError>> + Send + 'static,
    {
        self.hooks.prepare = Some(Arc::new(move |client, attempt| {
            Box::pin(hook(client, attempt))
        }));
        self
    }

    /// Opens the connections: for transports of your own, and for tests without sockets. Default:
    /// [`Client::connect`].
    ///
    /// ```no_run
    /// # #[cfg(unix)] {
    /// # let client = tidewire::Client::new("ws://localhost/");
    /// let feed = client.reconnecting().connect_with(|client, _attempt| async move {
    ///     client.handshake(tokio::net::UnixStream::connect("/run/feed.sock").await?).await
    /// });
    /// # }
    /// ```
    pub fn connect_with<H, F>(mut self, connect: H) -> Self
    where
        H: Fn(Client, Attempt) -> F + Send + Sync + 'static,
        F: Future<Output = Result<WebSocket, ConnectError>> + Send + 'static,
    {
        self.hooks.connect = Some(Arc::new(move |client, attempt| {
            Box::pin(connect(client, attempt))
        }));
        self
    }

    /// Runs on each new connection, the first included, before its messages are handed out: to
    /// subscribe again, or to say which position was reached. Messages that it receives are its own;
    /// the others come after it. An error drops the connection and counts as a failed attempt. Default:
    /// nothing is done.
    pub fn resume<H, F>(mut self, hook: H) -> Self
    where
        H: Fn(WebSocket, Attempt) -> F + Send + Sync + 'static,
        F: Future<Output = Result<WebSocket, BoxError>> + Send + 'static,
    {
        self.hooks.resume = Some(Arc::new(move |socket, attempt| {
            Box::pin(hook(socket, attempt))
        }));
        self
    }
}

impl fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("client", &self.client)
            .field("phase", &self.phase.name())
            .field("tally", &self.tally)
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}
