//! `tidewire bench`: runs the load engine, tells what it measured, and what that means.

mod compare;
pub(crate) mod condition;
mod csv;
mod find;
mod live;
mod outputs;
mod page;
mod search;

use std::time::Duration;

use tidewire_load::{LoadError, Mode, Plan, Report, Stop};

use self::compare::Earlier;
use self::condition::Condition;
use self::live::Line;
use self::outputs::Outputs;
use crate::args::{BenchArgs, BenchMode};
use crate::dial::{self, Dial};
use crate::exit::{Exit, error};

const DURATION: Duration = Duration::from_secs(5);

/// Measures, and prints the report on stdout. What goes on meanwhile is told on stderr, if that is
/// a terminal.
pub(crate) fn run(args: &BenchArgs) -> Exit {
    match measure(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn measure(args: &BenchArgs) -> Result<Exit, Exit> {
    let fails = |sentence: String| error(Exit::Local, &sentence);
    let earlier = args.compare.as_deref().map(Earlier::read);
    let earlier = earlier.transpose().map_err(fails)?;
    let outputs = Outputs::open(args).map_err(fails)?;
    let stop = Stop::default();
    let base = Base::new(args, stop.clone())?;
    live::heed_interrupts(stop);
    if let Some(conditions) = &args.find_max {
        return find::run(args, &base, conditions, outputs);
    }
    let mut line = Line::new();
    let mut reports = Vec::new();
    let mut verdicts = String::new();
    let mut failed = false;
    for size in base.sizes() {
        let outcome = base.run(base.plan(size), &mut line);
        let report = match outcome {
            // What was measured before is worth telling.
            Err(Exit::Interrupted) if !reports.is_empty() => break,
            outcome => outcome?,
        };
        outputs.text(&report.to_string());
        let mut said = earlier
            .as_ref()
            .map_or_else(String::new, |earlier| earlier.table(&report));
        failed |= judge(&args.fail_if, &report, &mut said);
        outputs.verdict(&said);
        verdicts += &said;
        let interrupted = report.interrupted;
        reports.push(report);
        if interrupted {
            break;
        }
    }
    outputs.write(&base.dial_url(), &reports, &verdicts)?;
    Ok(exit(args, &reports, failed, base.is_stopped()))
}

/// Says of each condition whether it holds; whether one does.
fn judge(fail_if: &[Vec<Condition>], report: &Report, said: &mut String) -> bool {
    let mut failed = false;
    for condition in fail_if.iter().flatten() {
        let verdict = condition.of(report);
        let fails = verdict.holds || !verdict.measured;
        failed |= fails;
        let word = if fails { "FAIL" } else { "PASS" };
        *said += &format!("{word}  {}\n", condition.explain(verdict));
    }
    failed
}

fn exit(args: &BenchArgs, reports: &[Report], failed: bool, stopped: bool) -> Exit {
    // Who says how many errors there may be has decided.
    let decided = args
        .fail_if
        .iter()
        .flatten()
        .any(Condition::is_about_errors);
    let errors = !decided && reports.iter().any(|report| report.errors > 0);
    if stopped {
        Exit::Interrupted
    } else if failed || errors {
        Exit::Local
    } else if reports.iter().any(|report| report.saturated.is_some()) {
        Exit::Saturated
    } else {
        Exit::Clean
    }
}

/// What all runs have in common.
struct Base<'a> {
    args: &'a BenchArgs,
    /// None: a raw TCP echo.
    dial: Option<Dial>,
    stop: Stop,
}

impl<'a> Base<'a> {
    fn new(args: &'a BenchArgs, stop: Stop) -> Result<Self, Exit> {
        let dial = if args.raw {
            None
        } else {
            Some(Dial::prepare(&args.url, &args.dial)?)
        };
        Ok(Self { args, dial, stop })
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// The URL, to be shown: without what is secret in it.
    fn dial_url(&self) -> String {
        let url = self.dial.as_ref().map_or(&*self.args.url, Dial::url);
        let url = url.split_once('?').map_or(url, |(url, _)| url);
        crate::addr::without_user(url)
    }

    fn sizes(&self) -> Vec<usize> {
        match (&self.args.size[..], self.args.mode) {
            ([], BenchMode::Pubsub) => vec![128],
            ([], _) => vec![32],
            (sizes, _) => sizes.to_vec(),
        }
    }

    fn plan(&self, size: usize) -> Plan {
        let args = self.args;
        let mode = match args.mode {
            BenchMode::Echo => Mode::Echo,
            BenchMode::Push => Mode::Push,
            BenchMode::Ping => Mode::Ping,
            BenchMode::Idle => Mode::Idle,
            BenchMode::Pubsub => Mode::PubSub,
            BenchMode::Connect => Mode::Connect,
        };
        let url = self.dial.as_ref().map_or(&*args.url, Dial::url);
        let patience = self
            .dial
            .as_ref()
            .map_or(args.dial.connect_timeout, Dial::patience);
        Plan::new(url)
            .client(self.dial.as_ref().map(Dial::client))
            .mode(mode)
            .connections(args.connections as usize)
            .size(size)
            .depth(args.depth as usize)
            .rate(args.rate)
            .threads(usize::from(args.threads))
            .duration(args.duration.unwrap_or(DURATION))
            .warmup(args.warmup)
            .text(args.text)
            .hello(args.hello.clone())
            .channel(args.channel.clone())
            .deflate(args.compress || args.dial.deflate)
            .pid(args.pid)
            .busy_poll(args.busy_poll)
            .raw(args.raw)
            .connect_timeout(patience)
            .stop(self.stop.clone())
    }

    /// One run, with its progress on the line; on failure the reason has been printed.
    fn run(&self, plan: Plan, line: &mut Line) -> Result<Report, Exit> {
        let outcome = tidewire_load::run(&plan, |progress| line.show(&progress));
        line.clear();
        outcome.map_err(|failure| self.explain(failure))
    }

    fn explain(&self, failure: LoadError) -> Exit {
        let exit = match failure {
            LoadError::NoneConnected(cause) => return dial::explain(&self.dial_url(), *cause),
            LoadError::Interrupted => return Exit::Interrupted,
            LoadError::InvalidPlan(_) => Exit::Usage,
            LoadError::NoneLeft(_) => Exit::Abnormal,
            _ => Exit::Local,
        };
        error(exit, &crate::term::line(&failure.to_string(), 2000))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use tidewire_load::Saturation;

    #[test]
    fn a_client_at_its_limit_says_so_unless_worse_is_to_be_said() {
        let of = |line: &[&str]| {
            let line = [&["tidewire", "bench", "h:1"], line].concat();
            match Cli::try_parse_from(line).unwrap().command {
                Some(Command::Bench(args)) => args,
                other => panic!("{other:?}"),
            }
        };
        let report = |saturated, errors| {
            let mut report = Report::default();
            report.saturated = saturated;
            report.errors = errors;
            [report]
        };
        let (plain, asked) = (of(&[]), of(&["--fail-if", "errors>9"]));
        let cpu = Some(Saturation::Cpu);
        for (args, reports, failed, stopped, expected) in [
            (&plain, report(None, 0), false, false, Exit::Clean),
            (&plain, report(cpu, 0), false, false, Exit::Saturated),
            (&plain, report(cpu, 1), false, false, Exit::Local),
            (&asked, report(cpu, 1), false, false, Exit::Saturated),
            (&asked, report(None, 1), true, false, Exit::Local),
            (&plain, report(cpu, 1), true, true, Exit::Interrupted),
        ] {
            assert_eq!(exit(args, &reports, failed, stopped), expected);
        }
    }
}
