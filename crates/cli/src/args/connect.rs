//! The command line of `tidewire connect`.

use std::time::Duration;

use clap::Args;

use super::values::seconds;
use super::{DialArgs, TranslateArgs};

const CONNECT_EXAMPLES: &str = "\
On a terminal each line you type is a message. In a pipe each line of the input is a text message,
each message that arrives is a line of the output (binary: its bytes as they are), and everything
else goes to stderr. At the end of the input it waits for answers until --wait seconds pass in
silence, then closes.

A proxy is taken from HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, but not for NO_PROXY and this machine. For
wss:// the CAs of the system are trusted, or those of the PEM file that SSL_CERT_FILE names.

Examples:
  tidewire connect ws://localhost:4000/chat -s v2 -H 'Authorization: Bearer abc'
  printf 'one\\ntwo\\n' | tidewire connect localhost:4000 -w 0.5
  tidewire connect localhost:4000 -x '{\"op\":\"time\"}' -w 1

Exit codes:
  0 closed with 1000, 1001 or no code     7 not a WebSocket handshake
  1 this side failed (input, output)      8 protocol broken, or a message too big
  2 wrong use                             9 ended without a Close frame (1006)
  3 host name not found                  10 closed with another code
  4 no TCP connection                    11 a deadline passed
  5 TLS needed                          130 Ctrl-C (in a pipe)
  6 HTTP answer other than 101";

/// Options of `tidewire connect`, and of `tidewire URL`.
#[derive(Debug, Args)]
#[command(after_help = CONNECT_EXAMPLES)]
pub(crate) struct ConnectArgs {
    /// The server: ws:// or wss://HOST:PORT/PATH, or HOST:PORT/PATH, or :PORT
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The same, as wscat has it
    #[arg(short, long = "connect", value_name = "URL", conflicts_with = "url")]
    pub(crate) connect: Option<String>,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
    #[command(flatten)]
    pub(crate) translate: TranslateArgs,
    /// Listen on PORT, HOST:PORT or unix:/PATH instead, as an interactive server
    #[arg(short, long, value_name = "PORT", conflicts_with_all = ["url", "connect"])]
    pub(crate) listen: Option<String>,
    /// Send TEXT and read no input (may be repeated)
    #[arg(short = 'x', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) execute: Vec<String>,
    /// After -x, or in silence after the end of the input: 2, 0.5, 500ms; -1 holds
    #[arg(
        short,
        long,
        value_name = "SECONDS",
        default_value = "2",
        value_parser = wait,
        allow_hyphen_values = true
    )]
    pub(crate) wait: Wait,
}

/// How long `connect` waits for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until the server closes.
    ForEver,
    /// This long.
    For(Duration),
}

fn wait(text: &str) -> Result<Wait, String> {
    if text == "-1" {
        Ok(Wait::ForEver)
    } else {
        seconds(text).map(Wait::For)
    }
}
