//! The command line: what can be asked for, and the help that teaches it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::addr::{self, ListenAddr};

const EXAMPLES: &str = "\
Examples:
  tidewire echo                          an echo server on ws://127.0.0.1:4000/
  tidewire localhost:4000                talk to a server, line by line
  echo hi | tidewire localhost:4000      in a pipe: one line, one message
  tidewire localhost:4000 -x hi -w 1     send, wait one second, leave
  tidewire bench ws://localhost:4000     how fast is it?

`tidewire help COMMAND` tells more; exit codes are in `tidewire help connect`.";

const ECHO_EXAMPLES: &str = "\
Examples:
  tidewire echo                      on ws://127.0.0.1:4000/, tester page at http://127.0.0.1:4000/
  tidewire echo 0.0.0.0:8080         reachable from other machines
  tidewire echo --dir public         the files of ./public on the same port
  tidewire echo --prefix 'you said: '
  tidewire echo --tls-dev            on wss://127.0.0.1:4000/, and how to make clients trust it

Ctrl-C closes every connection with code 1001 and waits up to 5 seconds; a second one does not wait.";

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

const BENCH_EXAMPLES: &str = "\
Each connection keeps --depth messages under way, and every answer is compared with what was sent.
Run the server and this command on different cores, or they share one.

Examples:
  tidewire bench ws://localhost:4000 -c 100 -s 32 -d 16
  tidewire bench ws://localhost:4000 --pid $(pidof tidewire) --json";

/// WebSocket in a terminal: an echo server, a client, a load generator.
#[derive(Debug, Parser)]
#[command(
    name = "tidewire",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = EXAMPLES
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server that sends every message back
    Echo(EchoArgs),
    /// Talk to a server (what `tidewire URL` does)
    Connect(ConnectArgs),
    /// Measure a server that echoes
    Bench(BenchArgs),
}

/// Options of `tidewire echo`.
#[derive(Debug, Args)]
#[command(after_help = ECHO_EXAMPLES)]
pub(crate) struct EchoArgs {
    /// Where to listen: PORT, :PORT or HOST:PORT
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:4000", value_parser = addr::listen)]
    pub(crate) addr: ListenAddr,
    /// Largest message taken, as 65536, 64KiB or 16M; a larger one is answered with close code 1009
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = size)]
    pub(crate) max_message: usize,
    /// Do not agree to compression (permessage-deflate)
    #[arg(long)]
    pub(crate) no_deflate: bool,
    /// Number of event loops, one thread each [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Agree to this subprotocol only (may be repeated) [default: the first one offered]
    #[arg(long, value_name = "NAME", value_parser = token)]
    pub(crate) subprotocol: Vec<String>,
    /// Put TEXT before every text message sent back
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prefix: Option<String>,
    /// Serve the files of DIR over HTTP on the same port
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Speak TLS (wss://, https://) with this certificate and those of its issuers, in PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "tls_dev"
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Speak TLS with a certificate of a local authority, made on first use and kept in your data
    /// folder (XDG_DATA_HOME, ~/.local/share/tidewire)
    #[arg(long)]
    pub(crate) tls_dev: bool,
    /// Log nothing (nor is anything logged when stderr is not a terminal)
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

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
    /// Add a header to the request (may be repeated)
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Offer a subprotocol (may be repeated, the preferred one first)
    #[arg(short, long, value_name = "NAME", value_parser = token)]
    pub(crate) subprotocol: Vec<String>,
    /// Send this Origin
    #[arg(short, long, value_name = "ORIGIN", value_parser = header_value)]
    pub(crate) origin: Option<String>,
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
    /// How long the name, the TCP connection and the handshake may take together
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) connect_timeout: Duration,
}

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

/// How long `connect` waits for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until the server closes.
    ForEver,
    /// This long.
    For(Duration),
}

