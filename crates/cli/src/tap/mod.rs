//! `tidewire tap`.

use crate::args::TapArgs;
use crate::exit::{Exit, error};

pub(crate) fn run(args: &TapArgs) -> Exit {
    error(Exit::Local, &format!("not built: {args:?}"))
}
