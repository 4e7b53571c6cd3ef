//! What can go wrong on an open connection, sorted by who must act, and the one function that maps
//! it to a close code.
//!
//! - the peer broke a rule: [`ProtocolViolation`]
//! - the peer asked for more than we give: [`LimitExceeded`]
//! - the peer fell silent: [`Timeout`]
//! - the caller asked for what cannot be: [`SendError`]
//!
//! The handshake has its own, in [`crate::handshake`].

use crate::frame::CloseCode;
use std::fmt;

/// A rule of RFC 6455 or RFC 7692 that the peer broke. One variant each; the check that finds it
/// cites the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolViolation {
    /// A Close body of one byte (§5.5.1).
    CloseBodyTooShort,
    /// A control frame with more than 125 bytes (§5.5).
    ControlTooLong,
    /// A compressed message that does not decompress (RFC 7692 §6.2).
    CorruptDeflate,
    /// A control frame that is not whole (§5.5).
    FragmentedControl,
    /// A close code that may not stand in a Close frame (§7.4).
    InvalidCloseCode(u16),
    /// A close reason that is not UTF-8 (§5.5.1).
    InvalidCloseReason,
    /// A text message that is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A payload length with the most significant bit set (§5.2).
    LengthOverflow,
    /// A masked frame from a server (§5.1).
    MaskedFrame,
    /// A new message before the fragmented one had ended (§5.4).
    MessageInsideMessage,
    /// A length not written in the fewest bytes (§5.2).
    NonMinimalLength,
    /// A reserved bit that no agreed extension defines there (§5.2).
    ReservedBits,
    /// An opcode that is not assigned (§5.2).
    ReservedOpcode(u8),
    /// A continuation of no message (§5.4).
    StrayContinuation,
    /// An unmasked frame from a client (§5.1).
    UnmaskedFrame,
}

impl fmt::Display for ProtocolViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloseBodyTooShort => "the Close frame has a body of one byte",
            Self::ControlTooLong => "a control frame is longer than 125 bytes",
            Self::CorruptDeflate => "a compressed message does not decompress",
            Self::FragmentedControl => "a control frame is fragmented",
            Self::InvalidCloseCode(code) => return write!(f, "close code {code} may not be sent"),
            Self::InvalidCloseReason => "the close reason is not UTF-8",
            Self::InvalidUtf8 => "a text message is not UTF-8",
            Self::LengthOverflow => "a length has its most significant bit set",
            Self::MaskedFrame => "the server masked a frame",
            Self::MessageInsideMessage => "a message began before the last one ended",
            Self::NonMinimalLength => "a length is not in its shortest form",
            Self::ReservedBits => "a reserved bit is set",
            Self::ReservedOpcode(opcode) => return write!(f, "opcode {opcode:#x} is reserved"),
            Self::StrayContinuation => "a continuation frame continues nothing",
            Self::UnmaskedFrame => "the client did not mask a frame",
        })
    }
}

impl std::error::Error for ProtocolViolation {}

/// The peer sent more than [`Config`](crate::Config) accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// A frame claims more bytes than `max_frame`.
    Frame {
        /// What the frame claims, in bytes.
        claimed: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A message, with what its fragments cost, outgrew `max_message`; if it was compressed, while
    /// it was inflated.
    Message {
        /// The limit in bytes.
        limit: usize,
    },
    /// A message that is received in parts outgrew `max_streamed`, or the limit that its receiver set.
    Streamed {
        /// The limit in bytes.
        limit: u64,
    },
    /// A message that is received in parts went on in this many fragments without a byte to hand out.
    EmptyFragments {
        /// The limit in fragments.
        limit: u32,
    },
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame { claimed, limit } => {
                write!(
                    f,
                    "a frame of {claimed} bytes is over the limit of {limit} (max_frame)"
                )
            }
            Self::Message { limit } => {
                write!(
                    f,
                    "a message is over the limit of {limit} bytes (max_message)"
                )
            }
            Self::Streamed { limit } => {
                write!(
                    f,
                    "a streamed message is over the limit of {limit} bytes (max_streamed)"
                )
            }
            Self::EmptyFragments { limit } => {
                write!(
                    f,
                    "a streamed message went on in {limit} fragments without a byte"
                )
            }
        }
    }
}

