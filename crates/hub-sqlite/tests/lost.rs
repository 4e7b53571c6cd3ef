//! A sync that fails: nobody knows what is kept, so nothing is acknowledged, and the engine goes on with
//! what it finds. strace makes the sync fail.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::tempdir;
use tidewire_hub_core::{Done, Fault, Notice, ToShard};

const FOLDER: &str = "TIDEWIRE_TEST_FOLDER";

/// The process whose syncs fail. A test by name only: without a folder it has nothing to do.
#[test]
fn child_whose_sync_fails() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let engine = Engine::open(folder);
    let term = engine.engine.term();
    engine.watch("a").unwrap();
    let mut kept = Vec::new();
    let (mut unknown, mut after) = (0, 0);
    let end = Instant::now() + Duration::from_secs(60);
    let mut n = 0;
    while unknown == 0 || after < 50 {
        assert!(Instant::now() < end, "{unknown} failed, {after} after that");
        let tickets: Vec<_> = (0..10)
            .map(|_| {
                n += 1;
                let body = n.to_string();
                (engine.submit(append("a", text(&body), None)), body)
            })
            .collect();
        for (ticket, body) in tickets {
            match engine.done(ticket) {
                Done::Appended(Ok(appended)) => {
                    kept.push((appended.pos, body));
                    after += usize::from(unknown > 0);
                }
                Done::Appended(Err(Fault::Unavailable(_))) => unknown += 1,
                other => panic!("{other:?}"),
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let counters = engine.engine.counters();
    assert!(counters.reopened >= 1, "{counters:?}");
    let told = engine.mail.take();
    let heads = told
        .iter()
        .filter(|(_, message)| matches!(message, ToShard::Notice(Notice::Head { .. })));
    assert!(
        heads.count() >= 1,
        "who watches is told where the log is now"
    );
    let check = |engine: &Engine| {
        let page = engine.history("a");
        let bodies = texts(&page);
        let numbers: Vec<u64> = bodies.iter().map(|body| body.parse().unwrap()).collect();
        assert!(
            numbers.is_sorted_by(|one, two| one < two),
            "in order, each once"
        );
        let mut there = page
            .records
            .iter()
            .map(|record| record.pos.unwrap())
            .zip(&bodies);
        for (pos, body) in &kept {
            assert!(
                there.any(|(at, what)| at == *pos && what == body),
                "{pos} {body}"
            );
        }
    };
    check(&engine);
    drop(engine);
    let engine = Engine::open(folder);
    assert_eq!(engine.engine.term(), term);
    check(&engine);
    println!("{unknown} not known, {} kept", kept.len());
}

#[test]
fn a_sync_that_fails_acknowledges_nothing_and_the_log_goes_on() {
    // Counted for each thread by itself: the one that opens makes fewer than the one that writes.
    for (when, error) in [("20", "EIO"), ("10", "ENOSPC"), ("10..14", "EIO")] {
        let parent = tempdir().unwrap();
        let data = parent.path().join("data");
        let traced = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-P"])
            .arg(data.join("tidewire.db-wal"))
            .args(["-e", "trace=fsync,fdatasync", "-e"])
            .arg(format!("inject=fsync,fdatasync:error={error}:when={when}"))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "child_whose_sync_fails", "--nocapture"])
            .env(FOLDER, &data)
            .output();
        let output = traced.unwrap_or_else(|error| {
            panic!("strace: {error}; apt-get install strace, or cargo xtask setup, which does it")
        });
        assert!(
            output.status.success(),
            "sync {when} failing with {error}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(words.contains(" not known, "), "{words}");
    }
}
