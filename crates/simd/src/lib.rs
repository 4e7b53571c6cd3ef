//! XOR masking, and text that is UTF-8 by type: the one crate of the workspace with `unsafe` code.
//!
//! - [`mask`](mod@mask): the XOR of RFC 6455 §5.3, in safe code that the compiler vectorises
//! - [`text`]: [`Text`], an immutable, cheaply cloned string over [`bytes::Bytes`]
//! - [`utf8`]: the check of a whole text, and its error
//! - [`utf8_buf`]: [`Utf8Buf`], which takes bytes as they arrive, fails at the first bad one, and
//!   finishes into a [`Text`] without looking at the bytes again
//! - [`spare`]: [`Spare`], the reserved end of a buffer, to read into without growing it
//!
//! Everything above this crate is `forbid(unsafe_code)`. Each `unsafe` block here says why it is
//! sound; the public API cannot be used to break those reasons.

pub mod mask;
pub mod spare;
pub mod text;
pub mod utf8;
pub mod utf8_buf;

pub use mask::{mask, mask_at, mask_copy};
pub use spare::Spare;
pub use text::Text;
pub use utf8::{InvalidUtf8, from_utf8};
pub use utf8_buf::Utf8Buf;

/// The example of the crate's page compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CratePage;
