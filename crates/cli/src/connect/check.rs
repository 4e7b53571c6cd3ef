//! What is waited for: `--count`, `--until`, `--expect`.

use std::collections::VecDeque;

use tidewire::Message;

use super::expr::Expr;

/// What is waited for, and how much of it has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Check {
    count: Option<u64>,
    until: Option<Expr>,
    /// One after the other.
    expect: VecDeque<Expr>,
    received: u64,
    /// Whether `--count` or `--until` was reached.
    reached: bool,
    /// The last message in short, to be shown beside what was expected.
    last: Option<String>,
}

/// What has not come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Of `--expect`; the sentence says what.
    Expected(String),
    /// Of `--count` or `--until`.
    Reach(String),
}

impl Check {
    pub(super) fn new(count: Option<u64>, until: Option<Expr>, expect: Vec<Expr>) -> Check {
        Check {
            count,
            until,
            expect: expect.into(),
            ..Check::default()
        }
    }

    /// Whether anything is waited for.
    pub(super) fn is_any(&self) -> bool {
        self.reaches() || !self.expect.is_empty()
    }

    fn reaches(&self) -> bool {
        self.count.is_some() || self.until.is_some()
    }

    /// Takes in a message. True: with it all has come that is waited for.
    pub(super) fn hear(&mut self, message: &Message) -> bool {
        self.received += 1;
        let expected = self
            .expect
            .front()
            .is_some_and(|expr| expr.matches(message));
        if expected {
            self.expect.pop_front();
        } else if !self.expect.is_empty() {
            let shown = String::from_utf8_lossy(&message.as_bytes()[..message.len().min(800)]);
            self.last = Some(crate::term::line(&shown, 200));
        }
        self.reached |= self.count.is_some_and(|count| self.received >= count)
            || self
                .until
                .as_ref()
                .is_some_and(|expr| expr.matches(message));
        match self.reaches() {
            true => self.reached,
            false => expected && self.expect.is_empty(),
        }
    }

    /// What has not come, if something has not.
    pub(super) fn missing(&self) -> Option<Missing> {
        if let Some(expr) = self.expect.front() {
            let among = match (&self.last, self.received) {
                (_, 0) => "no message came".to_owned(),
                (Some(last), 1) => format!("the message was: {last}"),
                (Some(last), n) => format!("{n} messages came, the last of them: {last}"),
                (None, n) => format!("{n} messages came"),
            };
            return Some(Missing::Expected(format!(
                "--expect {} was not met: {among}",
                crate::term::line(expr.source(), 200)
            )));
        }
        if !self.reaches() || self.reached {
            return None;
        }
        Some(Missing::Reach(match (&self.until, self.count) {
            (Some(expr), _) => format!(
                "--until {} was not met by any of {} messages",
                crate::term::line(expr.source(), 200),
                self.received
            ),
            (None, count) => format!(
                "{} of --count {} messages came",
                self.received,
                count.unwrap_or_default()
            ),
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn expectations_are_met_in_their_order() {
        let mut check = Check {
            expect: [Expr::parse("a").unwrap(), Expr::parse("b").unwrap()].into(),
            ..Check::default()
        };
        assert!(!check.hear(&"b".into()));
        assert!(!check.hear(&"a".into()));
        assert!(matches!(check.missing(), Some(Missing::Expected(s)) if s.contains("--expect b")));
        assert!(check.hear(&"b".into()));
        assert_eq!(check.missing(), None);
    }

    #[test]
    fn a_count_ends_it_and_what_was_expected_by_then_counts() {
        let mut check = Check {
            count: Some(2),
            expect: [Expr::parse("x").unwrap()].into(),
            ..Check::default()
        };
        assert!(!check.hear(&"x".into()));
        assert!(matches!(check.missing(), Some(Missing::Reach(s)) if s.contains("1 of --count 2")));
        assert!(check.hear(&"y".into()));
        assert_eq!(check.missing(), None);
    }
}
