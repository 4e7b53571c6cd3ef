//! Opens connections: a bounded number at a time, each timed, failures counted by class.

use crate::error::Failure;
use crate::plan::{MAX_PING, Plan};
use crate::tally::{Board, lock};
use crate::target;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidewire::{Client, Config, ConnectError, ConnectStage, DeflateConfig, WebSocket};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a server may take to answer our Close and end the TCP connection.
pub(crate) const CLOSE_TIME: Duration = Duration::from_secs(2);

/// An open connection.
#[derive(Debug)]
pub(crate) enum Socket {
    WebSocket(WebSocket),
    Raw(TcpStream),
}

/// Knows how a connection of the plan is opened.
#[derive(Clone, Debug)]
pub(crate) struct Opener {
    client: Client,
    raw: Option<Arc<str>>,
    hello: Option<Arc<str>>,
    time: Duration,
}

impl Opener {
    pub(crate) fn new(plan: &Plan) -> Self {
        let defaults = Config::default();
        // A publication comes with what the hub says of it.
        let largest = plan.size.saturating_add(4096).max(defaults.max_message);
        // Keepalive would be traffic that nobody asked for; a silent server is found by draining.
        let config = defaults
            .max_message(largest.max(MAX_PING))
            .ping_interval(None)
            .close_timeout(CLOSE_TIME);
        let client = plan.client.clone();
        let client = client
            .unwrap_or_else(|| Client::new(&plan.url))
            .deflate(plan.deflate.then(DeflateConfig::default))
            .config(Arc::new(config));
        Self {
            client,
            raw: plan.raw.then(|| Arc::from(&*plan.url)),
            hello: plan.hello.as_deref().map(Arc::from),
            time: plan.connect_timeout,
        }
    }

    /// Opens one.
    pub(crate) async fn open(&self) -> Result<Socket, ConnectError> {
        let open = async {
            let Some(url) = &self.raw else {
                let ws = self.client.clone().connect().await?;
                return Ok(Socket::WebSocket(ws));
            };
            let tcp = TcpStream::connect(target::host_and_port(url)?).await?;
            tcp.set_nodelay(true)?;
            Ok(Socket::Raw(tcp))
        };
        let open = timeout(self.time, open);
        open.await
            .unwrap_or(Err(ConnectError::Timeout(ConnectStage::Connect)))
    }

    /// Opens one, says what is to be said first, and counts it.
    pub(crate) async fn open_counted(&self, board: &Board) -> Result<Socket, ConnectError> {
        let start = Instant::now();
        let mut socket = self.open().await?;
        let took = start.elapsed();
        let mut compressed = false;
        if let Socket::WebSocket(ws) = &mut socket {
            compressed = ws.deflate().is_some();
            if let Some(hello) = &self.hello {
                let said = ws.send(hello.to_string()).await;
                said.map_err(|error| ConnectError::Io(io::Error::other(error)))?;
            }
        }
        let tally = &mut lock(board).tally;
        tally.connects.add(took.as_nanos() as u64);
        tally.counts.opened += 1;
        tally.counts.live += 1;
        tally.counts.compressed += u64::from(compressed);
        Ok(socket)
    }
}

/// Opens so many connections, `at_once` at a time; ends early if `over` does.
pub(crate) async fn all(
    opener: &Opener,
    count: usize,
    at_once: usize,
    board: &Board,
    over: impl Future<Output = ()>,
) -> Vec<Socket> {
    let mut sockets = Vec::with_capacity(count);
    let mut tasks = JoinSet::new();
    let mut begun = 0;
    tokio::pin!(over);
    while begun < count || !tasks.is_empty() {
        while begun < count && tasks.len() < at_once {
            let (opener, board) = (opener.clone(), board.clone());
            tasks.spawn(async move { opener.open_counted(&board).await });
            begun += 1;
        }
        let opened = tokio::select! {
            opened = tasks.join_next() => opened,
            () = &mut over => break,
        };
        match opened {
            Some(Ok(Ok(socket))) => sockets.push(socket),
            Some(Ok(Err(error))) => lock(board).tally.failures.add(Failure::connect(&error), 1),
            Some(Err(_)) | None => {}
        }
    }
    sockets
}
