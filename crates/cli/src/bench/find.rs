//! `--find-max`: runs at one rate after another until the highest is found that keeps a condition.

use std::time::Duration;

use serde_json::json;
use tidewire_load::{Mode, Report, units};

use super::Base;
use super::condition::Condition;
use super::live::Line;
use super::outputs::Outputs;
use super::search::Search;
use crate::args::BenchArgs;
use crate::exit::{Exit, error};

const DURATION: Duration = Duration::from_secs(2);
const START: f64 = 1000.0;

/// A step of which so much of the rate came back has kept up.
const KEPT_UP: f64 = 0.95;

/// A rate that was tried.
struct Step {
    rate: f64,
    report: Report,
    /// Why it did not pass.
    why: Option<String>,
}

pub(super) fn run(
    args: &BenchArgs,
    base: &Base<'_>,
    conditions: &[Condition],
    outputs: Outputs,
) -> Result<Exit, Exit> {
    let size = match &base.sizes()[..] {
        [size] => *size,
        _ => return Err(error(Exit::Usage, "--find-max takes one --size")),
    };
    let mut search = Search::new(args.rate.unwrap_or(START));
    let mut line = Line::new();
    let mut steps: Vec<Step> = Vec::new();
    while let Some(rate) = search.next() {
        line.title(format!("{}/s: ", units::count(rate)));
        let duration = args.duration.unwrap_or(DURATION);
        let plan = base.plan(size).rate(Some(rate)).duration(duration);
        if matches!(plan.mode, Mode::Push | Mode::Idle) {
            let sentence = "--find-max needs a mode with a rate: echo, ping, pubsub or connect";
            return Err(error(Exit::Usage, sentence));
        }
        let report = base.run(plan, &mut line)?;
        if report.interrupted {
            break;
        }
        let why = why_not(conditions, &report, rate);
        search.tried(why.is_none());
        outputs.text(&told(rate, &report, why.as_deref()));
        steps.push(Step { rate, report, why });
    }
    conclude(conditions, &search, &steps, &outputs, base)
}

/// Why a step does not pass; `None`: it does.
fn why_not(conditions: &[Condition], report: &Report, rate: f64) -> Option<String> {
    let decided = conditions.iter().any(Condition::is_about_errors);
    if report.errors > 0 && !decided {
        return Some(format!("{} errors", report.errors));
    }
    for condition in conditions {
        let verdict = condition.of(report);
        if !verdict.holds || !verdict.measured {
            return Some(condition.explain(verdict));
        }
    }
    if report.saturated.is_some() {
        return Some("the client was at its limit".to_owned());
    }
    let kept = report.messages_per_second / expected(report, rate);
    (kept < KEPT_UP).then(|| format!("only {:.0} % of the rate came back", 100.0 * kept))
}

/// Messages a second that are to arrive: with subscribers each publication does at all of them.
fn expected(report: &Report, rate: f64) -> f64 {
    match report.mode {
        "pubsub" => rate * report.connections as f64,
        _ => rate,
    }
}

fn told(rate: f64, report: &Report, why: Option<&str>) -> String {
    let word = if why.is_some() { "too much" } else { "kept" };
    format!(
        "{:>9}/s  {word:<9} p50 {:>8}  p99 {:>8}  client {:>3.0} %{}\n",
        units::count(rate),
        units::time(report.latency_us.p50),
        units::time(report.latency_us.p99),
        100.0 * report.client_busy,
        why.map_or_else(String::new, |why| format!("  {why}"))
    )
}

/// The lowest rate above the answer was too much for the client, not for the server.
fn client_was_the_limit(highest: Option<f64>, steps: &[Step]) -> bool {
    let above = steps
        .iter()
        .filter(|step| step.why.is_some() && highest.is_none_or(|highest| step.rate > highest));
    above
        .min_by(|a, b| a.rate.total_cmp(&b.rate))
        .is_some_and(|step| step.report.saturated.is_some())
}

fn conclude(
    conditions: &[Condition],
    search: &Search,
    steps: &[Step],
    outputs: &Outputs,
    base: &Base<'_>,
) -> Result<Exit, Exit> {
    let highest = search.highest();
    let by_client = client_was_the_limit(highest, steps);
    let words: Vec<_> = conditions.iter().map(ToString::to_string).collect();
    let words = words.join(",");
    outputs.verdict(&match highest {
        Some(rate) => format!("highest rate with {words}: {}/s\n", units::count(rate)),
        None => format!("no rate was found with {words}\n"),
    });
    if by_client {
        outputs.verdict("the client was the limit: the server could do more; give it --threads\n");
    }
    let best = steps
        .iter()
        .find(|step| Some(step.rate) == highest)
        .or(steps.last());
    if let Some(best) = best {
        let mut value = serde_json::to_value(&best.report).unwrap_or_default();
        let tried = steps.iter().map(|step| {
            json!({"rate": step.rate, "passed": step.why.is_none(), "why": step.why,
                "p50_us": step.report.latency_us.p50, "p99_us": step.report.latency_us.p99})
        });
        value["find_max"] = json!({"condition": words, "rate": highest,
            "client_was_the_limit": by_client, "steps": tried.collect::<Vec<_>>()});
        outputs.json(&(value.to_string() + "\n"))?;
    }
    Ok(if base.is_stopped() {
        Exit::Interrupted
    } else if by_client {
        Exit::Saturated
    } else if highest.is_none() {
        Exit::Local
    } else {
        Exit::Clean
    })
}
