//! Holds the engine to the contract of all engines.

#![allow(clippy::unwrap_used)]

mod common;
use common::Mailbox;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tidewire_hub_core::contract::{Effect, Fault, ShardId, Ticket, ToShard};
use tidewire_hub_sqlite::{OpenOptions, SqliteEngine};
use tidewire_testkit::engines::{Options, Restart, Restarted, Subject, run};

struct Sqlite {
    folder: TempDir,
    options: Options,
    mail: Arc<Mailbox>,
    engine: Option<SqliteEngine>,
    unanswered: usize,
}

impl Sqlite {
    fn new(options: &Options) -> Self {
        let mut subject = Self {
            folder: tempfile::tempdir().unwrap(),
            options: options.clone(),
            mail: Arc::default(),
            engine: None,
            unanswered: 0,
        };
        subject.open();
        subject
    }

    fn open(&mut self) {
        self.mail = Arc::default();
        self.unanswered = 0;
        let options = self.options.clone();
        let open = OpenOptions::default();
        let mail = self.mail.clone();
        let engine = SqliteEngine::open(self.folder.path(), options, open, mail);
        self.engine = Some(engine.unwrap());
    }
}

impl Subject for Sqlite {
    fn submit(&mut self, shard: ShardId, ticket: Ticket, effect: Effect) {
        self.unanswered += usize::from(effect.failed(Fault::Full).is_some());
        self.engine.as_ref().unwrap().submit(shard, ticket, effect);
    }

    fn settle(&mut self) -> Vec<(ShardId, ToShard)> {
        // While an answer is due it is worth the wait; notices come with it, or soon after.
        for _ in 0..if self.unanswered > 0 { 400 } else { 2 } {
            let got = self.mail.take();
            if !got.is_empty() {
                let done = got.iter().filter(|(_, of)| matches!(of, ToShard::Done(..)));
                self.unanswered -= done.count();
                return got;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Vec::new()
    }

    fn advance(&mut self, _: u64) -> bool {
        false
    }

    fn restart(&mut self, how: Restart) -> Restarted {
        match how {
            Restart::Clean => drop(self.engine.take()),
            // What is in the files at this moment is what a killed process leaves: everything that comes
            // later is taken away. (`kill.rs` kills a process.)
            Restart::Kill => {
                let left = Files::read(self.folder.path());
                drop(self.engine.take());
                left.write();
            }
        }
        self.open();
        Restarted::Kept
    }
}

/// The files of a folder. They are written in place, so they stay the same files.
struct Files(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Files {
    fn read(folder: &Path) -> Self {
        let names = [
            "tidewire.db",
            "tidewire.db-wal",
            "tidewire.db-shm",
            "witness",
        ];
        Self(
            names
                .map(|name| folder.join(name))
                .map(|path| (path.clone(), std::fs::read(path).ok()))
                .into(),
        )
    }

    fn write(self) {
        for (path, bytes) in self.0 {
            match bytes {
                // The index of the log is memory that the process shared with itself.
                Some(bytes) if !path.ends_with("tidewire.db-shm") => {
                    std::fs::write(path, bytes).unwrap();
                }
                _ => drop(std::fs::remove_file(path)),
            }
        }
    }
}

fn hold(seed: Option<u64>) {
    run(&|_| true, &[seed], &mut |options| {
        Box::new(Sqlite::new(options))
    });
}

#[test]
fn it_keeps_every_promise_of_the_contract() {
    hold(None);
}

#[test]
fn it_keeps_every_promise_with_faults_of_seed_1() {
    hold(Some(1));
}

#[test]
fn it_keeps_every_promise_with_faults_of_seed_2() {
    hold(Some(2));
}

#[test]
fn it_keeps_every_promise_with_faults_of_seed_3() {
    hold(Some(3));
}
