//! What lies between clients, shards and engines: everything that is on its way.

use crate::engine::chance;
use crate::net::{Conn, Role};
use crate::store::Told;
use crate::world::{Event, World};
use tidewire_hub_core::{Connect, Done, Notice, ShardId, ToShard, TransportKind};
use tidewire_hub_proto::Request;

impl World {
    /// A connection's outbox has changed.
    pub(crate) fn look_at(&mut self, at: usize, number: u64) {
        let most = self.plan.most_queued();
        let Some(conn) = self.nodes[at].net.conns.get_mut(&number) else {
            return;
        };
        assert!(
            conn.most <= most,
            "{} bytes wait for {}, more than {most}",
            conn.most,
            conn.name
        );
        if conn.gone {
            return;
        }
        let waits = matches!(conn.transport, TransportKind::Poll | TransportKind::Uplink);
        if waits && (std::mem::take(&mut conn.answered) || conn.closed.is_some()) {
            let delay = self.soon(3);
            self.at(delay, Event::Over(at, number));
        } else if !waits
            && (!conn.wire.is_empty() || conn.closed.is_some())
            && !std::mem::replace(&mut conn.reading, true)
        {
            let delay = self.soon(self.plan.latency);
            self.at(delay, Event::Read(at, number));
        }
    }

    /// Puts what an engine tells into the mailboxes, as faithfully as the plan says.
    pub(crate) fn post(&mut self, told: Told) {
        let faults = self.plan.faults(self.healed);
        for (ShardId(at), mut message) in told {
            if let ToShard::Notice(Notice::Record { channel, prev, .. }) = &mut message {
                if chance(&mut self.rng, faults.no_prev) {
                    *prev = None;
                }
                if chance(&mut self.rng, faults.lost) {
                    let (channel, delay) = (channel.clone(), self.soon(2000));
                    self.at(delay, Event::Head(at, channel));
                    continue;
                }
                if chance(&mut self.rng, faults.twice) {
                    let delay = self.soon(500);
                    self.at(delay, Event::Mail(at, message.clone()));
                }
            }
            let lane = usize::from(self.plan.lanes && matches!(message, ToShard::Done(..)));
            let delay = self.soon(self.plan.delay);
            let floor = &mut self.nodes[at].floor[lane];
            *floor = (*floor).max(self.now.0 + delay);
            let delay = *floor - self.now.0;
            // An answer that says nothing of the channel's order may come at any time.
            let free = matches!(message, ToShard::Done(_, Done::Appended(_) | Done::Page(_)));
            let extra = if free && self.plan.lanes {
                self.soon(self.plan.delay)
            } else {
                0
            };
            self.at(delay + extra, Event::Mail(at, message));
        }
    }

    pub(crate) fn up(&mut self, at: usize, number: u64) {
        let most = self.settings.limits.in_flight;
        let node = &mut self.nodes[at];
        loop {
            let Some(conn) = node.net.conns.get_mut(&number) else {
                return;
            };
            let Some(session) = conn.session.filter(|_| !conn.held) else {
                break;
            };
            let Some(request) = conn.up.pop_front() else {
                break;
            };
            conn.unanswered += 1;
            assert!(
                conn.unanswered <= most,
                "{} commands of {} under way",
                conn.unanswered,
                conn.name
            );
            if self.trace {
                eprintln!("         {} asks {request:?}", conn.name);
            }
            node.shard
                .request(self.now, session, request, &mut node.net);
            let full = node.shard.is_full(session);
            if let Some(conn) = node.net.conns.get_mut(&number) {
                conn.held = full;
            }
        }
        self.settle(at);
    }

    /// Sends commands.
    pub(crate) fn send(&mut self, at: usize, number: u64, requests: Vec<Request>) {
        if requests.is_empty() {
            return;
        }
        if let Some(conn) = self.nodes[at].net.conns.get_mut(&number) {
            conn.up.extend(requests);
            let delay = self.soon(self.plan.latency);
            self.at(delay, Event::Up(at, number));
        }
    }

    /// Opens a connection.
    pub(crate) fn open(
        &mut self,
        client: usize,
        role: Role,
        transport: TransportKind,
    ) -> (usize, u64) {
        self.connections += 1;
        let number = self.connections;
        let at = self.rng.below(self.nodes.len());
        let polls = transport == TransportKind::Poll;
        let name: Box<str> = match polls {
            true => format!("p{client}").into(),
            false => format!("s{client}-{number}").into(),
        };
        let slow = chance(&mut self.rng, self.plan.slow) && !self.healed;
        let room = match (transport, slow) {
            (TransportKind::Poll | TransportKind::Uplink, _) => usize::MAX,
            (_, true) => 100 + self.rng.below(1500),
            _ => 64 * 1024,
        };
        let connect = Connect {
            session: name.clone(),
            seed: std::array::from_fn(|_| self.rng.next_u64() as u8),
            client: self.clients[client].token.clone(),
            name: None,
            transport,
            hello: true,
            lease: polls.then_some(5_000),
        };
        let node = &mut self.nodes[at];
        node.net.opening = Some(number);
        let conn = Conn::new(client, role, &name, transport, room);
        node.net.conns.insert(number, conn);
        let session = node.shard.connect(self.now, connect, &mut node.net);
        node.net.bind(number, session);
        self.settle(at);
        (at, number)
    }
}
