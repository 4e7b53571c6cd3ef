//! `tidewire replay`.

use crate::args::ReplayArgs;
use crate::exit::{Exit, error};

pub(crate) fn run(args: &ReplayArgs) -> Exit {
    error(Exit::Local, &format!("not built: {args:?}"))
}
