//! The command line of `tidewire conform`.

use std::time::Duration;

use clap::Args;

use super::DialArgs;
use super::values::seconds;

const CONFORM_EXAMPLES: &str = "\
Examples:
  tidewire conform localhost:4000              every case, against a server that echoes
  tidewire conform --only utf8 --only close :4000
  tidewire conform --only 'deflate/window*' --json wss://echo.example.com/
  tidewire conform --list                      the cases, without a server

Exit code: 0 every case passed or is only not strict; 1 a case failed (with --strict: or is not
strict), or the server does not echo; as `connect` if there is no WebSocket at all.";

/// Options of `tidewire conform`.
#[derive(Debug, Args)]
#[command(after_help = CONFORM_EXAMPLES)]
pub(crate) struct ConformArgs {
    /// A server that sends every message back
    #[arg(value_name = "URL", required_unless_present = "list")]
    pub(crate) url: Option<String>,
    /// Run this section or case only, as utf8 or 'close/code-*' (may be repeated)
    #[arg(long, value_name = "SECTION|CASE")]
    pub(crate) only: Vec<String>,
    /// List the cases and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// Print one JSON document instead of the table
    #[arg(long)]
    pub(crate) json: bool,
    /// Show only the cases that did not pass
    #[arg(long)]
    pub(crate) failed: bool,
    /// Count what is not strict as failed
    #[arg(long)]
    pub(crate) strict: bool,
    /// How long the server may take for each thing that it has to do
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Cases at once
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
