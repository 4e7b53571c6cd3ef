//! `tidewire conform`.

use crate::args::ConformArgs;
use crate::exit::{Exit, error};

pub(crate) fn run(args: &ConformArgs) -> Exit {
    error(Exit::Local, &format!("not built: {args:?}"))
}
