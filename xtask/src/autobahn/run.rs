//! Running wstest: several processes at once, each with a share of the cases, all watched by a clock.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::verdict::{self, Case};
use super::{Side, spec};
use crate::context::{create_directory, write};
use crate::process::{Background, Failure, Result, clock, shown};

/// The name under which cases are reported.
const AGENT: &str = "tidewire";
/// No share may take longer; wstest writes its report only at its end.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// A server says where it listens within this time, on a busy machine too.
const START: Duration = Duration::from_secs(30);
/// How often progress is printed.
const PROGRESS: Duration = Duration::from_secs(20);
/// How many shares per side there are for each process that runs at once: more of them end more evenly.
const SHARES: usize = 2;

/// What is needed to run.
pub(crate) struct Plan {
    /// The Python 2.7 with wstest.
    pub(crate) python: PathBuf,
    /// conformance/autobahn/wstest_loopback.py.
    pub(crate) wrapper: PathBuf,
    /// Where specs, logs and reports go; empty at the start.
    pub(crate) home: PathBuf,
    /// The server to judge.
    pub(crate) server: Server,
    /// The client to judge: called as `CLIENT URL AGENT`.
    pub(crate) client: String,
    /// wstest processes at once.
    pub(crate) jobs: usize,
}

/// Where the server under test comes from.
pub(crate) enum Server {
    /// This `tidewire`, as `tidewire echo`.
    Start(PathBuf),
    /// Somebody started it, at this URL.
    Running(String),
}

/// What one wstest process came to.
pub(crate) struct Report {
    pub(crate) side: Side,
    pub(crate) number: usize,
    pub(crate) cases: Vec<Case>,
    /// What went wrong around the cases.
    pub(crate) problems: Vec<String>,
}

/// One process' share of the cases.
struct Share {
    side: Side,
    number: usize,
    cases: Vec<String>,
}

/// Counts of cases begun, for the progress lines.
#[derive(Default)]
struct Progress {
    server: AtomicUsize,
    client: AtomicUsize,
}

impl Progress {
    fn of(&self, side: Side) -> &AtomicUsize {
        match side {
            Side::Server => &self.server,
            Side::Client => &self.client,
        }
    }
}

/// Runs all cases on each side and reads the reports.
pub(crate) fn run(plan: &Plan, sides: &[Side], cases: &[String]) -> Result<Vec<Report>> {
    let (url, mut server) = match &plan.server {
        Server::Start(tidewire) if sides.contains(&Side::Server) => {
            let (url, server) = start_echo(plan, tidewire)?;
            (url, Some(server))
        }
        Server::Start(_) => (String::new(), None),
        Server::Running(url) => (url.clone(), None),
    };
    let shares = shares(sides, cases, plan.jobs);
    let total = cases.len() * sides.len();
    println!(
        "{total} cases in {} shares, {} wstest processes at once",
        shares.len(),
        plan.jobs
    );

    let queue = Mutex::new(VecDeque::from(shares));
    let reports = Mutex::new(Vec::new());
    let progress = Progress::default();
    let working = AtomicUsize::new(plan.jobs);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs {
            scope.spawn(|| {
                let next = || {
                    queue
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front()
                };
                while let Some(share) = next() {
                    let report = run_share(plan, &url, share, &progress);
                    reports
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(report);
                }
                working.fetch_sub(1, Ordering::Release);
            });
        }
        let mut next = started + PROGRESS;
        while working.load(Ordering::Acquire) > 0 {
            std::thread::sleep(Duration::from_millis(100));
            if Instant::now() >= next {
                next += PROGRESS;
                let count = |side: Side| progress.of(side).load(Ordering::Relaxed);
                let words: Vec<String> = sides
                    .iter()
                    .map(|side| format!("{} {}/{}", side.name(), count(*side), cases.len()))
                    .collect();
                println!("  ... {}: {}", clock(started.elapsed()), words.join(", "));
            }
        }
    });
    if let Some(server) = &mut server
        && let Some(status) = server.ended()?
    {
        println!(
            "the server under test ended by itself ({status}); see echo.log in TARGET/autobahn"
        );
    }
    Ok(reports.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The shares of both sides in the order they start: what judges timing first, then the longest.
fn shares(sides: &[Side], cases: &[String], jobs: usize) -> Vec<Share> {
    let lists = spec::shares(cases, jobs * SHARES);
    let mut shares = Vec::new();
    for (number, list) in lists.into_iter().enumerate() {
        for side in sides {
            shares.push(Share {
                side: *side,
                number,
                cases: list.clone(),
            });
        }
    }
    shares
}

/// Starts `tidewire echo` and waits until it says where it listens.
fn start_echo(plan: &Plan, tidewire: &Path) -> Result<(String, Background)> {
    let mut command = Command::new(tidewire);
    command
        .args(["echo", "127.0.0.1:0", "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command.stderr(create(&plan.home.join("echo.log"))?);
    println!("$ {}", shown(&command));
    let mut server = Background::spawn(&mut command)?;
    let url = listening(&server.lines()?, |_| ())?;
    println!("{url}");
    Ok((url, server))
}

/// Waits for the line `listening on ws://.../`, handing every line on.
fn listening(lines: &Receiver<String>, mut each: impl FnMut(&str)) -> Result<String> {
    let deadline = Instant::now() + START;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                each(&line);
                if let Some(url) = line.strip_prefix("listening on ") {
                    return Ok(url.trim().to_string());
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                let text = format!("no `listening on ws://...` within {}", clock(START));
                return Err(Failure::new(text));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(
                    "it ended before it said `listening on ws://...`",
                ));
            }
        }
    }
}

