//! The suite that holds every engine of the hub to its contract.
//!
//! An engine's test implements [`Subject`] and calls [`run_all`]. Answers may come late and in any
//! order, notices twice, and a [`Notice::Head`](tidewire_hub_core::contract::Notice::Head) instead of
//! a record, so an engine at the other end of a network can be held to it too; [`run_core`] is the
//! part that every such engine must pass.

mod cases;
mod check;
mod driver;
mod ear;
mod faulty;
mod pure;
mod words;

pub use cases::{CASES, Case};
pub use driver::{Asked, Driver};
pub use ear::{Heard, Seen};
pub use faulty::{Failure, Faults, Faulty};
pub use pure::MemorySubject;
pub use words::{ALL, fault_of, heard_texts, member, publication, texts};

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use tidewire_hub_core::contract::{Effect, LogOptions, ShardId, Ticket, ToShard};

/// The namespaces that the cases use, by name. They are the same for every case.
pub type Options = BTreeMap<Box<str>, LogOptions>;

/// Makes the engine of one case: empty, with these namespaces.
pub type Maker<'a> = dyn FnMut(&Options) -> Box<dyn Subject> + 'a;

/// How an engine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It is told to.
    Clean,
    /// As by `kill -9`: nothing is written that was not written yet.
    Kill,
}

/// What became of an engine that was to restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarted {
    /// It has, and must have kept what it acknowledged.
    Kept,
    /// It has, and kept nothing.
    Lost,
    /// It has not: this subject cannot.
    Unable,
}

/// An engine under test.
pub trait Subject {
    /// Has an effect done.
    fn submit(&mut self, shard: ShardId, ticket: Ticket, effect: Effect);

    /// Everything told since the last call. An engine with threads waits some milliseconds for more:
    /// three calls in a row that give nothing mean that nothing is under way.
    fn settle(&mut self) -> Vec<(ShardId, ToShard)>;

    /// Lets so much time go by; `false`: its time is the real one, and the caller has to wait.
    fn advance(&mut self, millis: u64) -> bool;

    /// Ends the engine and starts it again over what it kept. What was under way is never answered.
    fn restart(&mut self, how: Restart) -> Restarted;
}

/// The namespaces of the suite.
///
/// `log` keeps plenty; `few` keeps five records; `brief` keeps records and keys for half a second;
/// `live` holds leaves back for 400 ms.
#[must_use]
pub fn namespaces() -> Options {
    let log = LogOptions {
        max_records: 1_000,
        max_age: 3_600_000,
        key_age: 600_000,
        grace: 0,
    };
    let few = LogOptions {
        max_records: 5,
        ..log
    };
    let brief = LogOptions {
        max_age: 500,
        key_age: 500,
        ..log
    };
    let live = LogOptions { grace: 400, ..log };
    [("log", log), ("few", few), ("brief", brief), ("live", live)]
        .into_iter()
        .map(|(name, options)| (name.into(), options))
        .collect()
}

/// Runs one case; `seed`: with the faults of that seed.
pub fn run_case(case: &Case, seed: Option<u64>, make: &mut Maker<'_>) {
    let subject = make(&namespaces());
    let subject = match seed {
        None => subject,
        Some(seed) if case.failing => Box::new(Faulty::new(subject, seed, Faults::FAILING)),
        Some(seed) => Box::new(Faulty::new(subject, seed, Faults::UNTIMELY)),
    };
    (case.run)(&mut Driver::new(case.name, subject));
}

/// Runs every case, plainly and with the faults of three seeds.
///
/// # Panics
///
/// When a case fails, with the names and seeds of all that do.
pub fn run_all(make: &mut Maker<'_>) {
    run(&|_| true, &[None, Some(1), Some(2), Some(3)], make);
}

/// Runs the cases that hold for an engine at the other end of a network too, once each.
///
/// # Panics
///
/// When a case fails, with the names of all that do.
pub fn run_core(make: &mut Maker<'_>) {
    run(&|case| case.core, &[None], make);
}

/// Runs the cases that are about failure with one fault each: at every `step`-th effect in turn, of
/// every kind. A `step` of 1 leaves none out.
///
/// # Panics
///
/// When a case fails, after it has said which and at which effect.
pub fn run_each_failure(step: usize, make: &mut Maker<'_>) {
    let cases = CASES.iter().copied().flatten();
    for case in cases.filter(|case| case.failing) {
        for failure in Failure::ALL {
            for number in (0..).step_by(step.max(1)) {
                let effects = Rc::new(Cell::new(0));
                let subject = make(&namespaces());
                let faulty = Faulty::once(subject, number, failure, Rc::clone(&effects));
                let mut driver = Driver::new(case.name, Box::new(faulty));
                let run = AssertUnwindSafe(|| (case.run)(&mut driver));
                if let Err(panic) = catch_unwind(run) {
                    eprintln!(
                        "case failed: {} ({failure:?} at effect {number})",
                        case.name
                    );
                    resume_unwind(panic);
                }
                if number >= effects.get() {
                    break;
                }
            }
        }
    }
}

/// Runs the cases that `which` chooses, with each of the seeds; `None`: without faults.
///
/// # Panics
///
/// When a case fails, with the names and seeds of all that do.
pub fn run(which: &dyn Fn(&Case) -> bool, seeds: &[Option<u64>], make: &mut Maker<'_>) {
    let mut failed = Vec::new();
    let mut first = None;
    let cases = CASES.iter().copied().flatten();
    for case in cases.filter(|case| which(case)) {
        for &seed in seeds {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run_case(case, seed, make))) {
                let name = match seed {
                    Some(seed) => format!("{} (faults of seed {seed})", case.name),
                    None => case.name.to_owned(),
                };
                eprintln!("case failed: {name}");
                failed.push(name);
                first.get_or_insert(panic);
            }
        }
    }
    if let Some(panic) = first {
        eprintln!("{} cases failed: {failed:#?}", failed.len());
        resume_unwind(panic);
    }
}
