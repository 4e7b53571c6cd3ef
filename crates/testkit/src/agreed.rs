//! [`Agreed`]: compression as a handshake would have agreed it, without the handshake.

use tidewire_proto::Compression;
use tidewire_proto::deflate::{DeflateConfig, Encoder, Params};

/// What was agreed about permessage-deflate. By default: both windows outlive a message, all
/// windows have 15 bits, and every message is compressed, however short.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agreed {
    params: Params,
    threshold: usize,
}

impl Agreed {
    /// With context takeover, both ways.
    #[must_use]
    pub fn takeover() -> Self {
        Self::default()
    }

    /// Without context takeover, both ways.
    #[must_use]
    pub fn no_takeover() -> Self {
        let mut agreed = Self::default();
        agreed.params.server_no_context_takeover = true;
        agreed.params.client_no_context_takeover = true;
        agreed
    }

    /// Sets the windows of both sides, 8..=15 bits.
    #[must_use]
    pub fn window_bits(mut self, server: u8, client: u8) -> Self {
        self.params.server_max_window_bits = server;
        self.params.client_max_window_bits = client;
        self
    }

    /// Compresses only what has at least this many bytes.
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// As a connection takes it.
    #[must_use]
    pub fn compression(self) -> Compression {
        Compression::new(
            self.params,
            &DeflateConfig::default().level(6).threshold(self.threshold),
        )
    }
}

/// `payload` compressed as one message, with nothing before it.
#[must_use]
pub fn deflated(payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(6, 15).encode(payload.as_ref(), true, &mut out);
    out
}
