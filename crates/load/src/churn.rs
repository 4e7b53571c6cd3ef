//! The load of [`Mode::Connect`](crate::Mode::Connect): connections are opened, timed and closed.

use crate::connect::{Opener, Socket};
use crate::error::Failure;
use crate::schedule::Schedule;
use crate::tally::{Board, Phase, lock};
use crate::timer::Timer;
use crate::window::Sent;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidewire::CloseCode;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How long one of a closed load waits after a failure: a server that refuses is not to be flooded.
const AFTER_FAILURE: Duration = Duration::from_millis(5);

/// So many at once, each after the one before, until the phase is over.
pub(crate) fn closed(tasks: &mut JoinSet<()>, opener: &Opener, board: &Board, at_once: usize) {
    for _ in 0..at_once {
        let (opener, board) = (opener.clone(), board.clone());
        tasks.spawn(async move {
            while lock(&board).tally.goes_on() {
                let at = lock(&board).tally.now();
                if !one(&opener, &board, Sent { due: at, at }).await {
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        });
    }
}

/// By the schedule, at most `at_once` at a time, until the phase is over.
pub(crate) async fn open(
    opener: Opener,
    board: Board,
    at_once: usize,
    mut schedule: Schedule,
    mut phase: watch::Receiver<Phase>,
) {
    let timer = Timer::new();
    let room = Arc::new(Semaphore::new(at_once));
    let mut tasks = JoinSet::new();
    while lock(&board).tally.goes_on() {
        let due = schedule.due();
        let instant = lock(&board).tally.instant(due);
        tokio::select! {
            () = timer.until(instant) => {}
            _ = phase.changed() => continue,
        }
        let full = room.available_permits() == 0;
        let permit = tokio::select! {
            permit = room.clone().acquire_owned() => permit,
            _ = phase.changed() => continue,
        };
        let sent = {
            let tally = &mut lock(&board).tally;
            let sent = Sent {
                due,
                at: tally.now(),
            };
            if full {
                tally.counts.held += 1;
            } else {
                tally.lagged(sent);
            }
            sent
        };
        schedule.advance();
        let (opener, board) = (opener.clone(), board.clone());
        tasks.spawn(async move {
            one(&opener, &board, sent).await;
            drop(permit);
        });
        while tasks.try_join_next().is_some() {}
    }
    lock(&board).tally.never_sent(schedule, 1);
    while tasks.join_next().await.is_some() {}
}

/// Opens and closes one; whether it was open.
async fn one(opener: &Opener, board: &Board, sent: Sent) -> bool {
    lock(board).tally.sent();
    let opened = opener.open_counted(board).await;
    let ws = {
        let tally = &mut lock(board).tally;
        match opened {
            Ok(Socket::WebSocket(ws)) => {
                let now = tally.now();
                tally.answered(sent, now, 0);
                ws
            }
            Ok(Socket::Raw(_)) => return true,
            Err(error) => {
                tally.failures.add(Failure::connect(&error), 1);
                return false;
            }
        }
    };
    close(ws, board).await;
    true
}

/// Closes a connection in order, timed.
pub(crate) async fn close(mut ws: tidewire::WebSocket, board: &Board) {
    let start = Instant::now();
    let closed = ws.close(CloseCode::NORMAL, "").await.is_ok();
    let tally = &mut lock(board).tally;
    tally.counts.live = tally.counts.live.saturating_sub(1);
    tally.closes.add(start.elapsed().as_nanos() as u64);
    tally.counts.unclean += u64::from(!closed);
}
