//! The loop of a shard: takes what has arrived, delivers it, writes, and lets the reactor run.

use super::host::NodeHost;
use super::local::{Local, State};
use crate::mailbox::{Inbox, Parcel};
use crate::node::listen::refuse;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tidewire_hub_core::{Budget, Millis, Notice, Shard, ToShard};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// What is taken out of the mailbox before anything else has a turn.
const PARCELS: usize = 256;
const BYTES: usize = 1 << 20;

/// Subscribers that are visited, and so written to, before the reactor runs.
const BUDGET: Budget = Budget { visits: 512 };

/// How often what engines answer at once is passed on in one go.
const ROUNDS: usize = 16;

/// Runs until the node is gone. Not to be run within tokio's budget: a write refused for lack of budget
/// would look like a full socket.
pub(super) async fn run(local: Rc<Local>, mut inbox: Inbox) {
    let mut told = Vec::new();
    let mut sleep = pin!(sleep_until(Instant::now()));
    let mut sleeps_until = None;
    loop {
        local.take_in(&mut inbox, &mut told);
        if local.turn(&mut told) || !inbox.is_empty() {
            yield_now().await;
            continue;
        }
        let deadline = local.next_deadline();
        if let Some(deadline) = deadline
            && sleeps_until != Some(deadline)
        {
            let left = deadline.0.saturating_sub(local.now().0);
            // A little later rather than too early: the clock counts whole milliseconds.
            let left = Duration::from_millis(left.saturating_add(1));
            sleep.as_mut().reset(Instant::now() + left.min(LONGEST));
            sleeps_until = Some(deadline);
        }
        tokio::select! {
            biased;
            () = local.poke.notified() => {}
            parcel = inbox.wait() => {
                let Some((_, parcel)) = parcel else { return };
                local.open_parcel(parcel, &mut told);
            }
            () = &mut sleep, if deadline.is_some() => {
                sleeps_until = None; // the turn that follows does what is due
            }
        }
    }
}

/// Does what is due.
fn tick(shard: &mut Shard<NodeHost>, host: &mut NodeHost, now: Millis) {
    let is_due = |deadline: Option<Millis>| deadline.is_some_and(|deadline| deadline <= now);
    if is_due(host.engines.next_deadline()) {
        host.engines.tick(now);
    }
    if is_due(shard.next_deadline()) {
        shard.tick(now, host);
    }
}

/// How far ahead a timer is set.
const LONGEST: Duration = Duration::from_secs(3600);

impl Local {
    fn take_in(self: &Rc<Self>, inbox: &mut Inbox, told: &mut Vec<ToShard>) {
        let mut bytes = 0;
        for _ in 0..PARCELS {
            let Some((weight, parcel)) = inbox.take() else {
                break;
            };
            self.open_parcel(parcel, told);
            bytes += weight;
            if bytes >= BYTES {
                break;
            }
        }
        if let Some(missed) = inbox.missed() {
            let heads = missed.into_iter();
            told.extend(heads.map(|(channel, pos)| ToShard::Notice(Notice::Head { channel, pos })));
        }
    }

    fn open_parcel(self: &Rc<Self>, parcel: Parcel, told: &mut Vec<ToShard>) {
        match parcel {
            Parcel::Told(messages) => told.extend(messages),
            Parcel::Asked(from, ticket, effect) => {
                let now = self.now();
                let engines = &mut self.state.borrow_mut().host.engines;
                engines.at_home(now, from, ticket, effect);
            }
            Parcel::Socket(tcp, peer, admission) => {
                // One that cannot be served ends here.
                if let Ok(tcp) = TcpStream::from_std(tcp) {
                    (self.serve)(self.clone(), tcp, peer, admission);
                }
            }
            Parcel::Refused(tcp, refusing) => {
                tokio::task::spawn_local(refuse(tcp, refusing));
            }
            Parcel::Errand(errand) => {
                // Who asked may have gone.
                _ = errand.answer.send(self.errand(&errand.session, errand.ask));
            }
            Parcel::Count(answer) => _ = answer.send(self.counters()),
        }
    }

    /// Passes on what was told, delivers and writes; whether there is more to do.
    fn turn(&self, told: &mut Vec<ToShard>) -> bool {
        let now = self.now();
        let mut state = self.state.borrow_mut();
        let State { shard, host } = &mut *state;
        for _ in 0..ROUNDS {
            for message in told.drain(..) {
                match message {
                    ToShard::Done(ticket, done) => shard.complete(now, ticket, done, host),
                    ToShard::Notice(notice) => shard.notice(now, notice, host),
                }
            }
            // What this makes an engine on this shard say is there at once.
            host.engines.take_told(told);
            if told.is_empty() {
                break;
            }
        }
        tick(shard, host, now); // also while there is always something else to do
        let more = shard.turn(now, BUDGET, host);
        host.engines.send();
        more || !told.is_empty() || host.engines.has_told()
    }

    fn next_deadline(&self) -> Option<Millis> {
        let state = self.state.borrow();
        let engines = state.host.engines.next_deadline();
        engines.into_iter().chain(state.shard.next_deadline()).min()
    }
}

#[cfg(test)]
#[path = "pump_tests.rs"]
mod tests;
