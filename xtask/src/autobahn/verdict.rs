//! From wstest's reports to a verdict: every expected case, once, and each outcome OK or INFORMATIONAL.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::spec::section;
use crate::process::{Failure, Result};

/// The outcomes that pass. NON-STRICT does not: the peer was right, but late or lenient.
const PASSING: [&str; 2] = ["OK", "INFORMATIONAL"];

/// One line of wstest's index.json.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    behavior: String,
    behavior_close: String,
    close_code: Option<u64>,
    /// From the connection's opening to its loss, as wstest measured it.
    pub(crate) time: Duration,
    /// Why it ended so, in wstest's words; filled for failures.
    story: String,
}

impl Case {
    fn passed(&self) -> bool {
        PASSING.contains(&self.behavior.as_str()) && PASSING.contains(&self.behavior_close.as_str())
    }
}

/// What one side of the run comes to.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Cases that count as passed.
    pub(crate) passed: usize,
    /// One text for each case that failed, is missing, or ought not to be there.
    pub(crate) failed: Vec<String>,
    /// How often each pair of outcomes occurred.
    pub(crate) tally: BTreeMap<(String, String), usize>,
    /// Number of cases and their time by section.
    pub(crate) sections: BTreeMap<u32, (usize, Duration)>,
}

/// Reads the report that one wstest process left in `directory`; `agent` must be its only one.
pub(crate) fn read_report(directory: &Path, agent: &str) -> Result<Vec<Case>> {
    let path = directory.join("index.json");
    let problem = |what: &dyn std::fmt::Display| {
        Failure::new(format!("no usable report in {}: {what}", path.display()))
    };
    let text = std::fs::read_to_string(&path).map_err(|error| problem(&error))?;
    let mut cases = parse_index(&text, agent).map_err(|failure| problem(&failure))?;
    for (case, file) in &mut cases {
        if !case.passed() {
            case.story = std::fs::read_to_string(directory.join(file)).map_or_else(
                |error| format!("(no details: {error})"),
                |text| story(&text),
            );
        }
    }
    Ok(cases.into_iter().map(|(case, _)| case).collect())
}

/// The cases of an index.json, each with the name of its own report.
fn parse_index(text: &str, agent: &str) -> Result<Vec<(Case, String)>> {
    let index: Value =
        serde_json::from_str(text).map_err(|error| Failure::new(format!("not JSON: {error}")))?;
    let agents = index
        .as_object()
        .ok_or_else(|| Failure::new("not an index of agents"))?;
    if agents.keys().any(|name| name != agent) || agents.is_empty() {
        let found: Vec<&String> = agents.keys().collect();
        return Err(Failure::new(format!(
            "it is about {found:?}, not about {agent:?} alone"
        )));
    }
    let cases = agents[agent]
        .as_object()
        .ok_or_else(|| Failure::new("the agent has no cases"))?;
    let text = |value: &Value| value.as_str().unwrap_or("missing").to_string();
    Ok(cases
        .iter()
        .map(|(id, case)| {
            let line = Case {
                id: id.clone(),
                behavior: text(&case["behavior"]),
                behavior_close: text(&case["behaviorClose"]),
                close_code: case["remoteCloseCode"].as_u64(),
                time: time(case["duration"].as_u64()),
                story: String::new(),
            };
            (line, text(&case["reportfile"]))
        })
        .collect())
}

/// A connection that never opened is reported as open since 1970; no case may take an hour.
fn time(millis: Option<u64>) -> Duration {
    Duration::from_millis(millis.filter(|millis| *millis < 3_600_000).unwrap_or(0))
}

/// What a case's own report says about it, one line each.
fn story(report: &str) -> String {
    let Ok(report) = serde_json::from_str::<Value>(report) else {
        return "(its report is not JSON)".to_string();
    };
    let mut lines = Vec::new();
    for key in ["description", "result", "resultClose", "remoteCloseReason"] {
        if let Some(text) = report[key].as_str().filter(|text| !text.is_empty()) {
            lines.push(format!("{key}: {}", without_tags(text)));
        }
    }
    lines.join("\n    ")
}

