//! What the shards of a node share.

mod event;
pub(crate) mod listen;
pub(crate) mod lot;
mod tally;

pub use event::HubEvent;
pub(crate) use tally::Tally;

use crate::agent::Agent;
use crate::clock::Clock;
use crate::config::Config;
use crate::door::Door;
use crate::engine::Map;
use crate::lines::Lines;
use crate::mailbox::{Mailbox, Parcel, Post};
use crate::metrics::NodeCounters;
use crate::web::files::Files;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tidewire_hub_core::{Counters, Millis, Settings, ShardId};
use tidewire_hub_proto::Term;
use tokio::sync::oneshot;

/// What all shards of a node share.
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) settings: Arc<Settings>,
    pub(crate) clock: Clock,
    pub(crate) started: Millis,
    /// Where it listens.
    pub(crate) addrs: Vec<SocketAddr>,
    /// The term of memory channels: new with each start.
    pub(crate) term: Term,
    pub(crate) engines: Map,
    pub(crate) post: Post,
    pub(crate) door: Arc<Door>,
    pub(crate) tally: Tally,
    pub(crate) lines: Lines,
    /// What [`Config::dir`] has.
    pub(crate) files: Option<Files>,
    /// The tester's, where only this machine can ask for it.
    pub(crate) agent: Option<Agent>,
    /// Whether programs of this machine may speak to one session.
    pub(crate) sessions: bool,
    pub(crate) events: Box<dyn Fn(HubEvent) + Send + Sync>,
}

impl Node {
    /// Tells who runs the hub.
    pub(crate) fn tell(&self, event: HubEvent) {
        (self.events)(event);
    }

    /// What it counts outside of its shards.
    pub(crate) fn counted(&self) -> NodeCounters {
        let dropped = self.post.0.iter().map(Mailbox::dropped).sum();
        self.tally.counters(self.door.all() as u64, dropped)
    }

    /// What each shard has done so far. One that has ended has none.
    pub(crate) fn counters(&self) -> impl Future<Output = Vec<Counters>> + Send + use<> {
        let asked = self.post.0.iter().map(|mailbox| {
            let (answer, answered) = oneshot::channel();
            mailbox.put(0, Parcel::Count(answer));
            answered
        });
        let asked: Vec<_> = asked.collect();
        async move {
            let mut counters = Vec::with_capacity(asked.len());
            for answer in asked {
                counters.push(answer.await.unwrap_or_default());
            }
            counters
        }
    }

    /// Gives a connection to the shard with the fewest, if there may be one more.
    pub(crate) fn hand_over(&self, tcp: TcpStream, peer: SocketAddr) {
        match self.door.admit(peer.ip()) {
            Ok((shard, admission)) => {
                self.tally.accepted();
                if let Some(mailbox) = self.post.shard(shard) {
                    mailbox.put(256, Parcel::Socket(tcp, peer, admission));
                }
            }
            Err(full) => {
                self.tally.refused(full);
                self.tell(HubEvent::Full { peer, full });
                if let Some(refusing) = self.door.refuse()
                    && let Some(mailbox) = self.post.shard(ShardId(0))
                {
                    mailbox.put(256, Parcel::Refused(tcp, refusing));
                }
            }
        }
    }
}
