//! `tidewire doctor`.

use crate::args::DoctorArgs;
use crate::exit::{Exit, error};

pub(crate) fn run(args: &DoctorArgs) -> Exit {
    error(Exit::Local, &format!("not built: {args:?}"))
}
