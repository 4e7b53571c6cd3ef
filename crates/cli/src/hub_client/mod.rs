//! The hub's own client: `tidewire sub`, `pub` and `send`.

use crate::args::{PubArgs, SendArgs, SubArgs};
use crate::exit::{Exit, error};

pub(crate) fn subscribe(args: &SubArgs) -> Exit {
    error(Exit::Local, &format!("not built: {args:?}"))
}

pub(crate) fn publish(args: &PubArgs) -> Exit {
    error(Exit::Local, &format!("not built: {args:?}"))
}

pub(crate) fn send(args: &SendArgs) -> Exit {
    error(Exit::Local, &format!("not built: {args:?}"))
}
