//! Giving subscribers what they missed: from the log in pages, as their outboxes have room, and then
//! from what is at hand, until they are live.

use super::commands::failure;
use super::fanout::tell_presence;
use super::feed::{Entry, Feed, Phase, Read, Recovery};
use super::session::id;
use super::table::Key;
use super::work::{Pending, READS, RETRY, Timer};
use super::{Shard, mark_dirty};
use crate::Millis;
use crate::contract::{Effect, Fault, Page, PageLimit, Ticket};
use crate::host::{Host, Item};
use tidewire_hub_proto::{Channel, Command, Lag, Pos, Publication, Push, Reply};

/// What a waiting subscription can do, now that there is room.
enum Next {
    Read,
    Skip,
    Nothing,
}

impl<H: Host> Shard<H> {
    /// Goes on with the session's subscriptions that wait, as far as its outbox has room.
    pub(super) fn progress(&mut self, now: Millis, session: Key, host: &mut H) {
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        if !known.waiting || !known.has_room(&self.settings.limits) {
            return;
        }
        known.waiting = false;
        for place in known.subs.clone() {
            let Some((sub, known)) = self.sub_mut(place.feed, session) else {
                continue;
            };
            let next = match &sub.phase {
                // One page at a time: that bounds what is read for a session.
                Phase::Recovering(recovery) if recovery.read == Read::Waiting && known.reading => {
                    known.waiting = true;
                    Next::Nothing
                }
                Phase::Recovering(recovery) if recovery.read == Read::Waiting => Next::Read,
                Phase::Behind => Next::Skip,
                Phase::Recovering(_) | Phase::Joining(_) | Phase::Live => Next::Nothing,
            };
            match next {
                Next::Read => self.read_in_turn(place.feed, session, host),
                Next::Skip => self.skip(now, place.feed, session, host),
                Next::Nothing => {}
            }
        }
    }

    /// Reads the next page for a recovery, now or when others have read.
    pub(super) fn read_in_turn(&mut self, feed: Key, session: Key, host: &mut H) {
        if self.reads < READS {
            return self.read(feed, session, host);
        }
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        known.waiting = true;
        if !known.in_line {
            known.in_line = true;
            self.readers.push_back(session);
        }
    }

    /// A read has ended: whoever waits longest has the next.
    pub(super) fn next_reader(&mut self, now: Millis, host: &mut H) {
        while self.reads < READS {
            let Some(session) = self.readers.pop_front() else {
                return;
            };
            if let Some(known) = self.sessions.get_mut(session) {
                known.in_line = false;
                self.progress(now, session, host);
            }
        }
    }

    /// Reads the next page for a recovery.
    fn read(&mut self, feed: Key, session: Key, host: &mut H) {
        let limits = &self.settings.limits;
        let (records, bytes) = (limits.page_records, limits.page_bytes);
        let Some(channel) = self.feeds.get(feed).map(|feed| feed.channel.clone()) else {
            return;
        };
        let Some((sub, known)) = self.sub_mut(feed, session) else {
            return;
        };
        let Phase::Recovering(recovery) = &mut sub.phase else {
            return;
        };
        known.reading = true;
        // The session's other recoveries have their turns before this one's next.
        if let Some(at) = known.subs.iter().position(|place| place.feed == feed)
            && let Some(rest) = known.subs.get_mut(at..)
        {
            rest.rotate_left(1);
        }
        let effect = match (recovery.at, &recovery.wish) {
            (Some(after), _) => Effect::Read {
                channel,
                after,
                limit: PageLimit { records, bytes },
            },
            (None, wish) => {
                let asked = wish.as_ref().map_or(0, |wish| wish.history);
                let records = asked.min(Command::MAX_LIMIT) as usize;
                Effect::ReadBack {
                    channel,
                    before: None,
                    limit: PageLimit { records, bytes },
                }
            }
        };
        self.reads += 1;
        let ticket = self.submit(Pending::Recover { feed, session }, effect, host);
        if let Some((sub, _)) = self.sub_mut(feed, session)
            && let Phase::Recovering(recovery) = &mut sub.phase
        {
            recovery.read = Read::UnderWay(ticket);
        }
    }

    /// A page of a recovery is here.
    pub(super) fn recovered(
        &mut self,
        now: Millis,
        feed: Key,
        session: Key,
        ticket: Ticket,
        page: Result<Page, Fault>,
        host: &mut H,
    ) {
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        // Whichever subscription it was for: the session may read again.
        known.reading = false;
        known.waiting = true;
        let recovery = match self.sub_mut(feed, session) {
            Some((sub, known)) => match &mut sub.phase {
                Phase::Recovering(recovery) if recovery.read == Read::UnderWay(ticket) => {
                    Some((recovery, known))
                }
                _ => None,
            },
            None => None,
        };
        let Some((recovery, known)) = recovery else {
            return self.progress(now, session, host); // of an earlier subscription
        };
        recovery.read = Read::Waiting;
        match page {
            Ok(page) => self.page_recovered(now, feed, session, page, host),
            Err(Fault::Gone(head)) => {
                self.counters.not_recovered += 1;
                self.lost(feed, session, head, host);
                self.join_live(feed, session, host);
            }
            Err(fault) => {
                if let Some(wish) = recovery.wish.take() {
                    let place = known.subs.iter().find(|place| place.feed == feed).copied();
                    self.answer_pending(session, wish.id, 1, failure(&fault), host);
                    if let Some(place) = place {
                        self.remove_sub(now, session, place, host);
                    }
                } else {
                    // Nothing is lost: it goes on when the engine can.
                    known.waiting = false;
                    self.later(now.plus(RETRY), Timer::Recover { session });
                    return;
                }
            }
        }
        self.progress(now, session, host);
    }

