//! What comes from this side: input, Ctrl-C, deadlines.

use std::time::Duration;

use tidewire::{CloseCode, Error};

use super::super::alarms::Alarm;
use super::super::ending::{Last, Why};
use super::super::link;
use super::super::plan::After;
use super::super::talk::{Event, Input};
use super::{HURRY, Session, Stage};

impl Session<'_> {
    pub(super) fn typed(&mut self, input: Input) {
        let Stage::Open(link) = &self.stage else {
            return self.typed_apart(input);
        };
        if self.stalled {
            return self.queue.push_back(input);
        }
        match input {
            Input::Send(message) => {
                link.wire.sending(message.len());
                let more = !self.queue.is_empty() || !self.input.is_empty();
                let sending = link::send(&link.tx, message.clone(), more);
                self.sending = Some((sending, Some(message)));
            }
            Input::Ping { payload, count } => self.ping(payload, count.saturating_sub(1)),
            Input::Pong(payload) => _ = link.tx.pong(&payload),
            Input::Close { code, reason } => {
                _ = link.tx.begin_close(code, &reason);
                self.stop(Why::Asked);
            }
            Input::Reconnect => {
                self.again = true;
                self.stalled = true;
                _ = link.tx.begin_close(CloseCode::NORMAL, "");
            }
            Input::Failed(sentence) => self.stop(Why::InputFailed(sentence)),
        }
    }

    /// Something that a person asked for while there is no connection.
    fn typed_apart(&mut self, input: Input) {
        match input {
            Input::Send(_) => self.queue.push_back(input),
            Input::Ping { .. } | Input::Pong(_) => {
                self.tell(&Event::Note("* not sent: there is no connection"));
            }
            Input::Close { .. } => self.stop(Why::Asked),
            Input::Reconnect => self.alarms.set(Alarm::Retry, Duration::ZERO),
            Input::Failed(sentence) => self.stop(Why::InputFailed(sentence)),
        }
    }

    pub(super) fn input_ended(&mut self) {
        self.input_over = true;
        match &self.stage {
            Stage::Open(link) => self.sending = Some((link::flush(&link.tx), None)),
            // Only a person's end is heard here.
            _ => self.stop(Why::Done),
        }
    }

    pub(super) fn sent(&mut self, result: Result<(), Error>) {
        let message = self.sending.take().and_then(|(_, message)| message);
        match (result, message) {
            (Ok(()), Some(message)) => {
                self.tell_frames(false);
                self.tell(&Event::Sent(&message));
                if self.input_over && self.queue.is_empty() {
                    self.input_ended();
                }
            }
            (Ok(()), None) if !self.queue.is_empty() => {}
            (Ok(()), None) => self.all_sent(),
            (Err(Error::Misuse(error)), _) => {
                self.stop(Why::InputFailed(format!("cannot send that: {error}")));
            }
            // The connection is over; the receiving side knows why, and then it is sent again.
            (Err(_), message) => {
                self.stalled = true;
                if let Some(message) = message {
                    self.queue.push_front(Input::Send(message));
                }
            }
        }
    }

    pub(super) fn all_sent(&mut self) {
        self.fed = true;
        match self.plan.after {
            After::Close => self.stop(Why::Done),
            After::For(time) | After::Silence(time) => self.alarms.set(Alarm::Wait, time),
            After::Hold => {}
        }
    }

    pub(super) fn interrupted(&mut self) {
        let impatient = matches!(self.why, Some(Why::Interrupted));
        self.stop(Why::Interrupted);
        self.alarms.set(Alarm::Hurry, HURRY);
        if impatient {
            self.cut();
        }
    }

    pub(super) fn rang(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::Hurry => self.cut(),
            Alarm::Run => {
                self.stop(Why::Timeout);
                self.alarms.set(Alarm::Hurry, HURRY);
            }
            Alarm::Within => {
                if self.plan.check.missing().is_some() || self.plan.expect_close.is_some() {
                    self.stop(Why::TooLong);
                }
            }
            Alarm::Wait => self.stop(Why::Done),
            Alarm::Pong => self.no_pong(),
            Alarm::Beat => self.beat(),
            Alarm::Retry if !matches!(self.stage, Stage::Waiting) => {}
            Alarm::Retry => {
                let frames = self.plan.frames();
                self.stage = Stage::Opening(link::open(self.plan.dial.clone(), frames));
            }
        }
    }

    /// The peer is as good as gone.
    pub(super) fn no_pong(&mut self) {
        if self.plan.reconnect.is_none() {
            self.why.get_or_insert(Why::NoPong);
        }
        self.tell_frames(true);
        let last = Last::of(&Ok(()), None, false);
        self.gone(last, None);
    }

    /// Waits no longer.
    pub(super) fn cut(&mut self) {
        if let Stage::Open(link) = &self.stage {
            let last = Last::of(&Ok(()), link.rx.close_story(), true);
            self.tell_frames(true);
            self.gone(last, None);
        } else {
            self.stage = Stage::Over(None);
        }
    }

    /// Closes, if that has not begun; its end comes over the connection.
    pub(super) fn stop(&mut self, why: Why) {
        let closing = self.why.is_some();
        match (&self.why, &why) {
            // What cannot be undone, and what the user wants now, come before what was wanted.
            (None, _) | (_, Why::Interrupted | Why::OutputGone | Why::OutputFailed(_)) => {
                self.why = Some(why);
            }
            (Some(_), _) => {}
        }
        if self.is_unheard() {
            self.alarms.set(Alarm::Hurry, HURRY);
        }
        match &self.stage {
            Stage::Open(link) if !closing => _ = link.tx.begin_close(CloseCode::NORMAL, ""),
            Stage::Open(_) => {}
            _ => self.stage = Stage::Over(None),
        }
    }
}
