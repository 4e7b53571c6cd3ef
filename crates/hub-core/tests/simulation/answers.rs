//! What a client makes of what it hears, and what must not be said to it.

use crate::client::{Ask, Client};
use crate::net::Said;
use crate::oracle::Oracle;
use crate::people::{Next, People};
use crate::view::{Me, Phase, View};
use tidewire_hub_core::TransportKind;
use tidewire_hub_proto::command::HistoryPage;
use tidewire_hub_proto::{Channel, Command, ErrorCode, Pos, Publication, Push, Reply, Request};

impl Client {
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
