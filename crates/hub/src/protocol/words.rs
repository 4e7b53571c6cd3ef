//! What a protocol makes of what is said: by a client, and to it.

use crate::outbox::Frame;
use tidewire_hub_proto::{CommandId, ErrorCode, Request};

/// What a client said.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A command.
    Request(Request),
    /// Something that is none.
    Refused {
        id: Option<CommandId>,
        code: ErrorCode,
        message: Box<str>,
    },
}

/// What becomes of a push.
#[derive(Debug)]
pub(crate) enum Said {
    /// It is sent.
    Frame(Frame),
    /// The protocol has no word for it.
    Nothing,
    /// The protocol can tell it only by closing.
    Close(u16, Box<str>),
}
