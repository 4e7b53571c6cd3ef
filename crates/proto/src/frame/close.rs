//! The table of close codes (RFC 6455 §7.4), and the body of a Close frame (§5.5.1).

use crate::error::ProtocolViolation as Violation;
use std::fmt;
use tidewire_simd::{Text, from_utf8};

/// The longest reason of a Close frame, in bytes: what a control frame holds, less the code.
pub const MAX_REASON: usize = super::header::MAX_CONTROL_PAYLOAD - 2;

/// A close code (RFC 6455 §7.4, and the registry that §11.7 set up).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(pub u16);

/// One line a code: constant, number, name, sentence, and whether it may stand in a Close frame.
macro_rules! close_codes {
    ($($constant:ident $code:literal $name:literal $sentence:literal $on_wire:literal;)*) => {
        impl CloseCode {
            $(
                #[doc = $sentence]
                pub const $constant: Self = Self($code);
            )*

            /// The code's short name, e.g. `normal closure`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($code => $name,)*
                    3000..=3999 => "registered by a library or application",
                    4000..=4999 => "private to the application",
                    _ => "unassigned",
                }
            }

            /// Whether the code may stand in a Close frame (§7.4.1, §7.4.2): the assigned ones that
            /// are not for local use only, and 3000–4999.
            #[must_use]
            pub const fn may_be_sent(self) -> bool {
                match self.0 {
                    $($code => $on_wire,)*
                    3000..=4999 => true,
                    _ => false,
                }
            }
        }
    };
}

close_codes! {
    NORMAL            1000 "normal closure"        "The purpose of the connection is fulfilled." true;
    GOING_AWAY        1001 "going away"            "A server goes down, or a browser leaves the page." true;
    PROTOCOL_ERROR    1002 "protocol error"        "The peer broke a rule of the protocol." true;
    UNSUPPORTED       1003 "unsupported data"      "The peer sent a type of message that is not accepted here." true;
    NO_STATUS         1005 "no status received"    "The Close frame held no code. Never sent." false;
    ABNORMAL          1006 "abnormal closure"      "The connection ended without a Close frame. Never sent." false;
    INVALID_PAYLOAD   1007 "invalid payload data"  "A text message was not UTF-8, or a compressed one did not decompress." true;
    POLICY_VIOLATION  1008 "policy violation"      "The message breaks a rule of the application." true;
    MESSAGE_TOO_BIG   1009 "message too big"       "The message is larger than the receiver accepts." true;
    MISSING_EXTENSION 1010 "mandatory extension"   "The server did not agree to an extension that the client needs." true;
    INTERNAL_ERROR    1011 "internal error"        "The server met a condition that it did not expect." true;
    SERVICE_RESTART   1012 "service restart"       "The server restarts: come back after a random delay." true;
    TRY_AGAIN_LATER   1013 "try again later"       "The server is overloaded: come back later or elsewhere." true;
    BAD_GATEWAY       1014 "bad gateway"           "A gateway got an invalid answer from the server behind it." true;
    TLS_FAILURE       1015 "TLS handshake failure" "TLS could not be set up. Never sent." false;
}

impl CloseCode {
    /// Whether this is how a connection ends when nothing went wrong: 1000, 1001, or no code.
    #[must_use]
    pub const fn is_clean(self) -> bool {
        matches!(self, Self::NORMAL | Self::GOING_AWAY | Self::NO_STATUS)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.name())
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a Close frame says. One without a code has [`CloseCode::NO_STATUS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why the connection closes.
    pub code: CloseCode,
    /// The same in words, for a log; often empty.
    pub reason: Text,
}

impl CloseFrame {
    /// Reads the body of a Close frame.
    ///
    /// # Errors
    ///
    /// The rule of §5.5.1 or §7.4 that the body breaks.
    pub fn decode(body: &[u8]) -> Result<Self, Violation> {
        let (code, reason) = match body {
            [] => {
                return Ok(Self {
                    code: CloseCode::NO_STATUS,
                    reason: Text::default(),
                });
            }
            // §5.5.1: "If there is a body, the first two bytes of the body MUST be" the code.
            [_] => return Err(Violation::CloseBodyTooShort),
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        };
        // §7.4.1: 1005, 1006 and 1015 MUST NOT be set in a Close frame; §7.4.2: the ranges.
        if !CloseCode(code).may_be_sent() {
            return Err(Violation::InvalidCloseCode(code));
        }
        // §5.5.1: the reason is "UTF-8-encoded data".
        let reason = from_utf8(reason).map_err(|_| Violation::InvalidCloseReason)?;
        Ok(Self {
            code: CloseCode(code),
            reason: reason.into(),
        })
    }

    /// Writes the body: nothing for [`CloseCode::NO_STATUS`].
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        if self.code != CloseCode::NO_STATUS {
            out.extend_from_slice(&self.code.0.to_be_bytes());
            out.extend_from_slice(self.reason.as_bytes());
        }
    }
}

impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason.escape_debug())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn judges_every_code_as_the_registry_does() {
        let sendable = |code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        for code in 0..=u16::MAX {
            let seen = CloseFrame::decode(&code.to_be_bytes());
            match seen {
                Ok(frame) => assert!(sendable(code) && frame.code.0 == code, "{code}"),
                Err(error) => {
                    assert!(!sendable(code), "{code}");
                    assert_eq!(error, Violation::InvalidCloseCode(code));
                }
            }
        }
    }

    #[test]
    fn judges_the_body() {
        assert_eq!(CloseFrame::decode(b"").unwrap().code, CloseCode::NO_STATUS);
        assert_eq!(
            CloseFrame::decode(b"\x03"),
            Err(Violation::CloseBodyTooShort)
        );
        assert_eq!(
            CloseFrame::decode(b"\x03\xe8\xff"),
            Err(Violation::InvalidCloseReason)
        );
        assert_eq!(
            CloseFrame::decode("\u{3}".as_bytes()),
            Err(Violation::CloseBodyTooShort)
        );
        let frame = CloseFrame::decode(b"\x0f\xa0bye").unwrap();
        assert_eq!(
            (frame.code, frame.reason.as_str()),
            (CloseCode(4000), "bye")
        );
    }

    #[test]
    fn prints_number_name_and_an_escaped_reason() {
        let frame = CloseFrame {
            code: CloseCode::NORMAL,
            reason: "a\u{1b}[31m".into(),
        };
        assert_eq!(frame.to_string(), "1000 (normal closure): a\\u{1b}[31m");
    }
}
