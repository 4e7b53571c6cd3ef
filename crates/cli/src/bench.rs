//! `tidewire bench`: runs the load engine, shows how far it is, and prints its report.

use std::io::{IsTerminal, Write, stderr};

use tidewire_load::{Plan, Progress};

use crate::addr;
use crate::args::BenchArgs;
use crate::exit::Exit;

/// Measures, and prints the report on stdout.
pub(crate) fn run(args: &BenchArgs) -> Exit {
    let url = if args.raw { args.url.clone() } else { addr::url(&args.url) };
    let plan = Plan::new(url)
        .connections(args.connections as usize)
        .size(args.size)
        .depth(args.depth as usize)
        .duration(args.duration)
        .warmup(args.warmup)
        .pid(args.pid)
        .busy_poll(args.busy_poll)
        .raw(args.raw)
        .deflate(args.deflate);
    let watched = stderr().is_terminal();
    let outcome = tidewire_load::run(&plan, |progress| {
        if watched {
            show(&line(&progress));
        }
    });
    if watched {
        show("");
    }
    match outcome {
        Ok(report) => {
            if args.json { println!("{}", report.to_json()) } else { print!("{report}") }
            if report.errors == 0 { Exit::Clean } else { Exit::Local }
        }
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Unreachable
        }
    }
}

/// Replaces the progress line. That it cannot be written is no reason to stop measuring.
fn show(text: &str) {
    let _ = write!(stderr(), "\r\x1b[K{text}");
    let _ = stderr().flush();
}

fn line(progress: &Progress) -> String {
    match progress {
        Progress::Connecting { open, of } => format!("connecting: {open} of {of}"),
        Progress::WarmingUp => "warming up".to_owned(),
        Progress::Measuring { elapsed, messages } => {
            format!("measuring: {} s, {messages} messages", elapsed.as_secs())
        }
        Progress::Closing => "closing".to_owned(),
        _ => String::new(),
    }
}
