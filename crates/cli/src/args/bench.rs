//! The command line of `tidewire bench`.

use std::time::Duration;

use clap::Args;

use super::values::{seconds, size};

const BENCH_EXAMPLES: &str = "\
Each connection keeps --depth messages under way, and every answer is compared with what was sent.
Run the server and this command on different cores, or they share one.

Examples:
  tidewire bench ws://localhost:4000 -c 100 -s 32 -d 16
  tidewire bench ws://localhost:4000 --pid $(pidof tidewire) --json";

/// Options of `tidewire bench`.
#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArgs {
    /// The server, as for `connect`; tcp://HOST:PORT with --raw
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Connections open at once
    #[arg(short, long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Payload of each message, as 32, 16KiB or 1M
    #[arg(short, long, value_name = "BYTES", default_value = "32", value_parser = size)]
    pub(crate) size: usize,
    /// Messages under way on each connection
    #[arg(short, long, value_name = "D", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) depth: u32,
    /// How long to measure, in seconds
    #[arg(long, value_name = "SECS", default_value = "5", value_parser = seconds)]
    pub(crate) duration: Duration,
    /// How long to run before that, unmeasured, in seconds
    #[arg(long, value_name = "SECS", default_value = "1", value_parser = seconds)]
    pub(crate) warmup: Duration,
    /// The server's process, to tell its CPU time (Linux)
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,
    /// Poll without sleeping: takes a whole core, and the client never has to be woken
    #[arg(long)]
    pub(crate) busy_poll: bool,
    /// The peer echoes bytes, not messages: no handshake, frames come back as they were sent
    #[arg(long)]
    pub(crate) raw: bool,
    /// Offer compression (permessage-deflate)
    #[arg(long)]
    pub(crate) deflate: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
