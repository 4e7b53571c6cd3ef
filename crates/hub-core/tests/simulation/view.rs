//! What one client knows of one channel, and whether the hub may say what it says next.

use crate::oracle::Oracle;
use tidewire_hub_core::SlowConsumer;
use tidewire_hub_proto::{Channel, Exclude, Lag, Pos, Publication};

/// How far a subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not subscribed, as far as the client knows.
    Off,
    /// The newest few records come first.
    History,
    /// What was missed comes first.
    Behind,
    /// Live.
    Live,
}

/// Who listens.
#[derive(Clone, Debug)]
pub(crate) struct Me {
    /// The session's public id.
    pub(crate) session: Box<str>,
    /// The guest's.
    pub(crate) client: Option<Box<str>>,
}

impl Me {
    /// Whether this record leaves the listener out.
    pub(crate) fn is_left_out(&self, publication: &Publication) -> bool {
        match &publication.exclude {
            None => false,
            Some(Exclude::Session(session)) => *session == self.session,
            Some(Exclude::Publisher) => {
                self.client.is_some() && publication.from.client == self.client
            }
        }
    }
}

/// How a subscription was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The last position seen.
    pub(crate) since: Option<Pos>,
    /// How many records before.
    pub(crate) history: u32,
    /// How many reads of the channel had failed before it was asked.
    pub(crate) excuses: u64,
}

/// What one client knows of one channel.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// How far it is.
    pub(crate) phase: Phase,
    /// The last position; what comes next stands right behind it.
    pub(crate) cursor: Option<Pos>,
    /// What happens to slow readers here.
    pub(crate) policy: SlowConsumer,
    wish: Wish,
    told: Option<Pos>,
}

/// What the hub must not do.
pub(crate) type Verdict = Result<(), String>;

impl View {
    /// Nothing is known.
    pub(crate) fn new(policy: SlowConsumer) -> Self {
        Self {
            phase: Phase::Off,
            cursor: None,
            policy,
            wish: Wish {
                since: None,
                history: 0,
                excuses: 0,
            },
            told: None,
        }
    }

