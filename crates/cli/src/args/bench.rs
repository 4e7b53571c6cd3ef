//! The command line of `tidewire bench`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::DialArgs;
use super::values::{seconds, size};
use crate::bench::condition::{Condition, conditions};

const BENCH_EXAMPLES: &str = "\
Closed load (default): each connection keeps --depth messages under way. Open load (--rate): messages
are sent by a schedule, and latency counts from when each was due. Every answer is compared with what
was sent. Run the server and this command on different cores, or they share one.

Examples:
  tidewire bench ws://localhost:4000 -c 100 --size 32,16k -d 16
  tidewire bench ws://localhost:4000 --rate 50k/s --fail-if 'p99>5ms' --fail-if 'errors>0'
  tidewire bench ws://localhost:4000 --find-max 'p99<5ms' --threads 2
  tidewire bench ws://localhost:4000 --json now.json --compare before.json
  tidewire bench wss://example.com/feed --mode ping --rate 10 --duration 60s
  tidewire bench localhost:4000/ws --mode pubsub --channel live:bench -c 1000 --rate 100";

/// What the connections do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchMode {
    /// Send, and compare what comes back
    Echo,
    /// Listen to what the server says
    Push,
    /// Send Pings: every server answers them
    Ping,
    /// Hold connections, and see how many stay
    Idle,
    /// Publish on a channel of a hub, to subscribers
    Pubsub,
    /// Open and close connections
    Connect,
}

/// Options of `tidewire bench`.
#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArgs {
    /// The server, as for `connect`; tcp://HOST:PORT with --raw
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// What the connections do
    #[arg(short, long, value_name = "MODE", default_value = "echo")]
    pub(crate) mode: BenchMode,
    /// Connections open at once
    #[arg(short, long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Payload of each message, as 32, 16KiB or 1M; a list runs each in turn [default: 32; pubsub: 128]
    #[arg(long, value_name = "BYTES", value_delimiter = ',', value_parser = size)]
    pub(crate) size: Vec<usize>,
    /// Messages under way on each connection of a closed load
    #[arg(short, long, value_name = "D", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) depth: u32,
    /// Open load: so many messages a second in all, as 200, 50k/s or 1.5M
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Threads that make the load
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: u16,
    /// How long to measure [default: 5; each step of --find-max: 2]
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
    /// How long to run before that, unmeasured
    #[arg(long, value_name = "SECS", default_value = "1", value_parser = seconds)]
    pub(crate) warmup: Duration,
    /// Exit with 1 if this holds, as 'p99>5ms', 'errors>0', 'rate<1000' (may be repeated)
    #[arg(long, value_name = "CONDITION", value_parser = conditions)]
    pub(crate) fail_if: Vec<Vec<Condition>>,
    /// Find the highest rate at which this holds, as 'p99<5ms'
    #[arg(long, value_name = "CONDITION", value_parser = conditions, conflicts_with_all = ["fail_if", "compare"])]
    // The whole path, or clap takes it for one condition an occurrence.
    pub(crate) find_max: Option<std::vec::Vec<Condition>>,
    /// Tell how this compares with an earlier run, as --json wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) compare: Option<String>,
    /// Write the result as JSON, one object a line for each size; without FILE to stdout
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) json: Option<String>,
    /// Write the result as CSV; without FILE to stdout
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with = "find_max")]
    pub(crate) csv: Option<String>,
    /// Write the latency distribution for plotters of HDR histograms
    #[arg(long, value_name = "FILE", conflicts_with = "find_max")]
    pub(crate) hdr: Option<String>,
    /// Write a report to show: FILE.html or FILE.md
    #[arg(long, value_name = "FILE", value_parser = report_file, conflicts_with = "find_max")]
    pub(crate) report: Option<String>,
    /// Send messages as text
    #[arg(long)]
    pub(crate) text: bool,
    /// Say this first on each connection, for --mode push
    #[arg(long, value_name = "TEXT")]
    pub(crate) hello: Option<String>,
    /// The channel of --mode pubsub
    #[arg(long, value_name = "CHANNEL", default_value = "live:bench")]
    pub(crate) channel: String,
    /// Compress (permessage-deflate), if the server agrees
    #[arg(short = 'z', long)]
    pub(crate) compress: bool,
    /// The server's process, to tell its CPU time (Linux)
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,
    /// Poll without sleeping: takes whole cores, and the client never has to be woken
    #[arg(long)]
    pub(crate) busy_poll: bool,
    /// The peer echoes bytes, not messages: no handshake, frames come back as they were sent
    #[arg(long)]
    pub(crate) raw: bool,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}

/// `200`, `50k`, `1.5M`, with or without `/s`.
fn rate(text: &str) -> Result<f64, String> {
    let wrong =
        || format!("{text:?} is not a rate: write messages a second, as 200, 50k/s or 1.5M");
    let number = crate::bench::condition::number(text.strip_suffix("/s").unwrap_or(text));
    let number = number.ok_or_else(wrong)?;
    if (0.001..=1e9).contains(&number) {
        Ok(number)
    } else {
        Err(wrong())
    }
}

fn report_file(text: &str) -> Result<String, String> {
    if text.ends_with(".html") || text.ends_with(".md") {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} does not end in .html or .md, which says what to write"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(rate("200"), Ok(200.0));
        assert_eq!(rate("50k/s"), Ok(50_000.0));
        assert_eq!(rate("1.5M"), Ok(1_500_000.0));
        for text in ["", "0", "-1", "k", "1e99", "NaN", "inf", "5/m"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
