//! A whole node in virtual time: clients come and go, engines fail, the node dies; whoever comes
//! back gets exactly what it missed, or is told.
//!
//! `TIDEWIRE_SEED=7` repeats one run, `TIDEWIRE_SEEDS=100000` makes more of them, and with
//! `TIDEWIRE_TRACE=1` a run tells what happens.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::field_reassign_with_default)]

mod abuse;
mod acts;
mod answers;
mod bench;
mod client;
mod engine;
mod finish;
mod net;
mod oracle;
mod people;
mod plan;
mod races;
mod road;
mod slow;
mod store;
mod turns;
mod view;
mod world;

use world::World;

/// Runs without a number in the environment.
const SEEDS: u64 = 8_000;

#[allow(clippy::disallowed_methods)]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Says how to repeat the run, if it fails.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat with TIDEWIRE_SEED={}", self.0);
        }
    }
}

#[test]
fn who_comes_back_gets_exactly_what_it_missed_or_is_told() {
    let seeds = match number("TIDEWIRE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("TIDEWIRE_SEEDS").unwrap_or(SEEDS),
    };
    let trace = number("TIDEWIRE_TRACE").is_some();
    let mut sum = finish::Sum::default();
    for seed in seeds {
        let _named = Named(seed);
        sum.add(World::new(seed, trace).run());
    }
    println!("{sum:?}");
    sum.check();
}
