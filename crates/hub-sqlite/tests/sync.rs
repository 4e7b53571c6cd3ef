//! No acknowledgement leaves the process before the disk has what it acknowledges: seen by strace.
//!
//! `kill -9` keeps the page cache, so `kill.rs` cannot show this.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::tempdir;
use tidewire_hub_core::{Done, Ticket, ToShard};

const RECORDS: usize = 300;
const FOLDER: &str = "TIDEWIRE_TEST_FOLDER";
const CALLS: &str = "trace=fdatasync,fsync,write,writev,sendto,pwrite64,pwritev";

fn token(n: usize) -> String {
    format!("token-{n:05}-end")
}

/// The process that is watched. A test by name only: without a folder it has nothing to do.
#[test]
fn child_that_acknowledges_on_stdout() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let engine = Engine::open(Path::new(&folder));
    let mut out = std::io::stdout().lock();
    let mut waiting: BTreeMap<Ticket, String> = BTreeMap::new();
    let mut next = 0;
    while next < RECORDS || !waiting.is_empty() {
        while waiting.len() < 10 && next < RECORDS {
            waiting.insert(
                engine.submit(append("a", text(&token(next)), None)),
                token(next),
            );
            next += 1;
        }
        for (_, message) in engine.mail.take() {
            let ToShard::Done(ticket, Done::Appended(Ok(_))) = message else {
                panic!("{message:?}");
            };
            let body = waiting.remove(&ticket).unwrap();
            out.write_all(format!("\nkept {body}\n").as_bytes())
                .unwrap();
        }
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}

/// A call as strace tells it: the lines where it began and returned.
#[derive(Debug)]
struct Call {
    name: String,
    /// Arguments, the path of the descriptor among them.
    text: String,
    began: usize,
    returned: usize,
}

/// `PID call(args) = result`; a call that was interrupted by another thread's has two lines:
/// `PID call(args <unfinished ...>` and `PID <... call resumed>) = result`.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: BTreeMap<&str, Call> = BTreeMap::new();
    let mut done = Vec::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((pid, rest)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let mut call = open
                .remove(pid)
                .unwrap_or_else(|| panic!("resumed only: {line}"));
            call.returned = at;
            call.text.push_str(resumed);
            done.push(call);
        } else if let Some((name, text)) = rest.split_once('(') {
            let call = Call {
                name: name.to_owned(),
                text: text.to_owned(),
                began: at,
                returned: at,
            };
            if text.ends_with("<unfinished ...>") {
                open.insert(pid, call);
            } else {
                done.push(call);
            }
        }
    }
    done
}

/// Why the order is wrong, if it is.
fn judge(calls: &[Call]) -> Result<(), String> {
    let is_log = |call: &&Call| call.text.split('"').next().unwrap_or("").contains("-wal>");
    let syncs: Vec<&Call> = calls
        .iter()
        .filter(|call| call.name.ends_with("sync") && call.text.contains("= 0"))
        .filter(is_log)
        .collect();
    for n in 0..RECORDS {
        let token = token(n);
        let of_token = |call: &&Call| call.text.contains(&token);
        let written = calls
            .iter()
            .filter(|call| call.name.contains("write"))
            .filter(is_log)
            .filter(of_token)
            .map(|call| call.returned)
            .min()
            .ok_or_else(|| format!("{token} was never written to the log"))?;
        let said = calls
            .iter()
            .filter(|call| call.text.starts_with("1<"))
            .filter(of_token)
            .map(|call| call.began)
            .min()
            .ok_or_else(|| format!("{token} was never acknowledged"))?;
        if !syncs
            .iter()
            .any(|sync| written < sync.began && sync.returned < said)
        {
            return Err(format!(
                "{token} was written in line {written} and acknowledged in line {said}, and no sync returned in between"
            ));
        }
    }
    Ok(())
}

#[test]
fn nothing_is_acknowledged_before_its_sync_has_returned() {
    let parent = tempdir().unwrap();
    let trace = parent.path().join("trace");
    let traced = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-s",
            "4300",
            "-e",
            "signal=none",
            "-e",
            CALLS,
            "-o",
        ])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child_that_acknowledges_on_stdout",
            "--nocapture",
        ])
        .env(FOLDER, parent.path().join("data"))
        .stdout(Stdio::piped())
        .output();
    let output = traced.unwrap_or_else(|error| {
        panic!("strace: {error}; apt-get install strace, or cargo xtask setup, which does it")
    });
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
    let calls = calls(&text);
    let syncs = calls
        .iter()
        .filter(|call| call.name.ends_with("sync"))
        .count();
    println!("{RECORDS} records, {syncs} syncs, {} calls", calls.len());
    assert_eq!(judge(&calls), Ok(()));
    // The judge can say no: without the syncs nothing is in order.
    let unsynced: Vec<Call> = calls
        .into_iter()
        .filter(|call| !call.name.ends_with("sync"))
        .collect();
    assert!(judge(&unsynced).is_err());
}
