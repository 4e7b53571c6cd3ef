//! Beginning subscriptions, and ending one that a client asked for.

use super::Shard;
use super::feed::{Entry, Feed, Phase, Read, Recovery, Sub, Tail, Window, Wish};
use super::session::{SubRef, may};
use super::table::Key;
use super::work::Pending;
use crate::Millis;
use crate::contract::{Effect, Fault, Ticket};
use crate::host::Host;
use crate::settings::{Access, Namespace};
use std::rc::Rc;
use tidewire_hub_proto::{Channel, CommandId, ErrorCode, Member, Pos, Push, Reply};

impl<X> Feed<X> {
    /// Whether its namespace keeps who is present.
    pub(super) fn has_presence(&self) -> bool {
        self.namespace.presence != Access::Nobody
    }
}

impl<H: Host> Shard<H> {
    pub(super) fn subscribe(
        &mut self,
        now: Millis,
        session: Key,
        channel: Channel,
        wish: Wish,
        presence: bool,
        host: &mut H,
    ) {
        let Some(namespace) = self.namespace(session, &wish.id, &channel, host) else {
            return;
        };
        let Some(known) = self.sessions.get(session) else {
            return;
        };
        let refusal = if !may(namespace.subscribe, &known.origin, &channel) {
            Some((
                ErrorCode::Forbidden,
                format!("this session may not subscribe to {channel}"),
            ))
        } else if presence && !may(namespace.presence, &known.origin, &channel) {
            let message = format!(
                "this session may not see who is in {channel}; subscribe without `presence`"
            );
            Some((ErrorCode::Forbidden, message))
        } else if self
            .by_channel
            .get(&channel)
            .is_some_and(|&feed| known.sub(feed).is_some())
        {
            Some((
                ErrorCode::AlreadySubscribed,
                format!("{channel} is subscribed already"),
            ))
        } else if known.subs.len() >= self.settings.limits.subscriptions {
            let most = self.settings.limits.subscriptions;
            let message =
                format!("a session has at most {most} channels; unsubscribe from one first");
            Some((ErrorCode::TooManySubscriptions, message))
        } else {
            None
        };
        if let Some((code, message)) = refusal {
            self.answer(session, wish.id, Reply::error(code, message), host);
            return;
        }
        let limits = &self.settings.limits;
        let allowed = self
            .sessions
            .get_mut(session)
            .map_or(Ok(()), |known| known.take_move(limits, now));
        if let Err(wait) = allowed {
            self.answer(
                session,
                wish.id,
                super::commands::too_many_moves(wait),
                host,
            );
            return;
        }

        let feed = match self.by_channel.get(&channel) {
            Some(&feed) => feed,
            None => self.new_feed(channel, namespace, host),
        };
        let (Some(known), Some(listened)) =
            (self.sessions.get_mut(session), self.feeds.get_mut(feed))
        else {
            return;
        };
        known.in_flight += 1;
        listened.watchers += usize::from(presence);
        // As many as a session has channels, times the sessions: memory ends before.
        known.subs.push(SubRef {
            feed,
            at: listened.subs.len() as u32,
        });
        listened.subs.push(Sub {
            session,
            next: 0,
            delivered: 0,
            presence,
            presence_to: 0,
            enters_again: false,
            phase: Phase::Joining(Box::new(wish)),
        });
        self.counters.subscriptions += 1;
        if let Some(head) = listened.tail.head() {
            self.attach(now, feed, session, head, host);
        }
    }

    fn new_feed(&mut self, channel: Channel, namespace: Rc<Namespace>, host: &mut H) -> Key {
        let feed = self.feeds.insert(Feed {
            channel: channel.clone(),
            namespace,
            tail: Tail::Watching(Ticket(0)),
            heard: None,
            window: Window::new(),
            subs: Vec::new(),
            watchers: 0,
            last_presence: None,
            cursor: 0,
            pass_end: 0,
            busy: false,
            forgotten: false,
        });
        self.counters.channels += 1;
        self.by_channel.insert(channel.clone(), feed);
        let ticket = self.submit(Pending::Watch { feed }, Effect::Watch { channel }, host);
        if let Some(feed) = self.feeds.get_mut(feed) {
            feed.tail = Tail::Watching(ticket);
        }
        feed
    }

