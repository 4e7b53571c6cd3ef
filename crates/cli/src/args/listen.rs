//! The command line of `tidewire listen`, which is also `tidewire -l`.

use clap::Args;

use super::values::token;
use super::{ConnectArgs, TlsArgs};
use crate::bind::Place;

const LISTEN_EXAMPLES: &str = "\
Clients are numbered as they come. On a terminal a line goes to all of them, `/to 2 TEXT` to one,
`/close 2 4000 bye` closes one, `/help` tells the rest. In a pipe each line of the input goes to all,
and each message that arrives is a line of the output (binary: its bytes as they are); the input is
read while somebody is connected, as fast as the fastest client reads. A client that falls more than
16 MiB behind is closed with 1013.

Only this machine can connect unless an address says otherwise; pages of every site can, as with
`tidewire echo`.

Examples:
  tidewire listen 3000                on ws://127.0.0.1:3000/, with a page to try it at http://…
  tidewire -l 3000                    the same, as in wscat
  tidewire listen 0.0.0.0:3000        reachable from other machines
  tidewire listen unix:/tmp/ws.sock
  tail -f app.log | tidewire listen 3000 > answers.txt
  tidewire listen 3000 --tls-dev      on wss://, and how to make clients trust it

Ctrl-C closes every connection with 1001 and waits up to 5 seconds; a second one does not wait.

Exit codes: 0 stopped; 1 could not start, or the input is no text; 2 wrong use.";

/// Options of `tidewire listen`.
#[derive(Debug, Args)]
#[command(after_help = LISTEN_EXAMPLES)]
pub(crate) struct ListenArgs {
    /// Where to listen: PORT, HOST:PORT or unix:/PATH
    #[arg(value_name = "ADDR", value_parser = Place::parse)]
    pub(crate) place: Place,
    /// Agree to this subprotocol only (may be repeated) [default: the first one offered]
    #[arg(short, long, value_name = "NAME", value_parser = token)]
    pub(crate) subprotocol: Vec<String>,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// In a pipe: say nothing on stderr but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl ListenArgs {
    /// What `tidewire -l` asks for; `None`: there is no `-l`.
    pub(crate) fn of(args: &mut ConnectArgs) -> Option<Self> {
        Some(Self {
            place: args.listen.take()?,
            subprotocol: std::mem::take(&mut args.dial.subprotocol),
            tls: std::mem::take(&mut args.listen_tls),
            quiet: args.quiet,
        })
    }
}