/// Runs one wstest process; whatever goes wrong is a problem of the report, never lost.
fn run_share(plan: &Plan, url: &str, share: Share, progress: &Progress) -> Report {
    let directory = plan
        .home
        .join(format!("{}-{}", share.side.name(), share.number));
    let mut problems = Vec::new();
    let run = match share.side {
        Side::Server => test_server(plan, url, &share, &directory, progress),
        Side::Client => test_client(plan, &share, &directory, progress),
    };
    if let Err(failure) = run {
        problems.push(format!(
            "{failure}; see the logs in {}",
            directory.display()
        ));
    }
    let cases = match verdict::read_report(&directory.join("report"), AGENT) {
        Ok(cases) => cases,
        Err(failure) => {
            problems.push(failure.to_string());
            Vec::new()
        }
    };
    Report {
        side: share.side,
        number: share.number,
        cases,
        problems,
    }
}

fn wstest(plan: &Plan, mode: &str, directory: &Path, spec: &serde_json::Value) -> Result<Command> {
    create_directory(directory)?;
    write(&directory.join("spec.json"), &format!("{spec:#}\n"))?;
    let mut command = Command::new(&plan.python);
    command
        .arg(&plan.wrapper)
        .args(["-m", mode, "-s", "spec.json"]);
    // Without a port of 0 the fuzzing server opens a web page on 8080.
    command.args(["-u", "0"]);
    command
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command.stderr(create(&directory.join("wstest-errors.log"))?);
    Ok(command)
}

/// wstest goes through its cases against the server and ends by itself.
fn test_server(
    plan: &Plan,
    url: &str,
    share: &Share,
    directory: &Path,
    progress: &Progress,
) -> Result {
    let spec = spec::for_server(url, AGENT, &share.cases);
    let mut command = wstest(plan, "fuzzingclient", directory, &spec)?;
    let mut log = Log::new(directory, progress.of(Side::Server))?;
    let mut wstest = Background::spawn(&mut command)?;
    let lines = wstest.lines()?;
    let deadline = Instant::now() + LIMIT;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => log.add(&line),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                return Err(Failure::new(format!("not done after {}", clock(LIMIT))));
            }
        }
    }
}

