//! The flags that say how to reach a server, the same for every command that does.

use std::time::Duration;

use clap::Args;

use super::values::{header, header_value, seconds, token};

/// How to reach a server and what to ask it for.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct DialArgs {
    /// Add a header to the request (may be repeated)
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Offer a subprotocol (may be repeated, the preferred one first)
    #[arg(short, long, value_name = "NAME", value_parser = token)]
    pub(crate) subprotocol: Vec<String>,
    /// Send this Origin
    #[arg(short, long, value_name = "ORIGIN", value_parser = header_value)]
    pub(crate) origin: Option<String>,
    /// How long name, TCP and handshake may take together
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) connect_timeout: Duration,
}
