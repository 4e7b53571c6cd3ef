//! What an application may not answer a request with.

use http::{HeaderName, StatusCode};
use std::fmt;

/// Why an answer to a request cannot be sent; the caller's to mend. The client was answered with 500
/// instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerMisuse {
    /// This name, or the value given for it, holds what no header may: a line break, for example.
    InvalidHeader(String),
    /// This header belongs to the handshake or frames the body.
    ReservedHeader(HeaderName),
    /// More headers than a response can hold.
    TooManyHeaders,
    /// The client did not offer this subprotocol.
    SubprotocolNotOffered(String),
    /// A request is not refused with an interim status (1xx).
    Status(StatusCode),
    /// A response with this status has no body.
    Body(StatusCode),
}

impl fmt::Display for AnswerMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidHeader(name) => write!(
                f,
                "the header {name:?} cannot be sent: names are tokens, values have no control characters"
            ),
            Self::ReservedHeader(name) => write!(
                f,
                "header `{name}` belongs to the handshake and cannot be set here"
            ),
            Self::TooManyHeaders => f.write_str("too many headers: send fewer"),
            Self::SubprotocolNotOffered(name) => write!(
                f,
                "subprotocol {name:?} was not offered: choose one of `offered_subprotocols`"
            ),
            Self::Status(status) => write!(
                f,
                "status {} does not refuse a request: use one from 200 up",
                status.as_u16()
            ),
            Self::Body(status) => write!(
                f,
                "a response with status {} has no body: leave it empty",
                status.as_u16()
            ),
        }
    }
}

impl std::error::Error for AnswerMisuse {}
