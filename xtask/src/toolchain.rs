//! Other Rust toolchains than the one that runs this program: whether they are there, and their cargo.

use std::process::Command;
use std::time::Duration;

use crate::context::Context;
use crate::install;
use crate::process;

/// `cargo +NAME` in the workspace's root. The `cargo` of PATH is rustup's, which alone understands `+`.
pub(crate) fn cargo(context: &Context, name: &str, arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .arg(format!("+{name}"))
        .args(arguments)
        .current_dir(&context.root);
    for variable in [
        "RUSTUP_TOOLCHAIN",
        "RUSTC",
        "RUSTDOC",
        "CARGO",
        "RUSTC_BOOTSTRAP",
    ] {
        cargo.env_remove(variable);
    }
    cargo
}

/// Makes sure that rustup has a toolchain of that name; else the reason why it has none.
pub(crate) fn install(name: &str) -> std::result::Result<(), String> {
    if install::on_path("rustup").is_none() {
        return Err(format!("Rust {name} needs rustup, which is not installed"));
    }
    let there = || {
        let mut rustc = Command::new("rustup");
        rustc.args(["run", name, "rustc", "--version"]);
        process::works(rustc.env("RUSTUP_AUTO_INSTALL", "0"))
    };
    if there() {
        return Ok(());
    }
    println!("Rust {name} is missing: installing it (once)");
    let mut rustup = Command::new("rustup");
    rustup.args(["toolchain", "install", name, "--profile", "minimal"]);
    rustup.arg("--no-self-update");
    let outcome = process::run(&mut rustup, Duration::from_secs(600));
    if there() {
        return Ok(());
    }
    Err(match outcome {
        Err(failure) => format!("Rust {name} cannot be installed here: {failure}"),
        Ok(()) => format!("Rust {name} was installed and does not run"),
    })
}
