//! The command line of `tidewire bridge`.

use clap::Args;

/// Options of `tidewire bridge`.
#[derive(Debug, Args)]
pub(crate) struct BridgeArgs {
    /// One end
    #[arg(value_name = "A")]
    pub(crate) a: String,
    /// The other end
    #[arg(value_name = "B")]
    pub(crate) b: String,
}
