//! A restored backup gets a new term; a process that was killed, restarted or moved does not.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::tempdir;
use tidewire_hub_core::Fault;
use tidewire_hub_proto::Pos;
use tidewire_hub_sqlite::OpenOptions;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // Over a file that is there: its inode stays, as with `cp`.
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A folder with three records, cleanly closed, and its last position.
fn folder_with_three(folder: &Path) -> Pos {
    let engine = Engine::open(folder);
    (1..=3)
        .map(|n| engine.append("a", &n.to_string()))
        .last()
        .unwrap()
}

fn is_new_term(folder: &Path, old: Pos, records: usize) {
    let engine = Engine::open(folder);
    assert_ne!(engine.engine.term(), old.term);
    let page = engine.history("a");
    assert_eq!(page.records.len(), records, "what the backup has is kept");
    assert_eq!(engine.read("a", old, ALL), Err(Fault::Gone(page.head)));
    let next = engine.append("a", "after");
    assert_eq!(next, Pos::new(engine.engine.term(), page.head.offset + 1));
    let term = engine.engine.term();
    drop(engine);
    assert_eq!(
        Engine::open(folder).engine.term(),
        term,
        "and then it stays"
    );
}

#[test]
fn a_clean_restart_and_a_moved_folder_keep_the_term() {
    let parent = tempdir().unwrap();
    let folder = parent.path().join("data");
    let last = folder_with_three(&folder);
    let moved = parent.path().join("moved");
    std::fs::rename(&folder, &moved).unwrap();
    for _ in 0..3 {
        let engine = Engine::open(&moved);
        assert_eq!(engine.engine.term(), last.term);
        assert!(engine.read("a", last, ALL).unwrap().records.is_empty());
    }
}

#[test]
fn a_copied_folder_gets_a_new_term() {
    let parent = tempdir().unwrap();
    let folder = parent.path().join("data");
    let last = folder_with_three(&folder);
    let copied = parent.path().join("copy");
    copy(&folder, &copied);
    is_new_term(&copied, last, 3);
    // The original is what it was.
    assert_eq!(Engine::open(&folder).engine.term(), last.term);
}

#[test]
fn a_folder_that_was_put_back_gets_a_new_term() {
    let parent = tempdir().unwrap();
    let folder = parent.path().join("data");
    folder_with_three(&folder);
    let backup = parent.path().join("backup");
    copy(&folder, &backup);
    let engine = Engine::open(&folder);
    let lost = engine.append("a", "lost");
    drop(engine);
    std::fs::remove_dir_all(&folder).unwrap();
    copy(&backup, &folder);
    is_new_term(&folder, lost, 3);
}

#[test]
fn a_database_put_over_the_old_one_gets_a_new_term() {
    let parent = tempdir().unwrap();
    let folder = parent.path().join("data");
    folder_with_three(&folder);
    let backup = parent.path().join("backup");
    copy(&folder, &backup);
    let engine = Engine::open(&folder);
    let lost = engine.append("a", "lost");
    drop(engine);
    let name = "tidewire.db";
    std::fs::copy(backup.join(name), folder.join(name)).unwrap();
    is_new_term(&folder, lost, 3);
}

/// Everything put back over the old files: all of it is as old, and the inodes are the same. That it
/// was put there later than it says gives it away.
#[test]
#[cfg(unix)]
fn a_folder_put_over_the_old_one_gets_a_new_term() {
    let parent = tempdir().unwrap();
    let folder = parent.path().join("data");
    folder_with_three(&folder);
    // As if the backup had been made a minute ago: the witness has the time in its last line.
    let witness = folder.join("witness");
    let minute_ago = SystemTime::now() - Duration::from_secs(60);
    let millis = minute_ago
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let text = std::fs::read_to_string(&witness).unwrap();
    let (head, _) = text.rsplit_once("written ").unwrap();
    let old = format!("{head}written {millis}\n");
    let backup = parent.path().join("backup");
    copy(&folder, &backup);
    std::fs::write(backup.join("witness"), old).unwrap();
    let engine = Engine::open(&folder);
    let lost = engine.append("a", "lost");
    drop(engine);
    copy(&backup, &folder);
    is_new_term(&folder, lost, 3);
}

#[test]
fn a_missing_witness_and_a_wish_give_a_new_term() {
    let folder = tempdir().unwrap();
    let last = folder_with_three(folder.path());
    std::fs::remove_file(folder.path().join("witness")).unwrap();
    is_new_term(folder.path(), last, 3);
    let engine = Engine::open(folder.path());
    let before = engine.engine.term();
    drop(engine);
    let mut open = OpenOptions::default();
    open.new_term = true;
    let engine = Engine::with(folder.path(), options(100), open).unwrap();
    assert_ne!(engine.engine.term(), before);
    assert_eq!(engine.history("a").records.len(), 4);
}

#[test]
fn keys_hold_in_the_new_term() {
    let parent = tempdir().unwrap();
    let folder = parent.path().join("data");
    let engine = Engine::open(&folder);
    let first = engine.try_append("a", text("1"), Some("k")).unwrap();
    drop(engine);
    let copied = parent.path().join("copy");
    copy(&folder, &copied);
    let engine = Engine::open(&copied);
    let again = engine.try_append("a", text("1"), Some("k")).unwrap();
    assert!(again.repeated);
    assert_eq!(again.pos, Pos::new(engine.engine.term(), first.pos.offset));
}
