//! The suite `conformance`: Autobahn against our server and our client, side by side.

pub(crate) mod python27;
mod run;
mod spec;
mod verdict;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::context::{Context, create_directory, remove_directory};
use crate::process::{self, Failure, Result, clock};
use crate::report::Done;
use crate::{install, release};
use verdict::Verdict;

/// `cargo xtask conformance --help`.
pub(crate) const HELP: &str = "\
cargo xtask conformance: the Autobahn test suite, all 517 cases against our server and our client.
Only OK and INFORMATIONAL pass, for the behaviour and for the close.

Usage: cargo xtask conformance [OPTIONS]

  --quick           342 of the cases: all that do not compress, a few of each deflate group
  --cases LIST      these alone: ids and groups, as in `--cases 7.1.5,9,12.1`
  --side SIDE       `server` or `client` alone
  --jobs N          wstest processes at once (default: one a core)
  --server URL      judge the server that runs there instead of `tidewire echo`
  --client PROGRAM  judge `PROGRAM URL AGENT` instead of our own client

Reports: TARGET/autobahn, where a browser opens */report/index.html.
";

/// Which side of the connection is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// wstest connects to a server.
    Server,
    /// wstest is a server, and a client connects to it.
    Client,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Server => "server",
            Side::Client => "client",
        }
    }
}

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    cases: Option<Vec<String>>,
    side: Option<Side>,
    jobs: Option<usize>,
    server: Option<String>,
    client: Option<String>,
}

impl Options {
    /// Reads the arguments after `cargo xtask conformance`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Options> {
        let mut options = Options::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || {
                rest.next()
                    .cloned()
                    .ok_or_else(|| Failure::new(format!("{argument} needs a value")))
            };
            match argument.as_str() {
                "--quick" => options.cases = Some(spec::quick()),
                "--cases" => options.cases = Some(spec::chosen(&value()?)?),
                "--side" => {
                    options.side = match value()?.as_str() {
                        "server" => Some(Side::Server),
                        "client" => Some(Side::Client),
                        other => {
                            let text = format!("--side is `server` or `client`, not `{other}`");
                            return Err(Failure::new(text));
                        }
                    }
                }
                "--jobs" => {
                    let number = value()?.parse().ok().filter(|n| (1..=64).contains(n));
                    options.jobs = Some(
                        number.ok_or_else(|| Failure::new("--jobs is a number from 1 to 64"))?,
                    );
                }
                "--server" => options.server = Some(value()?),
                "--client" => options.client = Some(value()?),
                other => {
                    let text = format!("unknown `{other}`; see `cargo xtask conformance --help`");
                    return Err(Failure::new(text));
                }
            }
        }
        Ok(options)
    }
}

/// Sets up, runs and judges.
pub(crate) fn suite(context: &Context, options: &Options) -> Result<Done> {
    install::compiler()?;
    let python = python27::wstest(context)?;
    let cases = options.cases.clone().unwrap_or_else(spec::all);
    check_list(&python)?;

    let sides: Vec<Side> = [Side::Server, Side::Client]
        .into_iter()
        .filter(|side| options.side.is_none_or(|only| only == *side))
        .collect();
    let mut crates = Vec::new();
    if options.server.is_none() && sides.contains(&Side::Server) {
        crates.push("tidewire-cli");
    }
    if options.client.is_none() && sides.contains(&Side::Client) {
        crates.push("tidewire-conformance");
    }
    if !crates.is_empty() {
        release::build(context, &crates)?;
    }
    let jobs = options
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(2, Into::into));
    let home = context.target.join("autobahn");
    // An old report must never be judged as this run's.
    remove_directory(&home)?;
    create_directory(&home)?;
    let own_client = context.release_binary("autobahn-client");
    let plan = run::Plan {
        wrapper: context.root.join("conformance/autobahn/wstest_loopback.py"),
        python,
        home,
        server: match &options.server {
            Some(url) => run::Server::Running(url.clone()),
            None => run::Server::Start(context.release_binary("tidewire")),
        },
        client: options
            .client
            .clone()
            .unwrap_or_else(|| own_client.display().to_string()),
        jobs,
    };
    let started = Instant::now();
    let reports = run::run(&plan, &sides, &cases)?;
    let wall = started.elapsed();

    let verdicts: Vec<(Side, Verdict)> = sides
        .iter()
        .map(|side| {
            let cases_of_side: Vec<_> = reports
                .iter()
                .filter(|report| report.side == *side)
                .flat_map(|report| report.cases.iter().cloned())
                .collect();
            (*side, verdict::judge(&cases, &cases_of_side))
        })
        .collect();
    print!("{}", summary(&verdicts, wall));
    for report in &reports {
        for problem in &report.problems {
            println!("{} share {}: {problem}", report.side.name(), report.number);
        }
    }
    let passed: usize = verdicts.iter().map(|(_, verdict)| verdict.passed).sum();
    let failed: usize = verdicts
        .iter()
        .map(|(_, verdict)| verdict.failed.len())
        .sum();
    let problems: usize = reports.iter().map(|report| report.problems.len()).sum();
    let line = format!("{passed} cases passed, {failed} failed in {}", clock(wall));
    if failed > 0 || problems > 0 {
        return Err(Failure::new(line));
    }
    Ok(Done::whole(line))
}

