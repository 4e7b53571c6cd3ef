//! Who is present in which channel, and who is told of it.

mod room;

use crate::Millis;
use crate::contract::{
    Done, Effect, Fault, LogOptions, Notice, PresencePage, ShardId, Ticket, ToShard,
};
use room::{Change, Room};
use std::collections::{BTreeMap, BTreeSet};
use tidewire_hub_proto::{Channel, Member};

/// Sessions that may be present in one channel.
pub const MAX_MEMBERS: usize = 100_000;
/// Sessions that may be present in all channels of one table.
pub const MAX_MEMBERS_IN_ALL: usize = 1_000_000;

/// Where a table or an engine puts what it has to tell.
pub type Out<'a> = dyn FnMut(ShardId, ToShard) + 'a;

/// The presence of many channels: a versioned list of sessions each, and the shards that watch it.
///
/// A channel that nobody watches and where nobody is present is forgotten; versions never go back.
#[derive(Debug)]
pub struct PresenceTable {
    options: BTreeMap<Box<str>, LogOptions>,
    rooms: BTreeMap<Channel, Room>,
    /// When which session of which channel leaves; the same as in the rooms.
    deadlines: BTreeSet<(u64, Channel, Box<str>)>,
    members: usize,
    /// The highest version of any room that was forgotten: where new ones begin.
    floor: u64,
    now: u64,
}

impl PresenceTable {
    /// An empty table; `options` of every namespace by name. Only their `grace` matters here.
    #[must_use]
    pub fn new(options: BTreeMap<Box<str>, LogOptions>) -> Self {
        Self {
            options,
            rooms: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            members: 0,
            floor: 0,
            now: 0,
        }
    }

    /// Tells `shard` from now on who comes and leaves. Watching twice is watching once.
    pub fn watch(&mut self, shard: ShardId, channel: &Channel) {
        let floor = self.floor;
        self.rooms
            .entry(channel.clone())
            .or_insert_with(|| Room::new(floor))
            .watch(shard);
    }

    /// Tells it no more.
    pub fn unwatch(&mut self, shard: ShardId, channel: &Channel) {
        if let Some(room) = self.rooms.get_mut(channel) {
            room.unwatch(shard);
            self.forget_if_idle(channel);
        }
    }

    /// The shards that watch a channel.
    #[must_use]
    pub fn watchers(&self, channel: &Channel) -> &[ShardId] {
        self.rooms.get(channel).map_or(&[], Room::watchers)
    }

