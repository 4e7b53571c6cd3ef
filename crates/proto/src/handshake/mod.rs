//! The opening handshake (RFC 6455 §4) in both roles, as pure judgement: heads in, verdicts out.
//!
//! - [`http1`] reads and writes HTTP/1.1 heads, incrementally and strictly (RFC 9112).
//! - [`headers`] is the grammar of the header values involved: tokens, lists, extensions.
//! - [`server`] judges a request and composes the 101; [`client`] composes a request and judges
//!   the answer.
//! - [`origin`] compares Origin with Host; [`subprotocol`] and `extensions` negotiate.
//! - [`error`] holds every way a handshake fails, sorted by who must act.
//!
//! Nothing here reads a socket, a clock or a random source: the key of a client is an argument,
//! and deadlines belong to the caller (see [`Refusal::timeout`]).

pub mod client;
pub mod error;
mod extensions;
pub mod headers;
pub mod http1;
pub mod origin;
mod refusal;
pub mod server;
pub mod subprotocol;

#[cfg(test)]
mod client_refusal_tests;
#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod http1_refusal_tests;
#[cfg(test)]
mod http1_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod server_refusal_tests;
#[cfg(test)]
mod server_tests;

pub use error::{HeadError, RequestError, RequestMisuse, ResponseError};
pub use server::{Reason, Refusal};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use http::HeaderValue;
use sha1::{Digest as _, Sha1};

/// The protocol version of RFC 6455, as it stands in `Sec-WebSocket-Version` (§4.1 item 9).
pub const VERSION: &str = "13";

/// The GUID every server appends to the key (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Base64 as a key must have it: standard alphabet, padded. The unused bits before the padding are
/// not judged: RFC 4648 §3.5 leaves it open, and the example key printed in RFC 6455 §4.1
/// (`AQIDBAUGBwgJCgsMDQ4PEC==`, sent by real clients) has them set.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A client's `Sec-WebSocket-Key`: 16 bytes, which the caller draws from a random source anew for
/// each connection (RFC 6455 §4.1 item 7). A predictable key lets a cache be fooled into answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key([u8; 16]);

impl Key {
    /// A key of these 16 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The value of `Sec-WebSocket-Key`: 24 characters of base64.
    #[must_use]
    pub fn header(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// The `Sec-WebSocket-Accept` that proves a server has read this key.
    #[must_use]
    pub fn accept(&self) -> String {
        accept_value(self.header().as_bytes())
    }
}

/// `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` as it came on the wire:
/// base64(SHA-1(key ‖ GUID)), RFC 6455 §4.2.2 item 5.4. Any bytes are hashed; whether they are a
/// key is judged by [`server::judge`].
#[must_use]
pub fn accept_value(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

/// Whether a header value is base64 of exactly 16 bytes (RFC 6455 §4.2.1 item 5). The length is
/// checked first, so that no value of any length is decoded beyond it.
fn is_key(value: &[u8]) -> bool {
    let mut bytes = [0; 18]; // what 24 characters can decode to
    value.len() == 24 && KEY_BASE64.decode_slice(value, &mut bytes) == Ok(16)
}

/// A header value of text that is visible ASCII by construction (base64, tokens, our own answers).
fn value_of(text: &str) -> HeaderValue {
    let value = HeaderValue::from_str(text);
    debug_assert!(
        value.is_ok(),
        "composed header values are visible ASCII: {text:?}"
    );
    value.unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_values_match_the_known_vectors() {
        for (key, accept) in [
            ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), // RFC 6455 §1.3
            ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
            ("wDqumtseNBJdhkihL6PW7w==", "0FFP+2nmNIf/h+4BP36k9uzrYGk="),
        ] {
            assert_eq!(accept_value(key.as_bytes()), accept, "{key}");
        }
    }

    #[test]
    fn a_key_is_sixteen_bytes_of_padded_base64() {
        let key = Key::new(*b"the sample nonce");
        assert_eq!(key.header(), "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(key.accept(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (name, value, expected) in [
            ("sample", "dGhlIHNhbXBsZSBub25jZQ==", true),
            (
                "the RFC's own example, padding bits set",
                "AQIDBAUGBwgJCgsMDQ4PEC==",
                true,
            ),
            ("empty", "", false),
            ("unpadded", "dGhlIHNhbXBsZSBub25jZQ", false),
            ("15 bytes", "dGhlIHNhbXBsZSBub25j", false),
            ("17 bytes", "dGhlIHNhbXBsZSBub25jZWU=", false),
            (
                "18 bytes in 24 characters",
                "dGhlIHNhbXBsZSBub25jZWVl",
                false,
            ),
            ("url-safe alphabet", "-_-_-_-_-_-_-_-_-_-_-w==", false),
            ("a space inside", "dGhlIHNhbXBs ZSBub25jZQ==", false),
            (
                "two keys in one line",
                "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ==",
                false,
            ),
            ("padding in the middle", "dGhlIHNhbXBs==Bub25jZQ==", false),
        ] {
            assert_eq!(is_key(value.as_bytes()), expected, "{name}");
        }
    }
}
