//! Open, closing, closed: every transition, and the story a closed connection tells.
//!
//! ```text
//!            close()                    peer's Close
//!   ┌─ Open ─────────────▶ CloseSent ─────────────▶ Complete ─┐
//!   │   │                      │                        ▲     │ TCP ends,
//!   │   │ peer's Close (answered at once)               │     │ or close_timeout
//!   │   ├───────────────────────────────────────────────┘     ▼
//!   │   │ a violation, a limit, silence: our Close      ┌──▶ Ended
//!   │   └──────────────────────▶ Failed ────────────────┘     ▲
//!   └── TCP ends without a Close ─────────────────────────────┘
//! ```
//!
//! From `Complete`, `Failed` and `Ended` on, input is discarded unread.

use crate::error::Failure;
use crate::frame::{CloseCode, CloseFrame, Role};
use std::fmt;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Messages flow both ways.
    Open,
    /// A Close was sent or received, or the connection failed: nothing more can be sent.
    Closing,
    /// It is over.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// We began to close; the peer may still send messages before its own Close.
    CloseSent,
    /// Both Close frames are there.
    Complete,
    /// We failed the connection (RFC 6455 §7.1.7).
    Failed,
    /// TCP is over, or has waited long enough.
    Ended,
}

/// What is to become of the TCP connection (RFC 6455 §7.1.1), once everything queued is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpEnd {
    /// It stays.
    Keep,
    /// The closing handshake is complete and the server closes: it is this side's turn.
    CloseNow,
    /// The peer closes first: read and discard until it does, or the deadline passes.
    AwaitPeer,
    /// This side failed the connection: shut the sending half, then read and discard until the peer
    /// closes or the deadline passes, so that the Close frame is not destroyed by a TCP reset.
    Linger,
}

/// Who ended the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// This side sent the first Close, or failed the connection.
    Us,
    /// The peer sent the first Close.
    Peer,
    /// The TCP connection ended, or fell silent, without a Close.
    Network,
}

/// How a connection ended: what each side said, who began, and what went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseStory {
    /// The Close frame we sent.
    pub sent: Option<CloseFrame>,
    /// The Close frame the peer sent.
    pub received: Option<CloseFrame>,
    /// Who began.
    pub by: ClosedBy,
    /// What went wrong, if something did.
    pub failure: Option<Failure>,
}

impl CloseStory {
    /// A story that has only begun.
    #[must_use]
    pub const fn begun(by: ClosedBy) -> Self {
        Self {
            sent: None,
            received: None,
            by,
            failure: None,
        }
    }

    /// The code of the side that began to close; 1006 ([`CloseCode::ABNORMAL`]) if nobody said Close.
    #[must_use]
    pub fn code(&self) -> CloseCode {
        let began = match self.by {
            ClosedBy::Us => &self.sent,
            ClosedBy::Peer => &self.received,
            ClosedBy::Network => &None,
        };
        began
            .as_ref()
            .map_or(CloseCode::ABNORMAL, |frame| frame.code)
    }

    /// Whether nothing went wrong: both sides said Close, and the side that began said 1000, 1001 or
    /// nothing.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let began = match self.by {
            ClosedBy::Us => &self.sent,
            ClosedBy::Peer => &self.received,
            ClosedBy::Network => return false,
        };
        self.failure.is_none()
            && self.received.is_some()
            && began.as_ref().is_some_and(|frame| frame.code.is_clean())
    }
}

impl fmt::Display for CloseStory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.by, &self.received, &self.sent) {
            (ClosedBy::Peer, Some(frame), _) => write!(f, "closed by the peer with {frame}")?,
            (ClosedBy::Us, _, Some(frame)) => write!(f, "closed by us with {frame}")?,
            _ => f.write_str("closed without a Close frame, 1006 (abnormal closure)")?,
        }
        if let Some(failure) = self.failure {
            write!(f, ": {failure}")?;
        }
        Ok(())
    }
}

impl super::Connection {
    /// How far the connection is.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Open => State::Open,
            Phase::CloseSent => State::Closing,
            Phase::Complete | Phase::Failed => State::Closing,
            Phase::Ended => State::Closed,
        }
    }

    /// Whether no event can follow: the closing handshake is complete, or the connection failed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self.phase, Phase::Open | Phase::CloseSent)
    }

    /// What is to become of the TCP connection.
    #[must_use]
    pub fn tcp_end(&self) -> TcpEnd {
        match (self.phase, self.role) {
            (Phase::Open | Phase::CloseSent, _) => TcpEnd::Keep,
            // §7.1.1: the server MUST close the TCP connection first; the client waits for it.
            (Phase::Complete, Role::Client) => TcpEnd::AwaitPeer,
            (Phase::Complete, Role::Server) | (Phase::Ended, _) => TcpEnd::CloseNow,
            (Phase::Failed, _) => TcpEnd::Linger,
        }
    }

    /// How the connection ended, or is ending; `None` while it is open.
    #[must_use]
    pub fn story(&self) -> Option<&CloseStory> {
        self.story.as_deref()
    }
}
