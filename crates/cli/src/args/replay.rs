//! The command line of `tidewire replay`.

use clap::Args;

use super::DialArgs;
use super::values::{Wait, wait};
use crate::replay::{Ignore, Speed};

const REPLAY_EXAMPLES: &str = "\
FILE is what --record wrote, what the tester exports, or a HAR of Chrome's developer tools (Network
panel, \"Save all as HAR\"). What the client sent is sent again, with the pauses it had; what comes
back is printed, or with --diff compared. JSON is compared by what it means, not by its spaces and
order.

Examples:
  tidewire replay feed.har ws://localhost:3000/feed
  tidewire replay feed.har :3000/feed --speed 10x
  tidewire replay feed.ndjson :3000 --diff --ignore '$..ts' --ignore '/id=[0-9]+/'
  tidewire replay page.har :3000 --entry 2 --speed max

Exit codes are those of `tidewire connect`; 1 also if --diff found a difference.";

/// Options of `tidewire replay`.
#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// The recording: .ndjson or .har
    #[arg(value_name = "FILE")]
    pub(crate) file: std::path::PathBuf,
    /// The server, as for `connect`
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// How fast: 2, 10x, 0.5; max sends as soon as the answers before have come
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = Speed::parse)]
    pub(crate) speed: Speed,
    /// Compare what comes back with the recording; a difference is exit code 1
    #[arg(long)]
    pub(crate) diff: bool,
    /// What --diff passes over: a path ($.id, $.list[*].at, $..ts) or /REGEX/ (may be repeated)
    #[arg(long, value_name = "WHAT", requires = "diff", value_parser = Ignore::parse)]
    pub(crate) ignore: Vec<Ignore>,
    /// Which connection of the recording, if it holds several; 1 is the first
    #[arg(long, value_name = "N")]
    pub(crate) entry: Option<usize>,
    /// After the last message, close when so long nothing came: 2, 0.5, 500ms; -1 holds
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = wait, allow_hyphen_values = true)]
    pub(crate) wait: Wait,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
