//! What a shard knows of a channel that somebody here listens to: how far it has followed the log,
//! what it still has at hand, and who listens.

use super::table::Key;
use crate::contract::Ticket;
use crate::host::Item;
use crate::settings::Namespace;
use std::collections::VecDeque;
use std::rc::Rc;
use tidewire_hub_proto::{Channel, CommandId, Pos, Push};

#[derive(Debug)]
pub(super) struct Feed<X> {
    pub(super) channel: Channel,
    pub(super) namespace: Rc<Namespace>,
    pub(super) tail: Tail,
    /// The newest position that was told before the engine answered that it tells.
    pub(super) heard: Option<Pos>,
    pub(super) window: Window<X>,
    /// Dense, so that a pass runs straight through it. The order means nothing.
    pub(super) subs: Vec<Sub>,
    /// How many of them get joins and leaves.
    pub(super) watchers: usize,
    /// The last join or leave, and its number: whoever was too busy for those before it gets at least
    /// this one, and sees from its version that it has to read the list again.
    pub(super) last_presence: Option<(u64, Rc<Push>)>,
    /// The first of `subs` that the pass under way has not visited.
    pub(super) cursor: usize,
    /// Where the window ended when the pass began: afterwards everybody has had what is before it.
    pub(super) pass_end: u64,
    /// It is on the ring of feeds with something to deliver.
    pub(super) busy: bool,
    /// Somebody left, and nobody listens since: its end is planned.
    pub(super) forgotten: bool,
}

/// How far a feed has followed its channel's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The engine was asked to tell.
    Watching(Ticket),
    /// Everything up to here has arrived.
    Following(Pos),
    /// Everything up to `head` has arrived; something up to `target` was missed, and is read.
    CatchingUp { head: Pos, target: Pos, read: Read },
}

/// A read that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It is under way.
    UnderWay(Ticket),
    /// It waits: for room in the outbox, for its turn, or after a failure.
    Waiting,
}

impl Tail {
    /// The last position that has arrived.
    pub(super) fn head(self) -> Option<Pos> {
        match self {
            Self::Watching(_) => None,
            Self::Following(head) | Self::CatchingUp { head, .. } => Some(head),
        }
    }
}

/// What arrived last: what is on its way to subscribers, and a little more for those who come back.
#[derive(Debug)]
pub(super) struct Window<X> {
    pub(super) entries: VecDeque<Entry<X>>,
    /// The number of the first entry. Numbers count what this shard was told, in order.
    pub(super) base: u64,
    /// Bytes of the entries.
    pub(super) bytes: usize,
    /// Every record behind this offset, up to the tail, is among the entries.
    pub(super) floor: u64,
}

#[derive(Debug)]
pub(super) enum Entry<X> {
    Publication(Rc<Item<X>>),
    Presence(Rc<Push>),
}

impl<X> Entry<X> {
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Publication(item) => item.publication.weight(),
            Self::Presence(_) => 256,
        }
    }

    /// The offset of a kept record.
    pub(super) fn offset(&self) -> Option<u64> {
        match self {
            Self::Publication(item) => item.publication.pos.map(|pos| pos.offset),
            Self::Presence(_) => None,
        }
    }
}

