//! Many effects as one transaction: all are kept, or none, and only then somebody is told.

use crate::counters::Tally;
use crate::jobs::{Reply, WriteJob};
use crate::log::Log;
use crate::post::Post;
use crate::trouble::Trouble;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use tidewire_hub_core::{Done, Effect, Fault};

/// The connection is not to be trusted any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost(pub(crate) Box<str>);

/// What a transaction added.
#[derive(Debug, Default)]
struct Added {
    records: u64,
    bytes: u64,
    secrets: Vec<(Reply, [u8; 32])>,
}

/// Does all of them, and tells everybody. `Lost`: all of them were told that it failed.
pub(crate) fn run(
    log: &mut Log<'_>,
    post: &mut Post,
    tally: &Tally,
    jobs: &[WriteJob],
) -> Result<(), Lost> {
    let begun = Instant::now();
    let failed = match attempt(log, post, jobs) {
        Ok(added) => {
            if added.records > 0 {
                Tally::add(&tally.commits, 1);
                Tally::add(&tally.records, added.records);
                Tally::add(&tally.bytes, added.bytes);
                let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                tally.last_commit_micros.store(micros, Relaxed);
            }
            for (reply, secret) in added.secrets {
                // Nobody waits for it any more: it is kept all the same.
                let _ = reply.send(Ok(secret));
            }
            post.send();
            return Ok(());
        }
        Err(failed) => failed,
    };
    post.discard();
    match failed {
        // Committed or not, nobody knows: nothing may be undone or tried again here.
        Failed::Commit(trouble) => {
            refuse_all(None, post, jobs, &trouble.fault());
            Err(Lost(trouble.why()))
        }
        Failed::Before(trouble) => {
            let undone = log.undo();
            match (&trouble, undone) {
                (_, Err(worse)) => {
                    refuse_all(None, post, jobs, &worse.fault());
                    Err(Lost(worse.why()))
                }
                (Trouble::Full, Ok(())) => {
                    Tally::add(&tally.full, 1);
                    refuse_all(Some(log), post, jobs, &Fault::Full);
                    Ok(())
                }
                // One of them met something damaged: the others shall not suffer.
                (Trouble::Damaged(_), Ok(())) if jobs.len() > 1 => {
                    one_by_one(log, post, tally, jobs)
                }
                (Trouble::Damaged(_), Ok(())) => {
                    refuse_all(Some(log), post, jobs, &trouble.fault());
                    Ok(())
                }
                (Trouble::Failed(why), Ok(())) => {
                    refuse_all(Some(log), post, jobs, &trouble.fault());
                    Err(Lost(why.clone()))
                }
            }
        }
    }
}

/// Each in a transaction of its own.
fn one_by_one(
    log: &mut Log<'_>,
    post: &mut Post,
    tally: &Tally,
    jobs: &[WriteJob],
) -> Result<(), Lost> {
    let mut left = jobs;
    while let Some((job, rest)) = left.split_first() {
        if let Err(lost) = run(log, post, tally, std::slice::from_ref(job)) {
            refuse_all(None, post, rest, &Fault::Unavailable(lost.0.clone()));
            return Err(lost);
        }
        left = rest;
    }
    Ok(())
}

/// Where it failed.
#[derive(Debug)]
enum Failed {
    /// Nothing was kept.
    Before(Trouble),
    /// That is not known.
    Commit(Trouble),
}

fn attempt(log: &mut Log<'_>, post: &mut Post, jobs: &[WriteJob]) -> Result<Added, Failed> {
    let mut added = Added::default();
    for job in jobs {
        apply(log, post, job, &mut added).map_err(Failed::Before)?;
    }
    log.finish().map_err(Failed::Before)?;
    log.commit().map_err(|trouble| match trouble {
        // The frames did not fit, so the one that says `committed` is not there.
        Trouble::Full => Failed::Before(Trouble::Full),
        trouble => Failed::Commit(trouble),
    })?;
    Ok(added)
}

fn apply(
    log: &mut Log<'_>,
    post: &mut Post,
    job: &WriteJob,
    added: &mut Added,
) -> Result<(), Trouble> {
    let (shard, ticket, effect) = match job {
        WriteJob::Effect {
            shard,
            ticket,
            effect,
        } => (*shard, *ticket, effect),
        WriteJob::Secret { name, reply } => {
            added.secrets.push((reply.clone(), log.secret(name)?));
            return Ok(());
        }
    };
    let done = match effect {
        Effect::Watch { channel } => {
            let head = log.span(channel)?.head;
            post.watch(shard, channel);
            Done::Watched(Ok(log.pos(head)))
        }
        Effect::Unwatch { channel } => {
            post.unwatch(shard, channel);
            return Ok(());
        }
        Effect::Append {
            channel,
            publication,
            key,
        } => {
            let kept = log.append(channel, publication, key.as_ref())?;
            if let Some((prev, at)) = kept.new {
                added.records += 1;
                let payload = publication.payload.as_ref();
                added.bytes += payload.map_or(0, |payload| payload.bytes().len() as u64);
                post.record(channel, prev, kept.appended.pos, at, publication);
            }
            Done::Appended(Ok(kept.appended))
        }
        Effect::Relay {
            channel,
            publication,
        } => {
            post.relay(channel, u64::try_from(log.now()).unwrap_or(0), publication);
            Done::Relayed(Ok(()))
        }
        Effect::Redact { channel, pos } => Done::Redacted(Ok(log.redact(channel, *pos)?)),
        other => match other.failed(Fault::Unavailable("the writer cannot do this".into())) {
            Some(done) => done,
            None => return Ok(()),
        },
    };
    post.done(shard, ticket, done);
    Ok(())
}

/// Tells everybody that it failed, except for what needs no disk. Without a log, watching fails, too.
pub(crate) fn refuse_all(
    mut log: Option<&mut Log<'_>>,
    post: &mut Post,
    jobs: &[WriteJob],
    fault: &Fault,
) {
    for job in jobs {
        let (shard, ticket, effect) = match job {
            WriteJob::Effect {
                shard,
                ticket,
                effect,
            } => (*shard, *ticket, effect),
            WriteJob::Secret { reply, .. } => {
                let _ = reply.send(Err(fault.clone()));
                continue;
            }
        };
        let done = match effect {
            Effect::Watch { channel } => {
                let head = log.as_deref_mut().map(|log| {
                    let head = log.span(channel)?.head;
                    Ok(log.pos(head))
                });
                match head {
                    Some(Ok(head)) => {
                        post.watch(shard, channel);
                        Some(Done::Watched(Ok(head)))
                    }
                    Some(Err::<_, Trouble>(trouble)) => Some(Done::Watched(Err(trouble.fault()))),
                    None => effect.failed(fault.clone()),
                }
            }
            Effect::Unwatch { channel } => {
                post.unwatch(shard, channel);
                None
            }
            Effect::Relay {
                channel,
                publication,
            } => {
                let now = crate::witness::now_millis();
                post.relay(channel, u64::try_from(now).unwrap_or(0), publication);
                Some(Done::Relayed(Ok(())))
            }
            other => other.failed(fault.clone()),
        };
        if let Some(done) = done {
            post.done(shard, ticket, done);
        }
    }
    post.send();
}
