//! The pages and the SDK: `cargo xtask web` builds the pages; the suite `web` proves both, browsers included.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::install;
use crate::process::{self, Failure, Result};
use crate::report::Done;

const MINUTE: Duration = Duration::from_secs(60);

/// `cargo xtask web`: the packages that the build needs, if they are missing, and the build.
pub(crate) fn build(context: &Context) -> Result {
    install::node()?;
    let started = Instant::now();
    let web = context.root.join("web");
    packages(context, &web, false)?;
    build_pages(&web)?;
    let (files, bytes) = size_of(&web.join("dist"))?;
    println!(
        "built {files} files, {} KiB, in {}; the next `cargo build` puts them into the binary",
        bytes / 1024,
        process::clock(started.elapsed())
    );
    Ok(())
}

/// What the tests of the SDK and of the pages need from npm.
pub(crate) fn install(context: &Context) -> Result {
    install::node()?;
    for folder in ["sdk/js", "web"] {
        packages(context, &context.root.join(folder), true)?;
    }
    Ok(())
}

/// The suite: types, unit tests, the SDK's size, the pages in browsers, the tutorial.
pub(crate) fn suite(context: &Context) -> Result<Done> {
    install::compiler()?;
    install::python3()?;
    install::curl()?;
    let chromium = install::chromium()?;
    install(context)?;
    let (sdk, web) = (context.root.join("sdk/js"), context.root.join("web"));
    let mut parts = Parts::default();
    parts.run("types of the SDK", npm(&sdk, "check"), 10 * MINUTE)?;
    parts.run("types of the pages", npm(&web, "check"), 10 * MINUTE)?;
    parts.run("the SDK's size", npm(&sdk, "size"), 5 * MINUTE)?;
    parts.count("tests of the SDK", npm(&sdk, "test"), 10 * MINUTE)?;
    parts.count("tests of the pages", npm(&web, "test"), 10 * MINUTE)?;

    // Without the full pages it is no build that could be tested.
    let mut cargo = context.cargo(&["build", "-p", "tidewire-cli"]);
    cargo.env("TIDEWIRE_WEB", "require");
    parts.run("the binary, with the pages", cargo, 30 * MINUTE)?;
    let name = format!("debug/tidewire{}", std::env::consts::EXE_SUFFIX);
    let binary = context.target.join(name);
    let with_hub = |command: &mut Command| {
        command
            .env("TIDEWIRE_BIN", &binary)
            .env("TIDEWIRE_CHROMIUM", &chromium)
            .env("TIDEWIRE_WEB", "require")
            .env_remove("TIDEWIRE_WEB_DEV");
    };
    let mut browsers = npm(&web, "e2e");
    with_hub(&mut browsers);
    parts.count("tests in browsers", browsers, 30 * MINUTE)?;

    let tutorial = context.root.join("docs/tutorial/run.py");
    if tutorial.is_file() {
        let mut run = Command::new("python3");
        run.arg(tutorial).current_dir(&context.root);
        run.env("PYTHONUNBUFFERED", "1");
        with_hub(&mut run);
        parts.count("steps of the tutorial", run, 30 * MINUTE)?;
    }
    Ok(Done::whole(parts.said.join(", ")))
}

/// Fetches the locked packages of a folder, unless they are there. `tests`: those of the tests, too.
fn packages(context: &Context, folder: &Path, tests: bool) -> Result {
    let mut ask = Command::new("node");
    ask.arg(context.root.join("web/installed.mjs")).arg(folder);
    if tests {
        ask.arg("--dev");
    }
    if process::works(&mut ask) {
        return Ok(());
    }
    let mut npm = Command::new(NPM);
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    if !tests {
        npm.arg("--omit=dev");
    }
    process::run(npm.current_dir(folder), 10 * MINUTE)
}

/// Runs the build while no cargo build does.
fn build_pages(web: &Path) -> Result {
    let path = web.join(".build.lock");
    let lock = std::fs::File::create(&path).and_then(|file| file.lock().map(|()| file));
    let _lock =
        lock.map_err(|error| Failure::new(format!("cannot lock {}: {error}", path.display())))?;
    let mut build = Command::new("node");
    process::run(build.arg("build.mjs").current_dir(web), 5 * MINUTE)
}

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// A script of the folder's package.json.
fn npm(folder: &Path, script: &str) -> Command {
    let mut command = Command::new(NPM);
    command.args(["run", script]);
    command.current_dir(folder).env("NO_COLOR", "1");
    command
}

/// How many files there are below a folder, and their bytes.
fn size_of(folder: &Path) -> Result<(u64, u64)> {
    let unreadable = |error| Failure::new(format!("cannot read {}: {error}", folder.display()));
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path: PathBuf = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            let below = size_of(&path)?;
            (files, bytes) = (files + below.0, bytes + below.1);
        } else {
            files += 1;
            bytes += path.metadata().map_err(unreadable)?.len();
        }
    }
    Ok((files, bytes))
}

