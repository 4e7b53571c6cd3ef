//! What a step found: a verdict, one sentence, and what to do.

use std::time::Duration;

use serde::Serialize;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    Warn,
    Fail,
    Skipped,
}

/// What a step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) step: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) said: String,
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<String>,
}

impl Finding {
    fn new(step: &'static str, verdict: Verdict, said: impl Into<String>) -> Self {
        Self {
            step,
            verdict,
            said: said.into(),
            advice: None,
            details: Vec::new(),
        }
    }

    pub(crate) fn ok(step: &'static str, said: impl Into<String>) -> Self {
        Self::new(step, Verdict::Ok, said)
    }

    pub(crate) fn warn(
        step: &'static str,
        said: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(step, Verdict::Warn, said).advise(advice)
    }

    pub(crate) fn fail(
        step: &'static str,
        said: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(step, Verdict::Fail, said).advise(advice)
    }

    pub(crate) fn skipped(step: &'static str, said: impl Into<String>) -> Self {
        Self::new(step, Verdict::Skipped, said)
    }

    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    pub(crate) fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }
}

/// `40 µs`, `0.3 ms`, `12 ms`, `1.5 s`.
pub(crate) fn took(time: Duration) -> String {
    match time.as_secs_f64() * 1000.0 {
        ms if ms < 0.1 => format!("{:.0} µs", ms * 1000.0),
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}
