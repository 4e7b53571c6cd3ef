//! The thread that reads, so that history does not wait for the disk.

use crate::jobs::ReadJob;
use crate::page::{NoPage, Wanted, read};
use crate::queue::CloseAtEnd;
use crate::schema::connect_reader;
use crate::shared::Shared;
use crate::statements::Reading;
use crate::trouble::Trouble;
use crate::witness::now_millis;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidewire_hub_core::contract::{LogOptions, Mail};
use tidewire_hub_core::{Done, Effect, Page, ToShard};
use tidewire_hub_proto::Term;

/// Reads that are taken at once; each is answered by itself.
const BATCH: usize = 64;
const IDLE: Duration = Duration::from_secs(60);

/// The reader's own.
pub(crate) struct Reader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: BTreeMap<Box<str>, LogOptions>,
    pub(crate) term: Term,
    pub(crate) mail: Arc<dyn Mail>,
}

impl Reader {
    /// Until the queue is closed and empty.
    pub(crate) fn run(self) {
        let _close = CloseAtEnd(&self.shared.reading);
        let mut waiting = Vec::new();
        while let Some(jobs) = self.wait(&mut waiting) {
            let file = self.shared.folder.database();
            let failed = match connect_reader(&file) {
                Ok(connection) => self.serve(&connection, jobs),
                Err(trouble) => Some((jobs, trouble)),
            };
            let Some((jobs, trouble)) = failed else {
                return;
            };
            // The first of them met it; the others may be luckier with a new connection.
            let mut jobs = jobs.into_iter();
            if let Some(job) = jobs.next() {
                self.tell(&job, Done::Page(Err(trouble.fault())));
            }
            waiting = jobs.collect();
        }
    }

    /// The next reads; `None`: there will be none.
    fn wait(&self, waiting: &mut Vec<ReadJob>) -> Option<Vec<ReadJob>> {
        if !waiting.is_empty() {
            return Some(std::mem::take(waiting));
        }
        loop {
            let taken = self.shared.reading.take(BATCH, usize::MAX, IDLE);
            if taken.ended {
                return None;
            }
            if !taken.items.is_empty() {
                return Some(taken.items);
            }
        }
    }

    /// Answers with one connection until it fails: then with what is not answered. `None`: the end.
    fn serve(
        &self,
        connection: &Connection,
        mut jobs: Vec<ReadJob>,
    ) -> Option<(Vec<ReadJob>, Trouble)> {
        let mut say = match Reading::new(connection) {
            Ok(say) => say,
            Err(error) => return Some((jobs, error.into())),
        };
        loop {
            let mut left = jobs.into_iter();
            while let Some(job) = left.next() {
                match self.read(&mut say, &job.effect) {
                    Ok(page) => self.tell(&job, Done::Page(Ok(page))),
                    Err(NoPage::Trouble(trouble @ Trouble::Failed(_))) => {
                        let failed = std::iter::once(job).chain(left).collect();
                        return Some((failed, trouble));
                    }
                    Err(no_page) => self.tell(&job, Done::Page(Err(no_page.fault()))),
                }
            }
            jobs = self.wait(&mut Vec::new())?;
        }
    }

    fn read(&self, say: &mut Reading<'_>, effect: &Effect) -> Result<Page, NoPage> {
        let (channel, wanted, limit) = match effect {
            Effect::Read {
                channel,
                after,
                limit,
            } => (channel, Wanted::After(*after), *limit),
            Effect::ReadBack {
                channel,
                before,
                limit,
            } => (channel, Wanted::Before(*before), *limit),
            _ => return Err(Trouble::damaged("the reader cannot do this").into()),
        };
        let options = self.options.get(channel.namespace());
        let options = options.ok_or_else(|| Trouble::damaged("no such namespace is kept here"))?;
        read(
            say,
            self.term,
            channel,
            options,
            now_millis(),
            &wanted,
            limit,
        )
    }

    fn tell(&self, job: &ReadJob, done: Done) {
        self.mail
            .deliver(job.shard, vec![ToShard::Done(job.ticket, done)]);
    }
}
