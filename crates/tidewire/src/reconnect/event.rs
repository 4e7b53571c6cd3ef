//! What happens over all connections, and how it comes to an end: the words of the public API.

use super::verdict::End;
use crate::message::Message;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tidewire_proto::SendError;

/// Which attempt this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Counted from 1 since the last connection that was stable.
    pub number: u32,
    /// How many connections were opened before this one. 0: there is nothing to resume.
    pub opened: u64,
}

/// What happened; see [`Reconnecting::next_event`](super::Reconnecting::next_event).
#[derive(Debug)]
#[non_exhaustive]
pub enum ReconnectEvent {
    /// A connection is open, and has been resumed.
    Opened(Attempt),
    /// A message came.
    Message(Message),
    /// The connection, or the attempt to open one, ended; another attempt follows. If it was open,
    /// messages may be missing between those before this and those after.
    Lost {
        /// How it ended.
        end: Arc<End>,
        /// When the next attempt begins.
        retry_in: Duration,
        /// How many messages `send` had taken that, as far as is known, did not leave this machine:
        /// see [`Reconnecting::unsent`](super::Reconnecting::unsent). They are not sent again.
        unsent: usize,
    },
}

/// There will be no further attempt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GaveUp {
    /// Why not.
    pub why: GiveUpReason,
    /// How the last attempt or connection ended.
    pub end: Arc<End>,
    /// How many attempts were made since the last connection that was stable.
    pub attempts: u32,
}

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GiveUpReason {
    /// The verdict on the end was [`Verdict::Final`](super::Verdict::Final).
    Final,
    /// [`give_up_after_attempts`](super::Reconnecting::give_up_after_attempts).
    Attempts,
    /// [`give_up_after`](super::Reconnecting::give_up_after).
    Time,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            GiveUpReason::Final => write!(f, "not worth another attempt: {}", self.end),
            GiveUpReason::Attempts => {
                write!(f, "gave up after {} attempts: {}", self.attempts, self.end)
            }
            GiveUpReason::Time => write!(
                f,
                "gave up, too long without a stable connection: {}",
                self.end
            ),
        }
    }
}

impl std::error::Error for GaveUp {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.end)
    }
}

/// Why a message was not sent, or a connection not opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReconnectError {
    /// There will be no further attempt.
    GaveUp(GaveUp),
    /// [`close`](super::Reconnecting::close) was called, or the server closed for good.
    Closed,
    /// What the caller asked for cannot be sent. The connection goes on; nothing was queued.
    Misuse(SendError),
}

impl fmt::Display for ReconnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GaveUp(gave_up) => gave_up.fmt(f),
            Self::Closed => f.write_str("closed: no further connection is opened"),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReconnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::GaveUp(gave_up) => Some(gave_up),
            Self::Closed => None,
            Self::Misuse(error) => Some(error),
        }
    }
}
