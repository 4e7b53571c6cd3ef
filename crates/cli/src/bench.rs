//! `tidewire bench`: runs the load engine and prints its report.

use std::io::{IsTerminal, Write};

use tidewire_load::{LoadError, Plan, Progress};

use crate::addr;
use crate::args::BenchArgs;
use crate::exit::Exit;

/// Measures, and prints the report on stdout. What goes on meanwhile is told on stderr, if that is
/// a terminal.
pub(crate) fn run(args: &BenchArgs) -> Exit {
    let url = if args.raw {
        args.url.clone()
    } else {
        addr::url(&args.url)
    };
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
    let watched = std::io::stderr().is_terminal();
    let outcome = tidewire_load::run(&plan, |progress| {
        if watched {
            show(&progress);
        }
    });
    if watched {
        print_over("");
    }
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return exit_of(&error);
        }
    };
    let text = if args.json {
        report.to_json() + "\n"
    } else {
        report.to_string()
    };
    // Whoever closed the pipe does not want the report.
    _ = std::io::stdout().write_all(text.as_bytes());
    if report.errors == 0 {
        Exit::Clean
    } else {
        Exit::Local
    }
}

fn exit_of(error: &LoadError) -> Exit {
    match error {
        LoadError::InvalidPlan(_) => Exit::Usage,
        LoadError::UnknownHost(_) => Exit::Dns,
        LoadError::NoneConnected(_) => Exit::Unreachable,
        LoadError::NoneLeft(_) => Exit::Abnormal,
        _ => Exit::Local,
    }
}

fn show(progress: &Progress) {
    match progress {
        Progress::Connecting { open, of } if open % 100 == 0 || open == of => {
            print_over(&format!("connecting: {open} of {of}"));
        }
        Progress::WarmingUp => print_over("warming up"),
        Progress::Measuring { elapsed, messages } => {
            print_over(&format!(
                "measuring: {} s, {messages} messages",
                elapsed.as_secs()
            ));
        }
        Progress::Closing => print_over("closing"),
        _ => {}
    }
}

/// Replaces the line that the last call left on the terminal.
fn print_over(words: &str) {
    let mut stderr = std::io::stderr().lock();
    _ = write!(stderr, "\r{words}\x1b[K").and_then(|()| stderr.flush());
}
