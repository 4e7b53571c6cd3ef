//! The thread that writes: takes all that waits, commits it, tells, and tidies up in between.

use crate::batch::{Lost, refuse_all, run};
use crate::counters::Tally;
use crate::log::Log;
use crate::options::OpenOptions;
use crate::post::Post;
use crate::queue::CloseAtEnd;
use crate::schema;
use crate::shared::Shared;
use crate::store::{State, reopen};
use crate::sweep::Sweep;
use crate::trouble::Trouble;
use crate::witness::{Witness, now_millis};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tidewire_hub_core::Fault;
use tidewire_hub_core::contract::LogOptions;

/// What one transaction holds at most.
const BATCH: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;
/// Pages of the write-ahead log that are not in the database yet, before they are moved.
const CHECKPOINT: i64 = 4000;
/// Between two attempts to open a database that failed; between two witnesses.
const RETRY: Duration = Duration::from_secs(1);
const WITNESS: Duration = Duration::from_secs(1);

/// The writer's own.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: BTreeMap<Box<str>, LogOptions>,
    pub(crate) open: OpenOptions,
    pub(crate) post: Post,
}

/// Why a connection is left.
enum Left {
    Closed,
    Lost(Lost, State),
}

impl Writer {
    /// Until the queue is closed and empty.
    pub(crate) fn run(mut self, connection: Connection, state: State) {
        let shared = Arc::clone(&self.shared);
        let _close = CloseAtEnd(&shared.writing);
        let mut current = Some((connection, state));
        while let Some((connection, state)) = current.take() {
            let left = self.serve(&connection, state);
            drop(connection);
            if let Left::Lost(lost, state) = left {
                current = self.recover(lost, &state);
            }
        }
    }

    /// Works with one connection as long as it can be trusted.
    fn serve(&mut self, connection: &Connection, state: State) -> Left {
        let shared = Arc::clone(&self.shared);
        let mut log = match Log::new(connection, state.clone(), self.options.clone()) {
            Ok(log) => log,
            Err(trouble) => return Left::Lost(Lost(trouble.why()), state),
        };
        log.set_now(now_millis());
        if let Err(lost) = self.tell_heads(&mut log) {
            return Left::Lost(lost, log.state);
        }
        let mut witnessed = (Instant::now(), log.state.witness());
        let mut sweep = Sweep::new(Instant::now());
        loop {
            let now = Instant::now();
            let behind = witnessed.1.commits != log.state.commits;
            let due = if behind {
                sweep.due().min(witnessed.0 + WITNESS)
            } else {
                sweep.due()
            };
            let taken = shared
                .writing
                .take(BATCH, BATCH_BYTES, due.saturating_duration_since(now));
            if taken.ended {
                return self.leave(&mut log);
            }
            log.set_now(now_millis());
            let full = shared.tally.full.load(Relaxed);
            let done = if taken.items.is_empty() {
                Ok(())
            } else {
                run(&mut log, &mut self.post, &shared.tally, &taken.items)
            };
            if shared.tally.full.load(Relaxed) != full {
                // What fits into the database makes room in the log.
                checkpoint(connection, 1);
            }
            let done = done.and_then(|()| self.tidy(&mut log, &mut sweep, &mut witnessed));
            if let Err(lost) = done {
                return Left::Lost(lost, log.state);
            }
        }
    }

    /// What nobody waits for.
    fn tidy(
        &mut self,
        log: &mut Log<'_>,
        sweep: &mut Sweep,
        witnessed: &mut (Instant, Witness),
    ) -> Result<(), Lost> {
        let now = Instant::now();
        if sweep.due() <= now {
            let swept = sweep
                .step(now, log, &self.post)
                .and_then(|()| log.finish())
                .and_then(|()| log.commit());
            match swept {
                Ok(()) => {}
                // It is tried again in the next round. Nobody was told anything.
                Err(Trouble::Full | Trouble::Damaged(_)) => {
                    log.undo().map_err(|trouble| Lost(trouble.why()))?;
                }
                Err(Trouble::Failed(why)) => return Err(Lost(why)),
            }
        }
        if now.saturating_duration_since(witnessed.0) >= WITNESS
            && witnessed.1.commits != log.state.commits
        {
            *witnessed = (now, log.state.witness());
            // Without it the next start takes a new term at worst.
            let _ = witnessed.1.write(self.shared.folder.path());
        }
        log.shed(|channel| self.post.is_watched(channel));
        checkpoint(log.connection(), CHECKPOINT);
        Ok(())
    }

    /// The last word of a connection: all is in the database, and the witness says so.
    fn leave(&mut self, log: &mut Log<'_>) -> Left {
        // What fails here is done by the next start.
        let _ = schema::settle(log.connection());
        let _ = log.state.witness().write(self.shared.folder.path());
        Left::Closed
    }

    /// After a failure some records may be kept though nobody was told: whoever watches finds out.
    fn tell_heads(&mut self, log: &mut Log<'_>) -> Result<(), Lost> {
        for channel in self.post.watched() {
            match log.span(&channel) {
                Ok(span) => self.post.head(&channel, log.pos(span.head)),
                // Whoever reads it is told.
                Err(Trouble::Damaged(_)) => {}
                Err(trouble) => return Err(Lost(trouble.why())),
            }
        }
        self.post.send();
        Ok(())
    }

    /// Opens the database anew, as long as it takes. In the meantime everything is refused.
    fn recover(&mut self, lost: Lost, state: &State) -> Option<(Connection, State)> {
        let shared = Arc::clone(&self.shared);
        let mut why = lost.0;
        loop {
            match reopen(&shared.folder, &self.open, state) {
                Ok(opened) => {
                    Tally::add(&shared.tally.reopened, 1);
                    return Some(opened);
                }
                Err(trouble) => why = [&*why, &*trouble.why()].join("; then: ").into(),
            }
            why = why.chars().take(400).collect::<String>().into();
            let again = Instant::now() + RETRY;
            while let Some(left) = again.checked_duration_since(Instant::now())
                && !left.is_zero()
            {
                let taken = shared.writing.take(BATCH, BATCH_BYTES, left);
                if taken.ended {
                    return None;
                }
                let fault = Fault::Unavailable(why.clone());
                refuse_all(None, &mut self.post, &taken.items, &fault);
            }
        }
    }
}

/// Moves pages from the write-ahead log into the database, if there are many. What fails is tried again
/// after the next commit.
fn checkpoint(connection: &Connection, least: i64) {
    let pages = |how: &str| {
        connection.query_row(how, [], |row| {
            Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
        })
    };
    if pages("PRAGMA wal_checkpoint(NOOP)").is_ok_and(|pages| pages >= least) {
        let _ = pages("PRAGMA wal_checkpoint(PASSIVE)");
    }
}
