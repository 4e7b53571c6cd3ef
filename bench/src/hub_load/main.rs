//! `hub_load SCENARIO`: one load for a running `tidewire serve`, measured, and told as one JSON object.
//!
//! Everything runs on one thread: the load has one core, and the server the other.

mod back;
mod client;
mod durable;
mod fanout;
mod idle;
mod system;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
usage: hub_load SCENARIO --hub HOST:PORT --pid PID [--sessions N] [--depth N] [--rate N] [--seconds N]
  fanout   one publisher to N subscribers: in bursts of four as fast as acknowledgements allow,
           or with --rate so many publications a second, with the latency of deliveries
  durable  N connections that publish to a durable channel, --depth under way on each
  idle     resident bytes of the hub for each of N sessions with one subscription
  back     N subscribers are cut at once and come back, while --rate publications a second go on";

/// What to do, to whom.
#[derive(Clone, Debug)]
struct Plan {
    hub: SocketAddr,
    pid: u32,
    sessions: usize,
    depth: usize,
    rate: u64,
    seconds: u64,
}

impl Plan {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// What can go wrong is told in one sentence.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn plan(arguments: &[String]) -> Outcome<Plan> {
    let find = |name: &str| {
        let mut pairs = arguments.windows(2);
        let pair = pairs.find(|pair| pair[0] == format!("--{name}"));
        pair.map(|pair| pair[1].clone())
    };
    let number = |name: &str, default: u64| match find(name) {
        Some(text) => text
            .parse()
            .map_err(|_| format!("--{name} {text}: want a number")),
        None => Ok(default),
    };
    Ok(Plan {
        hub: find("hub").ok_or("--hub is missing")?.parse()?,
        pid: number("pid", 0)?.try_into()?,
        sessions: number("sessions", 1)?.try_into()?,
        depth: number("depth", 1)?.try_into()?,
        rate: number("rate", 0)?,
        seconds: number("seconds", 5)?,
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((scenario, rest)) = arguments.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let run = || -> Outcome<String> {
        let plan = plan(rest)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            match scenario.as_str() {
                "fanout" => fanout::run(&plan).await,
                "durable" => durable::run(&plan).await,
                "idle" => idle::run(&plan).await,
                "back" => back::run(&plan).await,
                other => Err(format!("no scenario {other}\n{USAGE}").into()),
            }
        })
    };
    match run() {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("hub_load: {error}");
            ExitCode::FAILURE
        }
    }
}
