//! The command line of `tidewire doctor`.

use clap::Args;

use super::DialArgs;

/// Options of `tidewire doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The server, as for `connect`
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
