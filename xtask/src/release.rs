//! Building the release binaries that suites run.

use std::time::Duration;

use crate::context::Context;
use crate::process::{self, Result};

/// Builds the release binaries of these crates.
pub(crate) fn build(context: &Context, crates: &[&str]) -> Result {
    let mut command = context.cargo(&["build", "--release"]);
    for name in crates {
        command.args(["-p", name]);
    }
    process::run(&mut command, Duration::from_secs(30 * 60))
}
