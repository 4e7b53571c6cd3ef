//! `cargo run --release -p tidewire-fuzz`: reads the command line and prints one line a target.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io, panic};
use tidewire_fuzz::runner::{self, Until};
use tidewire_fuzz::targets::{self, Target};
use tidewire_fuzz::{corpus, rng::Rng};

const USAGE: &str = "usage: tidewire-fuzz [OPTIONS] [TARGET…]

  --seconds N     mutate for N seconds a target (default 5)
  --seed S        the seed (default: from the clock; it is printed)
  --iteration I   run only this iteration of the seed
  --input FILE    run only this file
  --write-seeds   write the hand-made seeds to corpus/, and stop
  --list          print the names of the targets, and stop";

/// How long a crashing input is made smaller.
const SHRINK: Duration = Duration::from_secs(5);

struct Options {
    seconds: u64,
    seed: u64,
    iteration: Option<u64>,
    input: Option<String>,
    targets: Vec<&'static Target>,
}

enum Command {
    Run(Options),
    WriteSeeds,
    List,
}

fn main() -> ExitCode {
    let command = match parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let result = match command {
        Command::Run(options) => fuzz(&options),
        Command::WriteSeeds => corpus::write_seeds().map(|count| {
            println!("{count} seeds written");
            true
        }),
        Command::List => {
            targets::ALL
                .iter()
                .for_each(|target| println!("{}", target.name));
            Ok(true)
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut options = Options {
        seconds: 5,
        seed: Rng::new(clock.as_nanos() as u64).next_u64() >> 32,
        iteration: None,
        input: None,
        targets: Vec::new(),
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--seconds" => options.seconds = number(&value()?)?,
            "--seed" => options.seed = number(&value()?)?,
            "--iteration" => options.iteration = Some(number(&value()?)?),
            "--input" => options.input = Some(value()?),
            "--write-seeds" => return Ok(Command::WriteSeeds),
            "--list" => return Ok(Command::List),
            name => {
                let target = targets::find(name).ok_or(format!("there is no target {name}"))?;
                options.targets.push(target);
            }
        }
    }
    if options.targets.is_empty() {
        options.targets = targets::ALL.iter().collect();
    }
    Ok(Command::Run(options))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

/// Runs the targets. Whether all passed.
fn fuzz(options: &Options) -> io::Result<bool> {
    let (mut passed, mut failed) = (0, 0);
    for target in &options.targets {
        let fine = match &options.input {
            Some(file) => !runner::panics_alone(target, &fs::read(file)?),
            None => run(target, options)?,
        };
        if fine { passed += 1 } else { failed += 1 }
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

fn run(target: &Target, options: &Options) -> io::Result<bool> {
    let until = match options.iteration {
        Some(_) => Until::Mutations(1),
        None => Until::Elapsed(Duration::from_secs(options.seconds)),
    };
    let report = runner::run(target, options.seed, options.iteration.unwrap_or(0), until)?;
    let rate = report.executions as f64 / report.elapsed.as_secs_f64().max(1e-9);
    println!(
        "{:<17} {:>9} executions  {:>8.0}/s  slowest {:>6.1} ms  seed {}{}",
        target.name,
        report.executions,
        rate,
        report.slowest.as_secs_f64() * 1e3,
        options.seed,
        if report.crash.is_some() {
            "  FAILED"
        } else {
            ""
        },
    );
    let Some(crash) = report.crash else {
        return Ok(true);
    };
    println!(
        "  panicked at {}: {}",
        crash.origin,
        runner::save(target, &crash.input)?.display()
    );
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {})); // what follows would print its panics, one an attempt
    let small = runner::panics_alone(target, &crash.input)
        .then(|| runner::shrink(target, &crash.input, SHRINK));
    panic::set_hook(hook);
    match small {
        Some(small) => {
            let path = runner::save(target, &small)?;
            println!("  made smaller, {} bytes: {}", small.len(), path.display());
        }
        None => println!("  does not panic alone: inputs before it left something behind"),
    }
    Ok(false)
}
