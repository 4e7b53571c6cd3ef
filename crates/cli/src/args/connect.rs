//! The command line of `tidewire connect`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{Wait, seconds, wait};
use super::{DialArgs, TerminalArgs, TlsArgs, TranslateArgs};
use crate::bind::Place;
use crate::connect::expr::Expr;
use crate::record::Recorder;

const EXAMPLES: &str = "\
Examples:
  tidewire localhost:4000/chat -s v2 -H 'Authorization: Bearer abc'
  printf 'one\\ntwo\\n' | tidewire localhost:4000 --count 2
  tidewire localhost:4000 -x '{\"op\":\"ping\"}' --expect '$.op==\"pong\"' --timeout 5
  tidewire wss://example.com/feed --reconnect --on-connect @auth.json --json >> feed.ndjson

More: `tidewire help connect`, `tidewire help keys`, `tidewire help exit-codes`.";

const ALL: &str = "\
On a terminal each line you type is a message. In a pipe each line of the input is a text message,
each message that arrives is a line of the output (binary: its bytes as they are), and everything
else goes to stderr. At the end of the input it waits for answers until --wait seconds pass in
silence, then closes; with --count, --until, --expect or --expect-close it waits until that has
come, as long as --within, --timeout or --wait allow.

EXPR is a TEXT that the message holds, a /REGEX/ (/REGEX/i), or a JSONPath, which finds something or
is compared: '$.id==1'  '$.px>=2.5'  '$.type!=\"error\"'  '$.name=~/^a/'  '$.list[*].ok==true'

With --reconnect a connection that ends is replaced after a wait that doubles from 1 to 30 seconds,
by chance up to half of it less. What was read and not sent is sent on the next. The first
connection must succeed.

A proxy is taken from HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, but not for NO_PROXY and this machine.
For wss:// the CAs of the system are trusted, or those of the PEM file that SSL_CERT_FILE names.

Examples:
  tidewire connect ws://localhost:4000/chat -s v2 -H 'Authorization: Bearer abc'
  printf 'one\\ntwo\\n' | tidewire localhost:4000 -w 0.5
  echo '{\"op\":\"time\"}' | tidewire localhost:4000 -1 | jq .time
  tidewire localhost:4000 -x '{\"op\":\"ping\"}' --expect '$.op==\"pong\"' --within 2
  tidewire localhost:4000 -b < picture.png --count 1 > answer.bin
  tidewire wss://example.com/feed --reconnect --on-connect @auth.json --json >> feed.ndjson
  tidewire -vv localhost:4000 -x hi -w 100ms

Exit codes:
  0 closed with 1000, 1001 or no code     7 not a WebSocket handshake
  1 a check failed, or this side          8 protocol broken, or a message too big
  2 wrong use                             9 ended without a Close frame (1006)
  3 host name not found                  10 closed with another code
  4 no TCP connection                    11 a deadline passed, or --count/--until not reached
  5 TLS needed, or failed                12 the proxy refused or failed
  6 HTTP answer other than 101          130 Ctrl-C";

/// What a server (`-l`) has no use for: said, or it would be waited for in vain.
const NOT_OF_A_SERVER: [&str; 50] = [
    "url",
    "connect",
    "headers",
    "origin",
    "auth",
    "bearer",
    "cookie",
    "host",
    "user_agent",
    "protocol",
    "deflate",
    "no_deflate",
    "max_message",
    "no_check",
    "ca",
    "cert",
    "key",
    "passphrase",
    "sni",
    "alpn",
    "proxy",
    "noproxy",
    "location",
    "max_redirects",
    "unix_socket",
    "ipv4",
    "ipv6",
    "resolve",
    "source_ip",
    "from_curl",
    "as_tool",
    "execute",
    "interactive",
    "one",
    "count",
    "until",
    "expect",
    "within",
    "expect_close",
    "timeout",
    "json",
    "binary",
    "text",
    "null",
    "oneline",
    "record",
    "verbose",
    "ping",
    "reconnect",
    "on_connect",
];

/// Options of `tidewire connect`, and of `tidewire URL`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = ALL)]
#[command(mut_args(without_servers_tls))]
#[command(group = clap::ArgGroup::new("waited_for").multiple(true)
    .args(["one", "count", "until", "expect", "expect_close"]))]