impl<X> Window<X> {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            base: 0,
            bytes: 0,
            floor: 0,
        }
    }

    /// The number of the next entry.
    pub(super) fn end(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    pub(super) fn push(&mut self, entry: Entry<X>) {
        self.bytes += entry.weight();
        self.entries.push_back(entry);
    }

    /// The entry of this number.
    pub(super) fn get(&self, number: u64) -> Option<&Entry<X>> {
        self.entries
            .get(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    /// Forgets the oldest entries before `number` until at most `bytes` remain. The newest stays.
    pub(super) fn trim(&mut self, bytes: usize, number: u64) {
        while self.bytes > bytes && self.base < number && self.entries.len() > 1 {
            let Some(entry) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= entry.weight();
            self.base += 1;
            self.floor = entry.offset().unwrap_or(self.floor);
        }
    }

    /// Begins anew behind `head`: nothing before it will be asked for.
    pub(super) fn restart(&mut self, head: Pos) {
        self.base = self.end();
        self.entries.clear();
        self.bytes = 0;
        self.floor = head.offset;
    }

    /// The number of the first entry whose record is behind `offset`, if none between was forgotten.
    pub(super) fn after(&self, offset: u64) -> Option<u64> {
        if offset < self.floor {
            return None;
        }
        let ahead = self
            .entries
            .iter()
            .rev()
            .take_while(|entry| entry.offset().is_none_or(|at| at > offset))
            .count();
        Some(self.end() - ahead as u64)
    }
}

/// One session's subscription.
#[derive(Debug)]
pub(super) struct Sub {
    pub(super) session: Key,
    /// The number of the next entry it gets, while it is live.
    pub(super) next: u64,
    /// The offset of the last record that was delivered, or before which nothing is wanted.
    pub(super) delivered: u64,
    /// Whether it gets joins and leaves.
    pub(super) presence: bool,
    /// The number behind the last join or leave that it got.
    pub(super) presence_to: u64,
    /// It could not enter the channel's presence, and will try again.
    pub(super) enters_again: bool,
    pub(super) phase: Phase,
}

impl Sub {
    /// Whether it has everything, in a window that ends here.
    pub(super) fn is_up_to_date(&self, end: u64, presence: &Option<(u64, Rc<Push>)>) -> bool {
        let missed = |last: &(u64, Rc<Push>)| self.presence && self.presence_to <= last.0;
        self.next == end && !presence.as_ref().is_some_and(missed)
    }
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The channel is not watched yet.
    Joining(Box<Wish>),
    /// It gets what arrives.
    Live,
    /// It gets what it missed from the log.
    Recovering(Box<Recovery>),
    /// Its session's outbox is full: nothing is queued for it.
    Behind,
}

/// What a subscriber asked for, not answered yet.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) id: Option<CommandId>,
    pub(super) since: Option<Pos>,
    pub(super) history: u32,
}

#[derive(Debug)]
pub(super) struct Recovery {
    /// The last record it has; nothing, when it asks for the newest records.
    pub(super) at: Option<Pos>,
    pub(super) read: Read,
    /// The subscriber waits for its answer.
    pub(super) wish: Option<Wish>,
    /// It is told when it is live again.
    pub(super) announce: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tidewire_hub_proto::{Origin, Payload, Publication, Term};

    fn kept(offset: u64) -> Entry<()> {
        let mut publication = Publication::new(Origin::default(), Payload::text("x"));
        publication.pos = Some(Pos::new(Term(1), offset));
        item(publication)
    }

    fn item(publication: Publication) -> Entry<()> {
        Entry::Publication(Rc::new(Item {
            channel: Channel::parse("a").unwrap(),
            publication,
            encoded: (),
        }))
    }

    fn passing() -> Entry<()> {
        item(Publication::new(Origin::default(), Payload::text("x")))
    }

    #[test]
    fn a_window_knows_what_it_covers() {
        let mut window = Window::new();
        window.restart(Pos::new(Term(1), 10));
        for entry in [kept(12), passing(), kept(15), passing()] {
            window.push(entry);
        }
        assert_eq!(window.after(9), None, "before it was watched");
        assert_eq!(window.after(10), Some(0));
        assert_eq!(window.after(11), Some(0));
        assert_eq!(window.after(12), Some(1));
        assert_eq!(window.after(15), Some(3));
        assert_eq!(window.after(99), Some(3));
        window.trim(0, 2);
        assert_eq!((window.base, window.floor, window.end()), (2, 12, 4));
        assert_eq!(window.after(11), None, "12 was forgotten");
        assert_eq!(window.after(12), Some(2));
        window.trim(0, 99);
        assert_eq!(window.entries.len(), 1, "the newest stays");
        assert!(window.get(1).is_none() && window.get(3).is_some() && window.get(4).is_none());
    }
}
