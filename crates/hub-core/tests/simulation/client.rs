//! One client: what it wants, what it has asked, and what it makes of what it hears.

use crate::net::{Role, Said};
use crate::oracle::Oracle;
use crate::people::{Next, People};
use crate::view::{Me, Phase, View, Wish};
use std::collections::{BTreeMap, BTreeSet};
use tidewire_hub_core::TransportKind;
use tidewire_hub_proto::command::HistoryPage;
use tidewire_hub_proto::{
    Channel, Command, CommandId, ErrorCode, Payload, Pos, Publication, Push, Reply, Request,
};

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
    asks: BTreeMap<u64, Ask>,
    next: u64,
    relays: BTreeSet<Vec<u8>>,
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

    /// Hears something; what to send then.
    pub(crate) fn hear(&mut self, said: Said, oracle: &Oracle) -> Result<Vec<Request>, String> {
        match said {
            Said::Message {
                channel,
                publication,
                own,
            } => {
                self.message(&channel, &publication, own, oracle)?;
            }
            Said::Push(Push::Hello { client, .. }) => {
                if self.token.as_ref().is_some_and(|token| *token != client) {
                    return Err(format!("hello gave {client} to {:?}", self.token));
                }
                self.me.client = client.split('.').next().map(Into::into);
                self.token = Some(client);
            }
            Said::Push(Push::Reply { id, reply }) => {
                let id = id.and_then(|id| id.as_json().parse::<u64>().ok());
                let ask = id.and_then(|id| self.asks.remove(&id));
                if id.is_none() {
                    return Err(format!("nobody asked for {reply:?}"));
                }
                // What is not known any more was asked on a connection that is lost.
                if let Some(ask) = ask {
                    return self.answer(ask, reply, oracle);
                }
            }
            Said::Push(Push::Live { channel, pos }) => {
                let (me, view) = self.view(&channel)?;
                view.live(me, &channel, pos, oracle)?;
            }
            Said::Push(Push::Lag { channel, lag }) => {
                let (me, view) = self.view(&channel)?;
                view.lag(me, &channel, &lag, oracle)?;
            }
            Said::Push(Push::Join {
                channel, v, member, ..
            }) => self.change(&channel, v, member, true)?,
            Said::Push(Push::Leave {
                channel, v, member, ..
            }) => self.change(&channel, v, member, false)?,
            Said::Push(_) => {}
        }
        Ok(Vec::new())
    }

    fn view(&mut self, channel: &Channel) -> Result<(&Me, &mut View), String> {
        let view = self.views.get_mut(channel);
        let view = view.ok_or_else(|| format!("{channel} was never asked for"))?;
        Ok((&self.me, view))
    }

    fn change(
        &mut self,
        channel: &Channel,
        v: u64,
        member: tidewire_hub_proto::Member,
        joined: bool,
    ) -> Result<(), String> {
        if self
            .views
            .get(channel)
            .is_none_or(|view| view.phase == Phase::Off)
        {
            return Err(format!("presence of {channel}, which is not subscribed"));
        }
        if self.wants.get(channel) == Some(&false) || self.transport != TransportKind::WebSocket {
            return Err(format!("presence of {channel} was not asked for"));
        }
        if let Some(people) = self.people.get_mut(channel) {
            people.changed(v, member, joined);
        }
        Ok(())
    }

    fn message(
        &mut self,
        channel: &Channel,
        publication: &Publication,
        own: bool,
        oracle: &Oracle,
    ) -> Result<(), String> {
        self.heard += 1;
        let mine = publication.from.client == self.me.client;
        if own != (mine && publication.key.is_some()) {
            return Err(format!("own is {own} of {publication:?} to {:?}", self.me));
        }
        let (me, view) = self.view(channel)?;
        if let Some(pos) = publication.pos {
            return view.record(me, channel, publication, pos, oracle);
        }
        if view.phase == Phase::Off || me.is_left_out(publication) {
            return Err(format!("{publication:?} passed by at {:?}", view.phase));
        }
        let bytes = publication
            .payload
            .as_ref()
            .map(|payload| payload.bytes().to_vec());
        if !oracle.was_relayed(publication) || !self.relays.insert(bytes.unwrap_or_default()) {
            return Err(format!("{publication:?} came twice, or from nowhere"));
        }
        Ok(())
    }

    fn answer(&mut self, ask: Ask, reply: Reply, oracle: &Oracle) -> Result<Vec<Request>, String> {
        match (ask, reply) {
            (
                Ask::Subscribe(channel, wish),
                Reply::Subscribed {
                    channel: named,
                    pos,
                    recovered,
                },
            ) => {
                if named != channel {
                    return Err(format!("{channel} was asked, {named} was answered"));
                }
                if self.watches(&channel) {
                    let people = People::new(self.number());
                    self.people.insert(channel.clone(), people);
                }
                if let Some(recovered) = recovered {
                    self.recovered[usize::from(!recovered)] += 1;
                }
                let (_, view) = self.view(&channel)?;
                view.opened(wish, pos, recovered, &channel, oracle)?;
            }
            (Ask::Unsubscribe(channel), Reply::Unsubscribed { .. }) => {
                self.people.remove(&channel);
                self.view(&channel)?.1.phase = Phase::Off;
            }
            (Ask::Publish(number), Reply::Published { channel, pos }) => {
                self.published(number, &channel, pos, oracle)?;
            }
            (Ask::Publish(number), Reply::Error { code, .. }) => {
                if !code.is_temporary() {
                    return Err(format!("publish {number} failed with {code}"));
                }
                if let Some(post) = self.posts.get_mut(&number) {
                    post.asked = false;
                }
            }
            (
                Ask::Presence(channel, serial),
                Reply::Presence {
                    v, members, more, ..
                },
            ) => {
                let people = self.people.get_mut(&channel);
                let Some(people) = people.filter(|people| people.serial == serial) else {
                    return Ok(Vec::new());
                };
                if let Next::Read(after) = people.page(v, members, more) {
                    let command = Command::Presence {
                        channel: channel.clone(),
                        after,
                        limit: 3,
                    };
                    return Ok(vec![self.ask(Ask::Presence(channel, serial), command)]);
                }
            }
            (Ask::Presence(channel, serial), Reply::Error { .. }) => {
                if let Some(people) = self.people.get_mut(&channel)
                    && people.serial == serial
                {
                    people.failed();
                }
            }
            (Ask::History(channel, page), Reply::History { messages, .. }) => {
                history(&channel, page, &messages, oracle)?;
            }
            (
                Ask::History(_, HistoryPage::Newest),
                Reply::Error {
                    code: ErrorCode::Gone,
                    ..
                },
            ) => {
                return Err("the newest records are gone".into());
            }
            (_, Reply::Error { .. }) => {}
            (ask, reply) => return Err(format!("{ask:?} was answered with {reply:?}")),
        }
        Ok(Vec::new())
    }

    fn published(
        &mut self,
        number: u64,
        channel: &Channel,
        pos: Option<Pos>,
        oracle: &Oracle,
    ) -> Result<(), String> {
        self.acknowledged += 1;
        let Some(post) = self.posts.remove(&number) else {
            return Ok(());
        };
        let Some(pos) = pos.filter(|_| post.keep) else {
            return if pos.is_none() && !post.keep {
                Ok(())
            } else {
                Err(format!("{post:?} was acknowledged at {pos:?}"))
            };
        };
        match oracle.find(channel, pos) {
            Some(kept) if kept.payload.as_ref() == Some(&post.payload) => Ok(()),
            kept => Err(format!(
                "{post:?} was acknowledged at {pos:?}, where {kept:?} is"
            )),
        }
    }
}

/// A page of history is a piece of the log, without holes.
fn history(
    channel: &Channel,
    page: HistoryPage,
    messages: &[Publication],
    oracle: &Oracle,
) -> Result<(), String> {
    let mut from = match page {
        HistoryPage::After(pos) => Some(pos),
        _ => None,
    };
    for message in messages {
        let pos = message
            .pos
            .ok_or("a record of the history without a position")?;
        if let Some(from) = from {
            let due = oracle
                .after(channel, from)
                .next()
                .and_then(|record| record.pos);
            if due != Some(pos) {
                return Err(format!(
                    "the history after {from:?} has {pos:?}, not {due:?}"
                ));
            }
        } else if oracle.find(channel, pos).is_none() {
            return Err(format!("the history has {pos:?}, which was not kept"));
        }
        from = Some(pos);
    }
    if let (HistoryPage::Before(before), Some(last)) = (page, from) {
        let due = oracle
            .after(channel, last)
            .next()
            .and_then(|record| record.pos);
        if due.is_some_and(|due| due.offset < before.offset) || last.offset >= before.offset {
            return Err(format!("the history before {before:?} ends at {last:?}"));
        }
    }
    Ok(())
}
