//! `tidewire -l PORT`: an interactive server.

use crate::args::ConnectArgs;
use crate::exit::{Exit, error};

pub(crate) fn run(args: &ConnectArgs) -> Exit {
    error(Exit::Local, &format!("not built: {:?}", args.listen))
}
