//! Every way a handshake fails, sorted by who must act.
//!
//! - The peer's bytes are not HTTP: [`HeadError`], inside [`RequestError`] (a client sent it) or
//!   [`ResponseError`] (a server did).
//! - The client must change its request: [`Refusal`](super::server::Refusal), which is also the HTTP answer to it.
//! - The server is not what it should be: [`ResponseError`].
//! - The calling code asked for what cannot be sent: [`RequestMisuse`].

use std::fmt;

use http::{HeaderName, StatusCode, Version};

use super::headers::ListError;
use crate::deflate::params::AnswerError;

/// What breaks the frame of an HTTP/1.1 head (RFC 9112 §2.2, §5), in a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The head goes on past [`HeadLimits::max_bytes`](super::http1::HeadLimits), named here.
    TooLarge(usize),
    /// More header lines than [`HeadLimits::max_headers`](super::http1::HeadLimits), named here.
    TooManyHeaders(usize),
    /// A carriage return without a line feed after it.
    BareCr,
    /// A line feed without a carriage return before it.
    BareLf,
    /// A control character other than a tab.
    ControlByte(u8),
    /// A header line that begins with a space or tab (obs-fold, RFC 9112 §5.2).
    Folded,
    /// Whitespace between a header's name and the colon (RFC 9112 §5.1).
    SpaceBeforeColon,
    /// A header line without a name.
    EmptyName,
    /// A header's name is not a token.
    BadName,
    /// A header line without a colon, or with a value that cannot be one.
    NotAHeader,
    /// The connection ended before a single byte of the head.
    ClosedBefore,
    /// The connection ended within the head, after this many bytes.
    ClosedWithin(usize),
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => {
                write!(
                    f,
                    "the head is longer than {limit} bytes: send fewer or shorter headers"
                )
            }
            Self::TooManyHeaders(limit) => {
                write!(f, "the head has more than {limit} header lines: send fewer")
            }
            Self::BareCr => f.write_str("a carriage return stands alone: end lines with CR LF"),
            Self::BareLf => f.write_str("a line feed stands alone: end lines with CR LF"),
            Self::ControlByte(byte) => {
                write!(
                    f,
                    "control byte 0x{byte:02x} in the head: is this plain HTTP, not TLS?"
                )
            }
            Self::Folded => f.write_str("a folded header line: write each header on one line"),
            Self::SpaceBeforeColon => {
                f.write_str("whitespace before a header's colon: write `Name: value`")
            }
            Self::EmptyName => f.write_str("a header line without a name: write `Name: value`"),
            Self::BadName => f.write_str("a header's name holds what no name may: use a token"),
            Self::NotAHeader => f.write_str("a line that is no header: write `Name: value`"),
            Self::ClosedBefore => f.write_str("the peer closed before it sent anything"),
            Self::ClosedWithin(bytes) => {
                write!(
                    f,
                    "the peer closed in the middle of its head, after {bytes} bytes"
                )
            }
        }
    }
}

impl std::error::Error for HeadError {}

/// A client's bytes are not an HTTP/1.1 request. Turn it into a [`Refusal`](super::server::Refusal) to
/// answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The head's lines are broken.
    Head(HeadError),
    /// The first line is not `METHOD SP target SP HTTP/1.1`.
    RequestLine,
    /// The method is not a token.
    Method,
    /// The target is not a path (origin-form, RFC 9112 §3.2.1) of visible ASCII.
    Target,
    /// HTTP/1.0, which knows no upgrade (RFC 9110 §7.8).
    Http10,
    /// Another version of HTTP.
    HttpVersion,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head(error) => return error.fmt(f),
            Self::RequestLine => "the first line must be `GET /path HTTP/1.1`",
            Self::Method => "the method must be a token such as GET",
            Self::Target => {
                "the request target must be a path that begins with `/`; escape spaces, controls \
                 and everything that is not ASCII with %"
            }
            Self::Http10 => "HTTP/1.0 cannot upgrade: send HTTP/1.1",
            Self::HttpVersion => "only HTTP/1.1 is spoken here",
        })
    }
}

impl std::error::Error for RequestError {}

impl From<HeadError> for RequestError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

