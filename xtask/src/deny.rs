//! What may be depended on: deny.toml by cargo-deny, and the versions that known advisories ask for.

use std::process::Command;
use std::time::Duration;

use crate::context::{Context, read};
use crate::process::{self, Failure, Result};
use crate::report::Done;
use crate::tools::{self, numbers};

/// Versions before these have a known flaw: crate, first sound version, advisories.
const MINIMUM: &[(&str, [u64; 3], &str)] = &[
    ("bytes", [1, 11, 1], "RUSTSEC-2026-0007"),
    ("h2", [0, 4, 16], "RUSTSEC-2024-0003, 2024-0332, 2026-0258"),
    ("quinn-proto", [0, 11, 15], "RUSTSEC-2026-0037, 2026-0185"),
    ("ring", [0, 17, 12], "RUSTSEC-2025-0009"),
    ("rustls", [0, 23, 18], "RUSTSEC-2024-0336, 2024-0399"),
    (
        "rustls-webpki",
        [0, 103, 13],
        "RUSTSEC-2026-0049, 2026-0098, 2026-0099, 2026-0104",
    ),
    ("tungstenite", [0, 20, 1], "RUSTSEC-2023-0065"),
];

/// Judges Cargo.lock and the dependency graph.
pub(crate) fn suite(context: &Context) -> Result<Done> {
    let locked = packages(&read(&context.root.join("Cargo.lock"))?);
    let old = too_old(&locked);
    if !old.is_empty() {
        return Err(Failure::new(old.join("\n")));
    }
    println!(
        "Cargo.lock: {} packages, none older than a known advisory allows",
        locked.len()
    );

    let tool = tools::DENY.get(context)?;
    let mut check = Command::new(&tool);
    check
        .args(["check", "bans", "licenses", "sources"])
        .current_dir(&context.root);
    process::run(&mut check, Duration::from_secs(300))?;

    let mut done = Done::whole(format!("{} packages", locked.len()));
    let mut fetch = Command::new(&tool);
    fetch.args(["fetch", "db"]).current_dir(&context.root);
    println!("$ {}", process::shown(&fetch));
    if process::capture(&mut fetch, Duration::from_secs(60)).is_ok() {
        let mut check = Command::new(&tool);
        check
            .args(["check", "--disable-fetch", "advisories"])
            .current_dir(&context.root);
        process::run(&mut check, Duration::from_secs(300))?;
    } else {
        let reason = "advisories: the RustSec database cannot be fetched from here".to_string();
        println!("not run: {reason}");
        done.not_run.push(reason);
    }
    Ok(done)
}

/// The name and version of every package in a Cargo.lock.
fn packages(lock: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut name = None;
    for line in lock.lines() {
        let value = |key: &str| {
            line.strip_prefix(key)?
                .strip_prefix(" = \"")?
                .strip_suffix('"')
                .map(str::to_string)
        };
        if let Some(text) = value("name") {
            name = Some(text);
        } else if let (Some(version), Some(name)) = (value("version"), name.take()) {
            found.push((name, version));
        }
    }
    found
}

/// One sentence for each locked package that is older than its minimum.
fn too_old(locked: &[(String, String)]) -> Vec<String> {
    let mut old = Vec::new();
    for (name, version) in locked {
        for (least, minimum, why) in MINIMUM
            .iter()
            .filter(|entry| entry.0 == name)
            .map(|e| (e.1, e, e.2))
        {
            if numbers(version) < least {
                let [major, minor, patch] = minimum.1;
                old.push(format!(
                    "{name} {version} has a known flaw ({why}): update it to {major}.{minor}.{patch} or later"
                ));
            }
        }
    }
    old
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"bytes\"\nversion = \"1.11.0\"\n\n[[package]]\nname = \"tidewire\"\nversion = \"0.1.0\"\ndependencies = [\n \"bytes\",\n]\n";

    #[test]
    fn the_lock_file_is_read_package_by_package() {
        let names: Vec<String> = packages(LOCK)
            .into_iter()
            .map(|(n, v)| format!("{n} {v}"))
            .collect();
        assert_eq!(names, ["bytes 1.11.0", "tidewire 0.1.0"]);
    }

    #[test]
    fn a_version_with_a_known_flaw_is_refused() {
        let old = too_old(&packages(LOCK));
        assert_eq!(old.len(), 1);
        assert!(
            old[0].contains("RUSTSEC-2026-0007") && old[0].contains("1.11.1"),
            "{old:?}"
        );
        assert!(too_old(&packages(&LOCK.replace("1.11.0", "1.11.1"))).is_empty());
    }
}
