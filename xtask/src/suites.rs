//! The list of suites, and the running of one or of all.

use std::time::{Duration, Instant};

use crate::context::{Context, create_directory};
use crate::process::{self, Failure, Result};
use crate::report::{self, Done, Row};
use crate::{
    api, arrows, autobahn, deny, features, install, msrv, nightly, package, purity, release,
    rustdoc_json, semver, web,
};

/// One thing that is proved about the workspace.
pub(crate) struct Suite {
    /// What one types after `cargo xtask`.
    pub(crate) name: &'static str,
    /// One line for the help.
    pub(crate) about: &'static str,
    /// Sets up what it needs, then runs it.
    pub(crate) run: fn(&Context) -> Result<Done>,
}

/// All suites in the order in which `cargo xtask test` runs them.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "fmt",
        about: "the code is formatted",
        run: fmt,
    },
    Suite {
        name: "clippy",
        about: "no warning from the compiler or clippy",
        run: clippy,
    },
    Suite {
        name: "docs",
        about: "the documentation builds without a warning, as docs.rs does it too",
        run: docs,
    },
    Suite {
        name: "purity",
        about: "the pure crates see no I/O, clock or chance",
        run: purity::suite,
    },
    Suite {
        name: "arrows",
        about: "crates import only what ARCHITECTURE.md allows",
        run: arrows::suite,
    },
    Suite {
        name: "features",
        about: "every feature, every pair, and none: no warning",
        run: features::suite,
    },
    Suite {
        name: "unit",
        about: "every test of the workspace, all features on",
        run: unit,
    },
    Suite {
        name: "msrv",
        about: "published crates build with the oldest Rust they promise",
        run: msrv::suite,
    },
    Suite {
        name: "api",
        about: "the public API is that of the snapshots in api/",
        run: api,
    },
    Suite {
        name: "semver",
        about: "no break that the version does not announce",
        run: semver,
    },
    Suite {
        name: "package",
        about: "crates.io would get whole crates that build",
        run: package::suite,
    },
    Suite {
        name: "deny",
        about: "licences, sources, bans, minimum versions",
        run: deny::suite,
    },
    Suite {
        name: "web",
        about: "the SDK and the pages: types, tests, browsers, tutorial (alone: `web --test`)",
        run: web::suite,
    },
    Suite {
        name: "interop",
        about: "against websockets, ws, curl, Chromium",
        run: interop,
    },
    Suite {
        name: "conformance",
        about: "Autobahn, 517 cases a side, strict",
        run: conformance,
    },
    Suite {
        name: "fuzz",
        about: "every fuzz target some seconds, on stable",
        run: fuzz,
    },
    Suite {
        name: "nightly",
        about: "Miri and cargo-fuzz, where a nightly has them",
        run: nightly::suite,
    },
];

const MINUTE: Duration = Duration::from_secs(60);

/// Runs every suite, prints the table and the closing line; whether none failed.
pub(crate) fn run_all(context: &Context) -> bool {
    let rows: Vec<Row> = SUITES
        .iter()
        .map(|suite| timed(suite.name, || (suite.run)(context)))
        .collect();
    println!("\n{}", report::table(&rows));
    println!("{}", report::closing_line(&rows));
    rows.iter().all(|row| row.outcome.is_ok())
}

/// Runs one suite and prints its line; whether it did not fail.
pub(crate) fn run_one(name: &'static str, run: impl FnOnce() -> Result<Done>) -> bool {
    timed(name, run).outcome.is_ok()
}

fn timed(name: &'static str, run: impl FnOnce() -> Result<Done>) -> Row {
    println!("\n=== {name} ===");
    let started = Instant::now();
    let outcome = run();
    let row = Row {
        name,
        time: started.elapsed(),
        outcome,
    };
    if let Err(failure) = &row.outcome {
        println!("{failure}");
    }
    println!("{}", row.lines());
    row
}

fn fmt(context: &Context) -> Result<Done> {
    process::run(&mut context.cargo(&["fmt", "--all", "--check"]), 5 * MINUTE)?;
    Ok(Done::whole(""))
}

fn clippy(context: &Context) -> Result<Done> {
    install::compiler()?;
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ];
    process::run(&mut context.cargo(&arguments), 30 * MINUTE)?;
    Ok(Done::whole(""))
}

