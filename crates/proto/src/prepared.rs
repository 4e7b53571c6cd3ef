//! [`PreparedFrame`]: a message encoded once, and compressed once, for many connections.

use crate::deflate::Pool;
use crate::frame::{FrameHead, Header, Kind};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use tidewire_simd::Text;

/// A whole message as a server sends it, ready to be shared by reference between connections.
///
/// Encoding happens once, when it is made; compression once for each window size in use, when the
/// first connection that agreed to it asks. Clones are cheap.
#[derive(Clone, Debug)]
pub struct PreparedFrame(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    /// Header and payload.
    plain: Bytes,
    head_len: usize,
    /// The compressed frame for window bits 8…15; each is independent of any context.
    compressed: [OnceLock<Bytes>; 8],
}

impl PreparedFrame {
    /// A text message.
    #[must_use]
    pub fn text(text: impl Into<Text>) -> Self {
        Self::new(Kind::Text, text.into().as_bytes())
    }

    /// A binary message.
    #[must_use]
    pub fn binary(data: impl AsRef<[u8]>) -> Self {
        Self::new(Kind::Binary, data.as_ref())
    }

    fn new(kind: Kind, payload: &[u8]) -> Self {
        let head = head(kind, false, payload.len());
        let head_len = head.as_bytes().len();
        let plain = [head.as_bytes(), payload].concat().into();
        Self(Arc::new(Inner {
            kind,
            plain,
            head_len,
            compressed: Default::default(),
        }))
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The payload as it was given.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.0.plain[self.0.head_len..]
    }

    /// The uncompressed frame, unmasked.
    pub(crate) fn plain(&self) -> Bytes {
        self.0.plain.clone()
    }

    /// The compressed frame for a peer whose window has this many bits; the uncompressed one if
    /// compression gains nothing. The level is that of the first connection that asks.
    pub(crate) fn compressed(&self, level: u8, bits: u8, pool: &mut Pool) -> Bytes {
        let slot = usize::from(bits.clamp(8, 15) - 8);
        self.0.compressed[slot]
            .get_or_init(|| {
                let mut encoder = pool.encoder(level, bits);
                let mut packed = Vec::new();
                encoder.encode(self.payload(), true, &mut packed);
                pool.put_encoder(encoder);
                if packed.len() < self.payload().len() {
                    let head = head(self.0.kind, true, packed.len());
                    [head.as_bytes(), &packed[..]].concat().into()
                } else {
                    self.plain()
                }
            })
            .clone()
    }
}

fn head(kind: Kind, rsv1: bool, len: usize) -> FrameHead {
    FrameHead::new(Header {
        fin: true,
        rsv1,
        opcode: kind.into(),
        mask: None,
        len: len as u64,
    })
}
