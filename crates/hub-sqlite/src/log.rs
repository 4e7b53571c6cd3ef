//! The channels as the writer sees them: appends, keys, redaction and trimming inside a transaction.

use crate::floor::{Span, at, find, floor, oldest};
use crate::row;
use crate::statements::Writing;
use crate::store::{State, random};
use crate::trouble::Trouble;
use rusqlite::{Connection, OptionalExtension};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use tidewire_hub_core::contract::LogOptions;
use tidewire_hub_core::{Appended, IdempotencyKey};
use tidewire_hub_proto::{Channel, Pos, Publication, Term};

/// Channels whose rows are kept at hand.
const MOST_KNOWN: usize = 65_536;
/// Records and keys that one commit deletes at most, beside twice what it adds.
const DELETED: i64 = 1024;

#[derive(Clone, Copy, Debug)]
struct Known {
    span: Span,
    /// When the oldest record that is not deleted was kept.
    oldest_at: i64,
    changed: bool,
}

/// A record that is kept, unless the transaction fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) appended: Appended,
    /// Of the record before it, and when this one was kept; `None`: it was there already.
    pub(crate) new: Option<(Pos, u64)>,
}

/// One connection's view, with its statements.
#[derive(Debug)]
pub(crate) struct Log<'c> {
    connection: &'c Connection,
    pub(crate) say: Writing<'c>,
    pub(crate) state: State,
    options: BTreeMap<Box<str>, LogOptions>,
    known: HashMap<Channel, Known>,
    changed: Vec<Channel>,
    appended: i64,
    is_open: bool,
    now: i64,
}