    /// What was asked for is not in the log any more: says so, and where it goes on.
    fn lost(&mut self, key: Key, session: Key, head: Pos, host: &mut H) {
        let Some(channel) = self.feeds.get(key).map(|feed| feed.channel.clone()) else {
            return;
        };
        let Some((sub, _)) = self.sub_mut(key, session) else {
            return;
        };
        let Phase::Recovering(recovery) = &mut sub.phase else {
            return;
        };
        let from = recovery.at.replace(head);
        match recovery.wish.take() {
            Some(wish) => {
                let reply = Reply::Subscribed {
                    channel,
                    pos: head,
                    recovered: Some(false),
                };
                self.answer_pending(session, wish.id, 1, reply, host);
            }
            None => {
                let lag = Lag {
                    from,
                    pos: Some(head),
                    skipped: None,
                    recovering: false,
                };
                self.push(session, Push::Lag { channel, lag }, host);
            }
        }
    }

    fn page_recovered(&mut self, now: Millis, key: Key, session: Key, page: Page, host: &mut H) {
        let Some(feed) = self.feeds.get(key) else {
            return;
        };
        let channel = feed.channel.clone();
        if feed
            .tail
            .head()
            .is_some_and(|head| head.term != page.head.term)
        {
            // The log has begun a new term, and this shard was not told yet.
            self.head_told(now, key, page.head, host);
        }
        let Some((sub, _)) = self.sub_mut(key, session) else {
            return;
        };
        let Phase::Recovering(recovery) = &mut sub.phase else {
            return;
        };
        let backwards = recovery.at.is_none();
        // Records are whole once a page is not followed by another: so the position is the head's.
        let last = page.records.last().and_then(|record| record.pos);
        recovery.at = if page.more && !backwards {
            last.or(recovery.at)
        } else {
            Some(page.head)
        };
        let complete = backwards || !page.more;
        if let Some(wish) = recovery.wish.take() {
            let recovered = wish.since.is_some().then_some(true);
            let reply = Reply::Subscribed {
                channel: channel.clone(),
                pos: page.head,
                recovered,
            };
            self.answer_pending(session, wish.id, 1, reply, host);
        }
        self.counters.recovered += page.records.len() as u64;
        for record in page.records {
            self.deliver_alone(session, &channel, record, host);
        }
        if complete {
            self.join_live(key, session, host);
        }
    }

    /// Delivers a record to one session.
    fn deliver_alone(
        &mut self,
        session: Key,
        channel: &Channel,
        publication: Publication,
        host: &mut H,
    ) {
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        if known.is_excluded(&publication) {
            return;
        }
        let own = known.owns(&publication);
        let item = Item {
            channel: channel.clone(),
            publication,
            encoded: H::Encoded::default(),
        };
        known.queued = host.deliver(id(session), &item, own);
        self.counters.delivered += 1;
        mark_dirty(&mut self.dirty, known, session);
    }

    /// A recovery that has reached what is at hand gets the rest from there, and is live. Otherwise
    /// it goes on reading.
    pub(super) fn join_live(&mut self, key: Key, session: Key, host: &mut H) {
        let limits = &self.settings.limits;
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        let Feed {
            channel,
            tail,
            window,
            subs,
            last_presence,
            ..
        } = feed;
        let Some(sub) = known.sub(key).and_then(|at| subs.get_mut(at)) else {
            return;
        };
        let Phase::Recovering(recovery) = &mut sub.phase else {
            return;
        };
        let Recovery {
            at: Some(at),
            announce,
            ..
        } = &mut **recovery
        else {
            return;
        };
        let Some(first) = tail
            .head()
            .filter(|head| head.term == at.term)
            .and_then(|_| window.after(at.offset))
        else {
            known.waiting = true;
            return;
        };
        for number in first..window.end() {
            // What only passed by was not missed.
            let Some(Entry::Publication(item)) = window.get(number) else {
                continue;
            };
            let Some(pos) = item.publication.pos else {
                continue;
            };
            if known.queued >= limits.outbox {
                known.waiting = true;
                return;
            }
            if !known.is_excluded(&item.publication) {
                let own = known.owns(&item.publication);
                known.queued = host.deliver(id(session), item, own);
                self.counters.delivered += 1;
                self.counters.recovered += 1;
                mark_dirty(&mut self.dirty, known, session);
            }
            *at = pos;
        }
        let (pos, announce) = (*at, *announce);
        sub.delivered = pos.offset;
        sub.next = window.end();
        sub.phase = Phase::Live;
        tell_presence(sub, last_presence, known, &mut self.dirty, host);
        if announce {
            let channel = channel.clone();
            self.push(session, Push::Live { channel, pos }, host);
        }
    }
}
