//! The memory engine: keeps channels as long as the process lives. The reference for every other engine.

mod log;

use crate::Millis;
use crate::contract::{
    Appended, Done, Effect, Fault, IdempotencyKey, LogOptions, Notice, Page, ShardId, Ticket,
    ToShard,
};
use crate::presence::{Out, PresenceTable, unknown_namespace};
use log::Log;
use std::collections::{BTreeMap, BTreeSet};
use tidewire_hub_proto::{Channel, Pos, Publication, Term};

/// Bytes that an engine occupies at most, unless it is told otherwise: 1 GiB.
pub const DEFAULT_MAX_BYTES: usize = 1 << 30;

/// With more channels than this, those that nobody watches and that were never written to are forgotten
/// at once.
const MANY: usize = 16_384;

/// Keeps channels in memory, and who is present in them.
///
/// Pure: it answers during the call. All channels share one counter of offsets, so that no position is
/// given twice in a term, whatever is forgotten. A channel that nobody watches is forgotten when it has
/// held nothing, and nobody has used it, for as long as a record is kept.
#[derive(Debug)]
pub struct MemoryEngine {
    term: Term,
    options: BTreeMap<Box<str>, LogOptions>,
    logs: BTreeMap<Channel, Log>,
    presence: PresenceTable,
    /// When to look at which channel; the same as in the logs.
    due: BTreeSet<(u64, Channel)>,
    /// The offset that was given last, in any channel.
    last: u64,
    /// No channel that was forgotten had a record behind this.
    forgotten_to: u64,
    bytes: usize,
    max_bytes: usize,
    now: u64,
}

impl MemoryEngine {
    /// An engine without channels. `term` must be new with each start: what was kept before is lost.
    /// `options` of every namespace by name.
    #[must_use]
    pub fn new(term: Term, options: BTreeMap<Box<str>, LogOptions>) -> Self {
        Self {
            term,
            presence: PresenceTable::new(options.clone()),
            options,
            logs: BTreeMap::new(),
            due: BTreeSet::new(),
            last: 0,
            forgotten_to: 0,
            bytes: 0,
            max_bytes: DEFAULT_MAX_BYTES,
            now: 0,
        }
    }

