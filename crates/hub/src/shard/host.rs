//! The world around a shard: outboxes on one side, engines on the other.

use super::outboxes::Outboxes;
use crate::clock::Clock;
use crate::engine::Engines;
use crate::protocol::{Encodings, Said};
use tidewire_hub_core::{Effect, Host, Item, SessionId, Ticket};
use tidewire_hub_proto::{Channel, CloseReason, Pos, Push, Reply};

pub(crate) struct NodeHost {
    pub(crate) outboxes: Outboxes,
    pub(crate) engines: Engines,
    pub(crate) clock: Clock,
}

impl Host for NodeHost {
    type Encoded = Encodings;

    fn deliver(&mut self, session: SessionId, item: &Item<Encodings>, own: bool) -> usize {
        let Some((format, outbox)) = self.outboxes.get(session) else {
            return 0;
        };
        let moved = item.publication.pos.map(|pos| (&item.channel, pos));
        let queued = format.item(item, own, |frame| outbox.queue(frame, moved));
        queued.unwrap_or_else(|| outbox.queued())
    }

    fn push(&mut self, session: SessionId, push: Push) -> usize {
        let Some((format, outbox)) = self.outboxes.get(session) else {
            return 0;
        };
        if outbox.takes(&push) {
            return outbox.queued();
        }
        match format.push(&push) {
            Said::Frame(frame) => outbox.queue(&frame, moved(&push)),
            Said::Nothing => outbox.queued(),
            Said::Close(code, reason) => {
                outbox.close(code, &reason);
                0
            }
        }
    }

    fn flush(&mut self, session: SessionId) -> usize {
        match self.outboxes.get(session) {
            Some((_, outbox)) => outbox.flush(),
            None => 0,
        }
    }

    fn close(&mut self, session: SessionId, reason: CloseReason) {
        if let Some(outbox) = self.outboxes.remove(session) {
            outbox.close(reason.code(), reason.as_str());
        }
    }

    fn resume(&mut self, session: SessionId) {
        if let Some((_, outbox)) = self.outboxes.get(session) {
            outbox.resume();
        }
    }

    fn submit(&mut self, ticket: Ticket, effect: Effect) {
        self.engines.submit(self.clock.now(), ticket, effect);
    }
}

/// Up to where the client has everything of a channel once it has this.
fn moved(push: &Push) -> Option<(&Channel, Pos)> {
    match push {
        Push::Reply {
            reply:
                Reply::Subscribed {
                    channel,
                    pos,
                    recovered: None | Some(false),
                },
            ..
        }
        | Push::Live { channel, pos } => Some((channel, *pos)),
        Push::Lag { channel, lag } if !lag.recovering => Some((channel, lag.pos?)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
