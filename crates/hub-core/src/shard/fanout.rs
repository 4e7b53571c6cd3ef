//! Delivering what has arrived to everybody who listens, a bounded piece at a turn.

use super::feed::{Entry, Feed, Phase, Read, Recovery, Sub};
use super::session::{Session, id};
use super::table::{Key, Table};
use super::{Budget, Counters, Shard, mark_dirty};
use crate::Millis;
use crate::host::Host;
use crate::settings::{Limits, SlowConsumer};
use std::collections::VecDeque;
use std::rc::Rc;
use tidewire_hub_proto::{Pos, Push};

/// How many subscribers of one channel are visited before the next channel has its turn.
const QUANTUM: usize = 128;

/// What a visit to a subscriber came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    /// It has all that there is, or is busy with its recovery.
    Done,
    /// Its outbox is full, and its namespace has no patience.
    TooSlow,
    /// It waits: for room, or for a page.
    Waits,
}

/// Queues for one subscriber what it has not had yet.
pub(super) fn visit<H: Host>(
    feed: &mut Feed<H::Encoded>,
    at: usize,
    sessions: &mut Table<Session>,
    dirty: &mut VecDeque<Key>,
    limits: &Limits,
    counters: &mut Counters,
    host: &mut H,
) -> Visit {
    let Feed {
        namespace,
        tail,
        window,
        subs,
        last_presence,
        ..
    } = feed;
    let (Some(sub), Some(head)) = (subs.get_mut(at), tail.head()) else {
        return Visit::Done;
    };
    if !matches!(sub.phase, Phase::Live) || sub.is_up_to_date(window.end(), last_presence) {
        return Visit::Done;
    }
    let Some(session) = sessions.get_mut(sub.session) else {
        return Visit::Done;
    };
    if sub.next < window.base {
        if sub.delivered < window.floor {
            // More arrived than the window holds before this one's turn came: the log has it.
            let at = Some(Pos::new(head.term, sub.delivered));
            let recovery = Recovery {
                at,
                read: Read::Waiting,
                wish: None,
                announce: false,
            };
            sub.phase = Phase::Recovering(Box::new(recovery));
            session.waiting = true;
            return Visit::Waits;
        }
        sub.next = window.base;
    }
    let key = sub.session;
    while let Some(entry) = window.get(sub.next) {
        if session.queued >= limits.outbox {
            session.queued = host.flush(id(key));
        }
        if session.queued >= limits.outbox {
            if namespace.slow_consumer == SlowConsumer::Disconnect {
                return Visit::TooSlow;
            }
            sub.phase = Phase::Behind;
            session.waiting = true;
            return Visit::Waits;
        }
        sub.next += 1;
        match entry {
            Entry::Publication(item) => {
                if let Some(pos) = item.publication.pos {
                    if pos.offset <= sub.delivered {
                        continue;
                    }
                    sub.delivered = pos.offset;
                }
                if session.is_excluded(&item.publication) {
                    continue;
                }
                let own = session.owns(&item.publication);
                session.queued = host.deliver(id(key), item, own);
                counters.delivered += 1;
            }
            Entry::Presence(push) => {
                if !sub.presence {
                    continue;
                }
                session.queued = host.push(id(key), (**push).clone());
                sub.presence_to = sub.next;
            }
        }
        mark_dirty(dirty, session, key);
    }
    tell_presence(sub, last_presence, session, dirty, host);
    Visit::Done
}

/// Queues the last join or leave for a subscriber that has missed it.
pub(super) fn tell_presence<H: Host>(
    sub: &mut Sub,
    last: &Option<(u64, Rc<Push>)>,
    session: &mut Session,
    dirty: &mut VecDeque<Key>,
    host: &mut H,
) {
    if let Some((number, push)) = last
        && sub.presence
        && sub.presence_to <= *number
    {
        sub.presence_to = *number + 1;
        session.queued = host.push(id(sub.session), (**push).clone());
        mark_dirty(dirty, session, sub.session);
    }
}

impl<H: Host> Shard<H> {
    /// Something arrived in a channel: it goes to everybody who listens, in the turns that follow.
    pub(super) fn arrived(&mut self, key: Key, entry: Entry<H::Encoded>) {
        let limits = &self.settings.limits;
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        self.at_hand -= feed.window.bytes;
        feed.window.push(entry);
        if feed.window.bytes > limits.window_bytes {
            let end = feed.window.end();
            feed.window.trim(limits.window_bytes, end);
        }
        self.at_hand += feed.window.bytes;
        if !feed.busy {
            feed.busy = true;
            self.busy.push_back(key);
        }
    }

    /// Delivers what has arrived, as far as the budget goes, and flushes whom it visited once each;
    /// whether there is more to do.
    ///
    /// Channels take turns: one with few subscribers waits for at most 128 visits of each
    /// other channel that is busy.
    pub fn turn(&mut self, now: Millis, budget: Budget, host: &mut H) -> bool {
        // What is queued is flushed in the same turn, so that few outboxes hold a buffer.
        let mut visits = budget.visits.saturating_sub(self.dirty.len());
        while visits > 0 {
            let Some(key) = self.busy.pop_front() else {
                break;
            };
            visits -= self
                .pass(now, key, visits.min(QUANTUM), host)
                .clamp(1, visits);
        }
        for _ in 0..budget.visits {
            let Some(key) = self.dirty.pop_front() else {
                break;
            };
            self.flush(now, key, host);
        }
        !self.busy.is_empty() || !self.dirty.is_empty()
    }

    fn flush(&mut self, now: Millis, key: Key, host: &mut H) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        session.dirty = false;
        session.queued = host.flush(id(key));
        self.release(key, host);
        self.progress(now, key, host);
    }

    /// Visits subscribers of one channel; how many.
    fn pass(&mut self, now: Millis, key: Key, quantum: usize, host: &mut H) -> usize {
        let limits = &self.settings.limits;
        let Some(feed) = self.feeds.get_mut(key) else {
            return 0;
        };
        if feed.cursor == 0 {
            feed.pass_end = feed.window.end();
        }
        let first = feed.cursor;
        let mut after: Vec<(Key, Visit)> = Vec::new(); // seldom needed, and so seldom allocated
        while feed.cursor < feed.subs.len() && feed.cursor - first < quantum {
            let visit = visit(
                feed,
                feed.cursor,
                &mut self.sessions,
                &mut self.dirty,
                limits,
                &mut self.counters,
                host,
            );
            if visit != Visit::Done
                && let Some(sub) = feed.subs.get(feed.cursor)
            {
                after.push((sub.session, visit));
            }
            feed.cursor += 1;
        }
        let visits = feed.cursor - first;
        let more = if feed.cursor < feed.subs.len() {
            true
        } else {
            feed.cursor = 0;
            let keep = if self.at_hand > limits.at_hand_bytes {
                0
            } else {
                limits.recent_bytes
            };
            self.at_hand -= feed.window.bytes;
            feed.window.trim(keep, feed.pass_end);
            self.at_hand += feed.window.bytes;
            feed.window.end() > feed.pass_end
        };
        feed.busy = more;
        if more {
            self.busy.push_back(key);
        }
        for (session, visit) in after {
            self.visited(now, session, visit, host);
        }
        visits
    }
}