impl<'c> Log<'c> {
    pub(crate) fn new(
        connection: &'c Connection,
        state: State,
        options: BTreeMap<Box<str>, LogOptions>,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            connection,
            say: Writing::new(connection)?,
            state,
            options,
            known: HashMap::new(),
            changed: Vec::new(),
            appended: 0,
            is_open: false,
            now: 0,
        })
    }

    pub(crate) fn term(&self) -> Term {
        self.state.term
    }

    pub(crate) fn connection(&self) -> &'c Connection {
        self.connection
    }

    pub(crate) fn pos(&self, offset: i64) -> Pos {
        Pos::new(self.term(), u64::try_from(offset).unwrap_or(0))
    }

    /// The clock, in milliseconds since 1970; it does not go back here.
    pub(crate) fn set_now(&mut self, now: i64) {
        self.now = self.now.max(now);
    }

    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    fn options(&self, channel: &Channel) -> Result<LogOptions, Trouble> {
        let options = self.options.get(channel.namespace());
        options.copied().ok_or_else(|| {
            Trouble::damaged(format!(
                "no namespace {:?} is kept here",
                channel.namespace()
            ))
        })
    }

    /// Begins a transaction, if none is open.
    pub(crate) fn begin(&mut self) -> Result<(), Trouble> {
        if !self.is_open {
            self.say.begin.execute([])?;
            self.is_open = true;
        }
        Ok(())
    }

    /// The channel as it is now, this transaction's records included.
    pub(crate) fn span(&mut self, channel: &Channel) -> Result<Span, Trouble> {
        Ok(self.known(channel)?.span)
    }

    fn known(&mut self, channel: &Channel) -> Result<&mut Known, Trouble> {
        match self.known.entry(channel.clone()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let span =
                    find(&mut self.say.find, channel)?.unwrap_or(Span::empty(self.state.forgotten));
                let oldest_at = at(&mut self.say.at, span, span.trimmed + 1)?;
                Ok(entry.insert(Known {
                    span,
                    oldest_at: oldest_at.unwrap_or(i64::MAX),
                    changed: false,
                }))
            }
        }
    }

    /// Adds a record, or finds the one of this key.
    pub(crate) fn append(
        &mut self,
        channel: &Channel,
        record: &Publication,
        key: Option<&IdempotencyKey>,
    ) -> Result<Kept, Trouble> {
        let options = self.options(channel)?;
        self.begin()?;
        let now = self.now;
        let span = self.known(channel)?.span;
        if let Some(offset) = self.find_key(span.id, key)? {
            let appended = Appended {
                pos: self.pos(offset),
                repeated: true,
            };
            return Ok(Kept {
                appended,
                new: None,
            });
        }
        let id = if span.id == 0 {
            self.say
                .create
                .insert((channel.as_str(), span.head, span.trimmed, 0))?
        } else {
            span.id
        };
        let (offset, at) = (span.head + 1, now.max(span.last_at));
        row::insert(&mut self.say.append, id, offset, at, record)?;
        if let Some(key) = key {
            let expires = at.saturating_add(i64::try_from(options.key_age).unwrap_or(i64::MAX));
            self.say
                .keep_key
                .execute((id, &*key.publisher, &*key.key, offset, expires))?;
        }
        let known = self.known(channel)?;
        known.span = Span {
            id,
            head: offset,
            last_at: at,
            ..span
        };
        known.oldest_at = known.oldest_at.min(at);
        if !std::mem::replace(&mut known.changed, true) {
            self.changed.push(channel.clone());
        }
        self.appended += 1;
        Ok(Kept {
            appended: Appended {
                pos: self.pos(offset),
                repeated: false,
            },
            new: Some((self.pos(span.head), u64::try_from(at).unwrap_or(0))),
        })
    }

    fn find_key(&mut self, id: i64, key: Option<&IdempotencyKey>) -> Result<Option<i64>, Trouble> {
        let Some(key) = key.filter(|_| id != 0) else {
            return Ok(None);
        };
        let found = self
            .say
            .find_key
            .query_row((id, &*key.publisher, &*key.key), |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        Ok(found
            .filter(|&(_, expires)| expires >= self.now)
            .map(|(offset, _)| offset))
    }

    /// Takes the payload of a record away; `false`: there is no such record.
    pub(crate) fn redact(&mut self, channel: &Channel, pos: Pos) -> Result<bool, Trouble> {
        let options = self.options(channel)?;
        let span = self.known(channel)?.span;
        let begin = self.floor(span, &options)?;
        let offset = i64::try_from(pos.offset).unwrap_or(i64::MAX);
        if pos.term != self.term() || offset <= begin || offset > span.head {
            return Ok(false);
        }
        self.begin()?;
        self.appended += 1;
        Ok(self.say.redact.execute((span.id, offset))? > 0)
    }

    /// Records up to this are no longer in the history.
    pub(crate) fn floor(&mut self, span: Span, options: &LogOptions) -> Result<i64, Trouble> {
        floor(span, options, self.now, |offset| {
            at(&mut self.say.at, span, offset)
        })
    }

    /// The secret of this name; made if there is none.
    pub(crate) fn secret(&mut self, name: &str) -> Result<[u8; 32], Trouble> {
        self.begin()?;
        let kept = self
            .say
            .find_secret
            .query_row([name], |row| row.get::<_, [u8; 32]>(0))
            .optional()?;
        if let Some(secret) = kept {
            return Ok(secret);
        }
        let secret = random::<32>()?;
        self.say.keep_secret.execute((name, &secret[..]))?;
        self.appended += 1;
        Ok(secret)
    }

    /// Deletes what is clearly too much of a channel, `budget` records at most; gives how many.
    fn trim_some(&mut self, channel: &Channel, lazy: bool, budget: i64) -> Result<i64, Trouble> {
        let options = self.options(channel)?;
        let Known {
            span, oldest_at, ..
        } = *self.known(channel)?;
        // A little too much costs nothing: whoever reads does not see it. So many go at once.
        let most = i64::try_from(options.max_records).unwrap_or(i64::MAX);
        let slack = if lazy { (most / 8).min(256) } else { 0 };
        let patience = if lazy {
            i64::try_from(options.max_age / 32).unwrap_or(i64::MAX)
        } else {
            0
        };
        let too_many = span.head - span.trimmed > most.saturating_add(slack);
        let too_old = oldest_at < oldest(&options, self.now).saturating_sub(patience);
        if !too_many && !too_old {
            return Ok(0);
        }
        let to = self
            .floor(span, &options)?
            .min(span.trimmed.saturating_add(budget));
        if to <= span.trimmed {
            return Ok(0);
        }
        self.begin()?;
        self.say.trim.execute((span.id, to))?;
        let oldest_at = at(&mut self.say.at, span, to + 1)?;
        let known = self.known(channel)?;
        known.span.trimmed = to;
        known.oldest_at = oldest_at.unwrap_or(i64::MAX);
        if !std::mem::replace(&mut known.changed, true) {
            self.changed.push(channel.clone());
        }
        Ok(to - span.trimmed)
    }

    /// Deletes what is too much of a channel; gives how many records of `budget` that were.
    pub(crate) fn trim(&mut self, channel: &Channel, budget: i64) -> Result<i64, Trouble> {
        self.trim_some(channel, false, budget)
    }

    /// Deletes idempotency keys that are too old; gives how many.
    pub(crate) fn forget_keys(&mut self, most: i64) -> Result<usize, Trouble> {
        self.begin()?;
        Ok(self.say.forget_keys.execute((self.now, most))?)
    }

    /// Deletes the row of a channel that has nothing; its positions are never given again.
    pub(crate) fn forget(&mut self, channel: &Channel) -> Result<(), Trouble> {
        let span = self.known(channel)?.span;
        self.begin()?;
        self.say.forget.execute([span.id])?;
        let forgotten = self.state.forgotten.max(span.head);
        self.say.forgotten.execute([forgotten])?;
        self.state.forgotten = forgotten;
        self.known.remove(channel);
        self.changed.retain(|changed| changed != channel);
        Ok(())
    }

    /// Writes the rows of what has changed: the last step before [`commit`](Self::commit).
    pub(crate) fn finish(&mut self) -> Result<(), Trouble> {
        if !self.is_open {
            return Ok(());
        }
        let mut budget = DELETED + 2 * self.appended;
        let mut at = 0;
        while let Some(channel) = self.changed.get(at).cloned() {
            at += 1;
            budget -= self.trim_some(&channel, true, budget)?;
            let known = self.known(&channel)?;
            known.changed = false;
            let span = known.span;
            self.say
                .update
                .execute((span.id, span.head, span.trimmed, span.last_at))?;
        }
        self.changed.clear();
        if self.appended > 0 {
            self.say
                .forget_keys
                .execute((self.now, DELETED + 2 * self.appended))?;
        }
        let commits = self.state.commits.saturating_add(1);
        self.say.count.execute([commits])?;
        self.state.commits = commits;
        Ok(())
    }

    /// Commits: when this succeeds, the disk has it. When it fails for another reason than a full disk,
    /// nobody knows.
    pub(crate) fn commit(&mut self) -> Result<(), Trouble> {
        if self.is_open {
            self.say.commit.execute([])?;
            self.is_open = false;
            self.appended = 0;
        }
        Ok(())
    }

    /// Undoes the transaction, and forgets what was derived from it.
    pub(crate) fn undo(&mut self) -> Result<(), Trouble> {
        self.known.clear();
        self.changed.clear();
        self.appended = 0;
        self.is_open = false;
        // SQLite may have done so by itself.
        if !self.connection.is_autocommit() {
            self.say.rollback.execute([])?;
        }
        let state = State::read(self.connection)?;
        self.state = state.ok_or_else(|| Trouble::damaged("the table `state` is empty"))?;
        Ok(())
    }

    /// Drops what is known of channels that are not in use, if it is much.
    pub(crate) fn shed(&mut self, is_watched: impl Fn(&Channel) -> bool) {
        if self.known.len() > MOST_KNOWN {
            self.known
                .retain(|channel, known| known.span.id == 0 && is_watched(channel));
        }
    }

    /// Drops what is known of one channel, if that is all in its row.
    pub(crate) fn shed_one(&mut self, channel: &Channel) {
        if self.known.get(channel).is_some_and(|known| !known.changed) {
            self.known.remove(channel);
        }
    }

    pub(crate) fn is_known(&self, channel: &Channel) -> bool {
        self.known.contains_key(channel)
    }

    pub(crate) fn options_of(&self, channel: &Channel) -> Option<LogOptions> {
        self.options.get(channel.namespace()).copied()
    }
}
