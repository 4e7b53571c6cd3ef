//! The command line of `tidewire replay`.

use clap::Args;

use super::DialArgs;

/// Options of `tidewire replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The recording: .ndjson or .har
    #[arg(value_name = "FILE")]
    pub(crate) file: std::path::PathBuf,
    /// The server, as for `connect`
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
