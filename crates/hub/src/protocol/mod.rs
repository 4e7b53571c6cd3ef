//! What a session speaks: one file for each protocol, and what is encoded once for many sessions.

pub(crate) mod native;
pub(crate) mod plain;
mod words;

pub(crate) use words::{Heard, Said};

use crate::outbox::Frame;
use std::cell::OnceCell;
use tidewire_hub_core::Item;
use tidewire_hub_proto::Push;

/// How a session is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON objects.
    Native,
    /// JSON objects, and binary publications as binary messages.
    NativeBinary,
    /// Payloads without envelope; `members`: and events of who is there.
    Plain { members: bool },
}

/// How a session over WebSocket is understood.
pub(crate) enum Speech {
    Native,
    Plain(Box<plain::Speech>),
}

impl Speech {
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Native => Format::Native,
            Self::Plain(speech) => Format::Plain {
                members: speech.members,
            },
        }
    }

    pub(crate) fn text(&self, text: &str, heard: &mut Vec<Heard>) {
        match self {
            Self::Native => native::text(text, heard),
            Self::Plain(speech) => heard.push(speech.text(text)),
        }
    }

    pub(crate) fn binary(&self, data: &[u8], heard: &mut Vec<Heard>) {
        match self {
            Self::Native => heard.push(native::binary()),
            Self::Plain(speech) => heard.push(speech.binary(data)),
        }
    }
}

/// What a publication was made into, once each and only if somebody wants it.
#[derive(Debug, Default)]
pub(crate) struct Encodings {
    native: OnceCell<Frame>,
    binary: OnceCell<Frame>,
    plain: OnceCell<Option<Frame>>,
}

impl Format {
    /// Gives a publication in this format to `take`; `None`: it has none. `own`: with the key.
    pub(crate) fn item<R>(
        self,
        item: &Item<Encodings>,
        own: bool,
        take: impl FnOnce(&Frame) -> R,
    ) -> Option<R> {
        let encoded = &item.encoded;
        let (channel, publication) = (&item.channel, &item.publication);
        let keyed = own && publication.key.is_some();
        let frame = match self {
            Self::Native if keyed => {
                return Some(take(&native::message(channel, publication, true)));
            }
            Self::NativeBinary if keyed => {
                return Some(take(&native::binary_message(channel, publication, true)));
            }
            Self::NativeBinary if native::is_binary(publication) => encoded
                .binary
                .get_or_init(|| native::binary_message(channel, publication, false)),
            Self::Native | Self::NativeBinary => encoded
                .native
                .get_or_init(|| native::message(channel, publication, false)),
            Self::Plain { .. } => encoded
                .plain
                .get_or_init(|| plain::message(publication))
                .as_ref()?,
        };
        Some(take(frame))
    }

    /// What a push is made into.
    pub(crate) fn push(self, push: &Push) -> Said {
        match self {
            Self::Native | Self::NativeBinary => Said::Frame(native::push(push)),
            Self::Plain { members } => plain::push(push, members),
        }
    }
}
