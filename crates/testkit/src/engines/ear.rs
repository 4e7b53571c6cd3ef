//! What one shard hears of one channel: a listener that works as a shard does.

use tidewire_hub_core::contract::Notice;
use tidewire_hub_proto::{Pos, Publication};

/// Something that a shard has heard of a channel, as subscribers would get it.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A record that was kept.
    Record(Publication),
    /// One that was not.
    Relayed(Publication),
    /// Records were lost; it goes on behind this position.
    Lost(Pos),
}

/// A change of who is present, as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The version of the list after it.
    pub v: u64,
    /// Whose.
    pub session: String,
    /// Came, or left.
    pub joined: bool,
    /// How many sessions the same user or guest has after it.
    pub sessions: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `Watch` was submitted for the first time.
    Waiting,
    /// `Watch` was submitted again; something told earlier may still come.
    WaitingAgain,
    On(Pos),
    Off,
}

/// One shard's ear at one channel.
#[derive(Debug)]
pub(super) struct Ear {
    state: State,
    /// The newest position it was told of and has not delivered.
    told: Option<Pos>,
    /// The version of the list that it knows; `None` right after it began to watch.
    version: Option<u64>,
    pub(super) heard: Vec<Heard>,
    pub(super) seen: Vec<Seen>,
    /// Notices that came, of whatever kind.
    pub(super) notices: usize,
    /// How often it had to read.
    pub(super) reads: usize,
}

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            state: State::Waiting,
            told: None,
            version: None,
            heard: Vec::new(),
            seen: Vec::new(),
            notices: 0,
            reads: 0,
        }
    }

    pub(super) fn watch_again(&mut self) {
        if self.state == State::Off {
            self.state = State::WaitingAgain;
        }
    }

    pub(super) fn watched(&mut self, head: Pos) {
        // Watching what is watched already changes nothing.
        if !matches!(self.state, State::On(_)) {
            self.state = State::On(head);
            self.told = None;
            self.version = None;
        }
    }

    pub(super) fn off(&mut self) {
        self.state = State::Off;
    }

    fn is_behind(&self) -> bool {
        matches!((self.state, self.told), (State::On(at), Some(told)) if told.is_after(at) != Some(false))
    }

    /// If it is behind: the position that it has delivered up to, and the one that it was told of.
    /// The caller reads what lies between.
    pub(super) fn begin_read(&mut self) -> Option<(Pos, Pos)> {
        match self.state {
            State::On(at) if self.is_behind() => Some((at, self.told.take()?)),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, notice: Notice) {
        self.notices += 1;
        let at = match self.state {
            State::Waiting => panic!("told before it was watching: {notice:?}"),
            State::WaitingAgain | State::Off => return,
            State::On(at) => at,
        };
        match notice {
            Notice::Record {
                prev, publication, ..
            } => self.take_record(at, prev, publication),
            Notice::Head { pos, .. } => self.note(pos),
            Notice::Relayed { publication, .. } => {
                assert_eq!(publication.pos, None, "a passing record has no position");
                self.heard.push(Heard::Relayed(publication));
            }
            Notice::Presence {
                v,
                member,
                joined,
                sessions,
                ..
            } => {
                if let Some(last) = self.version.replace(v) {
                    assert_eq!(v, last + 1, "each change is one version");
                }
                self.seen.push(Seen {
                    v,
                    session: member.session.into(),
                    joined,
                    sessions,
                });
            }
            other => panic!("an unknown notice: {other:?}"),
        }
    }

    fn take_record(&mut self, at: Pos, prev: Option<Pos>, publication: Publication) {
        let Some(pos) = publication.pos else {
            panic!("a record was told without its position: {publication:?}");
        };
        if let Some(prev) = prev {
            assert_eq!(
                pos.is_after(prev),
                Some(true),
                "a record stands behind the one before it"
            );
        }
        if pos.is_after(at) == Some(false) {
            self.check_repeated(&publication);
            return;
        }
        let is_next = prev.and_then(|prev| prev.is_after(at)) == Some(false);
        if is_next && !self.is_behind() {
            self.deliver(publication);
        } else {
            self.note(pos);
        }
    }

    /// A record that is told again is the same.
    fn check_repeated(&self, again: &Publication) {
        let known = self.heard.iter().find_map(|heard| match heard {
            Heard::Record(record) if record.pos == again.pos => Some(record),
            _ => None,
        });
        if let Some(known) = known {
            assert_eq!(known, again, "one position, two records");
        }
    }

    fn note(&mut self, pos: Pos) {
        let newer = self
            .told
            .is_none_or(|told| pos.is_after(told) != Some(false));
        if newer {
            self.told = Some(pos);
        }
    }

    fn deliver(&mut self, publication: Publication) {
        if let Some(pos) = publication.pos {
            self.state = State::On(pos);
        }
        self.heard.push(Heard::Record(publication));
    }

    /// What a read gave that was begun because of `told`, when the channel had `head`.
    pub(super) fn caught_up(&mut self, told: Pos, records: Vec<Publication>, head: Pos) {
        self.reads += 1;
        assert_ne!(
            told.is_after(head),
            Some(true),
            "a shard was told of a record that no read knows"
        );
        for record in records {
            let State::On(at) = self.state else { return };
            if record.pos.and_then(|pos| pos.is_after(at)) == Some(true) {
                self.deliver(record);
            }
        }
    }

    /// It could not read what it has missed.
    pub(super) fn lost(&mut self, head: Pos) {
        self.reads += 1;
        self.state = State::On(head);
        self.heard.push(Heard::Lost(head));
    }
}
