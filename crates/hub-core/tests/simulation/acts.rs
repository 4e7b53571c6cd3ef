//! What clients do: connect, read, talk, listen elsewhere, and go.

use crate::client::{Ask, Post};
use crate::engine::chance;
use crate::net::{Conn, Role};
use crate::plan::MAX_PAYLOAD;
use crate::view::{Phase, View};
use crate::world::{Event, World};
use tidewire_hub_core::TransportKind;
use tidewire_hub_proto::command::HistoryPage;
use tidewire_hub_proto::{Channel, Command, Payload};

impl World {
    /// A client chooses its channels.
    pub(crate) fn want_channels(&mut self, client: usize) {
        for channel in self.plan.channels.clone() {
            let view = View::new(self.plan.policy(&channel));
            self.clients[client].views.insert(channel.clone(), view);
            if self.rng.below(3) > 0 {
                self.want(client, &channel);
            }
        }
    }

    fn want(&mut self, client: usize, channel: &Channel) {
        let watches =
            channel.namespace() != "lag" && (client + channel.name().len()).is_multiple_of(2);
        self.clients[client].wants.insert(channel.clone(), watches);
    }

    /// A client does something.
    pub(crate) fn act(&mut self, id: usize) {
        if self.over {
            return;
        }
        let delay = 5 + self.soon(100);
        self.at(delay, Event::Act(id));
        if self.clients[id].main.is_none() {
            if chance(&mut self.rng, 60) {
                self.connect(id);
            }
        } else if !self.healed {
            self.play(id);
        }
        self.maintain(id);
    }

    fn connect(&mut self, id: usize) {
        let polls = self.clients[id].transport == TransportKind::Poll;
        let transport = match self.rng.below(100) {
            _ if self.healed && polls => TransportKind::Poll,
            _ if self.healed => TransportKind::WebSocket,
            0..55 => TransportKind::WebSocket,
            55..70 => TransportKind::Sse,
            _ => TransportKind::Poll,
        };
        self.clients[id].transport = transport;
        let (at, number) = self.open(id, Role::Main, transport);
        let client = &mut self.clients[id];
        client.main = Some((at, number));
        if let Some(conn) = self.nodes[at].net.conns.get(&number) {
            client.me.session = conn.name.clone();
        }
        let history = [0, 0, 1, 10][self.rng.below(4)];
        let wants: Vec<Channel> = client.wants.keys().cloned().collect();
        let requests = wants
            .iter()
            .map(|one| client.subscribe(one, history, &self.oracle));
        let requests = requests.collect();
        self.send(at, number, requests);
        if transport == TransportKind::Poll {
            let wait = 300 + self.soon(2_000);
            self.at(wait, Event::Over(at, number));
        }
    }

    fn play(&mut self, id: usize) {
        let choice = self.rng.below(100);
        if choice < self.plan.talk {
            self.talk(id);
        } else if choice < self.plan.talk + 4 {
            self.drop_out(id);
        } else if self.clients[id].transport == TransportKind::WebSocket {
            match self.rng.below(10) {
                0..3 => self.toggle(id),
                3..5 => self.ask_history(id),
                _ => {}
            }
        }
    }

    fn any_channel(&mut self) -> Channel {
        let at = self.rng.below(self.plan.channels.len());
        self.plan.channels[at].clone()
    }

    fn talk(&mut self, id: usize) {
        for _ in 0..=self.rng.below(4) {
            if self.clients[id].token.is_none() || self.clients[id].posts.len() >= 8 {
                return;
            }
            let channel = self.any_channel();
            let number = self.clients[id].number();
            let filling = ".".repeat(self.rng.below(MAX_PAYLOAD - 20));
            let post = Post {
                channel,
                payload: Payload::text(format!("m{number} {filling}")),
                keep: self.rng.below(6) > 0,
                echo: [None, Some(true), Some(false)][self.rng.below(3)],
                asked: false,
            };
            self.clients[id].posts.insert(number, post);
        }
    }

    /// The client goes, and the hub hears of it later.
    fn drop_out(&mut self, id: usize) {
        if let Some((at, number)) = self.clients[id].main {
            if let Some(conn) = self.nodes[at].net.conns.get_mut(&number) {
                conn.gone = true;
            }
            self.clients[id].lost(Role::Main);
            let delay = self.soon(300);
            self.at(delay, Event::Over(at, number));
        }
    }

    /// The client listens to a channel no more, or to one more, or both in a hurry.
    fn toggle(&mut self, id: usize) {
        let channel = self.any_channel();
        let Some((at, number)) = self.clients[id].main else {
            return;
        };
        if self.clients[id].is_asking(&channel) && self.rng.below(2) == 0 {
            return;
        }
        let mut requests = Vec::new();
        let again = self.rng.below(2) == 0;
        if self.clients[id].wants.remove(&channel).is_some() {
            requests.push(self.clients[id].unsubscribe(&channel));
        } else {
            self.want(id, &channel);
            requests.push(self.clients[id].subscribe(&channel, 3, &self.oracle));
        }
        if again {
            if self.clients[id].wants.remove(&channel).is_some() {
                requests.push(self.clients[id].unsubscribe(&channel));
            }
            self.want(id, &channel);
            requests.push(self.clients[id].subscribe(&channel, 0, &self.oracle));
        }
        self.send(at, number, requests);
    }

    fn ask_history(&mut self, id: usize) {
        let channel = self.any_channel();
        let Some((at, number)) = self.clients[id].main else {
            return;
        };
        let cursor = self.clients[id].views[&channel].cursor;
        let page = match (cursor, self.rng.below(3)) {
            (Some(cursor), 0) => HistoryPage::Before(cursor),
            (Some(cursor), 1) => HistoryPage::After(cursor),
            _ => HistoryPage::Newest,
        };
        let limit = 1 + self.rng.below(20) as u32;
        let command = Command::History {
            channel: channel.clone(),
            page,
            limit,
        };
        let request = self.clients[id].ask(Ask::History(channel, page), command);
        self.send(at, number, vec![request]);
    }

