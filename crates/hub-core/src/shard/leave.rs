//! How subscriptions end, and channels that nobody listens to.

use super::Shard;
use super::feed::{Feed, Phase, Sub};
use super::session::{Session, SubRef};
use super::table::{Key, Table};
use super::work::{LINGER, LINGERING, NO_TICKET, Timer};
use crate::Millis;
use crate::contract::Effect;
use crate::host::Host;
use tidewire_hub_proto::Channel;

impl<H: Host> Shard<H> {
    /// Takes a subscription away, and answers it if it was still waiting.
    pub(super) fn remove_sub(&mut self, now: Millis, session: Key, sub: SubRef, host: &mut H) {
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        known.subs.retain(|other| other.feed != sub.feed);
        let lease = known.lease;
        let name = known.name.clone();
        if let Some(phase) = self.detach(now, sub, &name, lease, host) {
            self.unwind(session, phase, host);
        }
    }

    /// Takes a subscription out of its channel's list, and gives what it was doing.
    pub(super) fn detach(
        &mut self,
        now: Millis,
        sub: SubRef,
        name: &str,
        lease: Option<u64>,
        host: &mut H,
    ) -> Option<Phase> {
        let feed = self.feeds.get_mut(sub.feed)?;
        let removed = take_sub(feed, sub, &mut self.sessions);
        feed.watchers -= usize::from(removed.presence);
        let is_joined = !matches!(removed.phase, Phase::Joining(_));
        let leaves = is_joined && lease.is_none() && feed.has_presence();
        let channel = leaves.then(|| feed.channel.clone());
        let is_last = feed.subs.is_empty() && !feed.forgotten;
        self.counters.subscriptions -= 1;
        if let Some(channel) = channel {
            self.submit_leave(channel, name.into(), host);
        }
        if is_last && self.lingering < LINGERING {
            if let Some(feed) = self.feeds.get_mut(sub.feed) {
                feed.forgotten = true;
            }
            self.lingering += 1;
            self.later(now.plus(LINGER), Timer::Forget(sub.feed));
        } else if is_last {
            self.forget(sub.feed, host);
        }
        Some(removed.phase)
    }

    pub(super) fn submit_leave(&mut self, channel: Channel, session: Box<str>, host: &mut H) {
        // Nobody waits for it, and so no ticket is kept: this one is never given.
        host.submit(NO_TICKET, Effect::Leave { channel, session });
    }

    /// Forgets a feed that nobody listens to.
    pub(super) fn forget(&mut self, key: Key, host: &mut H) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        self.lingering -= usize::from(feed.forgotten);
        feed.forgotten = false;
        if !feed.subs.is_empty() {
            return;
        }
        let Some(feed) = self.feeds.remove(key) else {
            return;
        };
        self.at_hand -= feed.window.bytes;
        self.counters.channels -= 1;
        self.by_channel.remove(&feed.channel);
        host.submit(
            NO_TICKET,
            Effect::Unwatch {
                channel: feed.channel,
            },
        );
    }
}

/// Takes a subscription out of a feed's list. A pass may be under way: whoever takes its place must
/// neither be visited twice nor never.
fn take_sub<X>(feed: &mut Feed<X>, sub: SubRef, sessions: &mut Table<Session>) -> Sub {
    let mut at = sub.at as usize;
    let mut moved = |feed: &Feed<X>, to: usize| {
        let Some(other) = feed.subs.get(to) else {
            return;
        };
        let refs = sessions
            .get_mut(other.session)
            .map(|session| &mut session.subs);
        let place = refs
            .into_iter()
            .flatten()
            .find(|place| place.feed == sub.feed);
        if let Some(place) = place {
            place.at = to as u32;
        }
    };
    if at < feed.cursor {
        feed.cursor -= 1;
        feed.subs.swap(at, feed.cursor);
        moved(feed, at);
        at = feed.cursor;
    }
    let removed = feed.subs.swap_remove(at);
    moved(feed, at);
    removed
}
