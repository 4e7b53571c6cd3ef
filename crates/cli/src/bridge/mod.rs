//! `tidewire bridge`.

use crate::args::BridgeArgs;
use crate::exit::{Exit, error};

pub(crate) fn run(args: &BridgeArgs) -> Exit {
    error(Exit::Local, &format!("not built: {args:?}"))
}
