//! One client: what it wants, and what it asks.

use crate::net::Role;
use crate::oracle::Oracle;
use crate::people::People;
use crate::view::{Me, Phase, View, Wish};
use std::collections::{BTreeMap, BTreeSet};
use tidewire_hub_core::TransportKind;
use tidewire_hub_proto::command::HistoryPage;
use tidewire_hub_proto::{Channel, Command, CommandId, Payload, Request};

/// What an answer is expected to.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Subscribe.
    Subscribe(Channel, Wish),
    /// Unsubscribe.
    Unsubscribe(Channel),
    /// Publish, by its number.
    Publish(u64),
    /// A page of who is there, for the list of this serial.
    Presence(Channel, u64),
    /// A page of records.
    History(Channel, HistoryPage),
}

/// A publish that is not acknowledged yet.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// Where to.
    pub(crate) channel: Channel,
    /// What.
    pub(crate) payload: Payload,
    /// Whether it is kept.
    pub(crate) keep: bool,
    /// Whether its sender gets it.
    pub(crate) echo: Option<bool>,
    /// It is under way.
    pub(crate) asked: bool,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its number.
    pub(crate) id: usize,
    /// The signed id that a `hello` gave it.
    pub(crate) token: Option<Box<str>>,
    /// Where its session is: shard and connection.
    pub(crate) main: Option<(usize, u64)>,
    /// Where its uplink is.
    pub(crate) uplink: Option<(usize, u64)>,
    /// What carries it now.
    pub(crate) transport: TransportKind,
    /// Its session.
    pub(crate) me: Me,
    /// What it listens to, and whether it watches who is there.
    pub(crate) wants: BTreeMap<Channel, bool>,
    /// What it knows of every channel.
    pub(crate) views: BTreeMap<Channel, View>,
    /// Who is there, of the channels where it watches that.
    pub(crate) people: BTreeMap<Channel, People>,
    /// Publishes under way.
    pub(crate) posts: BTreeMap<u64, Post>,
    pub(crate) asks: BTreeMap<u64, Ask>,
    next: u64,
    pub(crate) relays: BTreeSet<Vec<u8>>,
    /// What it heard, in messages.
    pub(crate) heard: u64,
    /// Subscriptions that came back with everything, and without.
    pub(crate) recovered: [u64; 2],
    /// Publishes acknowledged.
    pub(crate) acknowledged: u64,
}

impl Client {
    /// A client that has not connected yet.
    pub(crate) fn new(id: usize) -> Self {
        Self {
            id,
            token: None,
            main: None,
            uplink: None,
            transport: TransportKind::WebSocket,
            me: Me {
                session: "".into(),
                client: None,
            },
            wants: BTreeMap::new(),
            views: BTreeMap::new(),
            people: BTreeMap::new(),
            posts: BTreeMap::new(),
            asks: BTreeMap::new(),
            next: id as u64 * 1_000_000,
            relays: BTreeSet::new(),
            heard: 0,
            recovered: [0; 2],
            acknowledged: 0,
        }
    }

    /// A number that no other call of any client gives.
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Makes a request of a command.
    pub(crate) fn ask(&mut self, ask: Ask, command: Command) -> Request {
        let id = self.number();
        self.asks.insert(id, ask);
        Request {
            id: Some(CommandId::from(id)),
            command,
        }
    }

    /// Asks for a channel from where it left it.
    pub(crate) fn subscribe(
        &mut self,
        channel: &Channel,
        history: u32,
        oracle: &Oracle,
    ) -> Request {
        let since = self.views.get(channel).and_then(|view| view.cursor);
        let history = if since.is_some() { 0 } else { history };
        let presence = self.watches(channel);
        let wish = Wish {
            since,
            history,
            excuses: oracle.excuses(channel),
        };
        self.ask(
            Ask::Subscribe(channel.clone(), wish),
            Command::Subscribe {
                channel: channel.clone(),
                since,
                history,
                presence,
            },
        )
    }

    /// Whether it is told who comes and leaves.
    pub(crate) fn watches(&self, channel: &Channel) -> bool {
        self.wants.get(channel) == Some(&true) && self.transport == TransportKind::WebSocket
    }

    /// Asks for it no more.
    pub(crate) fn unsubscribe(&mut self, channel: &Channel) -> Request {
        let command = Command::Unsubscribe {
            channel: channel.clone(),
        };
        self.ask(Ask::Unsubscribe(channel.clone()), command)
    }

    /// Sends a publish, again if need be.
    pub(crate) fn publish(&mut self, number: u64) -> Option<Request> {
        let post = self.posts.get_mut(&number)?;
        post.asked = true;
        let command = Command::Publish {
            channel: post.channel.clone(),
            payload: post.payload.clone(),
            key: post.keep.then(|| format!("k{number}").into()),
            keep: post.keep,
            echo: post.echo,
        };
        Some(self.ask(Ask::Publish(number), command))
    }

    /// Whether a subscribe or unsubscribe of the channel is under way.
    pub(crate) fn is_asking(&self, channel: &Channel) -> bool {
        self.asks.values().any(|ask| match ask {
            Ask::Subscribe(one, _) | Ask::Unsubscribe(one) => one == channel,
            _ => false,
        })
    }

    /// Asks for a page of who is there, if the list has to be read.
    pub(crate) fn read_people(&mut self, channel: &Channel, limit: u32) -> Option<Request> {
        let people = self.people.get_mut(channel)?;
        if !people.wants_read() {
            return None;
        }
        people.begin();
        let serial = people.serial;
        Some(self.ask(
            Ask::Presence(channel.clone(), serial),
            Command::Presence {
                channel: channel.clone(),
                after: None,
                limit,
            },
        ))
    }

    /// Its connection is gone.
    pub(crate) fn lost(&mut self, role: Role) {
        if role == Role::Main {
            self.main = None;
            self.people.clear();
            self.relays.clear();
            self.views
                .values_mut()
                .for_each(|view| view.phase = Phase::Off);
            self.asks.retain(|_, ask| matches!(ask, Ask::Publish(_)));
        } else {
            self.uplink = None;
        }
        if self.main.is_none() && self.uplink.is_none() {
            self.asks.clear();
        }
        // Whoever carried them, their answers may be lost.
        self.posts.values_mut().for_each(|post| post.asked = false);
        self.posts.retain(|_, post| post.keep);
    }
}
