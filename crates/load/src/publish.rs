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
use std::sync::atomic::Ordering;
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

    pub(crate) async fn run(&mut self, ws: WebSocket) -> Result<(), Failure> {
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
        tokio::select! {
            failed = answers => failed,
            published = self.publish(sender) => published,
        }
    }

    async fn publish(&mut self, sender: tidewire::Sender) -> Result<(), Failure> {
        let timer = Timer::new();
        let mut pace = self
            .plan
            .pace()
            .map(|rate| Schedule::new(self.start, rate, 0, 1));
        let mut number = 0;
        while lock(&self.board).tally.goes_on() {
            let due = match &mut pace {
                Some(schedule) => {
                    let due = schedule.due();
                    let instant = lock(&self.board).tally.instant(due);
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
            let command = self.next(number, due);
            number += 1;
            let sent = sender.send(command).await;
            sent.map_err(|error| Failure::open(&error))?;
        }
        if let Some(schedule) = pace {
            let tally = &mut lock(&self.board).tally;
            tally.counts.unsent += schedule.left(tally.measured_until());
        }
        Ok(())
    }

    fn next(&self, number: u32, due: Option<u64>) -> String {
        let desk = &mut *lock(&self.board);
        let at = desk.tally.now();
        let sent = Sent {
            due: due.unwrap_or(at),
            at,
        };
        if due.is_some() {
            desk.tally.lagged(sent);
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
