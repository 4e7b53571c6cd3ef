//! The engine as its owner sees it: opened, asked, closed.

use crate::counters::{Counters, Tally};
use crate::error::OpenError;
use crate::folder::Folder;
use crate::jobs::{PresenceJob, ReadJob, WriteJob};
use crate::options::OpenOptions;
use crate::post::Post;
use crate::presence;
use crate::queue::{Queue, Refused};
use crate::reader::Reader;
use crate::shared::Shared;
use crate::store::open;
use crate::writer::Writer;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use tidewire_hub_core::contract::{LogOptions, Mail};
use tidewire_hub_core::{Effect, Fault, ShardId, Ticket, ToShard};
use tidewire_hub_proto::Term;

/// What a small effect occupies in a queue, beside its publication, about.
const EFFECT_BYTES: usize = 256;

/// Keeps channels in a folder. Dropping it does what [`close`](Self::close) does.
pub struct SqliteEngine {
    shared: Arc<Shared>,
    mail: Arc<dyn Mail>,
    options: BTreeMap<Box<str>, LogOptions>,
    term: Term,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for SqliteEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEngine")
            .field("folder", &self.shared.folder.path())
            .field("term", &self.term)
            .finish_non_exhaustive()
    }
}

impl SqliteEngine {
    /// Opens a folder, or makes it, and starts the engine's threads. `options` of every namespace by
    /// name; effects on other namespaces fail. Answers and notices go to `mail`, from several threads.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: the folder is in use, cannot be written, or what is in it cannot be read.
    pub fn open(
        folder: &Path,
        options: BTreeMap<Box<str>, LogOptions>,
        open_options: OpenOptions,
        mail: Arc<dyn Mail>,
    ) -> Result<Self, OpenError> {
        let folder = Folder::open(folder)?;
        let (connection, state) = open(&folder, &open_options)?;
        let bytes = open_options.queue_bytes;
        let shared = Arc::new(Shared {
            folder,
            writing: Queue::new(bytes),
            reading: Queue::new(bytes),
            presence: Queue::new(bytes),
            tally: Tally::default(),
        });
        let mut engine = Self {
            shared: Arc::clone(&shared),
            mail: Arc::clone(&mail),
            options: options.clone(),
            term: state.term,
            threads: Vec::new(),
        };
        let writer = Writer {
            shared: Arc::clone(&shared),
            options: options.clone(),
            open: open_options,
            post: Post::new(Arc::clone(&mail)),
        };
        let reader = Reader {
            shared: Arc::clone(&shared),
            options: options.clone(),
            term: state.term,
            mail: Arc::clone(&mail),
        };
        engine.start("tidewire-write", move || writer.run(connection, state))?;
        engine.start("tidewire-read", move || reader.run())?;
        engine.start("tidewire-presence", move || {
            presence::run(&shared, options, &*mail);
        })?;
        Ok(engine)
    }

    fn start(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .map_err(|error| OpenError::Failed {
                path: self.shared.folder.path().to_owned(),
                why: format!("no thread can be started: {error}").into(),
            })?;
        self.threads.push(thread);
        Ok(())
    }

    /// The term of all positions that this engine gives.
    #[must_use]
    pub fn term(&self) -> Term {
        self.term
    }

    /// Has an effect done. Never waits: the answer comes by mail, before this returns if the effect is
    /// refused at once.
    pub fn submit(&self, shard: ShardId, ticket: Ticket, effect: Effect) {
        let Err(refused) = self.ask(shard, ticket, effect) else {
            return;
        };
        let (effect, fault) = *refused;
        if fault == Fault::Overloaded {
            Tally::add(&self.shared.tally.overloaded, 1);
        }
        if let Some(done) = effect.failed(fault) {
            self.mail.deliver(shard, vec![ToShard::Done(ticket, done)]);
        }
    }

