//! One conversation: input goes out, messages come in, lost connections are replaced.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tidewire::reconnect::{End as Lost, Verdict};
use tidewire::{CloseCode, ConnectError, Error, Message};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::alarms::{Alarm, Alarms};
use super::ending::{self, Case, End, Last, Why};
use super::link::{self, Item, Link, Linking, NoLink, Sending};
use super::pings::Pings;
use super::plan::{After, Plan};
use super::talk::{Again, Event, Input, Output};

/// After Ctrl-C and after `--timeout` the peer has this long to answer our Close.
const HURRY: Duration = Duration::from_secs(1);

/// A connection that lived this long, or brought a message, was none of the failures in a row.
const SOUND: Duration = Duration::from_secs(10);

/// So many messages in a row are taken before the rest has its turn: a flood must not keep the user
/// from being heard.
const TURN: u32 = 16;

/// Runs a conversation over `link`, and over those that replace it, to its end.
pub(super) async fn run(
    link: Link,
    plan: Plan,
    input: mpsc::Receiver<Input>,
    out: &mut dyn Output,
) -> End {
    let mut session = Session::new(plan, input, out);
    session.open(link);
    loop {
        let step = poll_fn(|cx| session.poll(cx)).await;
        session.take(step);
        session.tell_frames(false);
        if let Stage::Over(last) = &mut session.stage {
            let last = last.take();
            return session.end(last);
        }
    }
}

enum Stage {
    Open(Box<Link>),
    /// Until the alarm for the next attempt.
    Waiting,
    Opening(Linking),
    Over(Option<Last>),
}

enum Step {
    Item(Item),
    Flush,
    Sent(Result<(), Error>),
    Typed(Option<Input>),
    Interrupted,
    Alarm(Alarm),
    Opened(Result<Link, NoLink>),
}

struct Session<'a> {
    plan: Plan,
    out: &'a mut dyn Output,
    input: mpsc::Receiver<Input>,
    stage: Stage,
    alarms: Alarms,
    pings: Pings,
    interrupt: Pin<Box<dyn Future<Output = io::Result<()>>>>,
    /// Goes out before the input, in this order.
    queue: VecDeque<Input>,
    /// What is being sent; kept, so that it can be sent again if the connection is lost before. None:
    /// a flush.
    sending: Option<(Sending, Option<Message>)>,
    input_over: bool,
    /// The input has ended and is sent.
    fed: bool,
    unshown: bool,
    turn: u32,
    why: Option<Why>,
    /// The user asked for a new connection.
    again: bool,
    failures: u32,
    opened_at: Instant,
    lost_at: Option<Instant>,
    /// Nothing more can be sent on this connection.
    stalled: bool,
    failed: Option<NoLink>,
}

