//! Sends by the schedule of an open load: what is late is sent at once and counts from when it was due.

use crate::lane::{Offer, SharedLane};
use crate::schedule::Schedule;
use crate::tally::{Board, Phase, lock};
use crate::timer::Timer;
use crate::window::Sent;
use std::time::Duration;
use tokio::sync::watch;

/// How many are sent before the thread receives again.
const BATCH: usize = 256;

/// How long to wait for room if no connection has any.
const FULL: Duration = Duration::from_micros(500);

/// How long is sent, after the end, what was due before.
const LAST: Duration = Duration::from_millis(100);

/// Sends over the lanes in turn until the phase is over; counts what was due and not sent.
pub(crate) async fn run(
    lanes: Vec<SharedLane>,
    board: Board,
    mut schedule: Schedule,
    mut phase: watch::Receiver<Phase>,
) {
    let timer = Timer::new();
    let mut turn = Turn::new(lanes);
    while !matches!(*phase.borrow_and_update(), Phase::Drain) {
        let outcome = turn.send_due(&board, &mut schedule);
        let wake = {
            let tally = &lock(&board).tally;
            match outcome {
                Outcome::InTime => tally.instant(schedule.due()),
                Outcome::Full => std::time::Instant::now() + FULL,
                Outcome::NobodyLeft => break,
            }
        };
        tokio::select! {
            () = timer.until(wake) => {}
            _ = phase.changed() => {}
        }
    }
    // If nobody is left, the phase goes on without us.
    while !matches!(*phase.borrow_and_update(), Phase::Drain) {
        if phase.changed().await.is_err() {
            return;
        }
    }
    // What was due to the end is sent, if there is room for it.
    let patience = std::time::Instant::now() + LAST;
    loop {
        let outcome = turn.send_due(&board, &mut schedule);
        let left = schedule.due() < lock(&board).tally.measured_until();
        if !left || !matches!(outcome, Outcome::InTime) || std::time::Instant::now() > patience {
            break;
        }
        tokio::task::yield_now().await;
    }
    lock(&board).tally.never_sent(schedule, 1);
}

enum Outcome {
    InTime,
    Full,
    NobodyLeft,
}

/// Whose turn it is.
struct Turn {
    lanes: Vec<SharedLane>,
    next: usize,
    /// Lanes with something queued.
    touched: Vec<usize>,
    /// Some are over.
    stale: bool,
    /// What is late now is late because the connections were full.
    held: bool,
}

impl Turn {
    fn new(lanes: Vec<SharedLane>) -> Self {
        Self {
            lanes,
            next: 0,
            touched: Vec::with_capacity(BATCH),
            stale: false,
            held: false,
        }
    }

    /// Sends what is due by now, at most a batch of it.
    fn send_due(&mut self, board: &Board, schedule: &mut Schedule) -> Outcome {
        let mut desk = lock(board);
        let mut outcome = Outcome::InTime;
        for _ in 0..BATCH {
            let now = desk.tally.now();
            let due = schedule.due();
            if due > now || due >= desk.tally.measured_until() {
                self.held = false;
                break;
            }
            let sent = Sent { due, at: now };
            if let Err(why) = self.offer(sent, &mut desk) {
                self.held = true;
                outcome = why;
                break;
            }
            if self.held {
                desk.tally.counts.held += 1;
            } else {
                desk.tally.lagged(sent);
            }
            schedule.advance();
        }
        drop(desk);
        for index in self.touched.drain(..) {
            lock(&self.lanes[index]).flush();
        }
        if std::mem::take(&mut self.stale) {
            self.lanes.retain(|lane| !lock(lane).is_over());
        }
        outcome
    }

    /// To the first lane that has room.
    fn offer(&mut self, sent: Sent, desk: &mut crate::tally::Desk) -> Result<(), Outcome> {
        let mut over = 0;
        for _ in 0..self.lanes.len() {
            self.next = (self.next + 1) % self.lanes.len();
            match lock(&self.lanes[self.next]).offer(sent, desk) {
                Offer::Taken => {
                    self.touched.push(self.next);
                    return Ok(());
                }
                Offer::Full => {}
                Offer::Over => {
                    self.stale = true;
                    over += 1;
                }
            }
        }
        Err(if over == self.lanes.len() {
            Outcome::NobodyLeft
        } else {
            Outcome::Full
        })
    }
}
