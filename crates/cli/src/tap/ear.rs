//! Listens in on one direction: the messages in a copy of its bytes, inflated, for log and recording.

use std::sync::Arc;
use std::time::Instant;

use tidewire::{Config, DeflateConfig, Event};
use tidewire_proto::connection::Compression;
use tidewire_proto::deflate::params::Params;
use tidewire_proto::deflate::{Pool, params};
use tidewire_proto::handshake::headers::extensions;
use tidewire_proto::{Connection, MaskSource, Role};

use crate::record::{Dir, What};

/// The longest message that is shown and recorded, in bytes.
const LONGEST: usize = 64 << 20;

/// Nothing that this connection would say is sent.
struct Mute;

impl MaskSource for Mute {
    fn next_mask(&mut self) -> [u8; 4] {
        [0; 4]
    }
}

/// What was agreed of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreed {
    Nothing,
    Deflate(Params),
    /// An extension that is not known here, so that what it did to messages cannot be undone.
    Unknown,
}

/// Reads what a server answered.
pub(super) fn agreed(response: &http::HeaderMap) -> Agreed {
    let Ok(list) = extensions(response, &http::header::SEC_WEBSOCKET_EXTENSIONS) else {
        return Agreed::Unknown;
    };
    match list.as_slice() {
        [] => Agreed::Nothing,
        [one] if one.name.eq_ignore_ascii_case("permessage-deflate") => {
            params::judge(&any(), &one.tuples()).map_or(Agreed::Unknown, Agreed::Deflate)
        }
        _ => Agreed::Unknown,
    }
}

/// What a client offers that takes any answer.
fn any() -> DeflateConfig {
    DeflateConfig::default()
        .server_no_context_takeover(false)
        .client_no_context_takeover(false)
        .server_max_window_bits(15)
        .client_max_window_bits(15)
}

/// The ear at one direction.
#[derive(Debug)]
pub(super) struct Ear {
    connection: Connection,
    pool: Pool,
    replies: Vec<u8>,
}

impl Ear {
    /// For what goes this way; `None` if nothing of it can be understood.
    pub(super) fn new(dir: Dir, agreed: Agreed) -> Option<Ear> {
        let compression = match agreed {
            Agreed::Nothing => None,
            Agreed::Deflate(params) => Some(Compression::new(params, &any())),
            Agreed::Unknown => return None,
        };
        let role = match dir {
            Dir::In => Role::Client,
            Dir::Out => Role::Server,
        };
        let config = Config::new()
            .max_message(LONGEST)
            .max_frame(LONGEST)
            .ping_interval(None);
        Some(Ear {
            connection: Connection::new(role, Arc::new(config), compression, Instant::now()),
            pool: Pool::new(),
            replies: Vec::new(),
        })
    }

    /// Takes bytes that came, and tells what they say.
    ///
    /// # Errors
    /// What breaks the protocol; nothing can be understood from there on.
    pub(super) fn hear(&mut self, bytes: &[u8], mut tell: impl FnMut(What<'_>)) -> Result<(), String> {
        let mut copy = bytes.to_vec();
        let mut input = &mut copy[..];
        let outcome = loop {
            match self.connection.receive(Instant::now(), &mut self.pool, &mut input) {
                Ok(Some(Event::Text(text))) => tell(What::Text((&*text).into())),
                Ok(Some(Event::Binary(data))) => tell(What::Binary((&*data).into())),
                Ok(Some(Event::Ping(payload))) => tell(What::Ping((&*payload).into())),
                Ok(Some(Event::Pong(payload))) => tell(What::Pong((&*payload).into(), None)),
                Ok(Some(Event::Close(frame))) => tell(What::Close {
                    code: frame.code.0,
                    reason: (&*frame.reason).into(),
                }),
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(failure) => break Err(failure.to_string()),
            }
        };
        self.connection
            .poll_transmit(Instant::now(), &mut Mute, &mut self.replies);
        self.replies.clear();
        outcome
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn answer(value: &str) -> Agreed {
        let mut headers = http::HeaderMap::new();
        headers.insert("sec-websocket-extensions", value.parse().unwrap());
        agreed(&headers)
    }

    #[test]
    fn what_was_agreed_is_read_from_any_answer() {
        assert_eq!(agreed(&http::HeaderMap::new()), Agreed::Nothing);
        let Agreed::Deflate(params) = answer("permessage-deflate; client_max_window_bits=10") else {
            panic!("not understood");
        };
        assert!(params.client_max_window_bits == 10 && !params.client_no_context_takeover);
        for text in ["x-other", "permessage-deflate, x-other", "permessage-deflate; x=1", ";", ""] {
            assert_eq!(answer(text), Agreed::Unknown, "{text}");
        }
        assert!(Ear::new(Dir::In, Agreed::Unknown).is_none());
    }

    #[test]
    fn messages_are_heard_until_the_protocol_is_broken() {
        let mut ear = Ear::new(Dir::In, Agreed::Nothing).unwrap();
        let mut heard = Vec::new();
        let mut hear = |bytes: &[u8]| ear.hear(bytes, |what| heard.push(format!("{what:?}")));
        hear(&[0x01, 2, b'h', b'i', 0x89, 1]).unwrap();
        hear(&[b'p', 0x80, 0, 0x82, 1, 255]).unwrap();
        assert!(hear(&[0x81, 1, 0xFF]).is_err());
        assert_eq!(hear(&[0x81, 1, b'x']), Ok(()));
        assert_eq!(heard, ["Ping([112])", "Text(\"hi\")", "Binary([255])"]);
    }
}
