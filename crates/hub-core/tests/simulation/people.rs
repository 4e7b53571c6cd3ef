//! What a client knows of who is present, kept as the protocol's reference says.

use std::collections::BTreeMap;
use tidewire_hub_proto::Member;

/// One client's list of one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    /// Tells this list from one of an earlier subscription.
    pub(crate) serial: u64,
    /// The version of the list; `None`: it must be read.
    v: Option<u64>,
    members: BTreeMap<Box<str>, Member>,
    /// Changes that came while the list was being read.
    later: Vec<(u64, Member, bool)>,
    /// The list is being read: the version of the pages so far.
    reading: Option<Option<u64>>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    Nothing,
    /// Read the list, behind this session.
    Read(Option<Box<str>>),
}

impl People {
    /// Nothing is known.
    pub(crate) fn new(serial: u64) -> Self {
        Self {
            serial,
            ..Self::default()
        }
    }

    /// Whether the list must be read, and is not.
    pub(crate) fn wants_read(&self) -> bool {
        self.v.is_none() && self.reading.is_none()
    }

    /// A read begins.
    pub(crate) fn begin(&mut self) {
        self.reading = Some(None);
        self.members.clear();
    }

    /// The read failed.
    pub(crate) fn failed(&mut self) {
        *self = Self::new(self.serial);
    }

    /// `join` or `leave`.
    pub(crate) fn changed(&mut self, v: u64, member: Member, joined: bool) {
        if self.reading.is_some() {
            self.later.push((v, member, joined));
        } else if let Some(known) = self.v {
            if v == known + 1 {
                self.apply(member, joined);
                self.v = Some(v);
            } else if v > known {
                self.v = None;
            }
        }
    }

    fn apply(&mut self, member: Member, joined: bool) {
        if joined {
            self.members.insert(member.session.clone(), member);
        } else {
            self.members.remove(&member.session);
        }
    }

    /// A page of the list.
    pub(crate) fn page(&mut self, v: u64, members: Vec<Member>, more: bool) -> Next {
        let Some(before) = self.reading else {
            return Next::Nothing;
        };
        if before.is_some_and(|before| before != v) {
            self.begin();
            return Next::Read(None);
        }
        let last = members.last().map(|member| member.session.clone());
        for member in members {
            self.members.insert(member.session.clone(), member);
        }
        if more {
            self.reading = Some(Some(v));
            return Next::Read(last);
        }
        self.reading = None;
        self.v = Some(v);
        for (v, member, joined) in std::mem::take(&mut self.later) {
            self.changed(v, member, joined);
        }
        Next::Nothing
    }

    /// Who is there; `None`: not known.
    pub(crate) fn names(&self) -> Option<Vec<&str>> {
        self.v?;
        Some(self.members.keys().map(|name| &**name).collect())
    }
}