pub(crate) struct ConnectArgs {
    /// The server: ws:// or wss://HOST:PORT/PATH, or HOST:PORT/PATH, or :PORT
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The same, as wscat has it
    #[arg(short, long = "connect", value_name = "URL", conflicts_with = "url")]
    #[arg(hide_short_help = true)]
    pub(crate) connect: Option<String>,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
    #[command(flatten)]
    pub(crate) translate: TranslateArgs,
    /// Listen on PORT, ADDR:PORT or unix:/PATH, as an interactive server
    #[arg(short, long, value_name = "PORT", value_parser = Place::parse, conflicts_with_all = NOT_OF_A_SERVER)]
    pub(crate) listen: Option<Place>,
    /// Send TEXT or @FILE (may be repeated), and read no input
    #[arg(short = 'x', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) execute: Vec<String>,
    /// After -x go on with what is typed, or with the input
    #[arg(short, long, hide_short_help = true)]
    pub(crate) interactive: bool,
    /// Wait after -x or the input: 2 (default), 500ms; -1 holds
    #[arg(
        short,
        long,
        value_name = "SECONDS",
        value_parser = wait,
        allow_hyphen_values = true
    )]
    pub(crate) wait: Option<Wait>,
    /// Close at the end of the input, without waiting for answers; the same as -w 0
    #[arg(short = 'E', long, conflicts_with = "wait", hide_short_help = true)]
    pub(crate) exit_on_eof: bool,
    /// One answer, and done; the same as --count 1
    #[arg(
        short = '1',
        long = "one",
        conflicts_with = "count",
        hide_short_help = true
    )]
    pub(crate) one: bool,
    /// Close after N messages have come
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Close after a message with TEXT, /REGEX/ or '$.json.path==1'
    #[arg(long, value_name = "EXPR", value_parser = Expr::parse)]
    pub(crate) until: Option<Expr>,
    /// Such a message must come, else exit 1 (may be repeated)
    #[arg(long, value_name = "EXPR", value_parser = Expr::parse)]
    pub(crate) expect: Vec<Expr>,
    /// How long --count, --until, --expect and --expect-close may take from the connection on
    #[arg(long, value_name = "SECONDS", value_parser = seconds, hide_short_help = true)]
    #[arg(requires = "waited_for")]
    pub(crate) within: Option<Duration>,
    /// The server must close with CODE, else exit 1
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(1000..5000))]
    #[arg(hide_short_help = true)]
    pub(crate) expect_close: Option<u16>,
    /// End the run after this time, with exit code 11
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Write each event as a line of JSON (messages, pings, close)
    #[arg(long, conflicts_with_all = ["null", "oneline", "text"])]
    pub(crate) json: bool,
    /// Send binary; write payloads with nothing in between
    #[arg(short, long, conflicts_with = "text")]
    pub(crate) binary: bool,
    /// Send text, as is the default, and end binary messages that come with a line feed too
    #[arg(short, long, hide_short_help = true)]
    pub(crate) text: bool,
    /// Messages end in NUL, not in line feeds, in the input and in the output
    #[arg(short = '0', long, hide_short_help = true)]
    pub(crate) null: bool,
    /// Write each text on one line: line feeds within it become spaces
    #[arg(long, hide_short_help = true, conflicts_with_all = ["null", "binary"])]
    pub(crate) oneline: bool,
    /// Record all events to FILE.ndjson (appended) or FILE.har (replaced), for `tidewire replay`
    #[arg(long, value_name = "FILE", value_parser = Recorder::judge)]
    pub(crate) record: Option<PathBuf>,
    /// Record passwords, cookies and tokens of the handshake too
    #[arg(long, requires = "record", hide_short_help = true)]
    pub(crate) record_secrets: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, hide_short_help = true)]
    pub(crate) quiet: bool,
    /// Show the handshake; -vv: each frame too
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show Pings and Pongs, with the round-trip time
    #[arg(short = 'P', long, hide_short_help = true)]
    pub(crate) show_ping_pong: bool,
    /// Send a Ping again and again
    #[arg(long, value_name = "SECONDS", value_parser = interval, hide_short_help = true)]
    pub(crate) ping: Option<Duration>,
    /// How long a Pong may take before the connection counts as dead [default: that of --ping, at least 5]
    #[arg(long, value_name = "SECONDS", value_parser = interval, requires = "ping")]
    #[arg(hide_short_help = true)]
    pub(crate) ping_timeout: Option<Duration>,
    /// Connect again whenever the connection is lost
    #[arg(long, value_name = "TIMES", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "0")]
    pub(crate) reconnect: Option<u32>,
    /// Send TEXT, or what @FILE holds, on each new connection before all else (may be repeated)
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    pub(crate) on_connect: Vec<String>,
    // Headings go on to what is behind them.
    #[command(flatten, next_help_heading = "With -l")]
    pub(crate) listen_tls: TlsArgs,
    #[command(flatten)]
    pub(crate) terminal: TerminalArgs,
}

/// `tidewire listen -h` shows how a server is told to speak TLS.
fn without_servers_tls(arg: clap::Arg) -> clap::Arg {
    match arg.get_id().as_str() {
        "tls_cert" | "tls_key" | "tls_dev" => arg.hide_short_help(true),
        _ => arg,
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("the time must be more than nothing".to_owned()),
        time => Ok(time),
    }
}
