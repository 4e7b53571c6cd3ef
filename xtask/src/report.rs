//! What ran and how it ended: the closing table and the closing line.

use std::time::Duration;

use crate::process::Failure;

/// What a suite that did not fail hands back.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// A few words for the table, such as how many tests ran.
    pub(crate) summary: String,
    /// The parts that could not run on this machine, each as `part: reason`.
    pub(crate) not_run: Vec<String>,
    /// Whether nothing of the suite could run.
    pub(crate) nothing_ran: bool,
}

impl Done {
    /// A suite that ran whole.
    pub(crate) fn whole(summary: impl Into<String>) -> Done {
        Done {
            summary: summary.into(),
            ..Done::default()
        }
    }

    /// A suite of which nothing could run, and why; says so.
    pub(crate) fn not_run(reason: impl Into<String>) -> Done {
        let reason = reason.into();
        println!("not run: {reason}");
        Done {
            not_run: vec![reason],
            nothing_ran: true,
            ..Done::default()
        }
    }
}

/// One suite's line of the table.
pub(crate) struct Row {
    /// The suite.
    pub(crate) name: &'static str,
    /// Wall time, set-up included.
    pub(crate) time: Duration,
    /// How it ended.
    pub(crate) outcome: Result<Done, Failure>,
}

impl Row {
    fn word(&self) -> &'static str {
        match &self.outcome {
            Ok(done) if done.nothing_ran => "not run",
            Ok(_) => "passed",
            Err(_) => "FAILED",
        }
    }

    /// The lines of the table that belong to this suite.
    pub(crate) fn lines(&self) -> String {
        let minutes = self.time.as_secs_f64() / 60.0;
        let mut text = format!("{:<12} {minutes:>7.1}  {}", self.name, self.word());
        match &self.outcome {
            Ok(done) => {
                if !done.summary.is_empty() {
                    text.push_str(&format!("   {}", done.summary));
                }
                for part in &done.not_run {
                    text.push_str(&format!("\n{:22}not run: {part}", ""));
                }
            }
            Err(failure) => {
                let reason = failure.to_string();
                text.push_str(&format!("   {}", reason.lines().next().unwrap_or_default()));
            }
        }
        text
    }
}

/// The table of all suites, heading included.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<12} {:>7}  result\n", "suite", "minutes");
    for row in rows {
        text.push_str(&row.lines());
        text.push('\n');
    }
    let total: Duration = rows.iter().map(|row| row.time).sum();
    text.push_str(&format!(
        "{:<12} {:>7.1}\n",
        "together",
        total.as_secs_f64() / 60.0
    ));
    text
}

/// `N passed, N failed`, and `, N skipped` when a suite or a part of one could not run.
pub(crate) fn closing_line(rows: &[Row]) -> String {
    let passed = rows.iter().filter(|row| row.word() == "passed").count();
    let failed = rows.iter().filter(|row| row.outcome.is_err()).count();
    let skipped: usize = rows
        .iter()
        .filter_map(|row| row.outcome.as_ref().ok())
        .map(|done| done.not_run.len())
        .sum();
    let tail = if skipped > 0 {
        format!(", {skipped} skipped")
    } else {
        String::new()
    };
    format!("{passed} passed, {failed} failed{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, outcome: Result<Done, Failure>) -> Row {
        Row {
            name,
            time: Duration::from_secs(90),
            outcome,
        }
    }

    #[test]
    fn the_closing_line_is_bare_when_everything_ran() {
        let rows = [
            row("fmt", Ok(Done::whole(""))),
            row("unit", Err(Failure::new("3 tests"))),
        ];
        assert_eq!(closing_line(&rows), "1 passed, 1 failed");
    }

    #[test]
    fn what_did_not_run_is_neither_passed_nor_silent() {
        let nothing = Done {
            summary: String::new(),
            not_run: vec!["Miri: no nightly".into(), "cargo-fuzz: no nightly".into()],
            nothing_ran: true,
        };
        let part = Done {
            not_run: vec!["wasm: no target".into()],
            ..Done::whole("")
        };
        let rows = [row("purity", Ok(part)), row("nightly", Ok(nothing))];
        assert_eq!(closing_line(&rows), "1 passed, 0 failed, 3 skipped");
        let table = table(&rows);
        assert!(table.contains("not run: Miri: no nightly"), "{table}");
        assert!(table.contains("purity           1.5  passed"), "{table}");
    }

    #[test]
    fn a_failure_shows_its_first_line_in_the_table() {
        let text = row("deny", Err(Failure::new("bytes is too old\nmore"))).lines();
        assert!(text.ends_with("FAILED   bytes is too old"), "{text}");
    }
}