/// One line of plain text; descriptions are written as HTML.
fn without_tags(text: &str) -> String {
    let mut plain = String::new();
    for (number, part) in text.split('<').enumerate() {
        match part.split_once('>') {
            Some((_, rest)) if number > 0 => plain.push_str(&format!(" {rest}")),
            _ => plain.push_str(part),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Judges the merged reports of one side against the list of cases that was asked for.
///
/// wstest ends with success whatever happened, and reports less when the peer dies: so what was
/// asked for decides, not what was reported.
pub(crate) fn judge(expected: &[String], cases: &[Case]) -> Verdict {
    let mut verdict = Verdict {
        passed: 0,
        failed: Vec::new(),
        tally: BTreeMap::new(),
        sections: BTreeMap::new(),
    };
    let mut found: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        found.entry(&case.id).or_default().push(case);
    }
    for id in expected {
        match found.remove(id.as_str()).as_deref() {
            None => verdict.failed.push(format!("{id}: not in any report")),
            Some([case]) => verdict.count(case),
            Some(several) => {
                verdict
                    .failed
                    .push(format!("{id}: reported {} times", several.len()));
            }
        }
    }
    let unexpected: BTreeSet<&str> = found.into_keys().collect();
    verdict.failed.extend(
        unexpected
            .iter()
            .map(|id| format!("{id}: reported, but not asked for")),
    );
    verdict
}

impl Verdict {
    fn count(&mut self, case: &Case) {
        *self
            .tally
            .entry((case.behavior.clone(), case.behavior_close.clone()))
            .or_default() += 1;
        let number = section(&case.id).parse().unwrap_or(0);
        let entry = self.sections.entry(number).or_default();
        entry.0 += 1;
        entry.1 += case.time;
        if case.passed() {
            self.passed += 1;
            return;
        }
        let code = case
            .close_code
            .map_or("none".to_string(), |code| code.to_string());
        let mut text = format!(
            "{}: behavior {}, close {} (close code {code})",
            case.id, case.behavior, case.behavior_close
        );
        if !case.story.is_empty() {
            text.push_str(&format!("\n    {}", case.story));
        }
        self.failed.push(text);
    }

    /// The outcomes and how often each occurred, as `OK 514, INFORMATIONAL 3`.
    pub(crate) fn outcomes(&self) -> String {
        let mut pairs: Vec<_> = self.tally.iter().collect();
        pairs.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let words = pairs.iter().map(|((behavior, close), count)| {
            if behavior == close {
                format!("{behavior} {count}")
            } else {
                format!("{behavior} with close {close} {count}")
            }
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn case(id: &str, behavior: &str, close: &str) -> Case {
        let index = format!(
            r#"{{"a":{{"{id}":{{"behavior":"{behavior}","behaviorClose":"{close}","duration":1500,"remoteCloseCode":1002,"reportfile":"x.json"}}}}}}"#
        );
        parse_index(&index, "a").unwrap().remove(0).0
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_ok_and_informational_pass_and_both_columns_count() {
        for (behavior, close, passes) in [
            ("OK", "OK", true),
            ("OK", "INFORMATIONAL", true),
            ("INFORMATIONAL", "INFORMATIONAL", true),
            ("NON-STRICT", "OK", false),
            ("UNIMPLEMENTED", "OK", false),
            ("FAILED", "OK", false),
            ("OK", "WRONG CODE", false),
            ("OK", "UNCLEAN", false),
            ("OK", "FAILED BY CLIENT", false),
        ] {
            let verdict = judge(&ids(&["7.1.5"]), &[case("7.1.5", behavior, close)]);
            assert_eq!(
                (verdict.passed, verdict.failed.len()),
                (passes.into(), (!passes).into())
            );
            if !passes {
                let line = &verdict.failed[0];
                assert!(line.contains("7.1.5") && line.contains(behavior), "{line}");
                assert!(line.contains(close) && line.contains("1002"), "{line}");
            }
        }
    }

    #[test]
    fn a_case_that_is_missing_doubled_or_not_asked_for_fails() {
        let ok = |id| case(id, "OK", "OK");
        let verdict = judge(
            &ids(&["1.1.1", "1.1.2"]),
            &[ok("1.1.2"), ok("1.1.2"), ok("9.9.1")],
        );
        assert_eq!(verdict.passed, 0);
        assert_eq!(
            verdict.failed,
            [
                "1.1.1: not in any report",
                "1.1.2: reported 2 times",
                "9.9.1: reported, but not asked for"
            ]
        );
    }

    #[test]
    fn an_empty_run_passes_nothing() {
        let verdict = judge(&super::super::spec::all(), &[]);
        assert_eq!((verdict.passed, verdict.failed.len()), (0, 517));
    }

    #[test]
    fn a_report_that_cannot_be_trusted_is_an_error() {
        for text in [
            "",
            "{}",
            "[]",
            "{\"a\":3}",
            "{\"other\":{}}",
            "{\"a\":{},\"b\":{}}",
        ] {
            assert!(parse_index(text, "a").is_err(), "{text}");
        }
        assert!(read_report(Path::new("/nowhere"), "a").is_err());
    }

    #[test]
    fn a_field_that_is_not_there_fails_the_case() {
        let (case, _) = parse_index(r#"{"a":{"1.1.1":{}}}"#, "a").unwrap().remove(0);
        assert!(!case.passed());
    }

    #[test]
    fn sections_are_timed_and_outcomes_counted() {
        let cases = [
            case("9.1.1", "OK", "OK"),
            case("10.1.1", "OK", "OK"),
            case("9.1.2", "OK", "UNCLEAN"),
        ];
        let verdict = judge(&ids(&["9.1.1", "9.1.2", "10.1.1"]), &cases);
        assert_eq!(verdict.sections[&9], (2, Duration::from_secs(3)));
        assert_eq!(verdict.outcomes(), "OK 2, OK with close UNCLEAN 1");
    }

    #[test]
    fn a_connection_that_never_opened_took_no_time() {
        assert_eq!(time(Some(1_795_000_000_000)), Duration::ZERO);
        assert_eq!(time(Some(27_000)), Duration::from_secs(27));
    }

    #[test]
    fn a_failure_tells_its_story_without_markup() {
        let text = story(
            r#"{"description":"Send <b>text</b>\n now.<br>","result":"Late.","remoteCloseReason":null}"#,
        );
        assert_eq!(text, "description: Send text now.\n    result: Late.");
    }
}
