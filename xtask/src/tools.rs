//! Cargo's tools from crates.io: a pinned version of each, installed into the cache when PATH has none.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::context::{Context, create_directory, remove_directory};
use crate::install;
use crate::process::{self, Failure, Result};

/// A subcommand of cargo that is a crate.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    /// What makes it print its name and version.
    asks: &'static [&'static str],
}

/// Licences, sources and bans.
pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    asks: &["--version"],
};

/// Combinations of features.
pub(crate) const HACK: Tool = Tool {
    name: "cargo-hack",
    version: "0.6.46",
    asks: &["hack", "--version"],
};

/// Breaks of semantic versioning.
pub(crate) const SEMVER: Tool = Tool {
    name: "cargo-semver-checks",
    version: "0.51.0",
    asks: &["semver-checks", "--version"],
};

impl Tool {
    /// The path of the program, installed first if it must be.
    pub(crate) fn get(&self, context: &Context) -> Result<PathBuf> {
        let tools = context.cache.join("tools");
        let own = tools.join("bin").join(self.name);
        if let Some(found) = install::on_path(self.name)
            .into_iter()
            .chain([own.clone()])
            .find(|candidate| self.is_recent(candidate))
        {
            return Ok(found);
        }
        println!(
            "{} {} is missing: installing it (some minutes, once)",
            self.name, self.version
        );
        install::compiler()?;
        create_directory(&tools)?;
        let build = context.target.join(self.name);
        // Unoptimised: it builds in half the time and runs for seconds only.
        let mut install = context.cargo(&["install", self.name, "--locked", "--debug", "--force"]);
        install
            .args(["--version", self.version, "--root"])
            .arg(&tools)
            .arg("--target-dir")
            .arg(&build)
            // Nobody debugs it, and without the symbols it links in a fraction of the time.
            .env("CARGO_PROFILE_DEV_DEBUG", "false");
        process::run(&mut install, Duration::from_secs(1800))?;
        remove_directory(&build)?;
        if !self.is_recent(&own) {
            return Err(Failure::new(format!(
                "{} {} was installed and does not run",
                self.name, self.version
            )));
        }
        Ok(own)
    }

    /// Whether that program is this tool, in this version or a later one.
    fn is_recent(&self, program: &Path) -> bool {
        process::capture(
            Command::new(program).args(self.asks),
            Duration::from_secs(60),
        )
        .is_ok_and(|said| {
            said.split_whitespace()
                .nth(1)
                .is_some_and(|version| numbers(version) >= numbers(self.version))
        })
    }
}

/// The three numbers of a version; what cannot be read counts as 0 and so as old.
pub(crate) fn numbers(version: &str) -> [u64; 3] {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = core.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("0.4.9") < numbers("0.4.16"));
        assert_eq!(numbers("1.2.3-rc.1+x"), [1, 2, 3]);
    }
}
