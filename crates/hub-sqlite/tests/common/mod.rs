//! An engine in a folder of its own, and a mailbox that waits for its answers.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tidewire_hub_core::contract::{LogOptions, Mail};
use tidewire_hub_core::{
    Appended, Done, Effect, Fault, IdempotencyKey, Notice, Page, PageLimit, ShardId, Ticket,
    ToShard,
};
use tidewire_hub_proto::{Channel, Origin, Payload, Pos, Publication};
use tidewire_hub_sqlite::{OpenError, OpenOptions, SqliteEngine};

pub const SHARD: ShardId = ShardId(0);
pub const ALL: PageLimit = PageLimit {
    records: 1 << 20,
    bytes: 1 << 30,
};

#[derive(Default)]
pub struct Mailbox {
    got: Mutex<Vec<(ShardId, ToShard)>>,
    came: Condvar,
}

impl Mail for Mailbox {
    fn deliver(&self, shard: ShardId, messages: Vec<ToShard>) {
        let mut got = self.got.lock().unwrap();
        got.extend(messages.into_iter().map(|message| (shard, message)));
        self.came.notify_all();
    }
}

impl Mailbox {
    /// Waits until `find` finds something among the messages, and takes it out.
    pub fn wait<T>(&self, what: &str, mut find: impl FnMut(&ToShard) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(30);
        let mut got = self.got.lock().unwrap();
        loop {
            if let Some(at) = got.iter().position(|(_, message)| find(message).is_some()) {
                return find(&got.remove(at).1).unwrap();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no answer: {what}");
            got = self.came.wait_timeout(got, left).unwrap().0;
        }
    }

    pub fn take(&self) -> Vec<(ShardId, ToShard)> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }
}

pub struct Engine {
    pub engine: SqliteEngine,
    pub mail: Arc<Mailbox>,
    tickets: AtomicU64,
}

pub fn options(max_records: usize) -> BTreeMap<Box<str>, LogOptions> {
    let options = LogOptions {
        max_records,
        max_age: 3_600_000,
        key_age: 3_600_000,
        grace: 0,
    };
    BTreeMap::from([("chat".into(), options)])
}

pub fn channel(name: &str) -> Channel {
    Channel::parse(name).unwrap()
}

pub fn text(text: &str) -> Publication {
    let from = Origin {
        client: Some("ann".into()),
        ..Origin::default()
    };
    Publication::new(from, Payload::text(text))
}

pub fn texts(page: &Page) -> Vec<String> {
    let text = |record: &Publication| {
        let payload = record.payload.as_ref();
        payload.map_or("(redacted)".into(), |payload| {
            payload.as_str().unwrap().to_owned()
        })
    };
    page.records.iter().map(text).collect()
}

impl Engine {
    pub fn open(folder: &Path) -> Self {
        Self::with(folder, options(1_000_000), OpenOptions::default()).unwrap()
    }

    pub fn with(
        folder: &Path,
        options: BTreeMap<Box<str>, LogOptions>,
        open: OpenOptions,
    ) -> Result<Self, OpenError> {
        let mail = Arc::new(Mailbox::default());
        let engine = SqliteEngine::open(folder, options, open, mail.clone())?;
        Ok(Self {
            engine,
            mail,
            tickets: AtomicU64::new(1),
        })
    }

    pub fn submit(&self, effect: Effect) -> Ticket {
        let ticket = Ticket(self.tickets.fetch_add(1, Ordering::Relaxed));
        self.engine.submit(SHARD, ticket, effect);
        ticket
    }

    pub fn done(&self, ticket: Ticket) -> Done {
        self.mail.wait("an effect", |message| match message {
            ToShard::Done(of, done) if *of == ticket => Some(done.clone()),
            _ => None,
        })
    }

    pub fn ask(&self, effect: Effect) -> Done {
        self.done(self.submit(effect))
    }

    pub fn notice(&self) -> Notice {
        self.mail.wait("a notice", |message| match message {
            ToShard::Notice(notice) => Some(notice.clone()),
            ToShard::Done(..) => None,
        })
    }

    pub fn try_append(
        &self,
        to: &str,
        publication: Publication,
        key: Option<&str>,
    ) -> Result<Appended, Fault> {
        let key = key.map(|key| IdempotencyKey {
            publisher: "client:ann".into(),
            key: key.into(),
        });
        match self.ask(append(to, publication, key)) {
            Done::Appended(result) => result,
            other => panic!("{other:?}"),
        }
    }

    pub fn append(&self, to: &str, body: &str) -> Pos {
        self.try_append(to, text(body), None).unwrap().pos
    }

    pub fn read(&self, of: &str, after: Pos, limit: PageLimit) -> Result<Page, Fault> {
        let channel = channel(of);
        match self.ask(Effect::Read {
            channel,
            after,
            limit,
        }) {
            Done::Page(result) => result,
            other => panic!("{other:?}"),
        }
    }

    pub fn history(&self, of: &str) -> Page {
        let channel = channel(of);
        match self.ask(Effect::ReadBack {
            channel,
            before: None,
            limit: ALL,
        }) {
            Done::Page(result) => result.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub fn watch(&self, what: &str) -> Result<Pos, Fault> {
        let channel = channel(what);
        match self.ask(Effect::Watch { channel }) {
            Done::Watched(result) => result,
            other => panic!("{other:?}"),
        }
    }

    /// The beginning of a channel that never was.
    pub fn beginning(&self) -> Pos {
        Pos::new(self.engine.term(), 0)
    }
}

pub fn append(to: &str, publication: Publication, key: Option<IdempotencyKey>) -> Effect {
    Effect::Append {
        channel: channel(to),
        publication,
        key,
    }
}
