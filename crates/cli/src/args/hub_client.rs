//! The command lines of `tidewire sub`, `pub` and `send`.

use clap::Args;

use super::DialArgs;

/// Options of `tidewire sub`.
#[derive(Debug, Args)]
pub(crate) struct SubArgs {
    /// The channel, as chat:lobby (may be repeated)
    #[arg(value_name = "CHANNEL", required = true)]
    pub(crate) channels: Vec<String>,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}

/// Options of `tidewire pub`.
#[derive(Debug, Args)]
pub(crate) struct PubArgs {
    /// The channel, as live:log
    #[arg(value_name = "CHANNEL")]
    pub(crate) channel: String,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}

/// Options of `tidewire send`.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The session, as the hub's `hello` and its presence lists name it
    #[arg(value_name = "SESSION")]
    pub(crate) session: String,
    #[command(flatten)]
    pub(crate) dial: DialArgs,
}
