//! A process is killed under load, again and again: what it acknowledged is there, once, in order.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::tempdir;
use tidewire_hub_core::{Done, Ticket, ToShard};
use tidewire_hub_proto::{Pos, Term};

const KILLS: usize = 50;
const CHANNELS: usize = 5;
/// What the child is told: its folder, and which life this is.
const FOLDER: &str = "TIDEWIRE_TEST_FOLDER";
const LIFE: &str = "TIDEWIRE_TEST_LIFE";

/// The process that is killed. A test by name only: without a folder it has nothing to do.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let life = std::env::var(LIFE).unwrap();
    let engine = Engine::open(Path::new(&folder));
    let mut out = std::io::stdout().lock();
    let mut waiting: BTreeMap<Ticket, String> = BTreeMap::new();
    // Ends by itself if its parent is gone before it kills.
    let end = Instant::now() + Duration::from_secs(30);
    let mut n = 0;
    while Instant::now() < end {
        while waiting.len() < 100 {
            let body = format!("{life}-{n}");
            let to = format!("c{}", n % CHANNELS);
            let key = tidewire_hub_core::IdempotencyKey {
                publisher: "client:ann".into(),
                key: body.as_str().into(),
            };
            waiting.insert(engine.submit(append(&to, text(&body), Some(key))), body);
            n += 1;
        }
        for (_, message) in engine.mail.take() {
            let ToShard::Done(ticket, Done::Appended(Ok(appended))) = message else {
                panic!("{message:?}");
            };
            assert!(!appended.repeated);
            let body = waiting.remove(&ticket).unwrap();
            // One write a line: nothing waits in a buffer.
            out.write_all(format!("\nkept {} {body}\n", appended.pos).as_bytes())
                .unwrap();
        }
        std::thread::yield_now();
    }
}

fn spawn(folder: &Path, life: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child_that_appends_until_it_is_killed",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(LIFE, life.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Which channel a body went to.
fn channel_of(body: &str) -> usize {
    body.split_once('-').unwrap().1.parse::<usize>().unwrap() % CHANNELS
}

/// Starts the child, kills it after `alive`, and gives what it said was kept.
fn live(folder: &Path, life: usize, alive: Duration) -> Vec<(Pos, String)> {
    let mut child = spawn(folder, life);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let pid = child.id();
    // Kills while this thread reads on.
    let killer = std::thread::spawn(move || {
        std::thread::sleep(alive);
        let killed = child.kill();
        child.wait().unwrap();
        killed.unwrap();
    });
    let mut kept = Vec::new();
    // A last line that was cut off was not said.
    for line in lines.map_while(Result::ok) {
        let mut words = line.split(' ');
        if let (Some("kept"), Some(pos), Some(body), None) =
            (words.next(), words.next(), words.next(), words.next())
        {
            kept.push((pos.parse().unwrap(), body.to_owned()));
        }
    }
    assert!(killer.join().is_ok(), "process {pid} could not be killed");
    kept
}

#[test]
fn what_was_acknowledged_is_there_after_each_of_fifty_kills() {
    let folder = tempdir().unwrap();
    let mut kept: Vec<(Pos, String)> = Vec::new();
    let mut term: Option<Term> = None;
    let mut random = u64::from_le_bytes(*b"tidewire");
    let mut alive_in_all = 0;
    for life in 0..KILLS {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let alive = Duration::from_millis(20 + (random >> 33) % 180);
        let new = live(folder.path(), life, alive);
        alive_in_all += usize::from(!new.is_empty());
        kept.extend(new);

        let engine = Engine::open(folder.path());
        let here = *term.get_or_insert(engine.engine.term());
        assert_eq!(
            engine.engine.term(),
            here,
            "killed in life {life}: the term stays"
        );
        for number in 0..CHANNELS {
            let name = format!("c{number}");
            let page = engine.history(&name);
            let there: Vec<(Pos, String)> = page
                .records
                .iter()
                .map(|record| record.pos.unwrap())
                .zip(texts(&page))
                .collect();
            assert!(
                there
                    .windows(2)
                    .all(|pair| pair[1].0.is_after(pair[0].0) == Some(true)),
                "positions grow"
            );
            let mut bodies: Vec<&String> = there.iter().map(|(_, body)| body).collect();
            let ordered = bodies.is_sorted_by_key(|body| {
                let (life, n) = body.split_once('-').unwrap();
                (life.parse::<u64>().unwrap(), n.parse::<u64>().unwrap())
            });
            assert!(ordered, "in the order of publishing");
            bodies.dedup();
            assert_eq!(bodies.len(), there.len(), "each once");
            let by_pos: BTreeMap<u64, &String> =
                there.iter().map(|(pos, body)| (pos.offset, body)).collect();
            for (pos, body) in kept.iter().filter(|(_, body)| channel_of(body) == number) {
                assert_eq!(
                    by_pos.get(&pos.offset),
                    Some(&body),
                    "life {life}: {pos} of {name}"
                );
            }
        }
        // Its key is remembered with it.
        for (pos, body) in kept.iter().rev().take(3) {
            let to = format!("c{}", channel_of(body));
            let again = engine.try_append(&to, text(body), Some(body)).unwrap();
            assert_eq!((again.pos, again.repeated), (*pos, true));
        }
    }
    println!("{} acknowledged over {KILLS} kills", kept.len());
    assert!(
        alive_in_all > KILLS / 2,
        "only {alive_in_all} lives acknowledged anything"
    );
    assert!(kept.len() > 1000);
}
