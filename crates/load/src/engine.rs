//! The phases of a run, on a runtime of its own: connect, warm up, measure, drain, close.

use crate::connect::{self, CLOSE_TIME, Opened, Socket};
use crate::cpu;
use crate::drive::{self, Closed};
use crate::error::{ErrorClass, Failure, Failures, LoadError};
use crate::files;
use crate::lane::Lane;
use crate::payload;
use crate::plan::Plan;
use crate::raw;
use crate::report::Report;
use crate::tally::{Board, Phase, Tally, lock};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);

/// How long nothing may be answered while draining, and how long draining may take.
const SILENCE: Duration = Duration::from_secs(2);
const DRAIN: Duration = Duration::from_secs(10);

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// So many connections are open; told at each of them.
    Connecting {
        /// Open ones.
        open: usize,
        /// How many there shall be.
        of: usize,
    },
    /// The load has begun; nothing is measured yet.
    WarmingUp,
    /// The load is measured; told each second.
    Measuring {
        /// Since the measurement began.
        elapsed: Duration,
        /// Answered since then.
        messages: u64,
    },
    /// The measurement is over; what is under way is waited for, and connections close.
    Closing,
}

/// Makes the load and measures. Blocks the thread, on a runtime of its own, for as long as the plan
/// says and at most some 15 seconds more after the connections are open; must not be called from
/// within a runtime.
///
/// # Errors
///
/// See [`LoadError`]. Connections that fail while others go on are counted in the [`Report`].
pub fn run(plan: &Plan, mut progress: impl FnMut(Progress)) -> Result<Report, LoadError> {
    plan.check()?;
    files::allow(plan.connections)?;
    let server = match plan.pid {
        Some(pid) => cpu::Clock::of(pid)?,
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(LoadError::Runtime)?;
    let outcome = runtime.block_on(phases(plan, server, &mut progress));
    // A lookup that hangs must not hold the caller.
    runtime.shutdown_background();
    outcome
}

type Tasks = JoinSet<Result<Closed, Failure>>;

async fn phases(
    plan: &Plan,
    server: Option<cpu::Clock>,
    progress: &mut impl FnMut(Progress),
) -> Result<Report, LoadError> {
    let of = plan.connections;
    let opened = connect::all(plan, |open| progress(Progress::Connecting { open, of })).await?;
    let Opened {
        sockets,
        failures,
        took,
    } = opened;
    let mut report = Report::of(plan);
    report.connections = sockets.len();
    report.handshakes_per_second = sockets.len() as f64 / took.as_secs_f64();
    report.compressed = sockets
        .iter()
        .filter(|socket| is_compressed(socket))
        .count();

    let board = Tally::new(sockets.len());
    let spinner = plan.busy_poll.then(|| tokio::spawn(spin(board.clone())));
    let mut run = Run {
        tasks: start(plan, sockets, &board),
        failures,
        unclean: 0,
        board,
    };
    progress(Progress::WarmingUp);
    run.until(Instant::now() + plan.warmup).await;
    run.measure(plan, server, &mut report, progress).await;
    progress(Progress::Closing);
    let none_left = run.tasks.is_empty();
    run.drain().await;
    run.close().await;
    if let Some(spinner) = spinner {
        spinner.abort();
    }
    report.errors = run.failures.total();
    report.unclean_closes = run.unclean;
    report.failures = run.failures;
    if none_left {
        Err(LoadError::NoneLeft(report.failures))
    } else {
        Ok(report)
    }
}

fn is_compressed(socket: &Socket) -> bool {
    matches!(socket, Socket::WebSocket(ws) if ws.deflate().is_some())
}

/// One task for each connection.
fn start(plan: &Plan, sockets: Vec<Socket>, board: &Board) -> Tasks {
    let rings = payload::rings(plan);
    let mut tasks = JoinSet::new();
    for (socket, ring) in sockets.into_iter().zip(rings.into_iter().cycle()) {
        let lane = Lane::new(plan.depth, plan.size);
        match socket {
            Socket::WebSocket(ws) => tasks.spawn(drive::run(ws, ring, lane, board.clone())),
            Socket::Raw(tcp) => tasks.spawn(raw::run(tcp, ring, lane, board.clone())),
        };
    }
    tasks
}

/// Keeps the runtime from ever sleeping, and counts the time in which it would have.
async fn spin(board: Board) {
    let mut last = Instant::now();
    let mut polls = 0;
    loop {
        tokio::task::yield_now().await;
        let now = Instant::now();
        let mut tally = lock(&board);
        if tally.polls == polls {
            tally.idle += now - last;
        }
        polls = tally.polls;
        last = now;
    }
}

struct Run {
    tasks: Tasks,
    failures: Failures,
    unclean: u64,
    board: Board,
}

impl Run {
    /// Lets the load run, and counts connections that end; returns early when none is left.
    async fn until(&mut self, deadline: Instant) {
        while let Ok(Some(ended)) = timeout_at(deadline, self.tasks.join_next()).await {
            match ended {
                Ok(Ok(in_order)) => self.unclean += u64::from(!in_order),
                Ok(Err(failure)) => self.failures.add(failure, 1),
                // Aborted ones are counted by who aborts them.
                Err(_) => {}
            }
        }
    }

    async fn measure(
        &mut self,
        plan: &Plan,
        server: Option<cpu::Clock>,
        report: &mut Report,
        progress: &mut impl FnMut(Progress),
    ) {
        let cpu = || (server.and_then(cpu::Clock::now), cpu::own());
        lock(&self.board).begin();
        let (server_before, own_before) = cpu();
        let start = Instant::now();
        let end = start + plan.duration;
        loop {
            self.until(end.min(Instant::now() + TELL)).await;
            let elapsed = start.elapsed();
            if Instant::now() >= end || self.tasks.is_empty() {
                break;
            }
            let messages = lock(&self.board).messages;
            progress(Progress::Measuring { elapsed, messages });
        }
        let seconds = start.elapsed();
        let (server_after, own_after) = cpu();
        let mut tally = lock(&self.board);
        tally.phase = Phase::Drain;
        report.latency_us = tally.latency();
        let server = server_before
            .zip(server_after)
            .map(|(before, after)| after - before);
        let own = own_after.saturating_sub(own_before);
        let idle = plan.busy_poll.then_some(tally.idle);
        report.measured(seconds, tally.messages, server, own, idle);
    }

    /// Waits until all that is under way is answered, or nothing is for too long.
    async fn drain(&mut self) {
        let end = Instant::now() + DRAIN;
        let mut seen = (lock(&self.board).messages, Instant::now());
        loop {
            let now = Instant::now();
            let (live, messages) = {
                let tally = lock(&self.board);
                (tally.live, tally.messages)
            };
            if live == 0 {
                return;
            }
            if messages != seen.0 {
                seen = (messages, now);
            }
            if now >= end || now >= seen.1 + SILENCE {
                let text = "answers stopped: a message was lost, or the server hangs";
                self.failures
                    .add(Failure::new(ErrorClass::Unanswered, text), live as u64);
                // The others have had time enough to close.
                self.unclean += (self.tasks.len() - live.min(self.tasks.len())) as u64;
                self.tasks.shutdown().await;
                return;
            }
            self.until(now + Duration::from_millis(20)).await;
        }
    }

    /// Waits for the closing handshakes.
    async fn close(&mut self) {
        self.until(Instant::now() + CLOSE_TIME + Duration::from_secs(1))
            .await;
        self.unclean += self.tasks.len() as u64;
        self.tasks.shutdown().await;
    }
}
