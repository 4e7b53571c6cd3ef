//! Directs the threads of a run through its phases: connect, warm up, measure, drain and close.

use crate::cpu;
use crate::error::{Failures, LoadError};
use crate::files;
use crate::listen::Channel;
use crate::live::Live;
use crate::plan::{Mode, Plan};
use crate::report::{Measured, Report};
use crate::stamp::Stamp;
use crate::tally::{Board, Counts, Desk, Phase, Stage, Tally, lock};
use crate::target;
use crate::totals::Totals;
use crate::worker::Worker;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tidewire::ConnectError;
use tokio::sync::watch;

/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);

/// How often is looked what the threads have come to.
const LOOK: Duration = Duration::from_millis(5);

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// So many connections are open.
    Connecting {
        /// Open ones.
        open: usize,
        /// How many there shall be.
        of: usize,
    },
    /// The load has begun; nothing is measured yet.
    WarmingUp,
    /// The load is measured; told each second.
    Measuring(Live),
    /// The measurement is over; what is under way is waited for, and connections close.
    Closing,
}

/// Makes the load and measures. Blocks the thread for as long as the plan says, and at most some 15
/// seconds more after the connections are open; the load is made by threads of its own.
///
/// # Errors
///
/// See [`LoadError`]. Connections that fail while others go on are counted in the [`Report`].
pub fn run(plan: &Plan, mut progress: impl FnMut(Progress)) -> Result<Report, LoadError> {
    plan.check()?;
    if plan.raw {
        target::host_and_port(&plan.url).map_err(LoadError::connect)?;
    }
    files::allow(plan.connections + 1)?;
    let server = match plan.pid {
        Some(pid) => cpu::Clock::of(pid)?,
        None => None,
    };
    let mut director = Director::start(plan)?;
    director.connect(&mut progress)?;
    progress(Progress::WarmingUp);
    director.warm_up();
    let measured = director.measure(server, &mut progress);
    progress(Progress::Closing);
    director.end();
    director.report(measured)
}

struct Director {
    plan: Arc<Plan>,
    boards: Vec<Board>,
    phase: watch::Sender<Phase>,
    threads: Vec<JoinHandle<Result<(), ConnectError>>>,
    base: Instant,
    /// Connections that were opened before the load, and how long that took.
    opening: (u64, Duration),
    start: u64,
    totals: Totals,
}

impl Director {
    fn start(plan: &Plan) -> Result<Self, LoadError> {
        let plan = Arc::new(plan.clone());
        let base = Instant::now();
        let (phase, watched) = watch::channel(Phase::Probe);
        let channel = Arc::new(Channel::default());
        let mut director = Self {
            boards: Vec::new(),
            phase,
            threads: Vec::new(),
            base,
            opening: (0, Duration::ZERO),
            start: 0,
            totals: Totals::default(),
            plan: plan.clone(),
        };
        for index in 0..plan.crew() {
            let board = Arc::new(Mutex::new(Desk {
                tally: Tally::new(base, plan.pace().is_some()),
                stamp: Stamp::new(plan.payload()),
            }));
            director.boards.push(board.clone());
            let worker = Worker {
                plan: plan.clone(),
                index,
                board,
                phase: watched.clone(),
                channel: channel.clone(),
            };
            let thread = thread::Builder::new()
                .name(format!("load-{index}"))
                .spawn(|| worker.run());
            director.threads.push(thread.map_err(LoadError::Runtime)?);
        }
        Ok(director)
    }

    fn now(&self) -> u64 {
        self.base.elapsed().as_nanos() as u64
    }

    fn each(&self, mut visit: impl FnMut(&mut Tally)) {
        for board in &self.boards {
            visit(&mut lock(board).tally);
        }
    }

    fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.each(|tally| sum.add(&tally.counts));
        sum
    }

    fn failures(&self) -> Failures {
        let mut sum = Failures::default();
        self.each(|tally| sum.add_all(&tally.failures));
        sum
    }

    fn at_stage(&self, index: usize, wanted: Stage) -> bool {
        lock(&self.boards[index]).tally.stage == wanted || self.threads[index].is_finished()
    }

    /// Opens the first connection, then all others.
    fn connect(&mut self, progress: &mut impl FnMut(Progress)) -> Result<(), LoadError> {
        while !self.at_stage(0, Stage::Probed) {
            self.heed_stop()?;
            thread::sleep(LOOK);
        }
        if self.threads[0].is_finished() {
            return match self.threads.remove(0).join() {
                Ok(Err(error)) => Err(LoadError::connect(error)),
                _ => Err(LoadError::NoneLeft(self.failures())),
            };
        }
        let of = self.plan.connections;
        let mut told = 0;
        _ = self.phase.send(Phase::Connect);
        loop {
            let ready = (0..self.boards.len()).all(|index| self.at_stage(index, Stage::Ready));
            let open = self.counts().opened as usize;
            if open != told {
                told = open;
                progress(Progress::Connecting { open, of });
            }
            if ready {
                self.opening = (open as u64, self.base.elapsed());
                return Ok(());
            }
            self.heed_stop()?;
            thread::sleep(LOOK);
        }
    }

    /// Before there is anything to report.
    fn heed_stop(&self) -> Result<(), LoadError> {
        if self.plan.stop.is_set() {
            _ = self.phase.send(Phase::Drain);
            return Err(LoadError::Interrupted);
        }
        Ok(())
    }

    /// Whether there is no use in going on.
    fn is_over(&self) -> bool {
        let nobody = || self.plan.mode != Mode::Connect && self.counts().live == 0;
        self.plan.stop.is_set() || nobody() || self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Waits for so long, or until it is over.
    fn wait_until(&self, end: Instant) {
        while !self.is_over() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(LOOK));
        }
    }

    fn warm_up(&mut self) {
        self.start = self.now();
        let phase = Phase::Load(self.start);
        self.each(|tally| tally.phase = phase);
        _ = self.phase.send(phase);
        self.wait_until(Instant::now() + self.plan.warmup);
    }

    fn measure(
        &mut self,
        server: Option<cpu::Clock>,
        progress: &mut impl FnMut(Progress),
    ) -> Measured {
        let cpu = || (server.and_then(cpu::Clock::now), cpu::own());
        if self.plan.mode == Mode::Connect {
            // Those of the warm-up do not count.
            self.totals.forget(&self.boards);
        }
        let begin = self.now();
        self.each(|tally| tally.begin(begin));
        // The same again tells the threads that the window has begun.
        _ = self.phase.send(Phase::Load(self.start));
        let (server_before, own_before) = cpu();
        let (start, mut last) = (
            Instant::now(),
            (Counts::default(), Instant::now(), own_before),
        );
        let end = start + self.plan.duration;
        loop {
            self.wait_until(end.min(last.1 + TELL));
            let over = self.is_over() || Instant::now() >= end;
            let now = (self.counts(), Instant::now(), cpu::own());
            let whole = now.1 - last.1 >= TELL / 2;
            if whole || self.totals.series.is_empty() {
                let live = self.second(start, &last, &now);
                if !over {
                    progress(Progress::Measuring(live));
                }
            }
            if over {
                break;
            }
            last = now;
        }
        let ended = self.now();
        self.each(|tally| tally.end(ended));
        let seconds = start.elapsed();
        let counts = self.counts();
        _ = self.phase.send(Phase::Drain);
        let (server_after, own_after) = cpu();
        Measured {
            opened: self.opening.0,
            opening: self.opening.1,
            time: seconds,
            server: server_before
                .zip(server_after)
                .map(|(before, after)| after - before),
            client: own_after.saturating_sub(own_before),
            stayed: counts.live,
            interrupted: self.plan.stop.is_set(),
        }
    }

    /// Closes a second of the series.
    fn second(
        &mut self,
        start: Instant,
        last: &(Counts, Instant, Duration),
        now: &(Counts, Instant, Duration),
    ) -> Live {
        let time = (now.1 - last.1).as_secs_f64().max(1e-9);
        let (counts, before) = (&now.0, &last.0);
        let answered = counts.verified + counts.corrupted;
        let errors = counts.duplicated + counts.reordered + counts.corrupted;
        let cpu = now.2.saturating_sub(last.2).as_secs_f64();
        let mut live = Live {
            elapsed: now.1 - start,
            of: self.plan.duration,
            rate: (counts.messages - before.messages) as f64 / time,
            bytes: (counts.bytes - before.bytes) as f64 / time,
            open: counts.live,
            in_flight: match self.plan.mode {
                Mode::PubSub => 0,
                _ => counts.sent.saturating_sub(answered),
            },
            errors: errors + self.failures().total(),
            busy: (cpu / time / self.boards.len() as f64).min(1.0),
            ..Live::default()
        };
        self.totals.second(&self.boards, &mut live);
        live
    }

    /// Waits for the threads.
    fn end(&mut self) {
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            _ = thread.join();
        }
        self.totals.rest(&self.boards);
    }

    fn report(mut self, measured: Measured) -> Result<Report, LoadError> {
        let (counts, failures) = (self.counts(), self.failures());
        let held = matches!(self.plan.mode, Mode::Idle | Mode::Connect);
        if measured.stayed == 0 && counts.messages == 0 && !held && !measured.interrupted {
            return Err(LoadError::NoneLeft(failures));
        }
        let mut busiest = None;
        self.each(|tally| {
            if let Some(busy) = tally.busy {
                busiest = Some(busiest.map_or(busy, |most: f64| most.max(busy)));
            }
        });
        let totals = std::mem::take(&mut self.totals);
        Ok(Report::new(
            &self.plan, &measured, &counts, failures, totals, busiest,
        ))
    }
}
