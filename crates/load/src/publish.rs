//! The publisher of a channel of the hub, and how a subscriber subscribes.

use crate::connect::{Opener, Socket};
use crate::error::{ErrorClass, Failure};
use crate::listen::Channel;
use crate::plan::Plan;
use crate::publication::{command, quoted};
use crate::schedule::Schedule;
use crate::tally::{Board, Phase, lock};
use crate::timer::Timer;
use crate::window::Sent;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};
use tidewire::WebSocket;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long the hub may take to answer a subscription.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a closed load looks whether all was delivered, and from when on it goes on although not.
const LOOK: Duration = Duration::from_micros(50);
const STALLED: Duration = Duration::from_millis(500);

/// Subscribes; the answer is waited for.
pub(crate) async fn subscribe(ws: &mut WebSocket, channel: &str) -> Result<(), Failure> {
    let channel = quoted(channel);
    let command = format!(r#"{{"op":"subscribe","id":1,"channel":{channel}}}"#);
    let asked = async {
        ws.send(command)
            .await
            .map_err(|error| Failure::open(&error))?;
        loop {
            let message = ws.recv().await.map_err(|error| Failure::open(&error))?;
            let text = message.as_ref().and_then(|message| message.as_text());
            match text {
                Some(text) if text.starts_with(r#"{"op":"ok","id":1"#) => return Ok(()),
                Some(text) if text.starts_with(r#"{"op":"error""#) => return Err(refused(text)),
                Some(_) => {}
                None => {
                    let text = "this does not speak as the hub does: is the path /ws?";
                    return Err(Failure::new(ErrorClass::Hub, text));
                }
            }
        }
    };
    let late = |_| {
        let text = "no answer to a subscription: is this a hub, and the path /ws?";
        Failure::new(ErrorClass::Hub, text)
    };
    timeout(PATIENCE, asked).await.map_err(late)?
}

fn refused(text: &str) -> Failure {
    let shown: String = text.chars().take(200).collect();
    Failure::new(ErrorClass::Hub, format!("the hub says {shown}"))
}

/// Publishes until the phase is over.
pub(crate) struct Publisher<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) board: Board,
    pub(crate) channel: &'a Channel,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) start: u64,
}

impl Publisher<'_> {
    /// The connection of the publisher, open.
    pub(crate) async fn open(opener: &Opener) -> Result<WebSocket, Failure> {
        match opener.open().await {
            Ok(Socket::WebSocket(ws)) => Ok(ws),
            Ok(Socket::Raw(_)) => Err(Failure::new(ErrorClass::Hub, "a hub speaks WebSocket")),
            Err(error) => Err(Failure::connect(&error)),
        }
    }

    /// Publishes; counts the failure if there is one, and what was due and not sent.
    pub(crate) async fn run(mut self, ws: WebSocket) {
        let (sender, mut receiver) = ws.split();
        let answers = async {
            loop {
                let message = receiver.recv().await;
                let message = message.map_err(|error| Failure::open(&error))?;
                let Some(message) = message else {
                    return Err(Failure::new(ErrorClass::Closed, "the hub has closed"));
                };
                if let Some(text) = message.as_text()
                    && text.starts_with(r#"{"op":"error""#)
                {
                    return Err(refused(text));
                }
            }
        };
        let rate = self.plan.pace();
        let mut pace = rate.map(|rate| Schedule::new(self.start, rate, 0, 1));
        let outcome = tokio::select! {
            failed = answers => failed,
            published = self.publish(sender, &mut pace) => published,
        };
        if let Err(failure) = outcome {
            lock(&self.board).tally.failures.add(failure, 1);
        }
        // Without us the phase goes on.
        drained(&mut self.phase).await;
        if let Some(schedule) = pace {
            let subscribers = self.plan.connections as u64;
            lock(&self.board).tally.never_sent(schedule, subscribers);
        }
    }

    async fn publish(
        &mut self,
        sender: tidewire::Sender,
        pace: &mut Option<Schedule>,
    ) -> Result<(), Failure> {
        let timer = Timer::new();
        let mut number = 0;
        // What is late now is late because the hub did not take what went before.
        let mut held = false;
        while lock(&self.board).tally.goes_on() {
            let due = match pace {
                Some(schedule) => {
                    let due = schedule.due();
                    let instant = lock(&self.board).tally.instant(due);
                    held &= instant <= Instant::now();
                    tokio::select! {
                        () = timer.until(instant) => {}
                        _ = self.phase.changed() => continue,
                    }
                    schedule.advance();
                    Some(due)
                }
                None => {
                    self.delivered(number, &timer).await;
                    None
                }
            };
            let command = self.next(number, due, held);
            number += 1;
            let mut sending = pin!(sender.send(command));
            let at_once = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await;
            let sent = match at_once {
                Poll::Ready(sent) => sent,
                Poll::Pending => {
                    held = true;
                    tokio::select! {
                        sent = sending => sent,
                        // A hub that takes nothing more does not hold the end.
                        () = drained(&mut self.phase) => {
                            lock(&self.board).tally.counts.held += 1;
                            return Ok(());
                        }
                    }
                }
            };
            sent.map_err(|error| Failure::open(&error))?;
        }
        Ok(())
    }

    fn next(&self, number: u32, due: Option<u64>, held: bool) -> String {
        let desk = &mut *lock(&self.board);
        let at = desk.tally.now();
        let sent = Sent {
            due: due.unwrap_or(at),
            at,
        };
        match due {
            Some(_) if held => desk.tally.counts.held += 1,
            Some(_) => desk.tally.lagged(sent),
            None => {}
        }
        desk.tally.sent();
        self.channel.published.fetch_add(1, Ordering::Relaxed);
        command(&self.plan.channel, number, sent, &mut desk.stamp)
    }

    /// Until all but `depth - 1` publications have arrived everywhere.
    async fn delivered(&self, published: u32, timer: &Timer) {
        let subscribers = self.plan.connections as u64;
        let behind = u64::from(published).saturating_sub(self.plan.depth as u64 - 1);
        let goal = behind * subscribers;
        let mut seen = (
            self.channel.delivered.load(Ordering::Relaxed),
            Instant::now(),
        );
        while seen.0 < goal && seen.1.elapsed() < STALLED {
            timer.until(Instant::now() + LOOK).await;
            let delivered = self.channel.delivered.load(Ordering::Relaxed);
            if delivered > seen.0 {
                seen = (delivered, Instant::now());
            }
            if !lock(&self.board).tally.goes_on() {
                return;
            }
        }
    }
}

/// Until nothing more is to be sent.
async fn drained(phase: &mut watch::Receiver<Phase>) {
    // Without a director it is over, too.
    _ = phase.wait_for(|phase| *phase == Phase::Drain).await;
}
