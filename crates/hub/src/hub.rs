//! A running hub: how it starts, and how it ends.

use crate::agent::Agent;
use crate::clock::Clock;
use crate::config::Config;
use crate::door::Door;
use crate::engine::{self, Map, sqlite};
use crate::error::StartError;
use crate::http;
use crate::lines::Lines;
use crate::mailbox::{Post, mailbox};
use crate::node::{HubEvent, Node, Tally, listen, lot};
use crate::shard::{self, Begin, Front, Started};
use crate::web::files::Files;
use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tidewire_hub_core::identity::ClientKey;
use tidewire_hub_core::{Counters, ShardId, Storage};
use tokio::sync::watch;
use tokio::time::Instant;

/// What shards serve connections with.
const FRONT: Front = Front {
    router: http::routes::router,
    serve: http::serve,
};

/// A running hub. Dropped, it ends at once, as by a power loss: durable channels lose nothing, and
/// clients come back by themselves. [`shut_down`](Self::shut_down) says goodbye first.
pub struct Hub {
    node: Arc<Node>,
    addrs: Vec<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
    leave: watch::Sender<Option<Instant>>,
    store: Option<sqlite::Store>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("addrs", &self.addrs)
            .finish_non_exhaustive()
    }
}

/// How a hub ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that did not end in time and were cut.
    pub cut: usize,
}

impl Hub {
    /// Opens the data folder if a namespace is durable, the ports, and an event loop for each core on a
    /// thread of its own; ready when it returns. `events` is told what whoever runs the hub should
    /// know; it is called on the hub's threads, and must not block.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; nothing is left running.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, everything ends.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O.
    pub async fn start(
        config: Config,
        events: impl Fn(HubEvent) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = if config.shards == 0 {
            cores
        } else {
            config.shards
        };
        let clock = Clock::new();
        let (mailboxes, inboxes): (Vec<_>, Vec<_>) = (0..shards).map(|_| mailbox()).unzip();
        let post = Post(mailboxes.into());

        let (addrs, listeners) = listen::bind_all(&config.listen).await?;
        let public = addrs.iter().find(|addr| !addr.ip().is_loopback());
        if let Some(&addr) = public.filter(|_| !config.allow_anonymous) {
            return Err(StartError::Public { addr });
        }

        let files = match &config.dir {
            None => None,
            Some(dir) => Some(Files::new(dir).map_err(|error| StartError::Dir {
                dir: dir.clone(),
                error,
            })?),
        };
        let mut settings = config.settings.clone();
        let durable = engine::options(&settings, Storage::Durable);
        let store = if durable.is_empty() {
            // Nothing outlives the process: guests' ids need not either.
            settings.client_key = ClientKey::new(lot::new_key()?);
            None
        } else {
            let store = sqlite::Store::open(&config, durable, post.clone()).await?;
            settings.client_key = ClientKey::new(store.client_key);
            Some(store)
        };
        let settings = Arc::new(settings);
        let external = store.as_ref().map(sqlite::Store::engine);
        let node = Arc::new(Node {
            lines: Lines::new(&config, &settings),
            files,
            engines: Map::new(&settings, shards, external),
            agent: Agent::new(config.agent, &addrs, lot::new_token()?),
            sessions: config.sessions && addrs.iter().all(|addr| addr.ip().is_loopback()),
            door: Door::new(&config, shards),
            tally: Tally::default(),
            term: lot::new_term(clock)?,
            events: Box::new(events),
            started: clock.now(),
            addrs: addrs.clone(),
            settings,
            config,
            clock,
            post,
        });
        let (leave, leaving) = watch::channel(None);
        let mut hub = Self {
            node,
            addrs,
            threads: Vec::new(),
            leave,
            store,
        };
        let mut listeners = Some(listeners);
        let mut starting = Vec::new();
        for (number, inbox) in inboxes.into_iter().enumerate() {
            let Started { thread, ready } = shard::start(Begin {
                node: hub.node.clone(),
                front: FRONT,
                id: ShardId(number),
                inbox,
                listeners: listeners.take().unwrap_or_default(),
                leaving: leaving.clone(),
            })
            .map_err(StartError::Thread)?;
            hub.threads.push(thread);
            starting.push(ready);
        }
        for ready in starting {
            let died = || std::io::Error::other("it ended at once");
            let outcome = ready.await.unwrap_or_else(|_| Err(died()));
            outcome.map_err(StartError::Thread)?;
        }
        Ok(hub)
    }

    #[cfg(test)]
    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The addresses that it listens on, in the order of the configuration.
    #[must_use]
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The page `/tester` with the token of its local agent, for whoever runs the hub and nobody else:
    /// `http://127.0.0.1:4000/tester#agent=…`. It works once; [`HubEvent::TesterLinkUsed`] says that
    /// there is a new one. `None`: there is no agent, as other machines reach the hub or
    /// [`Config::agent`] is off.
    #[must_use]
    pub fn tester_link(&self) -> Option<String> {
        let token = self.node.agent.as_ref()?.token();
        let s = if self.node.config.tls.is_some() {
            "s"
        } else {
            ""
        };
        let addr = self.addrs.first()?;
        Some(format!("http{s}://{addr}/tester#agent={token}"))
    }

    /// Serves a connection that somebody else has accepted, as one of the hub's own.
    ///
    /// # Errors
    ///
    /// If the socket is no TCP connection any more.
    pub fn serve_stream(&self, tcp: TcpStream) -> std::io::Result<()> {
        let peer = tcp.peer_addr()?;
        tcp.set_nonblocking(true)?;
        self.node.hand_over(tcp, peer);
        Ok(())
    }

    /// What each shard has done so far, and holds now.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub fn counters(&self) -> impl Future<Output = Vec<Counters>> + Send + use<> {
        self.node.counters()
    }

    /// Accepts nobody any more, says `bye` to every session and closes it, waits until all connections
    /// have ended, at most for `timeout`, and closes the store.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the hub ends at once.
    pub async fn shut_down(mut self, timeout: Duration) -> Drained {
        let until = Instant::now() + timeout;
        _ = self.leave.send(Some(until));
        let threads = std::mem::take(&mut self.threads);
        let join = move || threads.into_iter().for_each(|thread| _ = thread.join());
        _ = tokio::task::spawn_blocking(join).await;
        let cut = self.node.door.cut();
        drop(self.node); // which uses the store
        if let Some(store) = self.store.take() {
            store.close().await;
        }
        Drained { cut }
    }
}
