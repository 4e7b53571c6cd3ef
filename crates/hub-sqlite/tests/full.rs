//! A full disk refuses appends, loses nothing, and works again when there is room.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::path::Path;
use tempfile::tempdir;
use tidewire_hub_core::{Done, Fault};
use tidewire_hub_proto::Pos;
use tidewire_hub_sqlite::OpenOptions;

/// Appends until it is full: what was kept, in order.
fn fill(engine: &Engine) -> Vec<(Pos, String)> {
    let mut kept = Vec::new();
    let mut full = 0;
    for round in 0..2000 {
        let tickets: Vec<_> = (0..10)
            .map(|n| {
                let body = format!("{round}-{n}-{}", "x".repeat(2000));
                (engine.submit(append("a", text(&body), None)), body)
            })
            .collect();
        for (ticket, body) in tickets {
            match engine.done(ticket) {
                Done::Appended(Ok(appended)) => kept.push((appended.pos, body)),
                Done::Appended(Err(Fault::Full)) => full += 1,
                other => panic!("{other:?}"),
            }
        }
        if full > 100 {
            return kept;
        }
    }
    panic!("it never got full");
}

fn holds(engine: &Engine, kept: &[(Pos, String)]) {
    let page = engine.history("a");
    let there: Vec<_> = page
        .records
        .iter()
        .map(|record| record.pos.unwrap())
        .zip(texts(&page))
        .collect();
    assert!(
        there == kept,
        "{} records are there, {} were kept",
        there.len(),
        kept.len()
    );
}

#[test]
fn a_database_at_its_bound_refuses_and_loses_nothing() {
    let folder = tempdir().unwrap();
    let mut small = OpenOptions::default();
    small.max_bytes = Some(1 << 20);
    let engine = Engine::with(folder.path(), options(100_000), small).unwrap();
    engine.watch("a").unwrap();
    let kept = fill(&engine);
    assert!(kept.len() > 100);
    holds(&engine, &kept);
    let told = engine.mail.take().len();
    assert_eq!(
        told,
        kept.len(),
        "a notice for each that was kept, and no other"
    );
    assert!(engine.engine.counters().full > 0);
    assert!(engine.watch("b").is_ok());
    drop(engine);
    let engine = Engine::open(folder.path());
    holds(&engine, &kept);
    let next = engine.append("a", "there is room again");
    assert_eq!(next.offset, kept.last().unwrap().0.offset + 1);
}

#[cfg(target_os = "linux")]
struct Mount<'a>(&'a Path);

#[cfg(target_os = "linux")]
impl<'a> Mount<'a> {
    fn new(path: &'a Path) -> Option<Self> {
        std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tidewire-test"])
            .arg(path)
            .output()
            .is_ok_and(|output| output.status.success())
            .then_some(Self(path))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg(self.0).status();
        if !std::thread::panicking() {
            assert!(
                unmounted.unwrap().success(),
                "{} stays mounted",
                self.0.display()
            );
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_refuses_loses_nothing_and_works_again() {
    let folder = tempdir().unwrap();
    let Some(_mount) = Mount::new(folder.path()) else {
        // Past the capture of the test harness: `cargo xtask unit` counts it as not run.
        use std::io::Write;
        let words = "\nNOT RUN: a_full_disk_refuses_loses_nothing_and_works_again: no right to mount a tmpfs\n";
        std::io::stdout().write_all(words.as_bytes()).unwrap();
        return;
    };
    let data = folder.path().join("data");
    let ballast = folder.path().join("ballast");
    // The log and the database that it is moved into must both fit in the end.
    std::fs::write(&ballast, vec![0; 5 << 19]).unwrap();
    let engine = Engine::open(&data);
    engine.watch("a").unwrap();
    let mut kept = fill(&engine);
    assert!(kept.len() > 100);
    // Reads go on.
    holds(&engine, &kept);
    assert_eq!(engine.mail.take().len(), kept.len());
    // Some came later, and none of them was kept.
    assert_eq!(
        engine.try_append("a", text(&"x".repeat(100_000)), None),
        Err(Fault::Full)
    );
    std::fs::remove_file(&ballast).unwrap();
    let next = engine.append("a", "there is room again");
    assert_eq!(next.offset, kept.last().unwrap().0.offset + 1);
    kept.push((next, "there is room again".into()));
    holds(&engine, &kept);
    drop(engine);
    let engine = Engine::open(&data);
    assert_eq!(engine.engine.term(), next.term);
    holds(&engine, &kept);
}
