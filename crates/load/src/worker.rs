//! One thread of the load, on a runtime of its own: opens its share of the connections, lets the load
//! run when the director says so, waits for what is under way, and closes.

use crate::churn;
use crate::connect::{self, CLOSE_TIME, Opener, Socket};
use crate::cpu;
use crate::error::{ErrorClass, Failure};
use crate::exchange::{Exchange, Kind};
use crate::generate;
use crate::lane::{Job, Lane, SharedLane};
use crate::listen::{Channel, Listener};
use crate::plan::{Mode, Plan};
use crate::publish::{self, Publisher};
use crate::schedule::Schedule;
use crate::tally::{Board, Phase, Stage, lock};
use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tidewire::{ConnectError, WebSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long nothing may be answered while draining, and how long draining may take.
const SILENCE: Duration = Duration::from_secs(2);
const DRAIN: Duration = Duration::from_secs(10);

/// How often is looked whether all was answered.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) struct Worker {
    pub(crate) plan: Arc<Plan>,
    pub(crate) index: usize,
    pub(crate) board: Board,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) channel: Arc<Channel>,
}

impl Worker {
    /// Runs until all is closed. Only the first thread tells why its first connection failed.
    pub(crate) fn run(mut self) -> Result<(), ConnectError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let outcome = runtime.block_on(self.phases());
        // A lookup that hangs must not hold the caller.
        runtime.shutdown_background();
        outcome
    }

    async fn phases(&mut self) -> Result<(), ConnectError> {
        let opener = Opener::new(&self.plan);
        let mut sockets = Vec::new();
        if self.index == 0 {
            sockets.push(opener.open_counted(&self.board).await?);
            lock(&self.board).tally.stage = Stage::Probed;
        }
        self.reach(|phase| phase != Phase::Probe).await;
        let spinner = self
            .plan
            .busy_poll
            .then(|| tokio::spawn(spin(self.board.clone())));
        if self.plan.mode == Mode::Connect {
            self.churn(&opener, sockets).await;
        } else {
            self.hold(&opener, sockets).await;
        }
        if let Some(spinner) = spinner {
            spinner.abort();
        }
        Ok(())
    }

    /// Waits for a phase.
    async fn reach(&mut self, wanted: impl Fn(Phase) -> bool) -> Phase {
        match self.phase.wait_for(|phase| wanted(*phase)).await {
            Ok(phase) => *phase,
            // The director is gone.
            Err(_) => Phase::Drain,
        }
    }

    /// Opens and closes connections.
    async fn churn(&mut self, opener: &Opener, sockets: Vec<Socket>) {
        close_all(sockets.into_iter().filter_map(websocket), &self.board).await;
        lock(&self.board).tally.stage = Stage::Ready;
        let Phase::Load(start) = self.reach(is_loading).await else {
            return;
        };
        let at_once = self.plan.share(self.index);
        let mut tasks = JoinSet::new();
        match self.schedule(start) {
            Some(schedule) => {
                let (opener, board) = (opener.clone(), self.board.clone());
                let phase = self.phase.clone();
                tasks.spawn(churn::open(opener, board, at_once, schedule, phase));
            }
            None => churn::closed(&mut tasks, opener, &self.board, at_once),
        }
        self.watch_cpu().await;
        let left = timeout(DRAIN, async { while tasks.join_next().await.is_some() {} });
        _ = left.await;
        tasks.shutdown().await;
    }

    /// Opens connections and holds them under load.
    async fn hold(&mut self, opener: &Opener, mut sockets: Vec<Socket>) {
        let count = self.plan.share(self.index) - sockets.len();
        let at_once = self.plan.connecting.div_ceil(self.plan.crew());
        let mut phase = self.phase.clone();
        let over = async move { _ = phase.wait_for(|phase| *phase == Phase::Drain).await };
        sockets.extend(connect::all(opener, count, at_once, &self.board, over).await);
        let publisher = if self.plan.mode == Mode::PubSub {
            sockets = self.subscribed(sockets).await;
            self.publisher(opener).await
        } else {
            None
        };
        lock(&self.board).tally.stage = Stage::Ready;
        let phase = self.reach(|phase| is_loading(phase) || phase == Phase::Drain);
        let start = match phase.await {
            Phase::Load(start) => start,
            _ => {
                close_all(sockets.into_iter().filter_map(websocket), &self.board).await;
                return;
            }
        };
        let lanes = self.lanes(sockets);
        let mut tasks = start_receiving(&lanes, &self.board);
        let sender = self.start_sending(&lanes, start, publisher);
        self.watch_cpu().await;
        // Those that send end with the phase, and count what they did not send.
        _ = timeout(SILENCE, sender).await;
        if self.plan.mode == Mode::PubSub {
            _ = timeout(SILENCE, self.published()).await;
        }
        self.drain(&lanes).await;
        tasks.shutdown().await;
        self.settle(lanes).await;
    }

    /// Until the first thread, which has the publisher, knows of the last publication. Who looked
    /// before would count too few as sent, and hang up too early.
    async fn published(&self) {
        if self.index == 0 {
            self.channel.over.store(true, Ordering::Release);
        }
        while !self.channel.over.load(Ordering::Acquire) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Subscribes all; who is refused is counted and left out.
    async fn subscribed(&self, sockets: Vec<Socket>) -> Vec<Socket> {
        let mut tasks = JoinSet::new();
        for mut ws in sockets.into_iter().filter_map(websocket) {
            let plan = self.plan.clone();
            tasks.spawn(async move {
                publish::subscribe(&mut ws, &plan.channel).await?;
                Ok(ws)
            });
        }
        let mut subscribed = Vec::new();
        while let Some(Ok(outcome)) = tasks.join_next().await {
            match outcome {
                Ok(ws) => subscribed.push(Socket::WebSocket(ws)),
                Err(failure) => self.failed(failure, 1),
            }
        }
        subscribed
    }

    /// A failure of an open connection.
    fn failed(&self, failure: Failure, live: u64) {
        let tally = &mut lock(&self.board).tally;
        tally.counts.live -= live;
        tally.failures.add(failure, 1);
    }

    /// The first thread has it.
    async fn publisher(&self, opener: &Opener) -> Option<WebSocket> {
        if self.index > 0 {
            return None;
        }
        match Publisher::open(opener).await {
            Ok(ws) => Some(ws),
            Err(failure) => {
                self.failed(failure, 0);
                None
            }
        }
    }

    fn lanes(&self, sockets: Vec<Socket>) -> Vec<SharedLane> {
        let closed = self.plan.pace().is_none();
        let kind = match self.plan.mode {
            Mode::Ping | Mode::Idle => Kind::Ping,
            _ if self.plan.text => Kind::Text,
            _ => Kind::Binary,
        };
        let mut lanes = Vec::with_capacity(sockets.len());
        for (number, socket) in sockets.into_iter().enumerate() {
            // No two connections of a run send the same.
            let number = (number * self.plan.crew() + self.index) as u32;
            let job = match self.plan.mode {
                Mode::Push => Job::Listen(Listener::Push { last: None }),
                Mode::PubSub => Job::Listen(Listener::Subscriber {
                    channel: self.channel.clone(),
                    seen: Default::default(),
                }),
                _ => Job::Exchange(Exchange::new(number, kind, closed)),
            };
            lanes.push(Arc::new(Mutex::new(Lane::new(socket, job))));
        }
        lanes
    }

    fn schedule(&self, start: u64) -> Option<Schedule> {
        let rate = self.plan.pace()?;
        Some(Schedule::new(start, rate, self.index, self.plan.crew()))
    }

    /// Begins to send; resolves when that is over.
    fn start_sending(
        &self,
        lanes: &[SharedLane],
        start: u64,
        publisher: Option<WebSocket>,
    ) -> tokio::task::JoinHandle<()> {
        let (board, phase) = (self.board.clone(), self.phase.clone());
        if let Some(ws) = publisher {
            let (plan, channel) = (self.plan.clone(), self.channel.clone());
            return tokio::spawn(async move {
                let publisher = Publisher {
                    plan: &plan,
                    board,
                    channel: &channel,
                    phase,
                    start,
                };
                publisher.run(ws).await;
            });
        }
        if matches!(self.plan.mode, Mode::Push | Mode::PubSub) {
            return tokio::spawn(async {});
        }
        match self.schedule(start) {
            Some(schedule) => {
                let lanes = lanes.to_vec();
                tokio::spawn(generate::run(lanes, board, schedule, phase))
            }
            None => {
                let depth = match self.plan.mode {
                    Mode::Ping => 1,
                    _ => self.plan.depth,
                };
                for lane in lanes {
                    lock(lane).begin(depth, &mut lock(&board));
                }
                tokio::spawn(async {})
            }
        }
    }

    /// Lets the load run, and tells what of the measured time this thread was busy.
    async fn watch_cpu(&mut self) {
        let measured = async {
            loop {
                if lock(&self.board).tally.has_begun() {
                    return Some((Instant::now(), cpu::thread()));
                }
                // The director says so by another Load.
                if self.phase.changed().await.is_err() {
                    return None;
                }
                if *self.phase.borrow_and_update() == Phase::Drain {
                    return None;
                }
            }
        };
        let Some((start, before)) = measured.await else {
            return;
        };
        let idle_before = lock(&self.board).tally.idle;
        self.reach(|phase| phase == Phase::Drain).await;
        let (time, used) = (start.elapsed(), cpu::thread().saturating_sub(before));
        let tally = &mut lock(&self.board).tally;
        let busy = if self.plan.busy_poll {
            time.saturating_sub(tally.idle - idle_before)
        } else {
            used
        };
        tally.busy = Some((busy.as_secs_f64() / time.as_secs_f64().max(1e-9)).clamp(0.0, 1.0));
    }

    /// Waits until all that is under way is answered, or nothing is for too long.
    async fn drain(&self, lanes: &[SharedLane]) {
        let end = Instant::now() + DRAIN;
        let mut seen = (0, Instant::now());
        loop {
            let now = Instant::now();
            let waiting: u64 = lanes.iter().map(|lane| lock(lane).waiting()).sum();
            if waiting != seen.0 {
                seen = (waiting, now);
            }
            if waiting == 0 || now >= end || now >= seen.1 + SILENCE {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Counts what has not come, and closes.
    async fn settle(&self, lanes: Vec<SharedLane>) {
        let mut open = Vec::new();
        let mut stalled = 0;
        for lane in lanes {
            let mut desk = lock(&self.board);
            stalled += u64::from(lock(&lane).settle(&mut desk));
            drop(desk);
            let lane = Arc::into_inner(lane).map(Mutex::into_inner);
            let lane = lane.map(|lane| lane.unwrap_or_else(std::sync::PoisonError::into_inner));
            open.extend(lane.and_then(Lane::into_open));
        }
        if stalled > 0 {
            let text = "answers stopped: a message was lost, or the server hangs";
            let failure = Failure::new(ErrorClass::Unanswered, text);
            lock(&self.board).tally.failures.add(failure, stalled);
        }
        close_all(open.into_iter(), &self.board).await;
    }
}

fn is_loading(phase: Phase) -> bool {
    matches!(phase, Phase::Load(_))
}

fn websocket(socket: Socket) -> Option<WebSocket> {
    match socket {
        Socket::WebSocket(ws) => Some(ws),
        Socket::Raw(_) => None,
    }
}

/// One task for each connection; it ends if the connection fails.
fn start_receiving(lanes: &[SharedLane], board: &Board) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for lane in lanes {
        let (lane, board) = (lane.clone(), board.clone());
        tasks.spawn(async move {
            let failure = poll_fn(|cx| lock(&lane).poll(cx, &mut lock(&board))).await;
            lock(&board).tally.failures.add(failure, 1);
        });
    }
    tasks
}

/// All closing handshakes at once.
async fn close_all(open: impl Iterator<Item = WebSocket>, board: &Board) {
    let mut tasks = JoinSet::new();
    for ws in open {
        let board = board.clone();
        tasks.spawn(async move { churn::close(ws, &board).await });
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    if timeout(CLOSE_TIME + Duration::from_secs(1), all)
        .await
        .is_err()
    {
        lock(board).tally.counts.unclean += tasks.len() as u64;
        tasks.shutdown().await;
    }
}

/// Keeps the runtime from ever sleeping, and counts the time in which it would have.
async fn spin(board: Board) {
    let mut last = Instant::now();
    let mut polls = 0;
    loop {
        tokio::task::yield_now().await;
        let now = Instant::now();
        let tally = &mut lock(&board).tally;
        if tally.polls == polls {
            tally.idle += now - last;
        }
        polls = tally.polls;
        last = now;
    }
}
