//! permessage-deflate (RFC 7692): what is agreed, and the two machines that carry it out.
//!
//! [`params`] writes the offer, judges the answer and answers an offer; [`Encoder`] and
//! [`Decoder`] turn one message after another into its compressed form and back; [`Pool`] lets
//! connections without context takeover share them. Nothing here knows frames: the connection
//! sets and checks RSV1 and calls with the payloads of the frames in order.
#![forbid(unsafe_code)]

mod decoder;
mod encoder;
pub mod params;
mod pool;
#[cfg(test)]
mod props;

pub use decoder::{DecodeError, Decoder};
pub use encoder::Encoder;
pub use params::{AnswerError, Params};
pub use pool::Pool;

/// What every compressed message would end with, and what is therefore left off on the wire
/// (RFC 7692 §7.2.1 step 3 and §7.2.2 step 1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The largest window of DEFLATE: 2^15 = 32 KiB.
const MAX_WINDOW_BITS: u8 = 15;
/// The smallest window that may be agreed: 2^8 = 256 bytes (RFC 7692 §7.1.2).
const MIN_WINDOW_BITS: u8 = 8;

/// What this endpoint wants of permessage-deflate, as a client and as a server.
///
/// Values outside their range are taken as the nearest legal one, both by the setters and where
/// a field was written directly; nothing here panics.
///
/// ```
/// # use tidewire_proto::deflate::DeflateConfig;
/// let smaller = DeflateConfig::default().level(1).threshold(1024).server_max_window_bits(12);
/// assert_eq!(smaller.threshold, 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeflateConfig {
    /// See [`DeflateConfig::level`].
    pub level: u8,
    /// See [`DeflateConfig::threshold`].
    pub threshold: usize,
    /// See [`DeflateConfig::server_no_context_takeover`].
    pub server_no_context_takeover: bool,
    /// See [`DeflateConfig::client_no_context_takeover`].
    pub client_no_context_takeover: bool,
    /// See [`DeflateConfig::server_max_window_bits`].
    pub server_max_window_bits: u8,
    /// See [`DeflateConfig::client_max_window_bits`].
    pub client_max_window_bits: u8,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            level: 2,
            threshold: 512,
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: MAX_WINDOW_BITS,
            client_max_window_bits: MAX_WINDOW_BITS,
        }
    }
}

impl DeflateConfig {
    /// How hard to compress, 0 (only wrap) to 9 (smallest). Default 2.
    ///
    /// On chat-like JSON of 1 to 16 KiB level 2 leaves 39 to 25 % in a third to nine tenths of the
    /// time of level 6, which leaves 38 to 20 %; level 1 leaves 50 to 35 % in half of level 2's
    /// time. Memory is the same at every level.
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.level = level.min(9);
        self
    }

    /// Payloads shorter than this many bytes are sent uncompressed, which the peer must accept
    /// (RFC 7692 §6). Default 512.
    ///
    /// Without context takeover a short message has nothing to refer to: at 200 bytes a quarter is
    /// saved, at 512 a half, for some 10 to 15 µs of work each. Where a window lives on (context
    /// takeover) 64 is a better value. 0 compresses everything, and costs the most where it gains
    /// the least.
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Whether the server forgets its window after each message (RFC 7692 §7.1.1.1).
    /// Default true.
    ///
    /// True: compressors are shared, so an idle connection owns none. False: successive similar
    /// messages shrink more, and each connection keeps an [`Encoder`] at the server and a
    /// [`Decoder`] at the client for life. A client that says true is refused compression by a
    /// server that cannot do it.
    #[must_use]
    pub fn server_no_context_takeover(mut self, yes: bool) -> Self {
        self.server_no_context_takeover = yes;
        self
    }

    /// Whether the client forgets its window after each message (RFC 7692 §7.1.1.2).
    /// Default true.
    ///
    /// As [`server_no_context_takeover`](Self::server_no_context_takeover), with the encoder at
    /// the client and the decoder at the server. A server that says true gets it of every client.
    #[must_use]
    pub fn client_no_context_takeover(mut self, yes: bool) -> Self {
        self.client_no_context_takeover = yes;
        self
    }

    /// The largest window the server may compress with, as a power of two, 8..=15
    /// (RFC 7692 §7.1.2.1). Default 15.
    ///
    /// Smaller windows compress less and save memory: see [`Encoder`] and [`Decoder`] for
    /// figures. For a client this is a condition: a server that cannot keep it leaves the
    /// connection uncompressed.
    #[must_use]
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_max_window_bits = window_bits(bits);
        self
    }

    /// The largest window the client may compress with, as a power of two, 8..=15
    /// (RFC 7692 §7.1.2.2). Default 15.
    ///
    /// For a server this is a condition: below 15, an offer from a client that cannot be told
    /// its window (one without `client_max_window_bits`) is declined.
    #[must_use]
    pub fn client_max_window_bits(mut self, bits: u8) -> Self {
        self.client_max_window_bits = window_bits(bits);
        self
    }
}

/// The nearest legal window size, in bits.
fn window_bits(bits: u8) -> u8 {
    bits.clamp(MIN_WINDOW_BITS, MAX_WINDOW_BITS)
}

#[cfg(test)]
mod tests {
    use super::DeflateConfig;

    #[test]
    fn settings_out_of_range_become_the_nearest_legal_one() {
        let wild = DeflateConfig::default()
            .level(200)
            .server_max_window_bits(0)
            .client_max_window_bits(99);
        assert_eq!(
            (
                wild.level,
                wild.server_max_window_bits,
                wild.client_max_window_bits
            ),
            (9, 8, 15)
        );
    }
}
