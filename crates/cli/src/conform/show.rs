//! How a run is shown: one line for each case, or one JSON document.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use serde::Serialize;

use super::case::{Case, Outcome, Verdict};
use crate::args::ConformArgs;
use crate::exit::Exit;
use crate::term::{self, Style};

/// A case that was run.
pub(super) struct Ran {
    pub(super) case: Case,
    pub(super) outcome: Outcome,
    pub(super) time: Duration,
}

#[derive(Serialize)]
struct Shown<'a> {
    case: &'a str,
    section: &'a str,
    rfc: &'a str,
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u128>,
}

#[derive(Serialize)]
struct Report<'a> {
    url: &'a str,
    pass: usize,
    non_strict: usize,
    fail: usize,
    skipped: usize,
    ms: u128,
    cases: Vec<Shown<'a>>,
}

impl<'a> Shown<'a> {
    fn of(case: &'a Case) -> Self {
        Self {
            case: &case.name,
            section: case.section(),
            rfc: case.rfc,
            expected: &case.expected,
            verdict: None,
            seen: None,
            ms: None,
        }
    }

    fn ran(ran: &'a Ran) -> Self {
        Self {
            verdict: Some(ran.outcome.verdict),
            seen: Some(&ran.outcome.seen),
            ms: Some(ran.time.as_millis()),
            ..Self::of(&ran.case)
        }
    }
}

/// Whoever closed the pipe does not want the rest.
fn print(text: &str) {
    _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn json(value: &impl Serialize) {
    if let Ok(text) = serde_json::to_string_pretty(value) {
        print(&(text + "\n"));
    }
}

/// The cases, not run.
pub(super) fn list(cases: &[Case], as_json: bool) -> Exit {
    if as_json {
        json(&cases.iter().map(Shown::of).collect::<Vec<_>>());
        return Exit::Clean;
    }
    let mut out = String::new();
    let mut section = "";
    for case in cases {
        if case.section() != section {
            section = case.section();
            out.push_str(&format!("{section}\n"));
        }
        out.push_str(&format!(
            "  {:<34} RFC {:<16} {}\n",
            case.name, case.rfc, case.expected
        ));
    }
    print(&out);
    Exit::Clean
}

/// What came of all of them.
pub(super) fn report(url: &str, ran: &[Ran], time: Duration, args: &ConformArgs) {
    let count = |verdict| {
        let those = ran.iter().filter(|ran| ran.outcome.verdict == verdict);
        those.count()
    };
    let report = Report {
        url,
        pass: count(Verdict::Pass),
        non_strict: count(Verdict::NonStrict),
        fail: count(Verdict::Fail),
        skipped: count(Verdict::Skipped),
        ms: time.as_millis(),
        cases: ran.iter().map(Shown::ran).collect(),
    };
    if args.json {
        return json(&report);
    }
    let colour = term::colour_wanted(&std::io::stdout());
    let shown = ran.iter();
    let shown = shown.filter(|ran| !args.failed || ran.outcome.verdict != Verdict::Pass);
    let mut out: String = shown.map(|ran| lines(ran, colour)).collect();
    if std::io::stdout().is_terminal() || !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&format!(
        "{} passed, {} not strict, {} failed, {} skipped in {:.1} s\n",
        report.pass,
        report.non_strict,
        report.fail,
        report.skipped,
        time.as_secs_f64()
    ));
    print(&out);
}

fn lines(ran: &Ran, colour: bool) -> String {
    let (word, style) = match ran.outcome.verdict {
        Verdict::Pass => ("pass      ", Style::Good),
        Verdict::NonStrict => ("non-strict", Style::Dim),
        Verdict::Fail => ("FAIL      ", Style::Bad),
        Verdict::Skipped => ("skipped   ", Style::Dim),
    };
    let Case {
        name,
        rfc,
        expected,
        ..
    } = &ran.case;
    let mut out = format!(
        "{}  {name:<34} {expected}\n",
        term::paint(colour, style, word)
    );
    if ran.outcome.verdict != Verdict::Pass {
        let seen = term::line(&ran.outcome.seen, 300);
        out.push_str(&format!("            seen: {seen} (RFC {rfc})\n"));
    }
    out
}
