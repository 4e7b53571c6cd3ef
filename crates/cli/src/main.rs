//! The command `tidewire`: reads the command line, runs what it asks for, and ends with its code.

#![forbid(unsafe_code)]

mod addr;
mod args;
mod bench;
mod bind;
mod bridge;
mod conform;
mod connect;
mod dial;
mod doctor;
mod echo;
mod exit;
mod help;
mod hub_client;
mod listen;
mod record;
mod raw;
mod replay;
mod serve;
mod signals;
mod tap;
mod term;
mod tls;
mod translate;

use std::process::ExitCode;

use clap::CommandFactory;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match translate::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(why) => return exit::error(exit::Exit::Usage, &why).into(),
    };
    term::choose_colour(match cli.color {
        _ if cli.no_color => args::ColourChoice::Never,
        choice => choice,
    });
    let exit = match cli.command {
        Some(args::Command::Serve(args)) => serve::run(&args),
        Some(args::Command::CheckConfig(args)) => serve::check::run(&args),
        Some(args::Command::Echo(args)) => echo::run(args),
        Some(args::Command::Sub(args)) => hub_client::subscribe(&args),
        Some(args::Command::Pub(args)) => hub_client::publish(&args),
        Some(args::Command::Send(args)) => hub_client::send(&args),
        Some(args::Command::Replay(args)) => replay::run(&args),
        Some(args::Command::Tap(args)) => tap::run(&args),
        Some(args::Command::Bridge(args)) => bridge::run(&args),
        Some(args::Command::Doctor(args)) => doctor::run(&args),
        Some(args::Command::Conform(args)) => conform::run(&args),
        Some(args::Command::Bench(args)) => bench::run(&args),
        Some(args::Command::Help(args)) => help::run(&args),
        Some(args::Command::Completions(args)) => help::completions(&args),
        Some(args::Command::Man(args)) => help::man(&args),
        Some(args::Command::Listen(args)) => listen::run(&args),
        Some(args::Command::Connect(args)) => connect(args),
        None => connect(cli.connect),
    };
    exit.into()
}

fn connect(mut args: args::ConnectArgs) -> exit::Exit {
    if let Some(args) = args::ListenArgs::of(&mut args) {
        return listen::run(&args);
    }
    if args.listen_tls != args::TlsArgs::default() {
        args::Cli::command()
            .error(
                clap::error::ErrorKind::MissingRequiredArgument,
                "--tls-cert, --tls-key and --tls-dev are for a server: give -l PORT too, or for a \
                 client --ca, --cert and --key",
            )
            .exit()
    }
    let Some(url) = args.url.take().or_else(|| args.connect.take()) else {
        args::Cli::command()
            .error(
                clap::error::ErrorKind::MissingRequiredArgument,
                "connect to what? Give a URL, for example localhost:4000",
            )
            .exit()
    };
    if let Some(tool) = args.translate.as_tool {
        return translate::print(tool, &url, &args);
    }
    connect::run(&url, args)
}