/// A server's answer is not one a client may accept (RFC 6455 §4.1, "Once the client's opening
/// handshake has been sent"). One variant per violation; the connection must be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The head's lines are broken.
    Head(HeadError),
    /// The first line is not `HTTP/1.x SP 3DIGIT SP reason`.
    StatusLine,
    /// What came is a record of TLS (RFC 8446 §5.1), not HTTP.
    Tls,
    /// The server answered, but not with 101: its status tells why, its body may tell more.
    NotUpgraded(StatusCode),
    /// 101 under another version than HTTP/1.1.
    HttpVersion(Version),
    /// There is no Upgrade header.
    UpgradeMissing,
    /// Upgrade is not exactly `websocket`.
    UpgradeWrong,
    /// Connection does not name `Upgrade`.
    ConnectionWithoutUpgrade,
    /// Connection is not a list of tokens.
    ConnectionMalformed(ListError),
    /// There is no Sec-WebSocket-Accept.
    AcceptMissing,
    /// Sec-WebSocket-Accept is there more than once.
    AcceptRepeated,
    /// Sec-WebSocket-Accept does not answer our key.
    AcceptWrong,
    /// Sec-WebSocket-Protocol is there more than once.
    SubprotocolRepeated,
    /// Sec-WebSocket-Protocol is not one token.
    SubprotocolMalformed,
    /// The server picked this subprotocol, which was not offered.
    SubprotocolNotOffered(String),
    /// Sec-WebSocket-Extensions breaks its grammar.
    ExtensionsMalformed(ListError),
    /// The server uses this extension, which was not offered.
    ExtensionNotOffered(String),
    /// The server answered permessage-deflate twice.
    DeflateRepeated,
    /// The parameters of permessage-deflate do not answer the offer (RFC 7692 §7.1).
    DeflateAnswer(AnswerError),
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => write!(f, "the server's answer is not HTTP: {error}"),
            Self::StatusLine => f.write_str(
                "the server's answer does not begin with a status line: is it an HTTP server?",
            ),
            Self::Tls => {
                f.write_str("the server speaks TLS on this port: use wss:// or another port")
            }
            Self::NotUpgraded(status) => write!(
                f,
                "the server answered {status} and did not open a WebSocket: check URL and \
                 credentials"
            ),
            Self::HttpVersion(version) => {
                write!(
                    f,
                    "the server upgraded under {version:?}; it must speak HTTP/1.1"
                )
            }
            Self::UpgradeMissing => f.write_str("the server's 101 has no Upgrade header"),
            Self::UpgradeWrong => f.write_str("the server upgraded to something not `websocket`"),
            Self::ConnectionWithoutUpgrade => {
                f.write_str("the server's 101 lacks `Connection: Upgrade`")
            }
            Self::ConnectionMalformed(error) => {
                write!(f, "the server's Connection header is malformed: {error}")
            }
            Self::AcceptMissing => f.write_str("the server's 101 has no Sec-WebSocket-Accept"),
            Self::AcceptRepeated => f.write_str("the server sent two Sec-WebSocket-Accept headers"),
            Self::AcceptWrong => f.write_str(
                "the server's Sec-WebSocket-Accept does not answer our key: a cache or a server \
                 that does not speak WebSocket is in between",
            ),
            Self::SubprotocolRepeated => f.write_str("the server picked more than one subprotocol"),
            Self::SubprotocolMalformed => {
                f.write_str("the server's Sec-WebSocket-Protocol is not one name")
            }
            Self::SubprotocolNotOffered(name) => {
                write!(
                    f,
                    "the server picked subprotocol `{name}`, which was not offered: offer it"
                )
            }
            Self::ExtensionsMalformed(error) => {
                write!(
                    f,
                    "the server's Sec-WebSocket-Extensions is malformed: {error}"
                )
            }
            Self::ExtensionNotOffered(name) => {
                write!(
                    f,
                    "the server uses extension `{name}`, which was not offered"
                )
            }
            Self::DeflateRepeated => f.write_str("the server answered permessage-deflate twice"),
            Self::DeflateAnswer(error) => {
                write!(
                    f,
                    "the server's permessage-deflate does not answer the offer: {error}"
                )
            }
        }
    }
}

impl std::error::Error for ResponseError {}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

/// The calling code asked for a request that must not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestMisuse {
    /// The host is not a name or address with an optional port.
    Host,
    /// The target is not a path (`/…`) of visible ASCII without fragment.
    Target,
    /// The origin holds what no header value may.
    Origin,
    /// A subprotocol is not a token.
    SubprotocolMalformed(String),
    /// A subprotocol is offered twice (RFC 6455 §4.1 item 10).
    SubprotocolRepeated(String),
    /// This header is composed by the handshake, or would give the request a body.
    ReservedHeader(HeaderName),
    /// More extra headers than any server takes.
    TooManyHeaders,
}

impl fmt::Display for RequestMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("the host must be a name or address, perhaps with `:port`"),
            Self::Target => {
                f.write_str("the path must begin with `/`; escape spaces and non-ASCII with %")
            }
            Self::Origin => f.write_str("the origin must be visible ASCII: `https://example.com`"),
            Self::SubprotocolMalformed(name) => write!(
                f,
                "subprotocol {name:?} is not a token: letters, digits and !#$%&'*+-.^_`|~ only"
            ),
            Self::SubprotocolRepeated(name) => {
                write!(f, "subprotocol `{name}` is offered twice: offer it once")
            }
            Self::ReservedHeader(name) => {
                write!(
                    f,
                    "header `{name}` belongs to the handshake and cannot be set here"
                )
            }
            Self::TooManyHeaders => f.write_str("too many extra headers: send fewer"),
        }
    }
}

impl std::error::Error for RequestMisuse {}
