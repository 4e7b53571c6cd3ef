//! Sessions that read more slowly than their channels speak: what they miss, and what they are told.

use super::Shard;
use super::fanout::{Visit, visit};
use super::feed::{Entry, Phase, Read, Recovery};
use super::session::id;
use super::table::Key;
use crate::Millis;
use crate::host::Host;
use crate::settings::SlowConsumer;
use tidewire_hub_proto::{CloseReason, Lag, Pos, Push};

impl<H: Host> Shard<H> {
    /// The outbox of a session that was too slow has room again: what it missed is dropped or read, as
    /// the namespace says.
    pub(super) fn skip(&mut self, now: Millis, key: Key, session: Key, host: &mut H) {
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        let Some(at) = known.sub(key) else { return };
        let (policy, channel) = (feed.namespace.slow_consumer, feed.channel.clone());
        let Some(head) = feed.tail.head() else { return };
        let window = &feed.window;
        let Some(sub) = feed.subs.get_mut(at) else {
            return;
        };
        let from = Some(Pos::new(head.term, sub.delivered));
        let is_at_hand = sub.next >= window.base || sub.delivered >= window.floor;
        let oldest = sub.next.max(window.base);
        let target = match policy {
            SlowConsumer::Lag if !is_at_hand => {
                let skipped = Some(window.end() - sub.next);
                let recovery = Recovery {
                    at: from,
                    read: Read::Waiting,
                    wish: None,
                    announce: true,
                };
                sub.phase = Phase::Recovering(Box::new(recovery));
                known.waiting = true;
                let lag = Lag {
                    from,
                    pos: Some(head),
                    skipped,
                    recovering: true,
                };
                self.push(session, Push::Lag { channel, lag }, host);
                if self
                    .sessions
                    .get(session)
                    .is_some_and(|known| !known.reading)
                {
                    self.read_in_turn(key, session, host);
                }
                return;
            }
            SlowConsumer::KeepLatest => {
                let is_record =
                    |number: &u64| matches!(window.get(*number), Some(Entry::Publication(_)));
                (oldest..window.end())
                    .rev()
                    .find(is_record)
                    .unwrap_or(oldest)
            }
            SlowConsumer::Disconnect | SlowConsumer::DropOldest | SlowConsumer::Lag => oldest,
        };
        let skipped = target - sub.next;
        let before = (window.base..target)
            .rev()
            .find_map(|number| window.get(number)?.offset());
        sub.delivered = sub.delivered.max(before.unwrap_or(window.floor));
        sub.next = target;
        sub.phase = Phase::Live;
        if skipped > 0 {
            self.counters.skipped += skipped;
            let pos = Some(Pos::new(head.term, sub.delivered));
            let lag = Lag {
                from,
                pos,
                skipped: Some(skipped),
                recovering: false,
            };
            self.push(session, Push::Lag { channel, lag }, host);
        }
        let Some(feed) = self.feeds.get_mut(key) else {
            return;
        };
        let visited = visit(
            feed,
            at,
            &mut self.sessions,
            &mut self.dirty,
            &self.settings.limits,
            &mut self.counters,
            host,
        );
        self.visited(now, session, visited, host);
    }

    /// What follows from a visit.
    pub(super) fn visited(&mut self, now: Millis, session: Key, visit: Visit, host: &mut H) {
        match visit {
            Visit::Done => {}
            Visit::TooSlow => {
                self.counters.slow_closed += 1;
                let reason = CloseReason::SlowConsumer;
                self.bye(now, id(session), reason, Some(0), host);
            }
            Visit::Waits => self.progress(now, session, host),
        }
    }
}
