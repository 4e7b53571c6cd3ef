//! permessage-deflate (RFC 7692) as one connection uses it: which messages are compressed, and where
//! compressors come from and go back to.

use crate::deflate::params::Params;
use crate::deflate::{DecodeError, Decoder, DeflateConfig, Encoder, Pool};
use crate::error::{Failure, ProtocolViolation};
use crate::frame::Role;
use crate::prepared::PreparedFrame;
use bytes::Bytes;

/// What the handshake agreed about compression, and how this side means to use it.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    params: Params,
    level: u8,
    threshold: u32,
}

impl Compression {
    /// The agreed parameters, with the level and threshold of `config`.
    #[must_use]
    pub fn new(params: Params, config: &DeflateConfig) -> Self {
        Self {
            params,
            level: config.level,
            threshold: u32::try_from(config.threshold).unwrap_or(u32::MAX),
        }
    }
}

/// The compressors of one connection. Without context takeover it holds one only while a compressed
/// message is being received; with it, for life.
#[derive(Debug)]
pub(super) struct Codec {
    agreed: Compression,
    /// Window bits of what is sent, and whether the window outlives a message.
    send: (u8, bool),
    /// The same of what is received.
    receive: (u8, bool),
    encoder: Option<Box<Encoder>>,
    decoder: Option<Box<Decoder>>,
}

impl Codec {
    pub(super) fn new(role: Role, agreed: Compression) -> Self {
        let server = role == Role::Server;
        Self {
            agreed,
            send: agreed.params.encoder(server),
            receive: agreed.params.decoder(server),
            encoder: None,
            decoder: None,
        }
    }

    pub(super) fn params(&self) -> Params {
        self.agreed.params
    }

    /// Whether a payload of this length is worth compressing.
    pub(super) fn wants(&self, len: usize) -> bool {
        len >= self.agreed.threshold as usize
    }

    /// Appends `payload`, compressed, to `out`. False, and `out` as it was, if that gains nothing;
    /// the message then goes out as it is, which RFC 7692 §6 leaves to the sender.
    pub(super) fn compress(&mut self, payload: &[u8], pool: &mut Pool, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let (bits, takeover) = self.send;
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => Box::new(pool.encoder(self.agreed.level, bits)),
        };
        encoder.encode(payload, true, out);
        let smaller = out.len() - start < payload.len();
        if !smaller {
            out.truncate(start);
            // The peer never sees this message: the window must not refer to it.
            encoder.forget();
        }
        if takeover {
            self.encoder = Some(encoder);
        } else {
            pool.put_encoder(*encoder);
        }
        smaller
    }

    /// Appends what is ready of `payload`, the next part of a message, compressed; `fin` ends it. The
    /// encoder stays here until then.
    pub(super) fn compress_part(
        &mut self,
        payload: &[u8],
        fin: bool,
        pool: &mut Pool,
        out: &mut Vec<u8>,
    ) {
        let (bits, takeover) = self.send;
        let level = self.agreed.level;
        let encoder = self
            .encoder
            .get_or_insert_with(|| Box::new(pool.encoder(level, bits)));
        encoder.encode(payload, fin, out);
        if fin && !takeover {
            if let Some(encoder) = self.encoder.take() {
                pool.put_encoder(*encoder);
            }
        }
    }

    /// Appends what the encoder holds back of the message under way.
    pub(super) fn flush_part(&mut self, out: &mut Vec<u8>) {
        if let Some(encoder) = &mut self.encoder {
            encoder.flush(out);
        }
    }

    /// The bytes of a prepared frame, compressed where that is possible once for all.
    pub(super) fn prepared(&mut self, frame: &PreparedFrame, pool: &mut Pool) -> Bytes {
        if !self.wants(frame.payload().len()) {
            return frame.plain();
        }
        let bytes = frame.compressed(self.agreed.level, self.send.0, pool);
        // The peer's window now ends with a message that our encoder has not seen: an encoder may
        // forget its window at any time, and here it must (RFC 7692 §7.1.1).
        if let Some(encoder) = &mut self.encoder {
            encoder.forget();
        }
        bytes
    }

    /// Inflates a piece of a message into `sink`; `last` ends the message.
    pub(super) fn decode(
        &mut self,
        piece: &[u8],
        last: bool,
        pool: &mut Pool,
        sink: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (bits, takeover) = self.receive;
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => Box::new(pool.decoder(bits)),
        };
        decoder
            .decode(piece, last, sink)
            .map_err(|error| match error {
                DecodeError::Sink(failure) => failure,
                // RFC 7692 §6.2 has no more to say than that it cannot be decompressed.
                _ => ProtocolViolation::CorruptDeflate.into(),
            })?;
        if last && !takeover {
            pool.put_decoder(*decoder);
        } else {
            self.decoder = Some(decoder);
        }
        Ok(())
    }
}
