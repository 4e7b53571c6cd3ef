//! The command line of `tidewire serve` and of `tidewire check-config`.

use std::path::PathBuf;

use clap::Args;

use super::TlsArgs;

const SERVE_EXAMPLES: &str = "\
Without a configuration file it is a development server: whoever runs a program or a page on this
machine may subscribe, publish and see who is there, in the namespaces chat (kept on disk) and live
(in memory). A configuration file starts from deny.

Flags override the environment (TIDEWIRE_LISTEN, TIDEWIRE_LIMITS_OUTBOX, …), which overrides the
file (TIDEWIRE_CONFIG names it too).

Examples:
  tidewire serve                                    chat on http://127.0.0.1:4000/chat/lobby
  tidewire serve --dir public                       and the files of ./public, from / on
  tidewire serve --origin https://app.example       let in the pages of that site
  tidewire check-config --sample > tidewire.toml    a file with every option, explained
  tidewire serve --config tidewire.toml --data /var/lib/tidewire
  tidewire serve --listen 0.0.0.0:4000 --allow-anonymous --host chat.example --tls-dev

Ctrl-C says goodbye to every client and waits up to 5 seconds; a second one does not wait. Durable
channels lose nothing either way.

Exit codes: 0 stopped; 1 could not start (a port or the data folder in use); 2 wrong use or wrong
configuration.";

const CHECK_EXAMPLES: &str = "\
The environment (TIDEWIRE_…) counts as it does for `tidewire serve`. Mistakes go to stderr, one a
line, as FILE:LINE:COLUMN: what to write.

Examples:
  tidewire check-config tidewire.toml
  tidewire check-config --sample > tidewire.toml

Exit codes: 0 no mistake, 2 mistakes.";

/// Options of `tidewire serve`.
#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Where to listen: PORT or HOST:PORT (may be repeated) [default: 127.0.0.1:4000]
    #[arg(long, short, value_name = "ADDR")]
    pub(crate) listen: Vec<String>,
    /// Folder of the durable channels and of keys [default: ./tidewire-data]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Serve the files of DIR too; the hub's own paths win
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<String>,
    /// Configuration file, in TOML; it starts from deny
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// Let in the pages of this origin, as https://app.example (may be repeated); any: of everybody
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Vec<String>,
    /// A name this server has besides localhost, as app.example (may be repeated)
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,
    /// Let people whom nobody knows come from other machines
    #[arg(long)]
    pub(crate) allow_anonymous: bool,
    /// Start new terms: the data folder was restored from an older copy
    #[arg(long)]
    pub(crate) new_term: bool,
    /// Number of event loops, one thread each [default: the number of cores]
    #[arg(long, value_name = "N")]
    pub(crate) shards: Option<String>,
    /// Print the addresses and nothing else
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Options of `tidewire check-config`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckConfigArgs {
    /// The configuration file
    #[arg(value_name = "FILE", required_unless_present = "sample")]
    pub(crate) file: Option<PathBuf>,
    /// Print a configuration file with every option, explained
    #[arg(long, conflicts_with = "file")]
    pub(crate) sample: bool,
}