    /// The engine tells from now on, or will not.
    pub(super) fn watched(
        &mut self,
        now: Millis,
        key: Key,
        head: Result<Pos, Fault>,
        host: &mut H,
    ) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        let waiting: Vec<Key> = feed.subs.iter().map(|sub| sub.session).collect();
        match head {
            Ok(head) => {
                feed.tail = Tail::Following(head);
                self.at_hand -= feed.window.bytes;
                feed.window.restart(head);
                feed.pass_end = feed.window.end();
                let heard = feed.heard.take();
                for session in waiting {
                    self.attach(now, key, session, head, host);
                }
                if let Some(pos) = heard {
                    self.head_told(now, key, pos, host);
                }
            }
            Err(fault) => {
                for session in waiting {
                    let sub = self
                        .sessions
                        .get(session)
                        .and_then(|known| known.subs.iter().find(|sub| sub.feed == key).copied());
                    let Some(sub) = sub else { continue };
                    // Taken out of its phase first, so that it is answered with what happened.
                    if let Some((sub, _)) = self.sub_mut(key, session)
                        && let Phase::Joining(wish) = std::mem::replace(&mut sub.phase, Phase::Live)
                    {
                        self.answer_pending(
                            session,
                            wish.id,
                            1,
                            super::commands::failure(&fault),
                            host,
                        );
                    }
                    self.remove_sub(now, session, sub, host);
                }
                // The next subscriber asks again.
                self.forget(key, host);
            }
        }
    }

    /// A subscriber of a watched channel gets its answer, or what it missed is read.
    fn attach(&mut self, now: Millis, key: Key, session: Key, head: Pos, host: &mut H) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        let channel = feed.channel.clone();
        let (end, floor) = (feed.window.end(), feed.window.floor);
        let Some((sub, known)) = self.sub_mut(key, session) else {
            return;
        };
        let Phase::Joining(wish) = std::mem::replace(&mut sub.phase, Phase::Live) else {
            return;
        };
        sub.next = end;
        sub.presence_to = end;
        sub.delivered = head.offset;
        let at_hand =
            |pos: &Pos| pos.term == head.term && (floor..=head.offset).contains(&pos.offset);
        match *wish {
            Wish {
                id,
                since: None,
                history: 0,
            } => {
                let reply = Reply::Subscribed {
                    channel: channel.clone(),
                    pos: head,
                    recovered: None,
                };
                self.answer_pending(session, id, 1, reply, host);
            }
            Wish {
                id,
                since: Some(since),
                ..
            } if at_hand(&since) => {
                let recovery = Recovery {
                    at: Some(since),
                    read: Read::Waiting,
                    wish: None,
                    announce: true,
                };
                sub.phase = Phase::Recovering(Box::new(recovery));
                let reply = Reply::Subscribed {
                    channel: channel.clone(),
                    pos: head,
                    recovered: Some(true),
                };
                self.answer_pending(session, id, 1, reply, host);
                self.join_live(key, session, host);
            }
            wish => {
                let recovery = Recovery {
                    at: wish.since,
                    read: Read::Waiting,
                    wish: Some(wish),
                    announce: true,
                };
                sub.phase = Phase::Recovering(Box::new(recovery));
                known.waiting = true;
            }
        }
        self.enter(key, session, 0, host);
        self.progress(now, session, host);
    }

    /// The session is present where it has subscribed, if that is kept there.
    pub(super) fn enter(&mut self, key: Key, session: Key, weight: usize, host: &mut H) {
        let Some((sub, known)) = self.sub_mut(key, session) else {
            return;
        };
        if matches!(sub.phase, Phase::Joining(_)) {
            return;
        }
        let member = Member {
            session: known.name.clone(),
            origin: known.origin.clone(),
        };
        let lease = known.lease;
        let Some(feed) = self.feeds.get(key).filter(|feed| feed.has_presence()) else {
            return;
        };
        let effect = Effect::Enter {
            channel: feed.channel.clone(),
            member,
            lease,
        };
        if let Some(known) = self.sessions.get_mut(session) {
            known.in_flight += weight;
        }
        let pending = Pending::Enter {
            feed: key,
            session,
            weight,
        };
        self.submit(pending, effect, host);
    }

    pub(super) fn unsubscribe(
        &mut self,
        now: Millis,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        host: &mut H,
    ) {
        let sub = self.by_channel.get(&channel).and_then(|&feed| {
            let known = self.sessions.get(session)?;
            known.subs.iter().find(|sub| sub.feed == feed).copied()
        });
        let reply = match sub {
            Some(sub) => {
                self.remove_sub(now, session, sub, host);
                Reply::Unsubscribed { channel }
            }
            None => Reply::error(
                ErrorCode::NotSubscribed,
                format!("{channel} is not subscribed"),
            ),
        };
        self.answer(session, id, reply, host);
    }

    /// Answers what a subscription that ends still owes. A read that is under way for it remains the
    /// session's one read until its page is here: who subscribes again and again has no second.
    pub(super) fn unwind(&mut self, session: Key, phase: Phase, host: &mut H) {
        let wish = match phase {
            Phase::Joining(wish) => Some(*wish),
            Phase::Recovering(recovery) => recovery.wish,
            Phase::Behind | Phase::Live => None,
        };
        if let Some(wish) = wish {
            let reply = Reply::error(
                ErrorCode::NotSubscribed,
                "unsubscribed before the answer was there",
            );
            self.answer_pending(session, wish.id, 1, reply, host);
        }
    }

    /// Who is present was told to have changed.
    pub(super) fn presence_told(&mut self, feed: Key, push: Push) {
        let Some(listened) = self.feeds.get_mut(feed) else {
            return;
        };
        if listened.watchers > 0 {
            let push = Rc::new(push);
            listened.last_presence = Some((listened.window.end(), Rc::clone(&push)));
            self.arrived(feed, Entry::Presence(push));
        }
    }
}
