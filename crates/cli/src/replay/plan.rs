//! What a recorded connection asks of a replay: what to send and when, and what came back.

use std::time::Duration;

use tidewire::Message;
use tidewire_proto::handshake::headers::token;

use crate::record::{Dir, Session, What};

/// How fast a recording is replayed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Speed {
    /// So many times as fast as it was.
    Times(f64),
    /// Without pauses, each message once the answers before it have come.
    Max,
}

impl Speed {
    /// Reads `2`, `10x`, `0.5` or `max`.
    pub(crate) fn parse(text: &str) -> Result<Speed, String> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Speed::Max);
        }
        text.trim_end_matches(['x', 'X'])
            .parse()
            .ok()
            .filter(|factor| (1e-3..=1e6).contains(factor))
            .map(Speed::Times)
            .ok_or_else(|| format!("{text:?} is not a speed: write for example 2, 10x, 0.5 or max"))
    }

    /// How long a pause of the recording is now.
    pub(super) fn scale(self, pause: Duration) -> Duration {
        match self {
            Speed::Times(factor) => pause.div_f64(factor),
            Speed::Max => Duration::ZERO,
        }
    }
}

/// Something to send.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    /// When, from the opening on.
    pub(super) at: Duration,
    /// How many messages had come before it.
    pub(super) behind: usize,
    pub(super) act: Act,
}

#[derive(Debug, PartialEq)]
pub(super) enum Act {
    Send(Message),
    Ping(Vec<u8>),
}

/// What a recording asks for.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) expected: Vec<Message>,
    /// When the last of those came.
    pub(super) last: Duration,
    /// How it ended, if it did.
    pub(super) end: Option<(u16, String)>,
}

impl Plan {
    pub(super) fn of(session: &Session) -> Plan {
        let began = session.records.first().map_or(0, |record| record.at);
        let mut plan = Plan::default();
        for record in &session.records {
            let since = record.at.saturating_sub(began);
            let at = Duration::from_micros(u64::try_from(since).unwrap_or(0));
            let message = match &record.what {
                What::Text(text) => Message::from(&**text),
                What::Binary(data) => Message::from(data.to_vec()),
                What::Ping(payload) if record.dir == Dir::Out && payload.len() <= 125 => {
                    plan.step(at, Act::Ping(payload.to_vec()));
                    continue;
                }
                What::Close { code, reason } => {
                    plan.end = Some((*code, reason.clone().into_owned()));
                    continue;
                }
                What::Open(_) | What::Ping(_) | What::Pong(..) => continue,
            };
            match record.dir {
                Dir::Out => plan.step(at, Act::Send(message)),
                Dir::In => {
                    plan.last = plan.last.max(at);
                    plan.expected.push(message);
                }
            }
        }
        plan
    }

    fn step(&mut self, at: Duration, act: Act) {
        // A clock that was set back must not stop what comes after.
        let at = self.steps.last().map_or(at, |step| at.max(step.at));
        let behind = self.expected.len();
        self.steps.push(Step { at, behind, act });
    }
}

/// The subprotocols that were offered, or the one that was chosen.
pub(super) fn subprotocols(session: &Session) -> Vec<String> {
    let opening = session.records.iter().find_map(|record| match &record.what {
        What::Open(opening) => Some(opening),
        _ => None,
    });
    let Some(opening) = opening else {
        return Vec::new();
    };
    let offered: Vec<&str> = opening
        .request
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"))
        .flat_map(|(_, value)| value.split(','))
        .collect();
    let names = match offered.is_empty() {
        true => opening.subprotocol.as_deref().into_iter().collect(),
        false => offered,
    };
    let mut kept: Vec<String> = Vec::new();
    for name in names.into_iter().map(str::trim) {
        if token(name.as_bytes()).is_some() && !kept.iter().any(|one| one == name) {
            kept.push(name.to_owned());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::{Opening, Record};
    use std::borrow::Cow;

    fn session(records: Vec<(i64, Dir, What<'static>)>) -> Session {
        let record = |(ms, dir, what)| Record {
            at: 1_790_000_000_000_000 + ms * 1000,
            conn: None,
            dir,
            what,
        };
        Session {
            url: String::new(),
            records: records.into_iter().map(record).collect(),
        }
    }

    #[test]
    fn times_count_from_the_opening_and_never_go_back() {
        let plan = Plan::of(&session(vec![
            (0, Dir::Out, What::Open(Cow::Owned(Opening::default()))),
            (100, Dir::Out, What::Text("a".into())),
            (150, Dir::In, What::Text("A".into())),
            (-900, Dir::Out, What::Binary(vec![1].into())),
            (300, Dir::Out, What::Ping(vec![0; 126].into())),
            (400, Dir::Out, What::Ping(vec![1].into())),
            (500, Dir::In, What::Pong(vec![1].into(), None)),
            (600, Dir::In, What::Close { code: 4001, reason: "x".into() }),
        ]));
        let steps: Vec<_> = plan.steps.iter().map(|s| (s.at.as_millis(), s.behind)).collect();
        assert_eq!(steps, [(100, 0), (100, 1), (400, 1)]);
        assert_eq!(plan.steps[2].act, Act::Ping(vec![1]));
        assert_eq!(plan.expected, [Message::from("A")]);
        assert_eq!(plan.last, Duration::from_millis(150));
        assert_eq!(plan.end, Some((4001, "x".to_owned())));
    }

    #[test]
    fn speeds_are_factors() {
        for (text, speed) in [("2", 2.0), ("10x", 10.0), ("0.5", 0.5), ("1X", 1.0)] {
            assert_eq!(Speed::parse(text), Ok(Speed::Times(speed)), "{text}");
        }
        assert_eq!(Speed::parse("MAX"), Ok(Speed::Max));
        for text in ["", "0", "-1", "fast", "NaN", "inf", "1e300", "x"] {
            assert!(Speed::parse(text).is_err(), "{text}");
        }
        let second = Duration::from_secs(1);
        assert_eq!(Speed::Times(4.0).scale(second), Duration::from_millis(250));
        assert_eq!(Speed::Max.scale(second), Duration::ZERO);
        assert!(Speed::Times(1e-3).scale(Duration::from_micros(9_000_000_000_000_000)) > second);
    }

    #[test]
    fn subprotocols_are_offered_again_if_they_can_be() {
        let of = |request: &str, chosen: Option<&str>| {
            let opening = Opening {
                request: vec![("sec-websocket-PROTOCOL".into(), request.into())],
                subprotocol: chosen.map(str::to_owned),
                ..Opening::default()
            };
            subprotocols(&session(vec![(0, Dir::Out, What::Open(Cow::Owned(opening)))]))
        };
        assert_eq!(of("a, b,a", Some("b")), ["a", "b"]);
        assert_eq!(of("[redacted], b\r\nX: y, ", None), Vec::<String>::new());
        assert!(subprotocols(&session(Vec::new())).is_empty());
    }
}