    fn ask(
        &self,
        shard: ShardId,
        ticket: Ticket,
        effect: Effect,
    ) -> Result<(), Box<(Effect, Fault)>> {
        let namespace = effect.channel().namespace();
        if !self.options.contains_key(namespace) {
            let why = format!("no namespace {namespace:?} is kept here");
            return Err(Box::new((effect, Fault::Unavailable(why.into()))));
        }
        let bytes = EFFECT_BYTES
            + match &effect {
                Effect::Append { publication, .. } | Effect::Relay { publication, .. } => {
                    publication.weight()
                }
                _ => 0,
            };
        // What has no answer cannot be refused.
        let forced = matches!(effect, Effect::Unwatch { .. } | Effect::Leave { .. });
        // Presence is told from before the log is: a notice too many does no harm.
        let watch = match &effect {
            Effect::Watch { channel } => Some(PresenceJob::Watch(shard, channel.clone())),
            Effect::Unwatch { channel } => Some(PresenceJob::Unwatch(shard, channel.clone())),
            _ => None,
        };
        let shared = &self.shared;
        let pushed = match watch {
            Some(watch) => match shared.presence.push_as(|()| watch, (), bytes, forced) {
                Ok(()) => self.write(shard, ticket, effect, bytes, forced),
                Err(Refused::Overloaded(_)) => Err(Refused::Overloaded(Box::new(effect))),
                Err(Refused::Closed(_)) => Err(Refused::Closed(Box::new(effect))),
            },
            None if effect.is_presence() => {
                let make = |effect| PresenceJob::Effect(shard, ticket, effect);
                shared.presence.push_as(make, effect, bytes, forced)
            }
            None if matches!(effect, Effect::Read { .. } | Effect::ReadBack { .. }) => {
                let make = |effect| ReadJob {
                    shard,
                    ticket,
                    effect,
                };
                shared.reading.push_as(make, effect, bytes, forced)
            }
            None => self.write(shard, ticket, effect, bytes, forced),
        };
        pushed.map_err(|refused| {
            Box::new(match refused {
                Refused::Overloaded(effect) => (*effect, Fault::Overloaded),
                Refused::Closed(effect) => (*effect, closed()),
            })
        })
    }

    fn write(
        &self,
        shard: ShardId,
        ticket: Ticket,
        effect: Effect,
        bytes: usize,
        forced: bool,
    ) -> Result<(), Refused<Effect>> {
        let make = |effect| WriteJob::Effect {
            shard,
            ticket,
            effect,
        };
        self.shared.writing.push_as(make, effect, bytes, forced)
    }

    /// The secret of this name: random bytes, made once, kept with the channels. Waits for the disk.
    ///
    /// # Errors
    ///
    /// [`Fault`]: it could not be kept.
    pub fn secret(&self, name: &str) -> Result<[u8; 32], Fault> {
        let (reply, answer) = sync_channel(1);
        let make = |name: &str| WriteJob::Secret {
            name: name.into(),
            reply,
        };
        let bytes = EFFECT_BYTES + name.len();
        self.shared
            .writing
            .push_as(make, name, bytes, false)
            .map_err(|refused| match refused {
                Refused::Overloaded(_) => Fault::Overloaded,
                Refused::Closed(_) => closed(),
            })?;
        // No answer: the writer has ended.
        answer.recv().unwrap_or_else(|_| Err(closed()))
    }

    /// What it has done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (waiting, bytes) = self.shared.writing.waiting();
        self.shared.tally.read(waiting, bytes)
    }

    /// Does what waits, moves everything into the database file and ends the threads. Waits for the
    /// disk. What is submitted by other threads in the meantime may be refused.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has closed its queue, and said so on stderr.
            let _ = thread.join();
        }
    }
}

impl Drop for SqliteEngine {
    fn drop(&mut self) {
        self.end();
    }
}

fn closed() -> Fault {
    Fault::Unavailable("the engine is closed".into())
}
