//! What is to happen when: the deadlines of a conversation, and the earliest of them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// What a deadline is for. The order decides between two that pass together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    /// After Ctrl-C, and after `--timeout`, the peer has had its time to answer our Close.
    Hurry,
    /// `--timeout`: the whole run.
    Run,
    /// `--within`: what is waited for should have come.
    Within,
    /// `--wait` is over.
    Wait,
    /// A Pong is due.
    Pong,
    /// The next regular Ping is due.
    Beat,
    /// The next attempt to connect is due.
    Retry,
}

const KINDS: [Alarm; 7] = [
    Alarm::Hurry,
    Alarm::Run,
    Alarm::Within,
    Alarm::Wait,
    Alarm::Pong,
    Alarm::Beat,
    Alarm::Retry,
];

/// The deadlines that are set, one of each kind.
pub(super) struct Alarms {
    due: [Option<Instant>; KINDS.len()],
    sleep: Pin<Box<Sleep>>,
}

impl Alarms {
    pub(super) fn new() -> Alarms {
        Alarms {
            due: [None; KINDS.len()],
            sleep: Box::pin(sleep_until(Instant::now())),
        }
    }

    /// Sets one, or moves it. What is centuries away is not set.
    pub(super) fn set(&mut self, alarm: Alarm, after: Duration) {
        self.due[alarm as usize] = Instant::now().checked_add(after);
    }

    /// Sets one to a moment.
    pub(super) fn set_at(&mut self, alarm: Alarm, at: Instant) {
        self.due[alarm as usize] = Some(at);
    }

    pub(super) fn clear(&mut self, alarm: Alarm) {
        self.due[alarm as usize] = None;
    }

    pub(super) fn is_set(&self, alarm: Alarm) -> bool {
        self.due[alarm as usize].is_some()
    }

    /// Ready with one that is due, which is then set no more.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Alarm> {
        let earliest = KINDS
            .into_iter()
            .filter_map(|kind| Some((self.due[kind as usize]?, kind)))
            .min_by_key(|(at, _)| *at);
        let Some((at, kind)) = earliest else {
            return Poll::Pending;
        };
        if self.sleep.deadline() != at {
            self.sleep.as_mut().reset(at);
        }
        if self.sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.clear(kind);
        Poll::Ready(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn the_earliest_rings_once_and_what_is_cleared_never() {
        let mut alarms = Alarms::new();
        alarms.set(Alarm::Run, Duration::from_secs(5));
        alarms.set(Alarm::Beat, Duration::from_secs(2));
        alarms.set(Alarm::Wait, Duration::from_secs(1));
        alarms.set(Alarm::Within, Duration::MAX);
        alarms.clear(Alarm::Wait);
        assert!(!alarms.is_set(Alarm::Wait) && !alarms.is_set(Alarm::Within));
        assert_eq!(poll_fn(|cx| alarms.poll(cx)).await, Alarm::Beat);
        assert_eq!(poll_fn(|cx| alarms.poll(cx)).await, Alarm::Run);
        assert!(poll_fn(|cx| Poll::Ready(alarms.poll(cx).is_pending())).await);
    }
}
