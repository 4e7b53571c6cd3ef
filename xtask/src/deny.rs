//! What may be depended on: deny.toml by cargo-deny, and the versions that known advisories ask for.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::context::{Context, create_directory, read};
use crate::install;
use crate::process::{self, Failure, Result};
use crate::report::Done;

/// The cargo-deny that is installed when there is none.
const CARGO_DENY: &str = "0.20.2";

/// Versions before these have a known flaw: crate, first sound version, advisories.
const MINIMUM: &[(&str, [u64; 3], &str)] = &[
    ("bytes", [1, 11, 1], "RUSTSEC-2026-0007"),
    ("h2", [0, 4, 16], "RUSTSEC-2024-0003, 2024-0332, 2026-0258"),
    ("quinn-proto", [0, 11, 15], "RUSTSEC-2026-0037, 2026-0185"),
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

    let tool = cargo_deny(context)?;
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

/// The path of cargo-deny, installed into the cache when PATH has none.
pub(crate) fn cargo_deny(context: &Context) -> Result<PathBuf> {
    let tools = context.cache.join("tools");
    let own = tools.join("bin/cargo-deny");
    for candidate in install::on_path("cargo-deny")
        .into_iter()
        .chain([own.clone()])
    {
        if process::works(Command::new(&candidate).arg("--version")) {
            return Ok(candidate);
        }
    }
    println!("cargo-deny is missing: installing {CARGO_DENY} (some minutes, once)");
    install::compiler()?;
    create_directory(&tools)?;
    // Unoptimised: it builds in half the time and runs for seconds only.
    let mut install = context.cargo(&["install", "cargo-deny", "--locked", "--debug"]);
    install
        .args(["--version", CARGO_DENY, "--root"])
        .arg(&tools);
    install
        .arg("--target-dir")
        .arg(context.target.join("cargo-deny"));
    process::run(&mut install, Duration::from_secs(1800))?;
    crate::context::remove_directory(&context.target.join("cargo-deny"))?;
    Ok(own)
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

/// The three numbers of a version; what cannot be read counts as 0 and so as old.
fn numbers(version: &str) -> [u64; 3] {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = core.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
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

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("0.4.9") < numbers("0.4.16"));
        assert_eq!(numbers("1.2.3-rc.1+x"), [1, 2, 3]);
    }
}
