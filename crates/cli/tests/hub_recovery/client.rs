//! A client that follows channels, drops its connection, dawdles, and comes back by another transport.

use crate::hub_common::native::{Gone, Native, PATIENCE};
use crate::hub_common::{Chance, Place};
use crate::transport::{Line, Positions, Told, Transport, Wish, mark, soon};
use crate::view::View;
use crate::{CHANNELS, is_memory, is_whole};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Where every channel ends, and with which record.
pub(crate) type Goal = BTreeMap<&'static str, (String, Option<String>)>;

/// What all clients and publishers of a run share.
pub(crate) struct Shared {
    pub(crate) place: Place,
    transports: &'static [&'static dyn Transport],
    used: Vec<AtomicUsize>,
    /// No more new publications.
    pub(crate) enough: AtomicBool,
    /// Everything is published; here are the ends.
    pub(crate) goal: watch::Sender<Option<Goal>>,
}

impl Shared {
    pub(crate) fn new(place: Place, transports: &'static [&'static dyn Transport]) -> Self {
        Self {
            place,
            used: transports.iter().map(|_| AtomicUsize::new(0)).collect(),
            transports,
            enough: AtomicBool::new(false),
            goal: watch::Sender::new(None),
        }
    }

    /// How often each transport was used.
    pub(crate) fn ways(&self) -> Vec<(&'static str, usize)> {
        let names = self.transports.iter().map(|transport| transport.name());
        let counts = self.used.iter().map(|count| count.load(Ordering::Relaxed));
        names.zip(counts).collect()
    }
}

/// One client, over all its connections.
pub(crate) struct Client {
    pub(crate) number: usize,
    chance: Chance,
    shared: Arc<Shared>,
    pub(crate) views: BTreeMap<&'static str, View>,
    pub(crate) connections: usize,
    /// How often the hub cut it off because it was slow.
    pub(crate) cut: usize,
    /// What happened to it, for when something is wrong.
    diary: String,
}

impl Client {
    pub(crate) fn new(number: usize, mut chance: Chance, shared: Arc<Shared>) -> Self {
        // Half of them follow whole channels only, so that every transport will do.
        let picky = number.is_multiple_of(2);
        let mut views: BTreeMap<_, _> = CHANNELS
            .into_iter()
            .filter(|channel| chance.percent(60) && (!picky || is_whole(channel)))
            .map(|channel| (channel, View::default()))
            .collect();
        if views.is_empty() {
            views.insert(CHANNELS[0], View::default());
        }
        Self {
            number,
            chance,
            shared,
            views,
            connections: 0,
            cut: 0,
            diary: String::new(),
        }
    }

    /// The last of what happened to it.
    pub(crate) fn diary(&self) -> String {
        let lines: Vec<_> = self.diary.lines().rev().take(60).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn note(&mut self, what: &str) {
        let positions: Vec<_> = self.positions().into_iter().collect();
        _ = writeln!(self.diary, "{what} at {positions:?}");
    }

    fn positions(&self) -> Positions {
        let at = |(channel, view): (&&'static str, &View)| (*channel, view.at().map(str::to_owned));
        self.views.iter().map(at).collect()
    }

    /// Whether it has seen everything.
    fn is_there(&self, goal: &Goal) -> bool {
        self.views.iter().all(|(channel, view)| {
            let (end, last) = &goal[channel];
            view.at() == Some(end) || (view.unplaced().is_some() && view.last() == last.as_deref())
        })
    }

    /// Goes on until it has seen everything.
    pub(crate) async fn run(&mut self) {
        let mut goal = self.shared.goal.subscribe();
        loop {
            let known = goal.borrow_and_update().clone();
            if known.is_some_and(|goal| self.is_there(&goal)) {
                return;
            }
            let Some(addr) = self.shared.place.now() else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            if self.locate(addr).await.is_err() {
                continue;
            }
            let positions = self.positions();
            let transports = self.shared.transports;
            let fitting: Vec<_> = (0..transports.len())
                .filter(|at| transports[*at].fits(&positions))
                .collect();
            let way = fitting[self.chance.range(0, fitting.len() as u64) as usize];
            let slow = self.chance.percent(30);
            let wish = Wish {
                addr,
                positions: &positions,
                buffer: slow.then_some(4096),
            };
            match transports[way].open(wish).await {
                Ok(mut line) => {
                    self.connections += 1;
                    self.shared.used[way].fetch_add(1, Ordering::Relaxed);
                    self.note(transports[way].name());
                    let outcome = self.follow(&mut *line, slow, &mut goal).await;
                    let outcome = outcome.map_or_else(|gone| gone.0, |()| "left".to_owned());
                    self.cut += usize::from(outcome.contains("4002"));
                    self.note(&outcome);
                }
                Err(gone) => self.note(&gone.0),
            }
            tokio::time::sleep(self.chance.millis(1, 60)).await;
        }
    }

    /// Reads for a while; `Ok`: it leaves of its own accord.
    async fn follow(
        &mut self,
        line: &mut dyn Line,
        slow: bool,
        goal: &mut watch::Receiver<Option<Goal>>,
    ) -> Result<(), Gone> {
        let most = if slow { 2500 } else { 1000 };
        let mut leave = Instant::now() + self.chance.millis(20, most);
        let mut dawdle = Instant::now() + self.chance.millis(0, 300);
        loop {
            let end = goal.borrow_and_update().clone();
            let stays = end.is_some();
            if let Some(end) = end {
                // From here on it stays until it has everything.
                if self.is_there(&end) {
                    return Ok(());
                }
                leave = Instant::now() + PATIENCE;
            } else if slow && Instant::now() > dawdle {
                tokio::time::sleep(self.chance.millis(200, 900)).await;
                dawdle = Instant::now() + self.chance.millis(50, 200);
            }
            let told = tokio::select! {
                told = timeout_at(leave, line.next()) => told,
                _ = goal.changed() => continue,
            };
            match told {
                Ok(told) => self.take(told?),
                Err(_) if !stays => return Ok(()),
                Err(_) => panic!(
                    "client {} waits for the end {:?}\n{}\nand is at {:?}",
                    self.number,
                    goal.borrow(),
                    self.diary(),
                    self.positions(),
                ),
            }
        }
    }

    fn take(&mut self, told: Told) {
        let (Told::Begin { channel, .. }
        | Told::Record { channel, .. }
        | Told::Live { channel, .. }
        | Told::Lag { channel, .. }) = told;
        if !matches!(told, Told::Record { .. }) {
            _ = writeln!(self.diary, "  {told:?}");
        }
        let view = self.views.get_mut(channel);
        let view = view.unwrap_or_else(|| panic!("{channel} was not asked for: {told:?}"));
        if let Err(wrong) = view.take(told, is_whole(channel)) {
            panic!(
                "client {}, {channel}: {wrong}\n{}",
                self.number,
                self.diary()
            );
        }
    }

    /// Finds out where it is, if the last it saw came without positions: history has them.
    async fn locate(&mut self, addr: std::net::SocketAddr) -> Result<(), Gone> {
        for (channel, view) in &mut self.views {
            let Some(last) = view.unplaced().map(str::to_owned) else {
                continue;
            };
            assert!(!is_memory(channel));
            let mut native = soon("hello", Native::open(addr, None, None)).await?;
            let after = native.history(channel, view.at()).await?;
            let after = after.expect("nothing is trimmed");
            let found = after.into_iter().find(|(_, object)| mark(object) == last);
            let (pos, _) = found.unwrap_or_else(|| panic!("{channel} has no {last}"));
            view.place(pos);
        }
        Ok(())
    }
}
