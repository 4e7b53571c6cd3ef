//! How findings are shown: each as it is made, a summary at the end, or one JSON document.

use std::io::Write;

use serde::Serialize;

use super::finding::{Finding, Verdict};
use crate::term::{self, Style};

/// The longest line, in characters; what strangers send may be long.
const LINE: usize = 600;

#[derive(Serialize)]
struct Report<'a> {
    url: &'a str,
    ok: usize,
    warnings: usize,
    failed: usize,
    skipped: usize,
    steps: &'a [Finding],
}

/// Takes findings, and shows them.
pub(super) struct Sheet {
    url: String,
    json: bool,
    pub(super) findings: Vec<Finding>,
}

impl Sheet {
    pub(super) fn new(url: &str, json: bool) -> Self {
        Self {
            url: url.to_owned(),
            json,
            findings: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        if !self.json {
            let colour = term::colour_wanted(&std::io::stdout());
            print(&lines(&finding, colour));
        }
        self.findings.push(finding);
    }

    /// These are skipped, all for the same reason; a person is told so once.
    pub(super) fn skip(&mut self, steps: &[&'static str], why: &str) {
        if !self.json {
            let colour = term::colour_wanted(&std::io::stdout());
            print(&lines(&Finding::skipped("the rest", why), colour));
        }
        let skipped = steps.iter().map(|step| Finding::skipped(step, why));
        self.findings.extend(skipped);
    }

    /// So many findings of this kind.
    pub(super) fn count(&self, verdict: Verdict) -> usize {
        let those = self
            .findings
            .iter()
            .filter(|finding| finding.verdict == verdict);
        those.count()
    }

    pub(super) fn end(&self) {
        let report = Report {
            url: &self.url,
            ok: self.count(Verdict::Ok),
            warnings: self.count(Verdict::Warn),
            failed: self.count(Verdict::Fail),
            skipped: self.count(Verdict::Skipped),
            steps: &self.findings,
        };
        if !self.json {
            let many = |count, one: &str| match count {
                1 => format!("1 {one}"),
                count => format!("{count} {one}s"),
            };
            let warnings = many(report.warnings, "warning");
            print(&format!(
                "\n{} ok, {warnings}, {} failed\n",
                report.ok, report.failed
            ));
        } else if let Ok(text) = serde_json::to_string_pretty(&report) {
            print(&(text + "\n"));
        }
    }
}

/// Whoever closed the pipe does not want the rest.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

fn lines(finding: &Finding, colour: bool) -> String {
    let (word, style) = match finding.verdict {
        Verdict::Ok => ("ok  ", Style::Good),
        Verdict::Warn => ("warn", Style::Bad),
        Verdict::Fail => ("FAIL", Style::Bad),
        Verdict::Skipped => ("skip", Style::Dim),
    };
    let word = term::paint(colour, style, word);
    let mut out = format!(
        "{word}  {:<12} {}\n",
        finding.step,
        term::line(&finding.said, LINE)
    );
    if let Some(advice) = &finding.advice {
        out.push_str(&format!(
            "      {:<12} → {}\n",
            "",
            term::line(advice, LINE)
        ));
    }
    for detail in &finding.details {
        let detail = term::paint(colour, Style::Dim, &term::line(detail, LINE));
        out.push_str(&format!("      {:<12} {detail}\n", ""));
    }
    out
}