impl<'a> Session<'a> {
    fn new(mut plan: Plan, input: mpsc::Receiver<Input>, out: &'a mut dyn Output) -> Session<'a> {
        let queue = std::mem::take(&mut plan.first);
        let mut alarms = Alarms::new();
        if let Some(deadline) = plan.deadline {
            alarms.set_at(Alarm::Run, deadline);
        }
        if let Some(within) = plan.within {
            alarms.set(Alarm::Within, within);
        }
        Session {
            plan,
            out,
            input,
            stage: Stage::Waiting,
            alarms,
            pings: Pings::default(),
            interrupt: Box::pin(tokio::signal::ctrl_c()),
            queue,
            sending: None,
            input_over: false,
            fed: false,
            unshown: false,
            turn: 0,
            why: None,
            again: false,
            failures: 0,
            opened_at: Instant::now(),
            lost_at: None,
            stalled: false,
            failed: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        self.turn = (self.turn + 1) % TURN;
        if self.turn == 0
            && let Poll::Ready(step) = self.poll_ours(cx)
        {
            return Poll::Ready(step);
        }
        if let Stage::Open(link) = &mut self.stage
            && let Poll::Ready(item) = link::poll(&mut link.rx, cx)
        {
            return Poll::Ready(Step::Item(item));
        }
        if std::mem::take(&mut self.unshown) {
            return Poll::Ready(Step::Flush);
        }
        if let Stage::Opening(linking) = &mut self.stage
            && let Poll::Ready(result) = linking.as_mut().poll(cx)
        {
            return Poll::Ready(Step::Opened(result));
        }
        self.poll_ours(cx)
    }

    /// What comes from this side: Ctrl-C, deadlines, input.
    fn poll_ours(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.interrupt.as_mut().poll(cx).is_ready() {
            self.interrupt = Box::pin(tokio::signal::ctrl_c());
            return Poll::Ready(Step::Interrupted);
        }
        if let Poll::Ready(alarm) = self.alarms.poll(cx) {
            return Poll::Ready(Step::Alarm(alarm));
        }
        if self.why.is_some() || self.stalled || !matches!(self.stage, Stage::Open(_)) {
            return Poll::Pending;
        }
        if let Some((sending, _)) = &mut self.sending {
            return sending.as_mut().poll(cx).map(Step::Sent);
        }
        if let Some(input) = self.queue.pop_front() {
            return Poll::Ready(Step::Typed(Some(input)));
        }
        match self.input_over {
            true => Poll::Pending,
            false => self.input.poll_recv(cx).map(Step::Typed),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Item(Item::Message(message)) => self.received(&message),
            Step::Item(Item::Ping(payload)) => self.tell(&Event::Pinged(&payload)),
            Step::Item(Item::Pong(payload)) => self.ponged(&payload),
            Step::Item(Item::Over(result)) => self.over(&result),
            Step::Flush => self.flush(),
            Step::Sent(result) => self.sent(result),
            Step::Typed(Some(input)) => self.typed(input),
            Step::Typed(None) => self.input_ended(),
            Step::Interrupted => self.interrupted(),
            Step::Alarm(alarm) => self.rang(alarm),
            Step::Opened(Ok(link)) => self.open(link),
            Step::Opened(Err(failed)) => self.not_opened(failed),
        }
    }

    // What happens on the connection.

    fn open(&mut self, mut link: Link) {
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

    fn received(&mut self, message: &Message) {
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
            self.stop(Why::Done);
        } else if let (After::Silence(time), true) = (self.plan.after, self.fed) {
            self.alarms.set(Alarm::Wait, time);
        }
    }

    fn ponged(&mut self, payload: &[u8]) {
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

    fn ping(&mut self, payload: Vec<u8>, more: u32) {
        if let Stage::Open(link) = &self.stage
            && link.tx.ping(&payload).is_ok()
        {
            self.tell(&Event::SentPing(&payload));
            self.pings.sent(payload, more);
        }
    }

    fn beat(&mut self) {
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
    fn over(&mut self, result: &Result<(), Error>) {
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
    fn gone(&mut self, last: Last, verdict: Option<Verdict>) {
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
    fn next_wait(&mut self, verdict: Option<Verdict>) -> Option<Duration> {
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

    fn not_opened(&mut self, failed: NoLink) {
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

    fn give_up(&mut self, mut steps: Vec<String>, error: ConnectError) {
        if self.plan.teller.verbose == 0 {
            steps.clear();
        }
        self.failed = Some(NoLink { steps, error });
        self.stage = Stage::Over(None);
    }

    // What comes from the user's side.

    fn typed(&mut self, input: Input) {
        let Stage::Open(link) = &self.stage else {
            return self.queue.push_front(input);
        };
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

    fn input_ended(&mut self) {
        self.input_over = true;
        if let Stage::Open(link) = &self.stage {
            self.sending = Some((link::flush(&link.tx), None));
        }
    }

    fn sent(&mut self, result: Result<(), Error>) {
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

    fn all_sent(&mut self) {
        self.fed = true;
        match self.plan.after {
            After::Close => self.stop(Why::Done),
            After::For(time) | After::Silence(time) => self.alarms.set(Alarm::Wait, time),
            After::Hold => {}
        }
    }

    fn interrupted(&mut self) {
        let impatient = matches!(self.why, Some(Why::Interrupted));
        self.stop(Why::Interrupted);
        self.alarms.set(Alarm::Hurry, HURRY);
        if impatient {
            self.cut();
        }
    }

    fn rang(&mut self, alarm: Alarm) {
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
            Alarm::Retry => {
                let frames = self.plan.frames();
                self.stage = Stage::Opening(link::open(self.plan.dial.clone(), frames));
            }
        }
    }

    /// The peer is as good as gone.
    fn no_pong(&mut self) {
        if self.plan.reconnect.is_none() {
            self.why.get_or_insert(Why::NoPong);
        }
        self.tell_frames(true);
        let last = Last::of(&Ok(()), None, false);
        self.gone(last, None);
    }

    /// Waits no longer.
    fn cut(&mut self) {
        if let Stage::Open(link) = &self.stage {
            let last = Last::of(&Ok(()), link.rx.close_story(), true);
            self.tell_frames(true);
            self.gone(last, None);
        } else {
            self.stage = Stage::Over(None);
        }
    }

    /// Closes, if that has not begun; its end comes over the connection.
    fn stop(&mut self, why: Why) {
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

    // What is told.

    fn tell(&mut self, event: &Event<'_>) {
        if self.is_unheard() {
            return;
        }
        self.unshown = true;
        let mut told = Ok(());
        for listener in &mut self.plan.listeners {
            told = told.and(listener.tell(event));
        }
        if let Err(error) = told.and(self.out.tell(event)) {
            self.stop(ending::output(error));
        }
    }

    fn tell_frames(&mut self, over: bool) {
        if !self.plan.frames() {
            return;
        }
        let Stage::Open(link) = &self.stage else {
            return;
        };
        let story = link.rx.close_story();
        for line in link.wire.clone().lines(story.as_ref(), over) {
            self.tell(&Event::Note(&line));
        }
    }

    fn flush(&mut self) {
        if self.is_unheard() {
            return;
        }
        if let Err(error) = self.flush_all() {
            self.stop(ending::output(error));
        }
    }

    fn flush_all(&mut self) -> io::Result<()> {
        let mut flushed = Ok(());
        for listener in &mut self.plan.listeners {
            flushed = flushed.and(listener.flush());
        }
        flushed.and(self.out.flush())
    }

    /// Once nobody reads, what still arrives before the Close is dropped.
    fn is_unheard(&self) -> bool {
        matches!(self.why, Some(Why::OutputGone | Why::OutputFailed(_)))
    }

    fn end(mut self, last: Option<Last>) -> End {
        let flushed = match self.is_unheard() {
            true => Ok(()),
            false => self.flush_all(),
        };
        let mut end = ending::judge(Case {
            why: self.why.take(),
            last,
            missing: self.plan.check.missing(),
            expect_close: self.plan.expect_close,
            flushed,
            failed: self.failed.is_some(),
        });
        end.failed = self
            .failed
            .map(|failed| (self.plan.dial.url().to_owned(), failed));
        end
    }
}