/// `65536`, `64KiB`, `64k`, `1MiB`, `16M`, `1G`; K, M, G are powers of 1024.
fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text:?} is not a size: write for example 65536, 64KiB or 16M");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: usize = text[..digits].parse().map_err(|_| wrong())?;
    let factor: usize = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    match number.checked_mul(factor) {
        Some(0) => Err("the size must be at least 1 byte".to_owned()),
        Some(bytes) if bytes <= 1 << 40 => Ok(bytes),
        _ => Err(format!("{text:?} is more than any machine holds")),
    }
}

/// `2`, `0.5`, `2s`, `500ms`.
fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time: write seconds, as in 2, 0.5 or 500ms");
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if !number.is_finite() || !(0.0..=1e9).contains(&(number * scale)) {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(number * scale))
}

fn wait(text: &str) -> Result<Wait, String> {
    if text == "-1" {
        Ok(Wait::ForEver)
    } else {
        seconds(text).map(Wait::For)
    }
}

/// A token of RFC 9110 §5.6.2, which a subprotocol's name must be (RFC 6455 §4.1).
fn token(text: &str) -> Result<String, String> {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !text.is_empty() && text.bytes().all(ok) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} cannot be a subprotocol: letters, digits and !#$%&'*+-.^_`|~ only"
        ))
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("{text:?} has no colon: write -H 'Name: value'"))?;
    http::HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("{name:?} cannot be the name of a header"))?;
    Ok((name.to_owned(), header_value(value.trim())?))
}

fn header_value(text: &str) -> Result<String, String> {
    http::HeaderValue::from_str(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("{text:?} cannot be sent in a header"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"tidewire").chain(line))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_three_ways_to_connect_are_one() {
        for line in [
            &["connect", "localhost:1/x", "-x", "-1", "-w", "-1"][..],
            &["localhost:1/x", "-x", "-1", "-w", "-1"],
            &["-x", "-1", "-w", "-1", "localhost:1/x"],
            &["-c", "localhost:1/x", "-w", "-1", "-x", "-1"],
        ] {
            let cli = parse(line).unwrap();
            let connect = match cli.command {
                Some(Command::Connect(args)) => args,
                None => cli.connect,
                other => panic!("{line:?} is {other:?}"),
            };
            assert_eq!(
                connect.url.or(connect.connect).as_deref(),
                Some("localhost:1/x")
            );
            assert_eq!(connect.execute, ["-1"]);
            assert_eq!(connect.wait, Wait::ForEver);
        }
    }

    #[test]
    fn headers_keep_their_order_and_their_duplicates() {
        let cli = parse(&["h:1", "-H", "X-A: 1", "-H", "x-a:2:3", "-s", "a", "-s", "b"]).unwrap();
        let expected: Vec<(String, String)> =
            vec![("X-A".into(), "1".into()), ("x-a".into(), "2:3".into())];
        assert_eq!(cli.connect.headers, expected);
        assert_eq!(cli.connect.subprotocol, ["a", "b"]);
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for line in [
            &["echo", "notaport:x"][..],
            &["echo", "--threads", "0"],
            &["echo", "--max-message", "0"],
            &["echo", "--max-message", "12Q"],
            &["echo", "--subprotocol", "a b"],
            &["echo", "--tls-cert", "a.pem"],
            &["echo", "--tls-key", "a.pem"],
            &["echo", "--tls-dev", "--tls-cert", "a", "--tls-key", "b"],
            &["h:1", "-H", "no colon"],
            &["h:1", "-H", "A: b\r\nC: d"],
            &["h:1", "-w", "-2"],
            &["h:1", "-w", "NaN"],
            &["h:1", "-c", "h:2"],
            &["bench", "h:1", "-c", "0"],
            &[],
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("65536", 65536),
            ("64KiB", 65536),
            ("64k", 65536),
            ("1MiB", 1 << 20),
            ("16M", 16 << 20),
            ("2 gb", 2 << 30),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "M",
            "1.5M",
            "-1",
            "99999999999999999999",
            "9999999999G",
            "1ü",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(seconds("2"), Ok(Duration::from_secs(2)));
        assert_eq!(seconds("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("0.25s"), Ok(Duration::from_millis(250)));
        assert!(seconds("1e30").is_err());
        assert!(seconds("soon").is_err());
    }
}
