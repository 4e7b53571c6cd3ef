//! The command lines of `tidewire sub`, `pub` and `send`.

use clap::Args;

use super::DialArgs;

/// Where the hub is when nobody says.
pub(crate) const DEFAULT_HUB: &str = "http://127.0.0.1:4000";

/// Which hub, and who we are there.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Hub")]
pub(crate) struct HubArgs {
    /// The hub [default: TIDEWIRE_HUB of the environment, else http://127.0.0.1:4000]
    #[arg(long, value_name = "URL")]
    pub(crate) hub: Option<String>,
    /// Do not say on stderr that the hub was lost or found again
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Who we are in a session.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Hub")]
pub(crate) struct GuestArgs {
    /// What others see as our name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The signed client id that a `hello` gave (its `client`): go on as that guest
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct FormArgs {
    /// Messages are JSON values, checked before they are sent
    #[arg(long, conflicts_with = "binary")]
    pub(crate) json: bool,
    /// Messages are bytes
    #[arg(short, long)]
    pub(crate) binary: bool,
}

const SUB_EXAMPLES: &str = "\
Examples:
  tidewire sub chat:lobby                     one JSON object a line, from now on
  tidewire sub chat:lobby --history 10 --raw  the newest ten first; payloads alone
  tidewire sub live:a live:b --presence       two channels, and who comes and goes
  tidewire sub chat:lobby --since gWuY-42     what came after the `pos` of a line
  tidewire sub chat:lobby --count 1 | jq .text";

/// Options of `tidewire sub`.
#[derive(Debug, Args)]
#[command(after_help = SUB_EXAMPLES)]
pub(crate) struct SubArgs {
    /// The channel, as chat:lobby (may be repeated)
    #[arg(value_name = "CHANNEL", required = true)]
    pub(crate) channels: Vec<String>,
    /// Begin with what came after this position, the `pos` of a message
    #[arg(long, value_name = "POS", conflicts_with = "history")]
    pub(crate) since: Option<String>,
    /// Begin with the newest N messages of each channel (up to 1000)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) history: Option<u16>,
    /// Print who comes and goes, too
    #[arg(long)]
    pub(crate) presence: bool,
    /// End after N messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Print payloads alone: a text or JSON and a line feed, or bytes as they are
    #[arg(long, conflicts_with = "presence")]
    pub(crate) raw: bool,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}

const PUB_EXAMPLES: &str = "\
Examples:
  tidewire pub chat:lobby 'hi all'              one message
  tail -f app.log | tidewire pub live:log       each line a message
  tidewire pub live:orders --json < orders.ndjson
  find . -print0 | tidewire pub live:files -0   records end with a NUL byte
  tidewire pub chat:pictures -b - < cat.jpg     all of stdin as one message

Each message is acknowledged by the hub, and sent again after a lost connection without being
doubled. Exit code 0: all of them are kept. 6: the hub denied it.";

/// Options of `tidewire pub`.
#[derive(Debug, Args)]
#[command(after_help = PUB_EXAMPLES)]
pub(crate) struct PubArgs {
    /// The channel, as live:log
    #[arg(value_name = "CHANNEL")]
    pub(crate) channel: String,
    /// The message; `-` takes all of stdin as one [default: each line of stdin is one]
    #[arg(value_name = "MESSAGE", allow_hyphen_values = true)]
    pub(crate) message: Option<String>,
    #[command(flatten)]
    pub(crate) form: FormArgs,
    /// Messages on stdin end with a NUL byte instead of a line feed
    #[arg(short = '0', long, conflicts_with = "message")]
    pub(crate) null: bool,
    /// The key under which a message is kept once, with the same --token; lines add -1, -2, …
    #[arg(long, value_name = "KEY")]
    pub(crate) message_key: Option<String>,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}

const SEND_EXAMPLES: &str = "\
Examples:
  tidewire send q3Xk0aPzUe81bWc_ 'you are next'
  tidewire send q3Xk0aPzUe81bWc_ '{\"state\":\"paid\"}' --json
  tidewire send q3Xk0aPzUe81bWc_ -b < cat.jpg

Only for the hub of this machine, unless its configuration says sessions = false.
Exit code 6: the hub did not take it, for example as the session is gone.";

/// Options of `tidewire send`.
#[derive(Debug, Args)]
#[command(after_help = SEND_EXAMPLES)]
pub(crate) struct SendArgs {
    /// The session, as the hub's `hello` and its presence lists name it
    #[arg(value_name = "SESSION", allow_hyphen_values = true)]
    pub(crate) session: String,
    /// The message [default: all of stdin]
    #[arg(value_name = "MESSAGE", allow_hyphen_values = true)]
    pub(crate) message: Option<String>,
    #[command(flatten)]
    pub(crate) form: FormArgs,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