    /// Bytes that all records together may occupy, about; more are refused with [`Fault::Overloaded`].
    /// Default: [`DEFAULT_MAX_BYTES`]. Too small a value refuses publishes that there is room for.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// About how many bytes it occupies.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many channels it holds.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.logs.len()
    }

    /// Does an effect, and tells what is to be told. `now` is in milliseconds since 1970.
    pub fn submit(
        &mut self,
        now: Millis,
        shard: ShardId,
        ticket: Ticket,
        effect: Effect,
        out: &mut Out<'_>,
    ) {
        if effect.is_presence() {
            return self.presence.submit(now, shard, ticket, effect, out);
        }
        self.now = self.now.max(now.0);
        let done = match effect {
            Effect::Watch { channel } => Done::Watched(self.watch(shard, &channel)),
            Effect::Unwatch { channel } => return self.unwatch(shard, &channel),
            Effect::Append {
                channel,
                publication,
                key,
            } => Done::Appended(self.append(&channel, publication, key, out)),
            Effect::Relay {
                channel,
                publication,
            } => Done::Relayed(self.relay(&channel, publication, out)),
            Effect::Read {
                channel,
                after,
                limit,
            } => Done::Page(self.read(&channel, |log| log.read(after, limit))),
            Effect::ReadBack {
                channel,
                before,
                limit,
            } => Done::Page(self.read(&channel, |log| log.read_back(before, limit))),
            Effect::Redact { channel, pos } => Done::Redacted(self.redact(&channel, pos)),
            other => {
                let fault = Fault::Unavailable("the memory engine cannot do this".into());
                let Some(done) = other.failed(fault) else {
                    return;
                };
                done
            }
        };
        out(shard, ToShard::Done(ticket, done));
    }

    /// Drops what is too old and tells the leaves that are due. Call it when
    /// [`next_deadline`](Self::next_deadline) has come.
    pub fn tick(&mut self, now: Millis, out: &mut Out<'_>) {
        self.presence.tick(now, out);
        self.now = self.now.max(now.0);
        while self.due.first().is_some_and(|due| due.0 <= self.now) {
            let Some((_, channel)) = self.due.pop_first() else {
                return;
            };
            self.look_at(&channel);
        }
    }

    /// When [`tick`](Self::tick) has something to do; `None`: not before the next effect.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let log = self.due.first().map(|due| Millis(due.0));
        log.into_iter().chain(self.presence.next_deadline()).min()
    }

    fn watch(&mut self, shard: ShardId, channel: &Channel) -> Result<Pos, Fault> {
        self.ensure(channel)?;
        self.presence.watch(shard, channel);
        let head = self.update(channel, |log, _| log.head());
        Ok(head.unwrap_or(Pos::new(self.term, self.forgotten_to)))
    }

    fn unwatch(&mut self, shard: ShardId, channel: &Channel) {
        self.presence.unwatch(shard, channel);
        self.update(channel, Log::touch);
        let in_need = self.bytes > self.max_bytes / 2 || self.logs.len() > MANY;
        if in_need && self.presence.watchers(channel).is_empty() {
            self.forget_unused(channel);
        }
    }

    /// Forgets a channel that was watched and never written to: whoever looks at names alone takes no
    /// room from those who write.
    fn forget_unused(&mut self, channel: &Channel) {
        if let Some(log) = self.logs.get(channel)
            && log.is_empty()
            && log.head().offset <= self.forgotten_to
            && let Some(log) = self.logs.remove(channel)
        {
            self.drop_log(channel, &log);
        }
    }

    fn drop_log(&mut self, channel: &Channel, log: &Log) {
        self.bytes = self.bytes.saturating_sub(log.bytes());
        if let Some(due) = log.due {
            self.due.remove(&(due, channel.clone()));
        }
    }

    fn append(
        &mut self,
        channel: &Channel,
        publication: Publication,
        key: Option<IdempotencyKey>,
        out: &mut Out<'_>,
    ) -> Result<Appended, Fault> {
        self.ensure(channel)?;
        self.update(channel, Log::trim);
        let log = self.logs.get(channel);
        if let Some(pos) = log
            .zip(key.as_ref())
            .and_then(|(log, key)| log.find_key(key))
        {
            let repeated = true;
            return Ok(Appended { pos, repeated });
        }
        let growth = log.map_or(0, |log| log.growth(&publication, key.as_ref()));
        self.make_room(growth)?;
        let offset = self.last.saturating_add(1);
        let pos = Pos::new(self.term, offset);
        let mut publication = publication.detached();
        publication.pos = Some(pos);
        publication.at = self.now;
        self.last = offset;
        let notice = publication.clone();
        let prev = self.update(channel, |log, now| {
            log.append(offset, publication, key, now)
        });
        self.tell(channel, out, |channel| Notice::Record {
            channel,
            prev,
            publication: notice.detached(),
        });
        let repeated = false;
        Ok(Appended { pos, repeated })
    }

    fn relay(
        &mut self,
        channel: &Channel,
        mut publication: Publication,
        out: &mut Out<'_>,
    ) -> Result<(), Fault> {
        self.options_of(channel)?;
        publication.pos = None;
        publication.at = self.now;
        self.tell(channel, out, |channel| Notice::Relayed {
            channel,
            publication: publication.detached(),
        });
        Ok(())
    }

    fn read(
        &mut self,
        channel: &Channel,
        read: impl FnOnce(&Log) -> Result<Page, Fault>,
    ) -> Result<Page, Fault> {
        let options = self.options_of(channel)?;
        self.update(channel, Log::trim);
        match self.logs.get(channel) {
            Some(log) => read(log),
            // A look at a channel that is not there does not make it.
            None => read(&Log::new(self.term, self.forgotten_to, options, self.now)),
        }
    }

    fn redact(&mut self, channel: &Channel, pos: Pos) -> Result<bool, Fault> {
        self.options_of(channel)?;
        let redacted = self.update(channel, |log, now| {
            log.trim(now);
            log.redact(pos)
        });
        Ok(redacted.unwrap_or(false))
    }

    fn options_of(&self, channel: &Channel) -> Result<LogOptions, Fault> {
        let options = self.options.get(channel.namespace());
        options.copied().ok_or_else(|| unknown_namespace(channel))
    }

    /// Makes a log for the channel if there is none.
    fn ensure(&mut self, channel: &Channel) -> Result<(), Fault> {
        let options = self.options_of(channel)?;
        if !self.logs.contains_key(channel) {
            let log = Log::new(self.term, self.forgotten_to, options, self.now);
            self.make_room(log.bytes())?;
            self.bytes += log.bytes();
            self.logs.insert(channel.clone(), log);
        }
        Ok(())
    }

    fn make_room(&self, growth: usize) -> Result<(), Fault> {
        let fits = growth == 0 || self.bytes.saturating_add(growth) <= self.max_bytes;
        fits.then_some(()).ok_or(Fault::Overloaded)
    }

    /// Changes a log, and keeps count of its bytes and of when to look at it again.
    fn update<R>(
        &mut self,
        channel: &Channel,
        change: impl FnOnce(&mut Log, u64) -> R,
    ) -> Option<R> {
        let watched = !self.presence.watchers(channel).is_empty();
        let log = self.logs.get_mut(channel)?;
        let before = log.bytes();
        let result = change(log, self.now);
        self.bytes = (self.bytes + log.bytes()).saturating_sub(before);
        // Looking too early is harmless, so a moment that was set only moves to an earlier one.
        if let Some(due) = log.next_due(watched)
            && log.due.is_none_or(|set| due < set)
        {
            if let Some(set) = log.due.replace(due) {
                self.due.remove(&(set, channel.clone()));
            }
            self.due.insert((due, channel.clone()));
        }
        Some(result)
    }

    /// A channel is due.
    fn look_at(&mut self, channel: &Channel) {
        let watched = !self.presence.watchers(channel).is_empty();
        let idle = self.update(channel, |log, now| {
            log.due = None;
            log.trim(now);
            log.is_idle(now)
        });
        if idle == Some(true)
            && !watched
            && let Some(log) = self.logs.remove(channel)
        {
            self.forgotten_to = self.forgotten_to.max(log.head().offset);
            self.drop_log(channel, &log);
        }
    }

    fn tell(
        &self,
        channel: &Channel,
        out: &mut Out<'_>,
        mut notice: impl FnMut(Channel) -> Notice,
    ) {
        for &shard in self.presence.watchers(channel) {
            out(shard, ToShard::Notice(notice(channel.clone())));
        }
    }
}
