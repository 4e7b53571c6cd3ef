//! The plain protocol: payloads as they are, on a channel that the URL names.

use super::words::{Heard, Said};
use crate::outbox::Frame;
use tidewire_hub_proto::plain::{self, PlainFrame};
use tidewire_hub_proto::{
    Channel, CloseReason, Command, ErrorCode, Payload, Publication, Push, Reply, Request,
};

/// What a plain connection was opened for.
#[derive(Debug)]
pub(crate) struct Speech {
    /// Where what it sends goes.
    pub(crate) channel: Channel,
    /// Whether it comes back, too.
    pub(crate) echo: bool,
    /// Whether events tell who is there.
    pub(crate) members: bool,
}

impl Speech {
    pub(crate) fn text(&self, text: &str) -> Heard {
        self.publish(plain::payload_of_text(text))
    }

    pub(crate) fn binary(&self, data: &[u8]) -> Heard {
        self.publish(plain::payload_of_binary(data.to_vec()))
    }

    fn publish(&self, payload: Payload) -> Heard {
        Heard::Request(Request {
            id: None,
            command: Command::Publish {
                channel: self.channel.clone(),
                payload,
                key: None,
                keep: true,
                echo: Some(self.echo),
            },
        })
    }
}

/// A publication; `None`: it was redacted.
pub(crate) fn message(publication: &Publication) -> Option<Frame> {
    Some(framed(plain::message(publication)?))
}

fn framed(frame: PlainFrame<'_>) -> Frame {
    match frame {
        PlainFrame::Text(text) => Frame::text(text),
        PlainFrame::Binary(bytes) => Frame::binary(bytes),
    }
}

/// What becomes of a push: plain clients have no ear for most, and learn of failures by the close.
pub(crate) fn push(push: &Push, members: bool) -> Said {
    let text = match push {
        Push::Hello { session, client } => plain::hello(session, client),
        Push::Reply { reply, .. } => match reply {
            // The session ends before it was subscribed: another code says why.
            Reply::Error {
                code: ErrorCode::NotSubscribed,
                ..
            } => return Said::Nothing,
            Reply::Error { code, message, .. } => {
                return Said::Close(close_code(*code), message.clone());
            }
            Reply::Presence { members: list, .. } if members => plain::member_list(list),
            _ => return Said::Nothing,
        },
        Push::Direct { payload } => {
            let frame = plain::frame(payload).map(framed);
            return frame.map_or(Said::Nothing, Said::Frame);
        }
        Push::Join { member, .. } if members => plain::member_joined(member),
        Push::Leave { member, .. } if members => plain::member_left(member),
        _ => return Said::Nothing,
    };
    Said::Frame(Frame::text(text))
}

/// The code that a connection is closed with when what it asked has failed.
fn close_code(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::TooLarge => 1009,
        ErrorCode::Forbidden | ErrorCode::UnknownNamespace => CloseReason::Forbidden.code(),
        _ if code.is_temporary() => CloseReason::Overloaded.code(),
        _ => CloseReason::BadProtocol.code(),
    }
}