    fn next<'a>(&self, me: &Me, channel: &Channel, oracle: &'a Oracle) -> Option<&'a Publication> {
        oracle
            .after(channel, self.cursor?)
            .find(|record| !me.is_left_out(record))
    }

    /// `ok` to a subscribe.
    pub(crate) fn opened(
        &mut self,
        wish: Wish,
        pos: Pos,
        recovered: Option<bool>,
        channel: &Channel,
        oracle: &Oracle,
    ) -> Verdict {
        if self.phase != Phase::Off {
            return Err(format!("ok twice: the view is {:?}", self.phase));
        }
        if !oracle.knows(channel, pos) {
            return Err(format!("ok with {pos:?}, which is no position"));
        }
        self.wish = wish;
        self.told = Some(pos);
        match (wish.since, recovered) {
            (Some(since), Some(true)) => {
                if since.term != pos.term || since.offset > pos.offset {
                    return Err(format!("recovered from {since:?} to {pos:?}"));
                }
                self.phase = Phase::Behind;
                self.cursor = Some(since);
            }
            (Some(since), Some(false)) => {
                if !oracle.is_gone(channel, since) && oracle.excuses(channel) == wish.excuses {
                    return Err(format!("recovered:false, but all after {since:?} is there"));
                }
                self.phase = Phase::Behind;
                self.cursor = Some(pos);
            }
            (None, None) if wish.history > 0 => {
                self.phase = Phase::History;
                self.cursor = None;
            }
            (None, None) => {
                self.phase = Phase::Live;
                self.cursor = Some(pos);
            }
            _ => return Err(format!("{wish:?} was answered with {recovered:?}")),
        }
        Ok(())
    }

    /// A kept record.
    pub(crate) fn record(
        &mut self,
        me: &Me,
        channel: &Channel,
        publication: &Publication,
        pos: Pos,
        oracle: &Oracle,
    ) -> Verdict {
        if self.phase == Phase::Off {
            return Err("a message before ok, or after unsubscribe".into());
        }
        let Some(truth) = oracle.find(channel, pos) else {
            return Err(format!("{pos:?} was delivered and is not kept"));
        };
        if truth.payload != publication.payload || truth.from != publication.from {
            return Err(format!("{pos:?} is {truth:?}, not {publication:?}"));
        }
        if me.is_left_out(publication) {
            return Err(format!("{pos:?} leaves this session out"));
        }
        if self.cursor.is_some() {
            let due = self.next(me, channel, oracle).and_then(|record| record.pos);
            if due != Some(pos) {
                return Err(format!(
                    "{pos:?} came where {due:?} was due, after {:?}",
                    self.cursor
                ));
            }
        }
        self.cursor = Some(pos);
        Ok(())
    }

    /// `live`.
    pub(crate) fn live(
        &mut self,
        me: &Me,
        channel: &Channel,
        pos: Pos,
        oracle: &Oracle,
    ) -> Verdict {
        if self.phase == Phase::Off {
            return Err("live before ok".into());
        }
        if !oracle.knows(channel, pos) {
            return Err(format!("live at {pos:?}, which is no position"));
        }
        if let Some(cursor) = self.cursor {
            if cursor.term != pos.term || cursor.offset > pos.offset {
                return Err(format!("live at {pos:?}, but {cursor:?} was told"));
            }
            let due = self.next(me, channel, oracle).and_then(|record| record.pos);
            if let Some(due) = due
                && due.offset <= pos.offset
            {
                return Err(format!("live at {pos:?}, but {due:?} did not come"));
            }
        }
        self.cursor = Some(pos);
        self.phase = Phase::Live;
        Ok(())
    }

    /// `lag`.
    pub(crate) fn lag(
        &mut self,
        me: &Me,
        channel: &Channel,
        lag: &Lag,
        oracle: &Oracle,
    ) -> Verdict {
        if self.phase == Phase::Off {
            return Err("lag before ok".into());
        }
        if let (Some(from), Some(cursor)) = (lag.from, self.cursor)
            && (from.term != cursor.term
                || oracle
                    .after(channel, cursor)
                    .take_while(|record| record.pos.is_some_and(|pos| pos.offset <= from.offset))
                    .any(|record| !me.is_left_out(record)))
        {
            return Err(format!("{lag:?}, but {cursor:?} was the last"));
        }
        if lag.recovering {
            return Ok(());
        }
        let Some(pos) = lag.pos else {
            return Err(format!("{lag:?} does not say where it goes on"));
        };
        if !oracle.knows(channel, pos) {
            return Err(format!("{lag:?} goes on at no position"));
        }
        let skips = matches!(
            self.policy,
            SlowConsumer::DropOldest | SlowConsumer::KeepLatest
        );
        let excused = oracle.excuses(channel) != self.wish.excuses;
        if let Some(cursor) = self.cursor {
            let same = cursor.term == pos.term;
            if same && cursor.offset > pos.offset {
                return Err(format!("{lag:?} goes back from {cursor:?}"));
            }
            let missing = oracle
                .after(channel, cursor)
                .take_while(|record| record.pos.is_some_and(|at| at.offset <= pos.offset))
                .filter(|record| !me.is_left_out(record))
                .count() as u64;
            // What only passed by is gone when it is skipped; that is told, too.
            let lost = !same || missing > 0;
            if lost && !skips && !excused && !oracle.is_gone(channel, cursor) {
                return Err(format!("{lag:?}, but nothing is lost"));
            }
            if same && lag.skipped.is_some_and(|skipped| skipped < missing) {
                return Err(format!("{lag:?}, but {missing} are missing"));
            }
        }
        self.cursor = Some(pos);
        if self.phase == Phase::History {
            self.phase = Phase::Behind;
        }
        Ok(())
    }

    /// What keeps it from being up to date; a listener that `polls` is live between its requests, too.
    pub(crate) fn behind(
        &self,
        me: &Me,
        channel: &Channel,
        polls: bool,
        oracle: &Oracle,
    ) -> Option<String> {
        if self.phase != Phase::Live && !polls {
            return Some(format!("{channel} is {:?}", self.phase));
        }
        let Some(cursor) = self.cursor else {
            return Some(format!("{channel} has no position"));
        };
        if cursor.term != oracle.term && oracle.head(channel).offset > 0 {
            return Some(format!("{channel} stands at {cursor:?}, of an old term"));
        }
        let due = self.next(me, channel, oracle)?;
        Some(format!(
            "{channel} stands at {cursor:?}, {:?} did not come (asked {:?}, told {:?})",
            due.pos, self.wish, self.told
        ))
    }
}
