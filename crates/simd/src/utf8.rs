//! Checks a whole text at once.

use std::fmt;

/// The bytes are not UTF-8 (RFC 3629), and no further bytes can make them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text is not valid UTF-8")
    }
}

impl std::error::Error for InvalidUtf8 {}

/// Checks a whole piece of text at once.
///
/// # Errors
///
/// [`InvalidUtf8`] if `bytes` is not UTF-8. Use [`Utf8Buf`](crate::Utf8Buf) for bytes that arrive in pieces.
#[inline]
pub fn from_utf8(bytes: &[u8]) -> Result<&str, InvalidUtf8> {
    // Below 64 bytes the vector code only adds set-up; ASCII is the common case there.
    if bytes.len() < 64 {
        std::str::from_utf8(bytes).map_err(|_| InvalidUtf8)
    } else {
        simdutf8::basic::from_utf8(bytes).map_err(|_| InvalidUtf8)
    }
}