/// Libraries only: the binary `tidewire` would write its pages over those of the library `tidewire`.
fn docs(context: &Context) -> Result<Done> {
    install::compiler()?;
    let mut ours = context.cargo(&["doc", "--workspace", "--no-deps", "--lib", "--all-features"]);
    process::run(ours.env("RUSTDOCFLAGS", "-D warnings"), 30 * MINUTE)?;
    // As docs.rs does: nightly's flags, and a mark on everything that needs a feature.
    let libraries = rustdoc_json::libraries(context);
    let mut theirs = rustdoc_json::unstable_doc(
        context,
        context.cargo(&[]),
        "docs.rs",
        &libraries,
        "-D warnings --cfg docsrs",
    );
    process::run(&mut theirs, 30 * MINUTE)?;
    Ok(Done::whole(format!(
        "the workspace, and {} crates as docs.rs builds them",
        libraries.len()
    )))
}

fn unit(context: &Context) -> Result<Done> {
    install::compiler()?;
    install::chromium()?;
    install::strace()?;
    install::proxies()?;
    install::openssl()?;
    install::python3()?;
    web::install(context)?;
    let mut command = context.cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
    let mut total = Total::default();
    let status = process::run_lines(&mut command, 40 * MINUTE, |line| total.add(line))?;
    println!("{total}");
    if !status.success() {
        return Err(Failure::new(format!(
            "{total}; cargo test ended with {status}"
        )));
    }
    if total.passed == 0 {
        return Err(Failure::new("cargo test ran no test at all"));
    }
    let mut done = Done::whole(total.to_string());
    done.not_run = total.not_run;
    Ok(done)
}

fn interop(context: &Context) -> Result<Done> {
    install::compiler()?;
    let chromium = install::interop()?;
    release::build(context, &["tidewire-cli", "tidewire-conformance"])?;
    let work = context.target.join("interop");
    create_directory(&work)?;
    let mut command = std::process::Command::new("python3");
    command
        .arg(context.root.join("conformance/interop/run.py"))
        .arg("--tidewire")
        .arg(context.release_binary("tidewire"))
        .arg("--work")
        .arg(&work)
        .arg("--chromium")
        .arg(chromium)
        .env("PYTHONUNBUFFERED", "1")
        .current_dir(&context.root);
    let mut last = String::new();
    let mut not_run = Vec::new();
    let status = process::run_lines(&mut command, 20 * MINUTE, |line| {
        if !line.trim().is_empty() {
            last = line.trim().to_string();
        }
        if let Some(case) = line.strip_prefix("not run") {
            not_run.push(case.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    })?;
    if !status.success() {
        return Err(Failure::new(format!("{last}; run.py ended with {status}")));
    }
    Ok(Done {
        summary: last,
        not_run,
        nothing_ran: false,
    })
}

fn api(context: &Context) -> Result<Done> {
    api::suite(context, false)
}

fn semver(context: &Context) -> Result<Done> {
    semver::suite(context, false)
}

fn conformance(context: &Context) -> Result<Done> {
    autobahn::suite(context, &autobahn::Options::default())
}

fn fuzz(context: &Context) -> Result<Done> {
    install::compiler()?;
    let arguments = [
        "run",
        "--release",
        "-p",
        "tidewire-fuzz",
        "--",
        "--seconds",
        "10",
    ];
    process::run(&mut context.cargo(&arguments), 30 * MINUTE)?;
    Ok(Done::whole(""))
}

/// The sum of libtest's `test result:` lines.
#[derive(Default)]
struct Total {
    passed: u64,
    failed: u64,
    ignored: u64,
    binaries: u64,
    /// Tests, or halves of tests, that this machine could not run: each said so in a line of its own.
    not_run: Vec<String>,
}

impl Total {
    fn add(&mut self, line: &str) {
        if let Some(reason) = line.strip_prefix("NOT RUN: ") {
            self.not_run.push(reason.to_owned());
        }
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        self.binaries += 1;
        let number = |what: &str| {
            result
                .split([';', '.'])
                .filter_map(|part| part.trim().strip_suffix(what))
                .find_map(|part| part.trim().parse::<u64>().ok())
                .unwrap_or(0)
        };
        self.passed += number("passed");
        self.failed += number("failed");
        self.ignored += number("ignored");
    }
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Total {
            passed,
            failed,
            ignored,
            binaries,
            not_run: _,
        } = self;
        write!(
            f,
            "{passed} tests passed, {failed} failed, {ignored} ignored in {binaries} runs"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_results_add_up_over_binaries() {
        let mut total = Total::default();
        total.add("running 3 tests");
        total.add("NOT RUN: a_full_disk: no right to mount a tmpfs");
        total.add("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        total.add("test result: FAILED. 10 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.50s");
        assert_eq!(
            total.to_string(),
            "13 tests passed, 2 failed, 1 ignored in 2 runs"
        );
        assert_eq!(total.not_run, ["a_full_disk: no right to mount a tmpfs"]);
    }

    #[test]
    fn no_two_suites_share_a_name() {
        let mut names: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SUITES.len());
    }
}
