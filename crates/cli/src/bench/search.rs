//! [`Search`]: finds the highest rate that passes: upward by doubling until one fails, then between the
//! two by halving what is left.

/// When the highest that passed and the lowest that failed are this near, the answer is known.
const NEAR: f64 = 1.05;

/// Rates that are tried at most.
const STEPS: u32 = 24;

const LOWEST: f64 = 1.0;
const HIGHEST: f64 = 1e8;

/// What is known so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Search {
    passed: Option<f64>,
    failed: Option<f64>,
    next: f64,
    steps: u32,
}

impl Search {
    pub(crate) fn new(start: f64) -> Self {
        Self {
            passed: None,
            failed: None,
            next: start.clamp(LOWEST, HIGHEST),
            steps: 0,
        }
    }

    /// The rate to try; `None`: the answer is known.
    pub(crate) fn next(&self) -> Option<f64> {
        let near = match (self.passed, self.failed) {
            (Some(passed), Some(failed)) => failed <= passed * NEAR,
            (None, Some(failed)) => failed <= LOWEST,
            (Some(passed), None) => passed >= HIGHEST,
            (None, None) => false,
        };
        (!near && self.steps < STEPS).then_some(self.next)
    }

    /// The rate that was tried passed, or not.
    pub(crate) fn tried(&mut self, passes: bool) {
        self.steps += 1;
        if passes {
            self.passed = Some(self.next);
        } else {
            self.failed = Some(self.next);
        }
        self.next = match (self.passed, self.failed) {
            (Some(passed), Some(failed)) => f64::midpoint(passed, failed),
            (Some(passed), None) => passed * 2.0,
            (None, _) => self.next / 4.0,
        }
        .clamp(LOWEST, HIGHEST);
    }

    /// The highest rate that passed.
    pub(crate) fn highest(&self) -> Option<f64> {
        self.passed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Searches against a server that can do `capacity`; the answer and the number of steps.
    fn search(start: f64, capacity: f64) -> (Option<f64>, u32) {
        let mut search = Search::new(start);
        while let Some(rate) = search.next() {
            search.tried(rate <= capacity);
        }
        (search.highest(), search.steps)
    }

    #[test]
    fn finds_the_capacity_from_below_and_from_above() {
        for (start, capacity) in [
            (1000.0, 37_000.0),
            (1000.0, 1000.0),
            (1e6, 37_000.0),
            (10.0, 11.0),
        ] {
            let (found, steps) = search(start, capacity);
            let found = found.unwrap();
            assert!(
                found <= capacity && found * NEAR * 1.001 >= capacity,
                "{found} of {capacity}"
            );
            assert!(steps <= STEPS);
        }
    }

    #[test]
    fn ends_where_nothing_passes_or_everything_does() {
        assert_eq!(search(1000.0, 0.0).0, None);
        let (all, steps) = search(1000.0, f64::INFINITY);
        assert_eq!((all, steps <= STEPS), (Some(HIGHEST), true));
    }
}
