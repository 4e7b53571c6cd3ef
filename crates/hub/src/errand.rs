//! What is asked of a session, and what becomes of it, on the way from one shard to another.

use tidewire_hub_core::Described;
use tidewire_hub_proto::Payload;
use tokio::sync::oneshot;

/// What is asked of a session.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Who is it?
    Describe,
    /// It is given a message.
    Direct(Payload),
}

/// What became of that.
#[derive(Debug)]
pub(crate) enum Told {
    NotHere,
    Described(Described),
    /// The message is in its outbox.
    Given,
    /// As much waits for it as may.
    Full,
    /// Its shard has no room for what is asked.
    Busy,
}

/// What is asked of a session of another shard.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) session: Box<str>,
    pub(crate) ask: Ask,
    pub(crate) answer: oneshot::Sender<Told>,
}
