//! Why a connection was not accepted, sorted by who must act.

use super::misuse::AnswerMisuse;
use std::{fmt, io};
use tidewire_proto::handshake::server::Refusal;

/// Why a connection was not accepted.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// The network failed, or the client left.
    Io(io::Error),
    /// The client did not complete its request in time.
    Timeout,
    /// The client was refused, and told so with this status.
    Refused(Box<Refusal>),
    /// TLS failed: the client speaks none, does not trust the certificate, or has none that is trusted
    /// here.
    #[cfg(feature = "tls")]
    Tls(crate::tls::TlsError),
    /// What the application wanted to answer cannot be sent; the caller's to mend.
    Misuse(AnswerMisuse),
    /// The server began to [drain](crate::Connections::drain): the client was refused with 503.
    Stopping,
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the client left during the handshake: {error}"),
            Self::Timeout => f.write_str("the client did not complete its handshake in time"),
            Self::Refused(refusal) => refusal.fmt(f),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Stopping => f.write_str("the server is stopping and takes no more clients"),
        }
    }
}

impl std::error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
