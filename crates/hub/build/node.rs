//! Node and npm: whether they are there, and running them quietly and not for ever.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The oldest Node that the build runs with.
const OLDEST: u32 = 20;

/// The version of the Node in PATH, as `v20.20.2`.
///
/// # Errors
///
/// A sentence: there is none, or it is too old.
pub(crate) fn version() -> Result<String, String> {
    let said = Command::new("node").arg("--version").output();
    let said = said.ok().filter(|said| said.status.success());
    let said = said.ok_or_else(|| format!("Node {OLDEST} or newer is not in PATH"))?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    match major(&version) {
        Some(major) if major >= OLDEST => Ok(version),
        _ => Err(format!(
            "Node {OLDEST} or newer is needed, and here is {version}"
        )),
    }
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The npm in PATH; a script on Windows.
pub(crate) fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Runs it, what it says going to `log`.
///
/// # Errors
///
/// A sentence with the line in which it says why.
pub(crate) fn run(command: &mut Command, log: &Path, limit: Duration) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let file = File::create(log).and_then(|file| Ok((file.try_clone()?, file)));
    let (out, err) = file.map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
    let mut child = child.map_err(|error| format!("cannot start {name}: {error}"))?;
    let until = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => return Err(format!("{name}: {}", reason(log))),
            Ok(None) if Instant::now() < until => sleep(Duration::from_millis(20)),
            Ok(None) => {
                _ = child.kill();
                _ = child.wait();
                let seconds = limit.as_secs();
                return Err(format!("{name} was not done after {seconds} s"));
            }
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
}

/// The line that says what went wrong: the first that has the word, else the first.
fn reason(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines().find(|line| line.to_ascii_lowercase().contains("error"));
    let line = telling
        .or_else(|| lines().next())
        .unwrap_or("it failed and said nothing");
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}
