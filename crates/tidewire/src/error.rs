//! What can go wrong on an open connection. Connecting and accepting have errors of their own:
//! `client/error.rs`, `server/error.rs`.

use std::{fmt, io};
use tidewire_proto::{
    CloseCode, CloseStory, Failure, LimitExceeded, ProtocolViolation, SendError, Timeout,
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

/// What stands in the message of an error is not its source too: a chain that is printed says each
/// thing once.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl Error {
    /// The close code with which the connection ended: see [`CloseStory::code`]. `None` if it did not
    /// end with one, or goes on.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Closed(story) => Some(story.code()),
            _ => None,
        }
    }

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
