//! The corpus on disk through every target, then mutations of it with a fixed seed.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use tidewire_fuzz::runner::{self, Until};
use tidewire_fuzz::targets::{self, differential};
use tidewire_fuzz::{corpus, differences, seeds};

const SEED: u64 = 20_250_101;
const MUTATIONS: u64 = 2_000;

fn run(name: &str) {
    let target = targets::find(name).unwrap();
    let report = runner::run(target, SEED, 0, Until::Mutations(MUTATIONS)).unwrap();
    if let Some(crash) = report.crash {
        let path = runner::save(target, &crash.input).unwrap();
        panic!("{name} panicked at {}: {}", crash.origin, path.display());
    }
    let inputs = corpus::load(name).unwrap().len() as u64;
    assert_eq!(report.executions, inputs + MUTATIONS);
}

#[test]
fn frames_server() {
    run("frames_server");
}

#[test]
fn frames_client() {
    run("frames_client");
}

#[test]
fn handshake_server() {
    run("handshake_server");
}

#[test]
fn handshake_client() {
    run("handshake_client");
}

#[test]
fn deflate() {
    run("deflate");
}

#[test]
fn pair() {
    run("pair");
}

#[test]
fn differential_against_tungstenite() {
    run("differential");
}

#[test]
fn native() {
    run("native");
}

#[test]
fn cursor() {
    run("cursor");
}

#[test]
fn the_corpus_on_disk_holds_every_seed() {
    for target in targets::ALL {
        let on_disk: BTreeSet<_> = corpus::load(target.name).unwrap().into_iter().collect();
        for seed in seeds::of(target.name) {
            assert!(
                on_disk.contains(&seed),
                "{}/{} is missing or old: run `cargo run -p tidewire-fuzz -- --write-seeds`",
                target.name,
                seed.0
            );
        }
    }
}

#[test]
fn every_row_of_the_differences_is_needed() {
    let mut needed = BTreeSet::new();
    for (_, input) in corpus::load("differential").unwrap() {
        needed.extend(differential::rows(&input));
    }
    let rows = differences::VERDICTS
        .iter()
        .chain(differences::REPLIES)
        .map(|(name, _)| *name);
    assert_eq!(rows.collect::<BTreeSet<_>>(), needed);
}