/// wstest waits for the client, which asks for its cases, runs them, asks for the report and ends.
fn test_client(plan: &Plan, share: &Share, directory: &Path, progress: &Progress) -> Result {
    let mut command = wstest(
        plan,
        "fuzzingserver",
        directory,
        &spec::for_clients(&share.cases),
    )?;
    let mut log = Log::new(directory, progress.of(Side::Client))?;
    let mut wstest = Background::spawn(&mut command)?;
    let lines = wstest.lines()?;
    let url = listening(&lines, |line| log.add(line))?;

    let mut command = Command::new(&plan.client);
    command
        .args([url.trim_end_matches('/'), AGENT])
        .stdin(Stdio::null());
    let output = create(&directory.join("client.log"))?;
    let errors = output
        .try_clone()
        .map_err(|error| Failure::new(format!("cannot share a log file: {error}")))?;
    command.stdout(output).stderr(errors);
    let mut client = Background::spawn(&mut command)?;
    let deadline = Instant::now() + LIMIT;
    let status = loop {
        match lines.recv_timeout(Duration::from_millis(20)) {
            Ok(line) => log.add(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new("wstest ended before the client did"));
            }
        }
        if let Some(status) = client.ended()? {
            break status;
        }
        if Instant::now() > deadline {
            return Err(Failure::new(format!(
                "the client was not done after {}",
                clock(LIMIT)
            )));
        }
    };
    // The report was written before wstest closed the client's last connection.
    while let Ok(line) = lines.recv_timeout(Duration::from_millis(20)) {
        log.add(&line);
    }
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("the client: {status}")))
    }
}

/// wstest's output: kept in a file, and counted.
struct Log<'a> {
    file: File,
    cases: &'a AtomicUsize,
}

impl<'a> Log<'a> {
    fn new(directory: &Path, cases: &'a AtomicUsize) -> Result<Log<'a>> {
        Ok(Log {
            file: create(&directory.join("wstest.log"))?,
            cases,
        })
    }

    fn add(&mut self, line: &str) {
        if line.starts_with("Running test case ID") {
            self.cases.fetch_add(1, Ordering::Relaxed);
        }
        // A full disk shows itself when the report is read.
        let _ = writeln!(self.file, "{line}");
    }
}

fn create(path: &Path) -> Result<File> {
    File::create(path)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_sides_get_every_case_and_start_with_what_judges_timing() {
        let cases = spec::all();
        let shares = shares(&[Side::Server, Side::Client], &cases, 2);
        assert_eq!(shares.len(), 2 * (1 + 2 * SHARES));
        assert!(
            shares[..2]
                .iter()
                .all(|share| share.cases.contains(&"6.4.1".to_string()))
        );
        for side in [Side::Server, Side::Client] {
            let count: usize = shares
                .iter()
                .filter(|s| s.side == side)
                .map(|s| s.cases.len())
                .sum();
            assert_eq!(count, 517);
            let mut numbers: Vec<_> = shares
                .iter()
                .filter(|s| s.side == side)
                .map(|s| s.number)
                .collect();
            numbers.dedup();
            assert_eq!(
                numbers.len(),
                shares.len() / 2,
                "two shares with one directory"
            );
        }
    }

    #[test]
    fn the_address_is_taken_from_its_line() {
        let (sender, lines) = std::sync::mpsc::channel();
        for line in [
            "Using UTF8 Validator",
            "listening on ws://127.0.0.1:4242/",
            "later",
        ] {
            sender.send(line.to_string()).unwrap();
        }
        let mut seen = 0;
        assert_eq!(
            listening(&lines, |_| seen += 1).unwrap(),
            "ws://127.0.0.1:4242/"
        );
        assert_eq!(seen, 2);
    }

    #[test]
    fn a_server_that_ends_at_once_is_noticed_at_once() {
        let (sender, lines) = std::sync::mpsc::channel();
        drop(sender);
        assert!(
            listening(&lines, |_| ())
                .unwrap_err()
                .to_string()
                .contains("ended before")
        );
    }
}
