//! Looks after channels that nobody writes to: a few at a time, now and then.

use crate::floor::oldest;
use crate::log::Log;
use crate::post::Post;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};
use tidewire_hub_proto::Channel;

/// Channels that one step looks at.
const CHANNELS: i64 = 64;
/// Records and keys that it deletes.
const DELETED: i64 = 1024;
/// Between two steps, and between two rounds through all channels.
const STEP: Duration = Duration::from_millis(200);
const ROUND: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Sweep {
    /// The channel that was looked at last.
    last: i64,
    due: Instant,
}

impl Sweep {
    /// The first round begins after a step: a restart does not lose what was due.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            last: 0,
            due: now + STEP,
        }
    }

    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Looks at some channels, in the transaction that it opens if there is something to do.
    pub(crate) fn step(
        &mut self,
        now: Instant,
        log: &mut Log<'_>,
        post: &Post,
    ) -> Result<(), Trouble> {
        // Also when it fails: then it goes on behind what it could not do.
        self.due = now + STEP;
        // First: a channel that has keys is not forgotten.
        forget_keys(log)?;
        let rows = log
            .say
            .channels
            .query_map((self.last, CHANNELS), |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        if i64::try_from(rows.len()).is_ok_and(|rows| rows < CHANNELS) {
            self.due = now + ROUND;
        }
        let mut budget = DELETED;
        for (id, name) in &rows {
            self.last = *id;
            // A name that is none belongs to nobody who could ask for it.
            let Ok(channel) = Channel::parse(name) else {
                continue;
            };
            let was_known = log.is_known(&channel);
            budget -= look_at(log, post, &channel, budget)?;
            if !was_known {
                log.shed_one(&channel);
            }
            if budget <= 0 {
                // There may be more of it.
                self.last = id - 1;
                self.due = now + STEP;
                return Ok(());
            }
        }
        if self.due == now + ROUND {
            self.last = 0;
        }
        Ok(())
    }
}

fn look_at(log: &mut Log<'_>, post: &Post, channel: &Channel, budget: i64) -> Result<i64, Trouble> {
    // A namespace that is configured no longer keeps what it has: it may come back.
    let Some(options) = log.options_of(channel) else {
        return Ok(0);
    };
    let deleted = log.trim(channel, budget)?;
    let span = log.span(channel)?;
    if span.head == span.trimmed
        && span.last_at < oldest(&options, log.now())
        && !post.is_watched(channel)
        && !has_keys(log, span.id)?
    {
        log.forget(channel)?;
    }
    Ok(deleted)
}

fn has_keys(log: &mut Log<'_>, id: i64) -> Result<bool, Trouble> {
    Ok(log.say.has_keys.query_row([id], |row| row.get(0))?)
}

fn forget_keys(log: &mut Log<'_>) -> Result<(), Trouble> {
    let expired: bool = log.connection().query_row(
        "SELECT EXISTS (SELECT 1 FROM keys WHERE expires < ?1)",
        [log.now()],
        |row| row.get(0),
    )?;
    if expired {
        log.forget_keys(DELETED)?;
    }
    Ok(())
}