    /// What a client does whatever else it does: sends what is not acknowledged, asks for channels
    /// that it lost, and reads who is there.
    fn maintain(&mut self, id: usize) {
        let client = &mut self.clients[id];
        let lasts = client.transport == TransportKind::WebSocket;
        if let (Some((at, number)), true) = (client.main, client.transport != TransportKind::Poll) {
            let wants: Vec<Channel> = client.wants.keys().cloned().collect();
            let lost = wants
                .iter()
                .filter(|one| client.views[*one].phase == Phase::Off && !client.is_asking(one));
            let lost: Vec<_> = lost.collect();
            if !lasts && !lost.is_empty() {
                return self.drop_out(id);
            }
            let asks = lost
                .into_iter()
                .map(|one| client.subscribe(one, 0, &self.oracle));
            let mut requests: Vec<_> = asks.collect();
            let lists = wants.iter().filter_map(|one| client.read_people(one, 3));
            requests.extend(lists);
            // Asked for in a hurry, and not wanted after all.
            let extra: Vec<Channel> = client
                .views
                .iter()
                .filter_map(|(channel, view)| {
                    let is = view.phase != Phase::Off && !client.wants.contains_key(channel);
                    (is && !client.is_asking(channel)).then(|| channel.clone())
                })
                .collect();
            requests.extend(extra.iter().map(|one| client.unsubscribe(one)));
            self.send(at, number, requests);
        }
        let client = &mut self.clients[id];
        let waiting: Vec<u64> = client
            .posts
            .iter()
            .filter(|(_, post)| !post.asked)
            .map(|(number, _)| *number)
            .collect();
        if waiting.is_empty() {
            return;
        }
        if lasts && let Some((at, number)) = client.main {
            let requests = waiting
                .into_iter()
                .filter_map(|one| client.publish(one))
                .collect();
            self.send(at, number, requests);
        } else if client.uplink.is_none() {
            let (at, number) = self.open(id, Role::Uplink, TransportKind::Uplink);
            let client = &mut self.clients[id];
            client.uplink = Some((at, number));
            let requests = client.publish(waiting[0]).into_iter().collect();
            self.send(at, number, requests);
            self.at(2_000, Event::Over(at, number));
        }
    }

    /// A client reads what has come.
    pub(crate) fn read(&mut self, at: usize, number: u64) {
        let pause = chance(&mut self.rng, self.plan.stalls) && !self.healed;
        let messages = if self.healed {
            64
        } else {
            1 + self.rng.below(8)
        };
        let Some(conn) = self.nodes[at].net.conns.get_mut(&number) else {
            return;
        };
        conn.reading = false;
        if conn.gone {
            return;
        }
        if pause {
            conn.reading = true;
            let delay = 500 + self.soon(3_000);
            self.at(delay, Event::Read(at, number));
            return;
        }
        let heard: Vec<_> = (0..messages).map_while(|_| conn.read()).collect();
        let session = conn.session.filter(|_| conn.blocked && conn.write());
        if session.is_some() {
            conn.blocked = conn.queued > 0;
        }
        let (queued, rest, ended) = (conn.queued, conn.wire.len(), conn.session.is_none());
        if rest > 0 || (ended && !heard.is_empty()) {
            conn.reading = true;
        }
        if conn.reading {
            let pace = if self.healed { 5 } else { self.plan.pace };
            let delay = 1 + self.soon(pace);
            self.at(delay, Event::Read(at, number));
        } else if ended && let Some(conn) = self.nodes[at].net.conns.remove(&number) {
            self.clients[conn.client].lost(conn.role);
            return;
        }
        self.hear(at, number, heard);
        if let Some(session) = session {
            let node = &mut self.nodes[at];
            node.shard.drained(self.now, session, queued, &mut node.net);
            self.settle(at);
        }
    }

    fn hear(&mut self, at: usize, number: u64, heard: Vec<crate::net::Said>) {
        let Some(conn) = self.nodes[at].net.conns.get(&number) else {
            return;
        };
        let id = conn.client;
        self.hear_as(id, conn.name.clone(), heard, Some((at, number)));
    }

    fn hear_as(
        &mut self,
        id: usize,
        name: Box<str>,
        heard: Vec<crate::net::Said>,
        from: Option<(usize, u64)>,
    ) {
        for said in heard {
            self.note(|| format!("{name} hears {said:?}"));
            match self.clients[id].hear(said.clone(), &self.oracle) {
                Ok(requests) => {
                    if let Some((at, number)) = from {
                        self.send(at, number, requests);
                    }
                }
                Err(why) => panic!("client {id} as {name} heard {said:?}: {why}"),
            }
        }
    }

    /// A connection has ended, or a request has its answer.
    pub(crate) fn over(&mut self, at: usize, number: u64) {
        let Some(conn) = self.nodes[at].net.conns.get_mut(&number) else {
            return;
        };
        let Conn {
            gone, client, role, ..
        } = *conn;
        let name = conn.name.clone();
        let heard: Vec<_> = std::iter::from_fn(|| conn.read()).collect();
        if let Some(session) = conn.session {
            let node = &mut self.nodes[at];
            node.shard.disconnect(self.now, session, &mut node.net);
            node.net.unbind(session);
            self.settle(at);
        }
        self.nodes[at].net.conns.remove(&number);
        if !gone {
            // The answer may be lost on its way.
            if self.healed || !chance(&mut self.rng, 10) {
                self.hear_as(client, name, heard, None);
            }
            self.clients[client].lost(role);
        }
    }
}
