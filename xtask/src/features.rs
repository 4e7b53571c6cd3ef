//! Every feature alone, every pair of them, and none: each builds without a warning.

use std::time::Duration;

use crate::context::Context;
use crate::install;
use crate::process::{self, Failure, Result};
use crate::report::Done;
use crate::tools;

/// Runs clippy over the powerset, for each published crate that has features.
pub(crate) fn suite(context: &Context) -> Result<Done> {
    install::compiler()?;
    let with_features: Vec<&str> = context
        .published()
        .filter(|package| {
            package["features"]
                .as_object()
                .is_some_and(|features| !features.is_empty())
        })
        .filter_map(|package| package["name"].as_str())
        .collect();
    if with_features.is_empty() {
        return Err(Failure::new("no published crate has a feature"));
    }
    let hack = tools::HACK.get(context)?;
    let arguments = |listed: bool| {
        // cargo-hack leaves out what another combination already is: `tls` beside `bundled-roots`.
        let mut command = std::process::Command::new(&hack);
        command.args(["hack", "clippy", "--quiet"]);
        command.args(["--feature-powerset", "--depth", "2"]);
        for name in &with_features {
            command.args(["-p", name]);
        }
        if listed {
            command.arg("--print-command-list");
        }
        // Denied for our crates alone, so that no dependency is built again.
        command.args(["--", "-D", "warnings"]);
        command.current_dir(&context.root);
        command
    };
    let list = process::capture(&mut arguments(true), Duration::from_secs(60))?;
    let combinations = list
        .lines()
        .filter(|line| line.contains("--no-default-features"))
        .count();
    if combinations == 0 {
        return Err(Failure::new("cargo-hack found no combination of features"));
    }
    process::run(&mut arguments(false), Duration::from_secs(1800))?;
    Ok(Done::whole(format!(
        "{combinations} combinations of {}",
        with_features.join(", ")
    )))
}
