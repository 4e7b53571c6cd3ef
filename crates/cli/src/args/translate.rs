//! The options that read or write another tool's command line.

use clap::Args;

/// Another tool's way of saying the same.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Other tools")]
pub(crate) struct TranslateArgs {
    /// Take URL, headers, cookies, TLS and proxy from a command for curl, as browsers copy it
    ///
    /// In the browser's network panel: right click on the request, "Copy as cURL (bash)", and paste
    /// it between single quotes as it is, or give @FILE, or @- for stdin. What the handshake sets by
    /// itself (Connection, Sec-WebSocket-Key and the like) is left out; Origin and subprotocols
    /// become options. Other options given beside it win.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["url", "connect"])]
    pub(crate) from_curl: Option<String>,
    /// Do not connect: print this connection as a command for another tool
    #[arg(long = "as", value_name = "TOOL")]
    pub(crate) as_tool: Option<Tool>,
}

/// Who is to understand the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Tool {
    /// wscat 6
    Wscat,
    /// websocat 1
    Websocat,
    /// curl, for the handshake alone
    Curl,
    /// A browser's console, or Node 22
    Js,
    /// Python with the package websockets
    Python,
}
