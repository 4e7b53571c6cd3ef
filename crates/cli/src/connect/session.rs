//! One conversation: input goes out, messages come in, lost connections are replaced.

mod connection;
mod ours;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tidewire::{Error, Message};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::alarms::{Alarm, Alarms};
use super::ending::{self, Case, End, Last, Why};
use super::link::{self, Item, Link, Linking, NoLink, Sending};
use super::pings::Pings;
use super::plan::Plan;
use super::talk::{Event, Input, Output};

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
    Opened(Box<Result<Link, NoLink>>),
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
    /// All has come that was waited for.
    enough: bool,
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
            enough: false,
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
            return Poll::Ready(Step::Opened(Box::new(result)));
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
        if self.why.is_some() {
            return Poll::Pending;
        }
        if self.stalled || !matches!(self.stage, Stage::Open(_)) {
            // A person wants to leave, or not to wait, and is heard; a pipe waits with all it has.
            return match self.plan.interactive && !self.input_over {
                true => self.input.poll_recv(cx).map(Step::Typed),
                false => Poll::Pending,
            };
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
            Step::Opened(result) => match *result {
                Ok(link) => self.open(link),
                Err(failed) => self.not_opened(failed),
            },
        }
    }

    fn tell(&mut self, event: &Event<'_>) {
        if self.is_unheard() {
            return;
        }
        self.tell_listeners(event);
        if let Err(error) = self.out.tell(event) {
            self.stop(ending::output(error));
        }
    }

    fn tell_listeners(&mut self, event: &Event<'_>) {
        self.unshown = true;
        let mut told = Ok(());
        for listener in &mut self.plan.listeners {
            told = told.and(listener.tell(event));
        }
        if let Err(error) = told {
            self.stop(Why::OutputFailed(error));
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
