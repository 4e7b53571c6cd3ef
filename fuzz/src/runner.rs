//! The loop: corpus first, then mutation until the time is up; what it prints, and what it leaves
//! behind when a target panics.

use crate::corpus;
use crate::mutate;
use crate::targets::Target;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

/// An input at which a target panicked.
#[derive(Debug)]
pub struct Crash {
    /// Which input: `corpus NAME`, or seed and iteration.
    pub origin: String,
    /// The input.
    pub input: Vec<u8>,
}

/// What a run of one target came to.
#[derive(Debug)]
pub struct Report {
    /// How many inputs were run.
    pub executions: u64,
    /// How long that took.
    pub elapsed: Duration,
    /// The longest that one input took.
    pub slowest: Duration,
    /// The first input that panicked; it ended the run.
    pub crash: Option<Crash>,
}

/// When to stop mutating.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this time; looked at between executions.
    Elapsed(Duration),
    /// After so many mutations.
    Mutations(u64),
}

/// Runs a target over its corpus, then over mutations of it, from iteration `first` on.
///
/// # Errors
///
/// If the corpus cannot be read.
pub fn run(target: &Target, seed: u64, first: u64, until: Until) -> io::Result<Report> {
    let begun = Instant::now();
    let mut report = Report {
        executions: 0,
        elapsed: Duration::ZERO,
        slowest: Duration::ZERO,
        crash: None,
    };
    let mut inputs = Vec::new();
    for (name, input) in corpus::load(target.name)? {
        if report.crash.is_none() && !execute(target, &input, &mut report) {
            let (origin, input) = (format!("corpus {name}"), input.clone());
            report.crash = Some(Crash { origin, input });
        }
        inputs.push(input);
    }
    let mut iteration = first;
    while report.crash.is_none() {
        let done = match until {
            Until::Elapsed(time) => begun.elapsed() >= time,
            Until::Mutations(count) => iteration - first >= count,
        };
        if done {
            break;
        }
        let input = mutate::input(target, &inputs, seed, iteration);
        if !execute(target, &input, &mut report) {
            let origin = format!("seed {seed}, iteration {iteration}");
            report.crash = Some(Crash { origin, input });
        }
        iteration += 1;
    }
    report.elapsed = begun.elapsed();
    Ok(report)
}

/// Whether the target took the input without a panic.
fn execute(target: &Target, input: &[u8], report: &mut Report) -> bool {
    let begun = Instant::now();
    let passed = catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok();
    report.slowest = report.slowest.max(begun.elapsed());
    report.executions += 1;
    passed
}

/// Whether an input makes a target panic with no input before it.
#[must_use]
pub fn panics_alone(target: &Target, input: &[u8]) -> bool {
    let (run, input) = (target.run, input.to_vec());
    thread::spawn(move || run(&input)).join().is_err()
}

/// Makes a crashing input smaller while it still crashes alone, for at most `time`.
#[must_use]
pub fn shrink(target: &Target, input: &[u8], time: Duration) -> Vec<u8> {
    let begun = Instant::now();
    let mut best = input.to_vec();
    let mut size = best.len() / 2;
    while size > 0 && begun.elapsed() < time {
        let mut at = 0;
        while at < best.len() && begun.elapsed() < time {
            let mut smaller = best.clone();
            smaller.drain(at..(at + size).min(best.len()));
            if panics_alone(target, &smaller) {
                best = smaller;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    best
}

/// Writes an input to `target/fuzz-crashes/` of the workspace, and says where.
///
/// # Errors
///
/// If it cannot be written.
pub fn save(target: &Target, input: &[u8]) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz-crashes");
    fs::create_dir_all(&folder)?;
    let hash = input.iter().fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3)
    });
    let path = folder
        .canonicalize()?
        .join(format!("{}-{hash:016x}", target.name));
    fs::write(&path, input)?;
    Ok(path)
}
