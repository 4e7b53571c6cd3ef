//! Following a channel's log: what the engine tells is applied in order, and what it did not tell is
//! read, so that nothing that subscribers get has a gap.

use super::Shard;
use super::feed::{Entry, Phase, Read, Recovery, Tail};
use super::table::Key;
use super::work::{Pending, RETRY, Timer};
use crate::Millis;
use crate::contract::{Effect, Fault, Page, PageLimit, Ticket};
use crate::host::{Host, Item};
use std::rc::Rc;
use tidewire_hub_proto::{Lag, Pos, Publication, Push};

impl<H: Host> Shard<H> {
    /// A record was told.
    pub(super) fn record_told(
        &mut self,
        now: Millis,
        key: Key,
        prev: Option<Pos>,
        publication: Publication,
        host: &mut H,
    ) {
        let (Some(pos), Some(feed)) = (publication.pos, self.feeds.get(key)) else {
            return;
        };
        match feed.tail {
            // It comes right behind what is here. A position before it that is not ours proves
            // nothing: then the log is asked.
            Tail::Following(head) if prev == Some(head) && pos.is_after(head) == Some(true) => {
                self.apply(key, pos, publication);
            }
            _ => self.head_told(now, key, pos, host),
        }
    }

    /// There is a record at `pos`, or was.
    pub(super) fn head_told(&mut self, _now: Millis, key: Key, pos: Pos, host: &mut H) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        match &mut feed.tail {
            // The engine's answer may be on its way, with an older head.
            Tail::Watching(_) => {
                if feed
                    .heard
                    .is_none_or(|heard| pos.is_after(heard) != Some(false))
                {
                    feed.heard = Some(pos);
                }
            }
            Tail::CatchingUp { target, .. } => {
                if pos.is_after(*target) != Some(false) {
                    *target = pos;
                }
            }
            Tail::Following(head) => {
                if pos.is_after(*head) != Some(false) {
                    feed.tail = Tail::CatchingUp {
                        head: *head,
                        target: pos,
                        read: Read::Waiting,
                    };
                    self.counters.gaps += 1;
                    self.catch_up(key, host);
                }
            }
        }
    }

    /// Reads what was not told.
    pub(super) fn catch_up(&mut self, key: Key, host: &mut H) {
        let limits = &self.settings.limits;
        let limit = PageLimit {
            records: limits.page_records,
            bytes: limits.page_bytes,
        };
        let Some(feed) = self.feeds.get(key) else {
            return;
        };
        let Tail::CatchingUp {
            head,
            read: Read::Waiting,
            ..
        } = feed.tail
        else {
            return;
        };
        let effect = Effect::Read {
            channel: feed.channel.clone(),
            after: head,
            limit,
        };
        let ticket = self.submit(Pending::CatchUp { feed: key }, effect, host);
        if let Some(feed) = self.feeds.get_mut(key)
            && let Tail::CatchingUp { read, .. } = &mut feed.tail
        {
            *read = Read::UnderWay(ticket);
        }
    }

    pub(super) fn caught_up(
        &mut self,
        now: Millis,
        key: Key,
        ticket: Ticket,
        page: Result<Page, Fault>,
        host: &mut H,
    ) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        let Tail::CatchingUp { head, target, read } = &mut feed.tail else {
            return;
        };
        if *read != Read::UnderWay(ticket) {
            return;
        }
        let (head, target) = (*head, *target);
        match page {
            Ok(page) => {
                let is_empty = page.records.is_empty();
                for record in page.records {
                    if let Some(pos) = record.pos {
                        self.apply(key, pos, record);
                    }
                }
                let Some(feed) = self.feeds.get_mut(key) else {
                    return;
                };
                let head = feed.tail.head().unwrap_or(head);
                // What is told can be read: a target that an empty page does not reach is an old
                // record's, told late.
                let reached = !page.more && (is_empty || target.is_after(head) != Some(true));
                feed.tail = if reached {
                    Tail::Following(head)
                } else {
                    Tail::CatchingUp {
                        head,
                        target,
                        read: Read::Waiting,
                    }
                };
                self.catch_up(key, host);
            }
            Err(Fault::Gone(head)) => {
                self.restart(now, key, head, host);
                // What was told while the answer was on its way may be behind it.
                self.head_told(now, key, target, host);
            }
            Err(_) => {
                *read = Read::Waiting;
                self.later(now.plus(RETRY), Timer::CatchUp(key));
            }
        }
    }

    /// A record that comes right behind the head.
    fn apply(&mut self, key: Key, pos: Pos, publication: Publication) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        match &mut feed.tail {
            Tail::Watching(_) => return,
            Tail::Following(head) | Tail::CatchingUp { head, .. } => {
                if pos.is_after(*head) != Some(true) {
                    return;
                }
                *head = pos;
            }
        }
        self.counters.received += 1;
        let item = Item {
            channel: feed.channel.clone(),
            publication,
            encoded: H::Encoded::default(),
        };
        self.arrived(key, Entry::Publication(Rc::new(item)));
    }

    /// A passing record. One that comes while the log is read keeps its place: behind what is here.
    pub(super) fn relayed(&mut self, key: Key, publication: Publication) {
        let Some(feed) = self.feeds.get(key) else {
            return;
        };
        if feed.tail.head().is_none() {
            return;
        }
        self.counters.received += 1;
        let item = Item {
            channel: feed.channel.clone(),
            publication,
            encoded: H::Encoded::default(),
        };
        self.arrived(key, Entry::Publication(Rc::new(item)));
    }

    /// What was missed is lost to everybody: the log has begun a new term, or was trimmed before it
    /// could be read.
    fn restart(&mut self, now: Millis, key: Key, head: Pos, host: &mut H) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        let Some(last) = feed.tail.head() else { return };
        self.counters.not_recovered += 1;
        self.at_hand -= feed.window.bytes;
        feed.window.restart(head);
        feed.tail = Tail::Following(head);
        feed.cursor = 0;
        feed.pass_end = feed.window.end();
        let (channel, end) = (feed.channel.clone(), feed.window.end());
        let mut told = Vec::new();
        let mut ahead = Vec::new();
        for sub in &mut feed.subs {
            match sub.phase {
                // Its own reads were ahead of this shard: it has what is lost, perhaps, and its next
                // read finds out.
                Phase::Live | Phase::Behind
                    if head.term == last.term && sub.delivered > last.offset =>
                {
                    let recovery = Recovery {
                        at: Some(Pos::new(last.term, sub.delivered)),
                        read: Read::Waiting,
                        wish: None,
                        announce: false,
                    };
                    sub.phase = Phase::Recovering(Box::new(recovery));
                    ahead.push(sub.session);
                }
                Phase::Live | Phase::Behind => {
                    let from = Some(Pos::new(last.term, sub.delivered));
                    told.push((
                        sub.session,
                        Lag {
                            from,
                            pos: Some(head),
                            skipped: None,
                            recovering: false,
                        },
                    ));
                    sub.next = end;
                    sub.delivered = head.offset;
                    sub.phase = Phase::Live;
                }
                // Their own reads find out.
                Phase::Recovering(_) | Phase::Joining(_) => {}
            }
        }
        for (session, lag) in told {
            self.push(
                session,
                Push::Lag {
                    channel: channel.clone(),
                    lag,
                },
                host,
            );
        }
        // Joins and leaves that were at hand are gone, too: a pass tells the last one.
        if let Some(feed) = self.feeds.get_mut(key)
            && !feed.busy
        {
            feed.busy = true;
            self.busy.push_back(key);
        }
        for session in ahead {
            if let Some(known) = self.sessions.get_mut(session) {
                known.waiting = true;
            }
            self.progress(now, session, host);
        }
    }
}
