//! Miri and cargo-fuzz over the same code as the stable suites, where a nightly toolchain has them.

use std::process::Command;
use std::time::Duration;

use crate::context::{Context, create_directory};
use crate::process::{self, Failure, Result};
use crate::report::Done;
use crate::toolchain;

/// How long each cargo-fuzz target runs.
const FUZZ_SECONDS: u32 = 10;

/// Where cargo-fuzz finds its targets.
const FUZZ_DIRECTORY: &str = "fuzz/cargo-fuzz";

/// Runs what there is, and says what there is not.
pub(crate) fn suite(context: &Context) -> Result<Done> {
    let mut done = Done::default();
    let mut ran = Vec::new();

    if usable("miri") {
        // Without isolation, tests may read their files and the clock.
        let unsafe_code: &[&str] = &["miri", "test", "-p", "tidewire-simd"];
        let frames: &[&str] = &[
            "miri",
            "run",
            "-p",
            "tidewire-fuzz",
            "--",
            "--seconds",
            "10",
            "frames_server",
        ];
        for arguments in [unsafe_code, frames] {
            let mut miri = toolchain::cargo(context, "nightly", arguments);
            miri.env("MIRIFLAGS", "-Zmiri-disable-isolation");
            process::run(&mut miri, Duration::from_secs(1800))?;
        }
        ran.push("Miri");
    } else {
        done.not_run
            .push("Miri: `cargo +nightly miri` does not run here".to_string());
    }

    if usable("fuzz") {
        cargo_fuzz(context)?;
        ran.push("cargo-fuzz");
    } else {
        done.not_run
            .push("cargo-fuzz: `cargo +nightly fuzz` does not run here".to_string());
    }

    for part in &done.not_run {
        println!("not run: {part}");
    }
    done.nothing_ran = ran.is_empty();
    done.summary = ran.join(" and ");
    Ok(done)
}

fn usable(tool: &str) -> bool {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["+nightly", tool, "--version"])
        .env_remove("RUSTUP_TOOLCHAIN");
    process::works(&mut cargo)
}

fn cargo_fuzz(context: &Context) -> Result {
    let mut list = toolchain::cargo(
        context,
        "nightly",
        &["fuzz", "list", "--fuzz-dir", FUZZ_DIRECTORY],
    );
    let targets = process::capture(&mut list, Duration::from_secs(120))?;
    if targets.trim().is_empty() {
        return Err(Failure::new(format!("{FUZZ_DIRECTORY} lists no target")));
    }
    for target in targets.split_whitespace() {
        // What libFuzzer finds goes to the first directory, the others are only read.
        let found = context.target.join("cargo-fuzz").join(target);
        create_directory(&found)?;
        let mut run = toolchain::cargo(
            context,
            "nightly",
            &["fuzz", "run", "--fuzz-dir", FUZZ_DIRECTORY, target],
        );
        run.arg(found)
            .arg(context.root.join("fuzz/corpus").join(target));
        run.args(["--", &format!("-max_total_time={FUZZ_SECONDS}")]);
        process::run(&mut run, Duration::from_secs(1800))?;
    }
    Ok(())
}
