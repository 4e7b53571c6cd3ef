//! Node and npm: whether they are there, and running them quietly and not for ever.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The oldest Node that the build runs with.
const OLDEST: u32 = 20;

/// How long it may take to say its version: some are scripts that first fetch the real one.
const ANSWER: Duration = Duration::from_secs(20);

/// The version that the Node in PATH says to be, as `v20.20.2`; `log` takes what it says.
///
/// # Errors
///
/// A sentence: there is none, it does not work, or it is too old.
pub(crate) fn version(mut node: Command, log: &Path) -> Result<String, String> {
    run(node.arg("--version"), log, ANSWER)
        .map_err(|why| format!("Node {OLDEST} or newer is needed, and here {why}"))?;
    let said = fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    // Some say more than they were asked for.
    let found = said
        .lines()
        .map(str::trim)
        .find_map(|line| Some((line, major(line)?)));
    match found {
        Some((version, major)) if major >= OLDEST => Ok(version.to_owned()),
        found => {
            let version = found.map_or("one without a version", |(version, _)| version);
            Err(format!(
                "Node {OLDEST} or newer is needed, and here is {version}"
            ))
        }
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
    let mut child = child.map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("{name} is not in PATH"),
        _ => format!("{name} cannot be started: {error}"),
    })?;
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
