//! The command line of `tidewire doctor`.

use std::time::Duration;

use clap::Args;

use super::DialArgs;
use super::values::seconds;

const DOCTOR_EXAMPLES: &str = "\
Examples:
  tidewire doctor wss://example.com/ws
  tidewire doctor --idle 120s wss://example.com/ws      is a silent connection kept?
  tidewire doctor -H 'Cookie: session=…' wss://example.com/ws
                                   may other sites use a visitor's session?
  tidewire doctor --json --strict :4000 | jq '.steps[] | select(.verdict != \"ok\")'

Exit code: 0 nothing failed; 1 a step failed (with --strict: or has a warning).";

/// Options of `tidewire doctor`.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The server, as for `connect`
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// See too whether a connection on which nothing is said stays open for so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) idle: Option<Duration>,
    /// Count warnings as failed
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// How long the server may take for each answer
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
