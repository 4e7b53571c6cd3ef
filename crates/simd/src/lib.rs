//! XOR masking, and text that is UTF-8 by type: the one crate of the workspace with `unsafe` code.
//!
//! - [`mask`](mod@mask): the XOR of RFC 6455 §5.3, in safe code that the compiler vectorises
//! - [`text`]: [`Text`], an immutable, cheaply cloned string over [`bytes::Bytes`]
//! - [`utf8_buf`]: [`Utf8Buf`], which takes bytes as they arrive, fails at the first bad one, and
//!   finishes into a [`Text`] without looking at the bytes again
//! - [`spare`]: [`Spare`], the reserved end of a buffer, to read into without growing it
//!
//! Everything above this crate is `forbid(unsafe_code)`. Each `unsafe` block here says why it is
//! sound; the public API cannot be used to break those reasons.

pub mod mask;
pub mod spare;
pub mod text;
pub mod utf8_buf;

pub use mask::{mask, mask_at, mask_copy};
pub use spare::Spare;
pub use text::Text;
pub use utf8_buf::{InvalidUtf8, Utf8Buf};

/// Checks a whole piece of text at once.
///
/// # Errors
///
/// [`InvalidUtf8`] if `bytes` is not UTF-8. Use [`Utf8Buf`] for bytes that arrive in pieces.
#[inline]
pub fn from_utf8(bytes: &[u8]) -> Result<&str, InvalidUtf8> {
    // Below 64 bytes the vector code only adds set-up; ASCII is the common case there.
    if bytes.len() < 64 {
        std::str::from_utf8(bytes).map_err(|_| InvalidUtf8)
    } else {
        simdutf8::basic::from_utf8(bytes).map_err(|_| InvalidUtf8)
    }
}