    /// Sessions that are present, in all channels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members
    }

    /// Whether nobody is present anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members == 0
    }

    /// Does `Enter`, `Leave` or `Members`. `now` is in milliseconds since 1970. Any other effect is
    /// answered with [`Fault::Unavailable`].
    pub fn submit(
        &mut self,
        now: Millis,
        shard: ShardId,
        ticket: Ticket,
        effect: Effect,
        out: &mut Out<'_>,
    ) {
        self.tick(now, out);
        let done = match effect {
            Effect::Enter {
                channel,
                member,
                lease,
            } => Done::Entered(self.enter(channel, member, lease, out)),
            Effect::Leave { channel, session } => {
                self.leave(&channel, &session, out);
                return;
            }
            Effect::Members {
                channel,
                after,
                limit,
            } => Done::Members(self.page(&channel, after.as_deref(), limit)),
            other => {
                let fault = Fault::Unavailable("this effect is not about presence".into());
                let Some(done) = other.failed(fault) else {
                    return;
                };
                done
            }
        };
        out(shard, ToShard::Done(ticket, done));
    }

    /// Tells the leaves that are due. Call it when [`next_deadline`](Self::next_deadline) has come.
    pub fn tick(&mut self, now: Millis, out: &mut Out<'_>) {
        self.now = self.now.max(now.0);
        while self.deadlines.first().is_some_and(|due| due.0 <= self.now) {
            let Some((_, channel, session)) = self.deadlines.pop_first() else {
                return;
            };
            self.remove(&channel, &session, out);
        }
    }

    /// When [`tick`](Self::tick) has something to do; `None`: not before the next effect.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.deadlines.first().map(|due| Millis(due.0))
    }

    fn grace(&self, channel: &Channel) -> Result<u64, Fault> {
        self.options
            .get(channel.namespace())
            .map(|options| options.grace)
            .ok_or_else(|| unknown_namespace(channel))
    }

    fn enter(
        &mut self,
        channel: Channel,
        member: Member,
        lease: Option<u64>,
        out: &mut Out<'_>,
    ) -> Result<(), Fault> {
        self.grace(&channel)?;
        let floor = self.floor;
        let known = self.rooms.get(&channel);
        let is_new = !known.is_some_and(|room| room.has(&member.session));
        let is_full = known.is_some_and(|room| room.len() >= MAX_MEMBERS);
        if is_new && (is_full || self.members >= MAX_MEMBERS_IN_ALL) {
            return Err(Fault::Overloaded);
        }
        let leaves_at = lease.map(|lease| self.now.saturating_add(lease));
        let session = member.session.clone();
        let room = self
            .rooms
            .entry(channel.clone())
            .or_insert_with(|| Room::new(floor));
        let before = room.set_deadline(&session, leaves_at);
        let [first, second] = room.enter(member, leaves_at);
        if let Some(before) = before {
            self.deadlines
                .remove(&(before, channel.clone(), session.clone()));
        }
        if let Some(at) = leaves_at {
            self.deadlines.insert((at, channel.clone(), session));
        }
        self.members += usize::from(is_new);
        for change in [first, second].into_iter().flatten() {
            self.tell(&channel, &change, out);
        }
        Ok(())
    }

    fn leave(&mut self, channel: &Channel, session: &str, out: &mut Out<'_>) {
        let grace = self.grace(channel).unwrap_or(0);
        let Some(room) = self.rooms.get_mut(channel) else {
            return;
        };
        if !room.has(session) {
            return;
        }
        // What it was about to leave for stays, if that is sooner.
        let at = self.now.saturating_add(grace);
        let at = room.deadline(session).map_or(at, |lease| lease.min(at));
        if let Some(before) = room.set_deadline(session, Some(at)) {
            self.deadlines
                .remove(&(before, channel.clone(), session.into()));
        }
        if at <= self.now {
            self.remove(channel, session, out);
        } else {
            self.deadlines.insert((at, channel.clone(), session.into()));
        }
    }

    fn remove(&mut self, channel: &Channel, session: &str, out: &mut Out<'_>) {
        let Some(room) = self.rooms.get_mut(channel) else {
            return;
        };
        if let Some(change) = room.remove(session) {
            self.members = self.members.saturating_sub(1);
            self.tell(channel, &change, out);
            self.forget_if_idle(channel);
        }
    }

    fn page(
        &self,
        channel: &Channel,
        after: Option<&str>,
        limit: usize,
    ) -> Result<PresencePage, Fault> {
        self.grace(channel)?;
        Ok(match self.rooms.get(channel) {
            Some(room) => room.page(after, limit),
            None => Room::new(self.floor).page(after, limit),
        })
    }

    fn tell(&self, channel: &Channel, change: &Change, out: &mut Out<'_>) {
        for &shard in self.watchers(channel) {
            let notice = Notice::Presence {
                channel: channel.clone(),
                v: change.v,
                member: change.member.clone(),
                joined: change.joined,
                sessions: change.sessions,
            };
            out(shard, ToShard::Notice(notice));
        }
    }

    fn forget_if_idle(&mut self, channel: &Channel) {
        if let Some(room) = self.rooms.get(channel)
            && room.is_idle()
        {
            self.floor = self.floor.max(room.v());
            self.rooms.remove(channel);
        }
    }
}

/// The namespace is not one of this engine's.
pub(crate) fn unknown_namespace(channel: &Channel) -> Fault {
    let namespace = channel.namespace();
    Fault::Unavailable(format!("no namespace {namespace:?} is kept here").into())
}
