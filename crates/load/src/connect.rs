//! Opens the connections: a bounded number at a time, failures counted by class.

use crate::error::{Failure, Failures, LoadError};
use crate::plan::Plan;
use crate::target;
use std::net::SocketAddr;
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

/// What came of connecting.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) sockets: Vec<Socket>,
    pub(crate) failures: Failures,
    pub(crate) took: Duration,
}

/// Opens all connections of the plan; `progress` is told how many are open.
pub(crate) async fn all(plan: &Plan, mut progress: impl FnMut(usize)) -> Result<Opened, LoadError> {
    let addresses = target::addresses(plan).await?;
    let start = Instant::now();
    let mut opened = Opened {
        sockets: Vec::new(),
        failures: Failures::default(),
        took: Duration::ZERO,
    };
    let client = client(plan);

    // The first one finds out which address answers, and whether any does.
    let mut chosen = None;
    let mut failures = Failures::default();
    for address in addresses {
        match open(client.clone(), address, plan.connect_timeout).await {
            Ok(socket) => {
                opened.sockets.push(socket);
                chosen = Some(address);
                break;
            }
            Err(
                error @ (ConnectError::InvalidUrl(_)
                | ConnectError::InvalidHeader(_)
                | ConnectError::InvalidCookie(_)
                | ConnectError::InvalidRequest(_)),
            ) => return Err(LoadError::InvalidPlan(error.to_string())),
            Err(error) => failures.add(Failure::connect(&error), 1),
        }
    }
    let Some(address) = chosen else {
        return Err(LoadError::NoneConnected(failures));
    };
    progress(1);

    let mut tasks = JoinSet::new();
    let mut begun = 1;
    while begun < plan.connections || !tasks.is_empty() {
        while begun < plan.connections && tasks.len() < plan.connecting {
            tasks.spawn(open(client.clone(), address, plan.connect_timeout));
            begun += 1;
        }
        match tasks.join_next().await {
            Some(Ok(Ok(socket))) => opened.sockets.push(socket),
            Some(Ok(Err(error))) => opened.failures.add(Failure::connect(&error), 1),
            Some(Err(_)) | None => {}
        }
        progress(opened.sockets.len());
    }
    opened.took = start.elapsed();
    Ok(opened)
}

/// What every WebSocket of the plan asks for; `None` for plain TCP.
fn client(plan: &Plan) -> Option<Client> {
    let defaults = Config::default();
    let largest = plan.size.max(defaults.max_message);
    // Keepalive would be traffic that nobody asked for; a silent server is found by draining.
    let config = defaults
        .max_message(largest)
        .ping_interval(None)
        .close_timeout(CLOSE_TIME);
    let client = Client::new(&plan.url)
        .deflate(plan.deflate.then(DeflateConfig::default))
        .handshake_timeout(plan.connect_timeout)
        .config(Arc::new(config));
    (!plan.raw).then_some(client)
}

async fn open(
    client: Option<Client>,
    address: SocketAddr,
    time: Duration,
) -> Result<Socket, ConnectError> {
    let tcp = timeout(time, TcpStream::connect(address));
    let tcp = tcp
        .await
        .map_err(|_| ConnectError::Timeout(ConnectStage::Connect))??;
    match client {
        Some(client) => Ok(Socket::WebSocket(client.handshake(tcp).await?)),
        None => {
            tcp.set_nodelay(true)?;
            Ok(Socket::Raw(tcp))
        }
    }
}
