//! `cargo xtask`: reads the arguments and starts what they name.
#![forbid(unsafe_code)]

mod api;
mod arrows;
mod autobahn;
mod context;
mod cost;
mod deny;
mod features;
mod install;
mod msrv;
mod nightly;
mod package;
mod process;
mod purity;
mod release;
mod report;
mod rustdoc_json;
mod semver;
mod setup;
mod suites;
mod toolchain;
mod tools;
mod web;

use std::process::ExitCode;

use context::Context;
use process::{Failure, Result};
use suites::{SUITES, Suite};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match start(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(2)
        }
    }
}

/// Runs what the arguments ask for; `false` when a suite failed, an error when nothing could run.
fn start(arguments: &[String]) -> Result<bool> {
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help());
        return Err(Failure::new(
            "say what to run, for example `cargo xtask test`",
        ));
    };
    if matches!(name.as_str(), "-h" | "--help" | "help") {
        print!("{}", help());
        return Ok(true);
    }
    if rest
        .iter()
        .any(|argument| argument == "-h" || argument == "--help")
    {
        if name == "conformance" {
            print!("{}", autobahn::HELP);
        } else {
            print!("{}", help());
        }
        return Ok(true);
    }
    let whole_web = name == "web" && rest == ["--test"];
    let bless = matches!(name.as_str(), "api" | "semver") && rest == ["--bless"];
    if name != "conformance" && !rest.is_empty() && !bless && !whole_web {
        return Err(Failure::new(format!(
            "`{name}` takes no arguments, but got `{}`; see `cargo xtask --help`",
            rest.join(" ")
        )));
    }
    match name.as_str() {
        "test" => Ok(suites::run_all(&Context::find()?)),
        "setup" => setup::everything(&Context::find()?).map(|()| true),
        "web" if !whole_web => web::build(&Context::find()?).map(|()| true),
        "cost" => cost::print(&Context::find()?).map(|()| true),
        "api" if bless => {
            let context = Context::find()?;
            Ok(suites::run_one("api", || api::suite(&context, true)))
        }
        "semver" if bless => {
            let context = Context::find()?;
            Ok(suites::run_one("semver", || semver::suite(&context, true)))
        }
        "conformance" => {
            let options = autobahn::Options::parse(rest)?;
            let context = Context::find()?;
            Ok(suites::run_one("conformance", || {
                autobahn::suite(&context, &options)
            }))
        }
        name => match SUITES.iter().find(|suite| suite.name == name) {
            Some(suite) => {
                let context = Context::find()?;
                Ok(suites::run_one(suite.name, || (suite.run)(&context)))
            }
            None => Err(Failure::new(format!(
                "no task `{name}`; see `cargo xtask --help`"
            ))),
        },
    }
}

/// The text of `cargo xtask --help`.
fn help() -> String {
    let mut text = String::from(
        "cargo xtask: everything that proves this workspace, from a machine with only Rust and Node.

Usage: cargo xtask TASK

  test         every suite below, in this order; ends with `N passed, N failed`
  web          build the pages of the hub with Node; `web --test`: the suite of that name
  setup        install what the suites need (apt, pip, npm, cargo, rustup), run nothing
  cost         build time and crates of a program with Tidewire, beside tokio-tungstenite

One suite alone:
",
    );
    for Suite { name, about, .. } in SUITES {
        text.push_str(&format!("  {name:<12} {about}\n"));
    }
    text.push_str(
        "
`cargo xtask api --bless` accepts the public API as it is; `cargo xtask semver --bless` makes the last commit
the baseline while nothing is released.
`cargo xtask conformance --help` tells how to run a part of it, or judge another server or client.

What cannot run on this machine is printed as `not run: reason` and counted as skipped, never as passed.
Downloads live in $XDG_CACHE_HOME/tidewire-test (else ~/.cache/tidewire-test) and may be deleted at any time.
Packages come from apt (through sudo when not root), PyPI, npm, crates.io and rustup.
",
    );
    text
}
