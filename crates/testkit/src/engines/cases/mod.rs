//! The cases of the suite, sorted by what they are about.

mod faults;
mod history;
mod keys;
mod log;
mod presence;
mod restart;
mod watch;

use super::Driver;

/// One statement about every engine.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it says.
    pub name: &'static str,
    /// Whether it is of the part that every engine behind a network must pass too.
    pub core: bool,
    /// Whether it is about effects that fail: then faults make some fail.
    pub failing: bool,
    /// Fails by panic.
    pub run: fn(&mut Driver),
}

/// All cases, by what they are about.
pub const CASES: &[&[Case]] = &[
    log::CASES,
    history::CASES,
    keys::CASES,
    watch::CASES,
    presence::CASES,
    restart::CASES,
    faults::CASES,
];

const fn core(name: &'static str, run: fn(&mut Driver)) -> Case {
    Case {
        name,
        core: true,
        failing: false,
        run,
    }
}

const fn full(name: &'static str, run: fn(&mut Driver)) -> Case {
    Case {
        core: false,
        ..core(name, run)
    }
}

const fn failing(name: &'static str, run: fn(&mut Driver)) -> Case {
    Case {
        failing: true,
        ..core(name, run)
    }
}

fn numbered(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{name}{n}")).collect()
}
