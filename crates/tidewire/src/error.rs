//! What can go wrong: on an open connection, while accepting. For connecting, see the client's own.

pub use crate::client::error::ConnectError;

use crate::server::AnswerMisuse;
use std::{fmt, io};
use tidewire_proto::{
    CloseStory, Failure, LimitExceeded, ProtocolViolation, SendError, Timeout, handshake,
};

/// Why an open connection failed or ended. The connection is over, unless it is
/// [`Misuse`](Self::Misuse).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection is closed, and not with 1000, 1001 or no code; or something was sent on a
    /// closed one. The story says who said what.
    Closed(Box<CloseStory>),
    /// The peer broke a rule. It was told so in a Close frame.
    Protocol(ProtocolViolation),
    /// The peer went over a limit of the [`Config`](crate::Config). It was told so.
    Limit(LimitExceeded),
    /// The peer let a deadline pass.
    Timeout(Timeout),
    /// The network failed.
    Io(io::Error),
    /// What the caller asked for cannot be sent. The connection goes on; nothing was queued.
    Misuse(SendError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(story) => story.fmt(f),
            Self::Protocol(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Self::Limit(limit) => limit.fmt(f),
            Self::Timeout(timeout) => timeout.fmt(f),
            Self::Io(error) => write!(f, "the network failed: {error}"),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Closed(_) => None,
            Self::Protocol(error) => Some(error),
            Self::Limit(error) => Some(error),
            Self::Timeout(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Misuse(error) => Some(error),
        }
    }
}

impl Error {
    /// The error that a story tells.
    pub(crate) fn from_story(story: &CloseStory) -> Self {
        match story.failure {
            Some(Failure::Protocol(violation)) => Self::Protocol(violation),
            Some(Failure::Limit(limit)) => Self::Limit(limit),
            Some(Failure::Timeout(timeout)) => Self::Timeout(timeout),
            _ => Self::Closed(Box::new(story.clone())),
        }
    }
}

/// Why a connection was not accepted.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// The network failed, or the client left.
    Io(io::Error),
    /// The client did not complete its request in time.
    Timeout,
    /// The client was refused, and told so with this status.
    Refused(Box<handshake::server::Refusal>),
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
            Self::Io(error) => Some(error),
            #[cfg(feature = "tls")]
            Self::Tls(error) => Some(error),
            Self::Misuse(misuse) => Some(misuse),
            Self::Timeout | Self::Refused(_) | Self::Stopping => None,
        }
    }
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
