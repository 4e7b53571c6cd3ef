//! The command line of `tidewire conform`.

use clap::Args;

use super::DialArgs;

/// Options of `tidewire conform`.
#[derive(Debug, Args)]
pub(crate) struct ConformArgs {
    /// The server, as for `connect`
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
