//! The Pings that are under way, and how long their Pongs took.

use std::time::{Duration, Instant};

/// More are not remembered: a peer that never answers must not cost memory.
const MOST: usize = 64;

/// Pings that were sent and not answered yet, in the order of sending.
#[derive(Debug, Default)]
pub(super) struct Pings {
    waiting: Vec<Waiting>,
    beats: u64,
}

#[derive(Debug)]
struct Waiting {
    payload: Vec<u8>,
    sent: Instant,
    /// How many more are to be sent, each after the Pong of the one before.
    more: u32,
    beat: bool,
}

/// What a Pong means to us.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Since our Ping.
    pub(super) rtt: Duration,
    /// How many more of it are to be sent.
    pub(super) more: u32,
    /// Whether it was one of the regular ones.
    pub(super) beat: bool,
}

impl Pings {
    /// One of `1 + more` that the user asked for has been sent.
    pub(super) fn sent(&mut self, payload: Vec<u8>, more: u32) {
        self.push(payload, more, false);
    }

    /// The payload of the next regular one, which counts as sent.
    pub(super) fn beat(&mut self) -> Vec<u8> {
        self.beats += 1;
        let payload = format!("tidewire {}", self.beats).into_bytes();
        self.push(payload.clone(), 0, true);
        payload
    }

    fn push(&mut self, payload: Vec<u8>, more: u32, beat: bool) {
        if self.waiting.len() == MOST {
            self.waiting.remove(0);
        }
        self.waiting.push(Waiting {
            payload,
            sent: Instant::now(),
            more,
            beat,
        });
    }

    /// A Pong has come. None: it answers no Ping of ours.
    pub(super) fn answered(&mut self, payload: &[u8]) -> Option<Answer> {
        let at = self
            .waiting
            .iter()
            .position(|ping| ping.payload == payload)?;
        let ping = self.waiting.remove(at);
        Some(Answer {
            rtt: ping.sent.elapsed(),
            more: ping.more,
            beat: ping.beat,
        })
    }

    /// The connection is gone, and with it all answers.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pong_answers_the_ping_with_its_payload_once() {
        let mut pings = Pings::default();
        pings.sent(b"a".to_vec(), 2);
        let beat = pings.beat();
        assert!(pings.answered(b"unasked").is_none());
        assert!(pings.answered(&beat).unwrap().beat);
        let answer = pings.answered(b"a").unwrap();
        assert_eq!((answer.more, answer.beat), (2, false));
        assert!(pings.answered(b"a").is_none());
    }

    #[test]
    fn pings_that_are_never_answered_cost_no_more_and_no_more() {
        let mut pings = Pings::default();
        for _ in 0..10 * MOST {
            pings.beat();
        }
        assert_eq!(pings.waiting.len(), MOST);
        pings.forget();
        assert!(pings.waiting.is_empty());
    }
}
