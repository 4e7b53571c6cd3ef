//! The memory engine keeps the contract of engines.

use tidewire_testkit::engines::{MemorySubject, run, run_all, run_each_failure};

#[test]
fn memory_engine_keeps_the_contract() {
    run_all(&mut |options| Box::new(MemorySubject::new(options)));
}

#[test]
fn memory_engine_keeps_it_under_many_faults() {
    let seeds: Vec<_> = (100..160).map(Some).collect();
    run(&|_| true, &seeds, &mut |options| {
        Box::new(MemorySubject::new(options))
    });
}

#[test]
fn memory_engine_keeps_it_whichever_effect_fails() {
    run_each_failure(1, &mut |options| Box::new(MemorySubject::new(options)));
}
