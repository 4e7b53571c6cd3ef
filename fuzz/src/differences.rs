//! Where tungstenite 0.30 may differ from us, as predicates named after the rows of
//! `DIFFERENCES.md`. What no row explains is a finding.

use crate::model::{Escaped, Seen};
use crate::wire;
use std::fmt;
use tidewire_proto::{Failure, LimitExceeded, ProtocolViolation as Violation, Role};

/// How reading ended, in words that both libraries have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// For more bytes.
    Waits,
    /// With the peer's Close.
    Closed,
    /// A rule was broken.
    Violation,
    /// Text was not UTF-8.
    NotUtf8,
    /// A limit was passed.
    TooBig,
}

/// What one library made of the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The events, in order.
    pub events: Vec<Seen>,
    /// How it ended.
    pub ending: Ending,
    /// What it wrote: first byte and payload of each frame.
    pub replies: Vec<(u8, Vec<u8>)>,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} after {:?}, having written",
            self.ending, self.events
        )?;
        for (first, payload) in &self.replies {
            write!(f, " {first:02x} {}", Escaped(payload))?;
        }
        Ok(())
    }
}

/// The same bytes, seen by both.
#[derive(Clone)]
pub struct Case<'a> {
    /// Who reads them.
    pub role: Role,
    /// Whether the reader's own Close went first.
    pub closing: bool,
    /// How our connection failed, if it did.
    pub failure: Option<Failure>,
    /// What our connection made of them.
    pub ours: Outcome,
    /// What tungstenite made of them.
    pub theirs: Outcome,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            role,
            closing,
            failure,
            ours,
            theirs,
            bytes,
        } = self;
        let bytes = Escaped(bytes);
        write!(
            f,
            "{role:?}, closing {closing}, reads {bytes}\n    ours: {failure:?}, {ours:?}\n  theirs: {theirs:?}"
        )
    }
}

impl Case<'_> {
    fn violation(&self) -> Option<Violation> {
        match self.failure {
            Some(Failure::Protocol(violation)) => Some(violation),
            _ => None,
        }
    }

    /// We failed after the events that they saw too; they may have seen more.
    fn they_went_on(&self) -> bool {
        self.failure.is_some() && self.theirs.events.starts_with(&self.ours.events)
    }

    /// Their events are ours, and then a Close with this code.
    fn theirs_ends_with_close(&self, code: u16) -> bool {
        let Some((Seen::Close(theirs, _), before)) = self.theirs.events.split_last() else {
            return false;
        };
        let ours = match self.ours.events.split_last() {
            Some((Seen::Close(..), before)) => before,
            _ => &self.ours.events[..],
        };
        *theirs == code && before == ours
    }
}

/// A row of `DIFFERENCES.md`: its name, and whether it explains a case.
pub type Row = (&'static str, fn(&Case<'_>) -> bool);

macro_rules! rows {
    ($($name:ident)*) => { &[$((stringify!($name), $name)),*] };
}

/// Rows about what the bytes mean.
pub const VERDICTS: &[Row] = rows! {
    accepts_non_minimal_lengths
    charges_nothing_for_fragments
    judges_size_before_the_rest_of_the_header
    judges_the_reason_before_the_code
    replaces_close_codes_that_may_not_be_sent
    refuses_1014
    takes_any_code_in_an_answer
    waits_for_whole_frames
};

/// Rows about what is written, given the same verdict.
pub const REPLIES: &[Row] = rows! {
    echoes_the_reason
    says_nothing_when_it_fails
};