impl std::error::Error for LimitExceeded {}

/// A deadline that the peer let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timeout {
    /// Our Close was not answered within `close_timeout`.
    Close,
    /// Nothing at all arrived for `pong_timeout` after a keepalive Ping.
    Pong,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Close => "the peer did not answer our Close in time (close_timeout)",
            Self::Pong => "the peer did not answer a keepalive Ping in time (pong_timeout)",
        })
    }
}

impl std::error::Error for Timeout {}

/// Why a connection failed, from our point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The peer broke a rule.
    Protocol(ProtocolViolation),
    /// The peer went over a limit.
    Limit(LimitExceeded),
    /// The peer let a deadline pass.
    Timeout(Timeout),
    /// The peer ended the TCP connection before the closing handshake was complete.
    Eof,
}

impl Failure {
    /// The code of the Close frame that says so to the peer (§7.4.1); `None` if there is nobody left
    /// to tell.
    #[must_use]
    pub const fn close_code(self) -> Option<CloseCode> {
        Some(match self {
            // §8.1, and RFC 7692 §6.2 leaves the choice: a payload that is not what it says it is.
            Self::Protocol(ProtocolViolation::InvalidUtf8 | ProtocolViolation::CorruptDeflate) => {
                CloseCode::INVALID_PAYLOAD
            }
            // §5.5.1: a reason is text, and §8.1 governs text.
            Self::Protocol(ProtocolViolation::InvalidCloseReason) => CloseCode::INVALID_PAYLOAD,
            Self::Protocol(_) => CloseCode::PROTOCOL_ERROR,
            Self::Limit(_) => CloseCode::MESSAGE_TOO_BIG,
            Self::Timeout(Timeout::Pong) => CloseCode::GOING_AWAY,
            Self::Timeout(Timeout::Close) | Self::Eof => return None,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(violation) => violation.fmt(f),
            Self::Limit(limit) => limit.fmt(f),
            Self::Timeout(timeout) => timeout.fmt(f),
            Self::Eof => f.write_str("the peer ended the connection without a Close frame"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<ProtocolViolation> for Failure {
    fn from(violation: ProtocolViolation) -> Self {
        Self::Protocol(violation)
    }
}

impl From<LimitExceeded> for Failure {
    fn from(limit: LimitExceeded) -> Self {
        Self::Limit(limit)
    }
}

/// The caller asked to send what cannot be sent. Nothing was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// A Close frame was sent or the connection is over: it takes no more (§5.5.1).
    Closing,
    /// This code may not stand in a Close frame (§7.4).
    CodeNotAllowed(CloseCode),
    /// A Ping or Pong payload has more than 125 bytes (§5.5).
    ControlTooLong,
    /// As many control frames wait to be sent as `max_queued_control` allows.
    ControlQueueFull,
    /// A fragmented message is being sent: end it before the next one (§5.4).
    FragmentedMessageOpen,
    /// The message has ended: it takes no more parts.
    MessageEnded,
    /// The bytes are not UTF-8, and cannot be part of a text message (§8.1).
    NotUtf8,
    /// A close reason has more than 123 bytes (§5.5).
    ReasonTooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closing => "the connection is closing: nothing more can be sent",
            Self::CodeNotAllowed(code) => {
                return write!(
                    f,
                    "close code {code} may not be sent: use 1000–1003, 1007–1014 or 3000–4999"
                );
            }
            Self::ControlTooLong => "a Ping or Pong carries at most 125 bytes",
            Self::ControlQueueFull => "too many control frames wait to be sent",
            Self::FragmentedMessageOpen => "end the fragmented message before starting another",
            Self::MessageEnded => "the message has ended: begin another one",
            Self::NotUtf8 => "a text message must be UTF-8: send other bytes as binary",
            Self::ReasonTooLong => "a close reason has at most 123 bytes",
        })
    }
}

impl std::error::Error for SendError {}
