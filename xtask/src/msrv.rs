//! Each published crate builds, all features on, with the oldest Rust that its manifest promises.

use std::collections::BTreeMap;
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
    let mut done = Done::default();
    let mut ran = Vec::new();
    for (version, crates) in &promised {
        if let Err(reason) = toolchain::install(version) {
            println!("not run: {reason}");
            done.not_run
                .push(format!("{}: {reason}", crates.join(", ")));
            continue;
        }
        let mut check = toolchain::cargo(context, version, &["check", "--all-features"]);
        for name in crates {
            check.args(["-p", name]);
        }
        // A place of its own: another compiler in the same one would throw away what it finds.
        check.env("CARGO_TARGET_DIR", context.target.join("msrv"));
        process::run(&mut check, Duration::from_secs(1200))?;
        ran.push(format!("{version}: {} crates", crates.len()));
    }
    done.nothing_ran = ran.is_empty();
    done.summary = ran.join(", ");
    Ok(done)
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