/// The names of the rows that explain how the two differ: none if they do not. `None`: no row does.
#[must_use]
pub fn explain(case: &Case<'_>) -> Option<Vec<&'static str>> {
    let (ours, theirs) = (&case.ours, &case.theirs);
    let table = if (&ours.events, ours.ending) != (&theirs.events, theirs.ending) {
        VERDICTS
    } else if ours.replies != theirs.replies {
        REPLIES
    } else {
        return Some(Vec::new());
    };
    let explains = |(name, explains): &Row| explains(case).then_some(*name);
    table.iter().find_map(explains).map(|name| vec![name])
}

/// §5.2: "the minimal number of bytes MUST be used to encode the length". Of a control frame, whose
/// length has one form only, we say that it is too long.
fn accepts_non_minimal_lengths(case: &Case<'_>) -> bool {
    let long_form = match case.violation() {
        Some(Violation::NonMinimalLength) => true,
        Some(Violation::ControlTooLong) => {
            wire::heads(case.bytes).any(|head| head.first & 0x08 != 0 && !head.shortest)
        }
        _ => false,
    };
    long_form && case.they_went_on()
}

/// Our budget of a message counts 64 bytes for each fragment after the first.
fn charges_nothing_for_fragments(case: &Case<'_>) -> bool {
    matches!(
        case.failure,
        Some(Failure::Limit(LimitExceeded::Message { .. }))
    ) && case.they_went_on()
}

/// They compare the claimed length with the limit before they look at flags, mask bit and place.
fn judges_size_before_the_rest_of_the_header(case: &Case<'_>) -> bool {
    case.violation().is_some()
        && case.theirs.ending == Ending::TooBig
        && case.theirs.events == case.ours.events
}

/// A Close with both a bad code and a bad reason: we name the code, they the reason.
fn judges_the_reason_before_the_code(case: &Case<'_>) -> bool {
    matches!(case.violation(), Some(Violation::InvalidCloseCode(_)))
        && case.theirs.ending == Ending::NotUtf8
        && case.theirs.events == case.ours.events
}

/// §7.4: they take a Close with a code that must not be sent for an orderly one with 1002.
fn replaces_close_codes_that_may_not_be_sent(case: &Case<'_>) -> bool {
    matches!(case.violation(), Some(Violation::InvalidCloseCode(_)))
        && !case.closing
        && case.theirs.ending == Ending::Closed
        && case.theirs_ends_with_close(1002)
}

/// 1014 (bad gateway) has been registered since; they take it for 1002.
fn refuses_1014(case: &Case<'_>) -> bool {
    matches!(case.ours.events.last(), Some(Seen::Close(1014, _)))
        && case.ours.ending == Ending::Closed
        && case.theirs.ending == Ending::Closed
        && case.theirs_ends_with_close(1002)
}

/// §7.4: in the answer to their own Close they take any code.
fn takes_any_code_in_an_answer(case: &Case<'_>) -> bool {
    match case.violation() {
        Some(Violation::InvalidCloseCode(code)) => {
            case.closing
                && case.theirs.ending == Ending::Closed
                && case.theirs_ends_with_close(code)
        }
        _ => false,
    }
}

/// They judge a frame when all of it has arrived, we at the first byte that shows the violation.
fn waits_for_whole_frames(case: &Case<'_>) -> bool {
    case.failure.is_some()
        && case.theirs.ending == Ending::Waits
        && case.theirs.events == case.ours.events
        && wire::ends_inside_a_frame(case.bytes)
}

/// §5.5.1 asks for the code; they send the peer's reason back as well.
fn echoes_the_reason(case: &Case<'_>) -> bool {
    let (Some((ours, before)), Some((theirs, their_before))) = (
        case.ours.replies.split_last(),
        case.theirs.replies.split_last(),
    ) else {
        return false;
    };
    case.ours.ending == Ending::Closed
        && before == their_before
        && (ours.0, theirs.0) == (0x88, 0x88)
        && ours.1.len() == 2
        && theirs.1.starts_with(&ours.1)
}

/// §7.1.7: who fails a connection SHOULD send a Close that says why; they send none.
fn says_nothing_when_it_fails(case: &Case<'_>) -> bool {
    case.failure.is_some()
        && case
            .ours
            .replies
            .split_last()
            .is_some_and(|((first, _), before)| *first == 0x88 && before == case.theirs.replies)
}

#[cfg(test)]
mod tests {
    use super::{REPLIES, VERDICTS};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_and_the_predicates_name_the_same_rows() {
        let text = include_str!("../DIFFERENCES.md");
        let written: BTreeSet<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let coded: BTreeSet<_> = VERDICTS
            .iter()
            .chain(REPLIES)
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(written, coded);
    }
}
