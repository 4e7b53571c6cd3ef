//! Each published crate builds, all features on, with the oldest Rust that its manifest promises.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use crate::context::Context;
use crate::process::{self, Failure, Result};
use crate::report::Done;
use crate::{install, toolchain};

/// One `cargo check` for each Rust version that is promised.
pub(crate) fn suite(context: &Context) -> Result<Done> {
    install::compiler()?;
    let mut promised: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for package in context.published() {
        let name = package["name"].as_str().unwrap_or_default();
        let version = package["rust_version"]
            .as_str()
            .ok_or_else(|| Failure::new(format!("{name} promises no rust-version")))?;
        promised.entry(whole(version)).or_default().push(name);
    }
    let in_use = version_in_use()?;
    let mut done = Done::default();
    let mut ran = Vec::new();
    for (version, crates) in &promised {
        // What the other suites built is good for this one, when the compiler is the same.
        let mut check = if *version == in_use {
            context.cargo(&["check", "--all-features"])
        } else if let Err(reason) = toolchain::install(version) {
            println!("not run: {reason}");
            done.not_run
                .push(format!("{}: {reason}", crates.join(", ")));
            continue;
        } else {
            let mut check = toolchain::cargo(context, version, &["check", "--all-features"]);
            // A place of its own: it does not mix with the compiler in use.
            check.env("CARGO_TARGET_DIR", context.target.join("msrv"));
            check
        };
        for name in crates {
            check.args(["-p", name]);
        }
        process::run(&mut check, Duration::from_secs(1200))?;
        ran.push(format!("{version} for {}", crates.join(", ")));
    }
    done.nothing_ran = ran.is_empty();
    done.summary = ran.join("; ");
    Ok(done)
}

/// The version of the compiler that the other suites use.
fn version_in_use() -> Result<String> {
    let said = process::capture(
        Command::new("rustc").arg("--version"),
        Duration::from_secs(60),
    )?;
    said.split_whitespace()
        .nth(1)
        .map(str::to_string)
        .ok_or_else(|| Failure::new(format!("rustc does not tell its version: {said}")))
}

/// rustup's name of a version: `1.85` is `1.85.0`, lest it be the newest of its patches.
fn whole(version: &str) -> String {
    match version.split('.').count() {
        2 => format!("{version}.0"),
        _ => version.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_two_numbers_means_its_first_patch() {
        assert_eq!(whole("1.85"), "1.85.0");
        assert_eq!(whole("1.85.1"), "1.85.1");
    }
}
