//! The command line of `tidewire echo`.

use std::path::PathBuf;

use clap::Args;

use super::TlsArgs;
use super::values::{size, token};
use crate::addr::{self, ListenAddr};

const ECHO_EXAMPLES: &str = "\
Examples:
  tidewire echo                      on ws://127.0.0.1:4000/, tester page at http://127.0.0.1:4000/
  tidewire echo 0.0.0.0:8080         reachable from other machines
  tidewire echo --dir public         the files of ./public on the same port
  tidewire echo --prefix 'you said: '
  tidewire echo --tls-dev            on wss://127.0.0.1:4000/, and how to make clients trust it

Ctrl-C closes every connection with code 1001 and waits up to 5 seconds; a second one does not wait.";

/// Options of `tidewire echo`.
#[derive(Debug, Args)]
#[command(after_help = ECHO_EXAMPLES)]
pub(crate) struct EchoArgs {
    /// Where to listen: PORT, :PORT or HOST:PORT
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:4000", value_parser = addr::listen)]
    pub(crate) addr: ListenAddr,
    /// Largest message taken, as 65536, 64KiB or 16M; a larger one is answered with close code 1009
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = size)]
    pub(crate) max_message: usize,
    /// Do not agree to compression (permessage-deflate)
    #[arg(long)]
    pub(crate) no_deflate: bool,
    /// Number of event loops, one thread each [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Agree to this subprotocol only (may be repeated) [default: the first one offered]
    #[arg(long, value_name = "NAME", value_parser = token)]
    pub(crate) subprotocol: Vec<String>,
    /// Put TEXT before every text message sent back
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prefix: Option<String>,
    /// Serve the files of DIR over HTTP on the same port
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// Log nothing (nor is anything logged when stderr is not a terminal)
    #[arg(long, short)]
    pub(crate) quiet: bool,
}