/// What has run, and what to say of it.
#[derive(Default)]
struct Parts {
    said: Vec<String>,
}

impl Parts {
    fn run(&mut self, what: &str, mut command: Command, limit: Duration) -> Result {
        let started = Instant::now();
        process::run(&mut command, limit)
            .map_err(|failure| Failure::new(format!("{what}: {failure}")))?;
        println!("{what}: ok after {}", process::clock(started.elapsed()));
        Ok(())
    }

    /// Of a program that says how many have passed: none skipped, and not none at all.
    fn count(&mut self, what: &str, mut command: Command, limit: Duration) -> Result {
        let started = Instant::now();
        let mut tally = Tally::default();
        let status = process::run_lines(&mut command, limit, |line| tally.read(line))?;
        tally
            .judge(status.success())
            .map_err(|why| Failure::new(format!("{what}: {why}")))?;
        let time = process::clock(started.elapsed());
        println!("{what}: {} passed after {time}", tally.passed);
        self.said.push(format!("{} {what}", tally.passed));
        Ok(())
    }
}

/// What Vitest and the tutorial's runner count.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    /// Skipped, left for later, or left out.
    skipped: u64,
}

impl Tally {
    /// `Tests  1 failed | 12 passed | 1 skipped (14)`, or the lines of the tutorial's runner.
    fn read(&mut self, line: &str) {
        let Some(counts) = counts(line.trim()) else {
            return;
        };
        for part in counts.split(['|', ',', ';']) {
            let words: Vec<&str> = part.split_whitespace().collect();
            let number = words.first().and_then(|word| word.parse::<u64>().ok());
            match (number, words.get(1..).unwrap_or_default()) {
                (Some(number), ["passed"]) => self.passed = number,
                (Some(number), ["failed"]) => self.failed = number,
                (Some(number), ["skipped" | "todo"] | ["left", "out", ..]) => {
                    self.skipped += number
                }
                _ => {}
            }
        }
    }

    fn judge(&self, is_success: bool) -> std::result::Result<(), String> {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        if !is_success || *failed > 0 {
            Err(format!("{passed} passed, {failed} failed"))
        } else if *skipped > 0 {
            Err(format!("{passed} passed, but {skipped} were skipped"))
        } else if *passed == 0 {
            Err("none ran".to_owned())
        } else {
            Ok(())
        }
    }
}

/// The counts of a line that closes a run; what tests print themselves is none.
fn counts(line: &str) -> Option<&str> {
    if let Some(vitest) = line.strip_prefix("Tests ") {
        let (counts, all) = vitest.rsplit_once('(')?;
        return all
            .strip_suffix(')')?
            .parse::<u64>()
            .is_ok()
            .then_some(counts);
    }
    let words: Vec<&str> = line.split(' ').collect();
    let closes = matches!(words.as_slice(), [_, "passed,", _, "failed"]);
    (closes || line.ends_with(" left out (plain pages)")).then_some(line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn what_vitest_and_the_tutorial_count_is_read() {
        let vitest = read(&[
            " Test Files  3 passed (3)",
            "      Tests  41 passed (41)",
            "   Duration  1.2s (transform 3, setup 4)",
        ]);
        assert_eq!((vitest.passed, vitest.failed, vitest.skipped), (41, 0, 0));
        assert_eq!(vitest.judge(true), Ok(()));
        let mixed = read(&["      Tests  2 failed | 9 passed | 1 skipped | 3 todo (15)"]);
        assert_eq!((mixed.passed, mixed.failed, mixed.skipped), (9, 2, 4));
        let tutorial = read(&[
            "1 shown, not run; 2 pictures; 0 left out (plain pages)",
            "54 passed, 0 failed",
        ]);
        assert_eq!((tutorial.passed, tutorial.skipped), (54, 0));
        assert_eq!(tutorial.judge(true), Ok(()));
        let plain = read(&["0 shown, not run; 2 pictures; 7 left out (plain pages)"]);
        assert_eq!(plain.skipped, 7);
    }

    #[test]
    fn what_was_skipped_is_not_green_and_nothing_neither() {
        for (lines, word) in [
            (&["Tests  3 passed | 1 skipped (4)"][..], "skipped"),
            (&["Tests  3 passed | 1 todo (4)"][..], "skipped"),
            (&["No test files found"][..], "none ran"),
            (&["Tests  1 failed | 3 passed (4)"][..], "1 failed"),
        ] {
            let said = read(lines).judge(true).unwrap_err();
            assert!(said.contains(word), "{said}");
        }
        assert!(read(&["Tests  3 passed (3)"]).judge(false).is_err());
        let chatter = read(&["a page said: 5 passed | 9 skipped (x)", "7 passed"]);
        assert_eq!(chatter, Tally::default());
    }
}
