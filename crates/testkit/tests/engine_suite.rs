//! The suite of engines works on one that has a thread of its own and lives in real time.
#![allow(clippy::unwrap_used)]

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use tidewire_hub_core::Millis;
use tidewire_hub_core::contract::{Effect, ShardId, Ticket, ToShard};
use tidewire_hub_core::memory::MemoryEngine;
use tidewire_hub_proto::Term;
use tidewire_testkit::engines::{Options, Restart, Restarted, Subject, run, run_core};

enum Order {
    Do(ShardId, Ticket, Box<Effect>),
    /// Everything before it is done.
    Mark,
}

enum Told {
    ToShard(ShardId, Box<ToShard>),
    Mark,
}

struct Threaded {
    orders: Option<Sender<Order>>,
    told: Receiver<Told>,
    thread: Option<JoinHandle<()>>,
    term: u64,
    options: Options,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap().as_millis()).unwrap()
}

fn live(mut engine: MemoryEngine, orders: &Receiver<Order>, told: &Sender<Told>) {
    let mut out = |shard, message| drop(told.send(Told::ToShard(shard, Box::new(message))));
    loop {
        let due = engine
            .next_deadline()
            .map_or(1_000, |due| due.0.saturating_sub(now()));
        match orders.recv_timeout(Duration::from_millis(due)) {
            Ok(Order::Do(shard, ticket, effect)) => {
                engine.submit(Millis(now()), shard, ticket, *effect, &mut out);
            }
            Ok(Order::Mark) => drop(told.send(Told::Mark)),
            Err(RecvTimeoutError::Timeout) => engine.tick(Millis(now()), &mut out),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Threaded {
    fn new(term: u64, options: &Options) -> Self {
        let (orders, taken) = channel();
        let (tell, told) = channel();
        let engine = MemoryEngine::new(Term(term), options.clone());
        let thread = std::thread::spawn(move || live(engine, &taken, &tell));
        Self {
            orders: Some(orders),
            told,
            thread: Some(thread),
            term,
            options: options.clone(),
        }
    }

    fn order(&self, order: Order) {
        self.orders.as_ref().unwrap().send(order).unwrap();
    }
}

impl Drop for Threaded {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Subject for Threaded {
    fn submit(&mut self, shard: ShardId, ticket: Ticket, effect: Effect) {
        self.order(Order::Do(shard, ticket, Box::new(effect)));
    }

    fn settle(&mut self) -> Vec<(ShardId, ToShard)> {
        self.order(Order::Mark);
        let mut all = Vec::new();
        while let Told::ToShard(shard, message) = self.told.recv().unwrap() {
            all.push((shard, *message));
        }
        all
    }

    fn advance(&mut self, _millis: u64) -> bool {
        false
    }

    fn restart(&mut self, _how: Restart) -> Restarted {
        *self = Self::new(self.term + 1, &self.options);
        Restarted::Lost
    }
}

#[test]
fn suite_runs_in_real_time() {
    run(&|_| true, &[None], &mut |options| {
        Box::new(Threaded::new(1, options))
    });
}

#[test]
fn core_needs_no_restart() {
    struct Lasting(Threaded);
    impl Subject for Lasting {
        fn submit(&mut self, shard: ShardId, ticket: Ticket, effect: Effect) {
            self.0.submit(shard, ticket, effect);
        }
        fn settle(&mut self) -> Vec<(ShardId, ToShard)> {
            self.0.settle()
        }
        fn advance(&mut self, millis: u64) -> bool {
            self.0.advance(millis)
        }
        fn restart(&mut self, _how: Restart) -> Restarted {
            Restarted::Unable
        }
    }
    run_core(&mut |options| Box::new(Lasting(Threaded::new(1, options))));
}
