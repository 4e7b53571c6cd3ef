//! The command `tidewire`: reads the command line, runs what it asks for, and ends with its code.

#![forbid(unsafe_code)]

mod addr;
mod args;
mod bench;
mod connect;
mod echo;
mod exit;
mod serve;
mod signals;
mod term;
mod tls;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let exit = match cli.command {
        Some(args::Command::Serve(args)) => serve::run(&args),
        Some(args::Command::CheckConfig(args)) => serve::check::run(&args),
        Some(args::Command::Echo(args)) => echo::run(args),
        Some(args::Command::Bench(args)) => bench::run(&args),
        Some(args::Command::Connect(args)) => connect(args),
        None => connect(cli.connect),
    };
    exit.into()
}

fn connect(mut args: args::ConnectArgs) -> exit::Exit {
    let Some(url) = args.url.take().or_else(|| args.connect.take()) else {
        args::Cli::command()
            .error(
                clap::error::ErrorKind::MissingRequiredArgument,
                "connect to what? Give a URL, for example localhost:4000",
            )
            .exit()
    };
    connect::run(&addr::url(&url), args)
}
