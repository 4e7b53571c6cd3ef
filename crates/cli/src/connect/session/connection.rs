//! What happens on the connection, and when there is none: messages, Pings, the end, the next attempt.

use std::sync::Arc;
use std::time::Duration;

use tidewire::reconnect::{End as Lost, Verdict};
use tidewire::{ConnectError, Error, Message};
use tokio::time::Instant;

use super::super::alarms::Alarm;
use super::super::ending::{Last, Why};
use super::super::link::{Link, NoLink};
use super::super::plan::After;
use super::super::talk::{Again, Event, Input};
use super::{SOUND, Session, Stage};

impl Session<'_> {
    pub(super) fn open(&mut self, mut link: Link) {
        let greetings = self.plan.greetings.len();
        link.opened.again = self.lost_at.take().map(|lost| Again {
            down: lost.elapsed(),
            greetings,
        });
        let opened = Arc::new(std::mem::take(&mut link.opened));
        self.stage = Stage::Open(Box::new(link));
        self.opened_at = Instant::now();
        self.stalled = false;
        for message in self.plan.greetings.iter().rev() {
            self.queue.push_front(Input::Send(message.clone()));
        }
        if let Some(interval) = self.plan.ping {
            self.alarms.set(Alarm::Beat, interval);
        }
        self.tell(&Event::Opened(&opened));
        if self.input_over {
            self.fed = false;
            self.input_ended();
        }
    }

    pub(super) fn received(&mut self, message: &Message) {
        if self.enough {
            // Exactly what was asked for is shown; all that came is recorded.
            return self.tell_listeners(&Event::Received(message));
        }
        self.failures = 0;
        if let Stage::Open(link) = &self.stage {
            link.wire.received(message.len());
        }
        self.tell_frames(false);
        self.tell(&Event::Received(message));
        if self.why.is_some() {
            return;
        }
        if self.plan.check.hear(message) {
            self.enough = true;
            self.stop(Why::Done);
        } else if let (After::Silence(time), true) = (self.plan.after, self.fed) {
            self.alarms.set(Alarm::Wait, time);
        }
    }

    pub(super) fn ponged(&mut self, payload: &[u8]) {
        let answer = self.pings.answered(payload);
        self.tell(&Event::Ponged(
            payload,
            answer.as_ref().map(|answer| answer.rtt),
        ));
        match answer {
            Some(answer) if answer.beat => self.alarms.clear(Alarm::Pong),
            Some(answer) if answer.more > 0 => self.ping(payload.to_vec(), answer.more - 1),
            _ => {}
        }
    }

    pub(super) fn ping(&mut self, payload: Vec<u8>, more: u32) {
        if let Stage::Open(link) = &self.stage
            && link.tx.ping(&payload).is_ok()
        {
            self.tell(&Event::SentPing(&payload));
            self.pings.sent(payload, more);
        }
    }

    pub(super) fn beat(&mut self) {
        let Some(interval) = self.plan.ping else {
            return;
        };
        let payload = self.pings.beat();
        if let Stage::Open(link) = &self.stage
            && link.tx.ping(&payload).is_ok()
        {
            self.alarms.set(Alarm::Beat, interval);
            if !self.alarms.is_set(Alarm::Pong) {
                self.alarms.set(Alarm::Pong, self.plan.ping_timeout);
            }
            self.tell(&Event::SentPing(&payload));
        }
    }

    /// The connection is over: another is made, or this was the last.
    pub(super) fn over(&mut self, result: &Result<(), Error>) {
        let Stage::Open(link) = &self.stage else {
            return;
        };
        let story = link.rx.close_story();
        let last = Last::of(result, story.clone(), self.why.is_some() || self.again);
        self.tell_frames(true);
        let verdict = story.map(|story| Verdict::of(&Lost::Closed(Box::new(story))));
        self.gone(last, verdict);
    }

    /// There is no connection any more; how the last one ended.
    pub(super) fn gone(&mut self, last: Last, verdict: Option<Verdict>) {
        for alarm in [Alarm::Beat, Alarm::Pong, Alarm::Wait] {
            self.alarms.clear(alarm);
        }
        self.pings.forget();
        if let Some((_, Some(message))) = self.sending.take() {
            self.queue.push_front(Input::Send(message));
        }
        if self.opened_at.elapsed() >= SOUND {
            self.failures = 0;
        }
        let wait = match std::mem::take(&mut self.again) && self.why.is_none() {
            true => Some(Duration::ZERO),
            false => self.next_wait(verdict),
        };
        let retry = wait.map(|wait| (wait, self.failures));
        self.tell(&Event::Closed {
            code: last.code,
            reason: &last.reason,
            retry,
        });
        match wait {
            Some(wait) if self.why.is_none() => {
                self.lost_at = Some(Instant::now());
                self.flush();
                self.stage = Stage::Waiting;
                self.alarms.set(Alarm::Retry, wait);
            }
            _ => self.stage = Stage::Over(Some(last)),
        }
    }

    /// How long to wait for the next attempt, which is counted; None: there is none.
    pub(super) fn next_wait(&mut self, verdict: Option<Verdict>) -> Option<Duration> {
        let reconnect = self.plan.reconnect.filter(|_| self.why.is_none())?;
        if reconnect.attempts.is_some_and(|most| self.failures >= most) {
            return None;
        }
        let (least, spread) = match verdict {
            Some(Verdict::RetryAfter { least, spread }) => (least, spread),
            _ => (Duration::ZERO, Duration::ZERO),
        };
        let wait = reconnect.backoff.draw(self.failures, least, spread);
        self.failures += 1;
        Some(wait)
    }

    pub(super) fn not_opened(&mut self, failed: NoLink) {
        let NoLink { steps, error } = failed;
        let lost = Lost::Connect(error);
        let verdict = Verdict::of(&lost);
        let wait = match verdict {
            Verdict::Final => None,
            verdict => self.next_wait(Some(verdict)),
        };
        match (wait, lost) {
            (Some(wait), lost) => {
                let line = self
                    .plan
                    .teller
                    .failed(&lost.to_string(), wait, self.failures);
                self.tell(&Event::Note(&line));
                self.flush();
                self.stage = Stage::Waiting;
                self.alarms.set(Alarm::Retry, wait);
            }
            (None, Lost::Connect(error)) => self.give_up(steps, error),
            (None, _) => self.stage = Stage::Over(None),
        }
    }

    pub(super) fn give_up(&mut self, mut steps: Vec<String>, error: ConnectError) {
        if self.plan.teller.verbose == 0 {
            steps.clear();
        }
        self.failed = Some(NoLink { steps, error });
        self.stage = Stage::Over(None);
    }
}
