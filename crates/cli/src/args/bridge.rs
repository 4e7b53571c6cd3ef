//! The command line of `tidewire bridge`.

use std::time::Duration;

use clap::Args;

use super::values::seconds;
use super::{DialArgs, TlsArgs};

const BRIDGE_EXAMPLES: &str = "\
Ends:
  ws://URL, wss://URL        a WebSocket server       ws-l:ADDR       WebSocket clients that come
  tcp:HOST:PORT, unix:PATH   a socket                 tcp-l:ADDR, unix-l:PATH   who comes there
  exec:'PROG ARGS'           a command, without a shell      sh-c:'COMMAND'   with one
  -                          stdin and stdout
ADDR is PORT, HOST:PORT or, for ws-l, unix:PATH; without a host only this machine can connect. One
end may listen: the other is opened anew for each that comes. ws-l refuses pages of every site that
--allow-origin does not name.

How bytes become messages: sockets give what has arrived as a binary message (-b); commands and stdin
give one text message a line (--lines), or what ends with a NUL (--null); a line that is not UTF-8 is
a binary message. The other way a message is written as it is, and with --lines and --null its end is
put behind it: line feeds and carriage returns (NULs) within it become spaces, so that one message
stays one line. Between two WebSockets messages stay what they are; between two streams all bytes do.

Examples:
  tidewire bridge ws-l:8080 tcp:127.0.0.1:5900 --allow-origin https://vnc.example
  tidewire bridge tcp-l:2222 wss://gate.example/ssh
  tidewire bridge ws-l:3000 exec:'jq -c --unbuffered .'
  tidewire bridge - ws://localhost:4000 --one

Exit codes: those of `tidewire help exit-codes`; 1 also if a command ended with another code than 0.";

/// Options of `tidewire bridge`.
#[derive(Debug, Args)]
#[command(after_help = BRIDGE_EXAMPLES)]
pub(crate) struct BridgeArgs {
    /// One end; see below
    #[arg(value_name = "A")]
    pub(crate) a: String,
    /// The other end
    #[arg(value_name = "B")]
    pub(crate) b: String,
    /// A line is a text message
    #[arg(long, conflicts_with_all = ["null", "binary"])]
    pub(crate) lines: bool,
    /// As --lines, but a NUL ends it
    #[arg(long, short = '0', conflicts_with = "binary")]
    pub(crate) null: bool,
    /// Whatever has arrived is a binary message
    #[arg(long, short)]
    pub(crate) binary: bool,
    /// When one end has said all: close after so long without a message for it; -1: never
    #[arg(
        long,
        short,
        value_name = "SECONDS",
        default_value = "2",
        value_parser = wait,
        allow_hyphen_values = true
    )]
    pub(crate) wait: Duration,
    /// Serve one connection, then end as it ended
    #[arg(long)]
    pub(crate) one: bool,
    /// Connections at a time; more wait for their turn
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_connections: u32,
    /// Let the pages of this origin connect to ws-l (may be repeated); any: of everybody
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(crate) allow_origin: Vec<String>,
    /// Let other machines run the command of exec: or sh-c:
    #[arg(long)]
    pub(crate) allow_remote_exec: bool,
    /// Say nothing on stderr but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten, next_help_heading = "With ws-l")]
    pub(crate) tls: TlsArgs,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}

fn wait(text: &str) -> Result<Duration, String> {
    match text {
        "-1" => Ok(Duration::MAX),
        text => seconds(text),
    }
}

fn origin(text: &str) -> Result<String, String> {
    http::HeaderValue::from_str(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("{text:?} cannot be an origin: write for example https://app.example"))
}

impl BridgeArgs {
    /// The largest message and the longest line.
    pub(crate) fn max_message(&self) -> usize {
        self.dial.max_message.unwrap_or(16 << 20)
    }
}