/// Fails unless wstest knows exactly the cases of our own list.
fn check_list(python: &std::path::Path) -> Result {
    let mut list = std::process::Command::new(python);
    list.args([
        "-c",
        "from autobahntestsuite import choosereactor\n\
         from autobahntestsuite.case import Cases\n\
         for case in Cases: print '.'.join(case.__name__[4:].split('_'))",
    ]);
    let theirs = process::capture(&mut list, Duration::from_secs(60))?;
    let theirs: BTreeSet<&str> = theirs.split_whitespace().collect();
    let ours = spec::all();
    let ours: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
    if theirs == ours {
        return Ok(());
    }
    let other: Vec<&&str> = theirs.symmetric_difference(&ours).collect();
    Err(Failure::new(format!(
        "wstest has {} cases, not our {}; they differ in {other:?}: see xtask/src/autobahn/spec.rs",
        theirs.len(),
        ours.len()
    )))
}

/// Failures first, then each side's outcomes and the time by section.
fn summary(verdicts: &[(Side, Verdict)], wall: Duration) -> String {
    let mut text = String::new();
    for (side, verdict) in verdicts {
        for line in &verdict.failed {
            text.push_str(&format!("FAIL {} {line}\n", side.name()));
        }
    }
    text.push_str(&format!("\n{:<10}", "section"));
    for (side, _) in verdicts {
        text.push_str(&format!("{:>8} cases {:>9}", side.name(), "time"));
    }
    let numbers: BTreeSet<u32> = verdicts
        .iter()
        .flat_map(|(_, verdict)| verdict.sections.keys().copied())
        .collect();
    for number in numbers {
        text.push_str(&format!("\n{number:<10}"));
        for (_, verdict) in verdicts {
            let (count, time) = verdict.sections.get(&number).copied().unwrap_or_default();
            text.push_str(&format!("{count:>14} {:>9}", clock(time)));
        }
    }
    text.push('\n');
    for (side, verdict) in verdicts {
        let (passed, failed) = (verdict.passed, verdict.failed.len());
        let outcomes = verdict.outcomes();
        text.push_str(&format!(
            "{}: {passed} passed, {failed} failed ({outcomes})\n",
            side.name()
        ));
    }
    text.push_str(&format!(
        "wall time {}; times above are summed over processes\n",
        clock(wall)
    ));
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        Options::parse(&words)
    }

    #[test]
    fn no_arguments_mean_the_whole_list_and_both_sides() {
        let options = parse("").unwrap();
        assert!(options.cases.is_none() && options.side.is_none() && options.server.is_none());
    }

    #[test]
    fn options_are_read() {
        let options = parse("--cases 7.1.5 --side client --jobs 3 --client ./peer").unwrap();
        assert_eq!(options.cases.unwrap(), ["7.1.5"]);
        assert_eq!((options.side, options.jobs), (Some(Side::Client), Some(3)));
        assert_eq!(options.client.as_deref(), Some("./peer"));
    }

    #[test]
    fn a_mistyped_option_is_refused() {
        for line in [
            "--slow",
            "--jobs 0",
            "--jobs",
            "--side both",
            "--cases 99.1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
