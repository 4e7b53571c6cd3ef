//! The command line of `tidewire tap`.

use clap::Args;

use super::DialArgs;

/// Options of `tidewire tap`.
#[derive(Debug, Args)]
pub(crate) struct TapArgs {
    /// Where to listen: PORT, HOST:PORT or unix:/PATH
    #[arg(value_name = "LISTEN")]
    pub(crate) listen: String,
    /// The server behind, as for `connect`
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
