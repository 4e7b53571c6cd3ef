//! The native protocol, between the codecs and the wire.

use super::words::Heard;
use crate::outbox::Frame;
use tidewire_hub_proto::native::{self, BadRequest};
use tidewire_hub_proto::{Channel, ErrorCode, PayloadKind, Publication, Push};

/// What a text message asks.
pub(crate) fn text(text: &str, heard: &mut Vec<Heard>) {
    let requests = native::decode(text).into_requests();
    heard.extend(requests.map(|request| match request {
        Ok(request) => Heard::Request(request),
        Err(BadRequest { id, code, message }) => Heard::Refused { id, code, message },
    }));
}

/// A binary message asks nothing.
pub(crate) fn binary() -> Heard {
    Heard::Refused {
        id: None,
        code: ErrorCode::BadRequest,
        message: "commands are text messages; publish bytes as \"base64\"".into(),
    }
}

pub(crate) fn push(push: &Push) -> Frame {
    Frame::text(native::push(push))
}

pub(crate) fn message(channel: &Channel, publication: &Publication, own: bool) -> Frame {
    Frame::text(native::message(channel, publication, own))
}

/// Whether it goes as a binary message to those who asked for that.
pub(crate) fn is_binary(publication: &Publication) -> bool {
    let payload = publication.payload.as_ref();
    payload.is_some_and(|payload| payload.kind() == PayloadKind::Binary)
}

/// As a binary message if it is one, otherwise as [`message`].
pub(crate) fn binary_message(channel: &Channel, publication: &Publication, own: bool) -> Frame {
    match native::message_binary(channel, publication, own) {
        Some(bytes) => Frame::binary(bytes),
        None => message(channel, publication, own),
    }
}
