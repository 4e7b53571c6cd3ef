//! The thread of a shard, from its start to its end.

use super::local::{Front, HERE, Local};
use super::pump;
use crate::mailbox::Inbox;
use crate::node::Node;
use crate::node::listen::accept;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tidewire_hub_core::ShardId;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, timeout};

/// A thread that was asked to start.
pub(crate) struct Started {
    pub(crate) thread: JoinHandle<()>,
    /// Whether its event loop runs.
    pub(crate) ready: oneshot::Receiver<io::Result<()>>,
}

/// What a shard begins with.
pub(crate) struct Begin {
    pub(crate) node: Arc<Node>,
    pub(crate) front: Front,
    pub(crate) id: ShardId,
    pub(crate) inbox: Inbox,
    /// Ports that this one accepts on, for all.
    pub(crate) listeners: Vec<std::net::TcpListener>,
    /// When the node is shut down: by when all is over.
    pub(crate) leaving: watch::Receiver<Option<Instant>>,
}

/// Starts the thread of a shard.
///
/// # Errors
///
/// If the system has no thread to give.
pub(crate) fn start(begin: Begin) -> io::Result<Started> {
    let (tell, ready) = oneshot::channel();
    let name = format!("tidewire-hub-{}", begin.id.0);
    let thread = std::thread::Builder::new().name(name).spawn(move || {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default());
        match runtime {
            Ok(runtime) => {
                runtime.block_on(live(begin, tell));
                HERE.set(None);
            }
            Err(error) => _ = tell.send(Err(error)),
        }
    })?;
    Ok(Started { thread, ready })
}

async fn live(begin: Begin, ready: oneshot::Sender<io::Result<()>>) {
    let Begin {
        node,
        front,
        id,
        inbox,
        listeners,
        mut leaving,
    } = begin;
    let local = Local::new(node, front, id, leaving.clone());
    HERE.set(Some(local.clone()));
    let pump = pump::run(local.clone(), inbox);
    spawn_local(tokio::task::unconstrained(pump));
    for listener in listeners {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => {
                spawn_local(accept(local.node.clone(), listener, leaving.clone()));
            }
            Err(error) => {
                _ = ready.send(Err(error));
                return;
            }
        }
    }
    _ = ready.send(Ok(()));
    // The node is dropped without a word: everything ends at once.
    let Ok(until) = leaving.wait_for(Option::is_some).await.map(|until| *until) else {
        return;
    };
    let until = until.unwrap_or_else(Instant::now);
    _ = timeout(
        until.saturating_duration_since(Instant::now()),
        say_goodbye(&local, until),
    )
    .await;
    local.node.door.leave(local.id);
}

/// Sessions that are told to leave before other tasks have a turn.
const AT_ONCE: usize = 64;

/// Ends every session, spread over a short time so that they do not all come back at one moment, and
/// waits until no connection is left.
async fn say_goodbye(local: &Rc<Local>, until: Instant) {
    let sessions = local.sessions();
    let left = until.saturating_duration_since(Instant::now());
    let rounds = u32::try_from(sessions.len().div_ceil(AT_ONCE)).unwrap_or(u32::MAX);
    let pause = (left / 4).min(Duration::from_secs(2)) / rounds.max(1);
    // Who is told later may come back sooner: some ten thousand spread over ten seconds.
    let window = (sessions.len() as u64).clamp(500, 10_000);
    for some in sessions.chunks(AT_ONCE) {
        for &session in some {
            local.bye(session, 500 + random(window));
        }
        sleep(pause).await;
    }
    while local.node.door.connections(local.id) > 0 {
        // Those that came in the meantime, too.
        for session in local.sessions() {
            local.bye(session, 500 + random(window));
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// A number below `below`; without entropy 0, which is as good as any.
fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes) % below.max(1)
}
