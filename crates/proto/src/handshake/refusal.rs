//! A server's no: which rule a request broke, and the HTTP response that tells the client.

use std::fmt;

use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::header::{SEC_WEBSOCKET_VERSION, UPGRADE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Response, StatusCode, Version};

use super::error::{HeadError, RequestError};
use super::headers::ListError;
use super::{VERSION, value_of};

/// Why a server refuses a request. One variant per rule; the text says what the client must do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The request is not HTTP/1.1: 400, 431 or 505.
    NotHttp(RequestError),
    /// The request did not arrive in time: 408.
    Timeout,
    /// The method is not GET: 405.
    Method(Method),
    /// The version is not HTTP/1.1: 505.
    HttpVersion(Version),
    /// No Host: 400.
    HostMissing,
    /// More than one Host: 400.
    HostRepeated,
    /// Host is not a host and perhaps a port: 400.
    HostMalformed,
    /// An absolute request target names another place than Host: 400.
    HostNotTarget,
    /// The request has a body (Content-Length over 0, or Transfer-Encoding): 400.
    Body,
    /// Upgrade does not name `websocket`: 426.
    NoUpgrade,
    /// Upgrade is not a list of protocols: 400.
    UpgradeMalformed(ListError),
    /// Connection does not name `Upgrade`: 400.
    ConnectionWithoutUpgrade,
    /// Connection is not a list of tokens: 400.
    ConnectionMalformed(ListError),
    /// No Sec-WebSocket-Version: 426.
    VersionMissing,
    /// More than one Sec-WebSocket-Version: 400.
    VersionRepeated,
    /// Sec-WebSocket-Version is not 13: 426.
    VersionUnsupported,
    /// No Sec-WebSocket-Key: 400.
    KeyMissing,
    /// More than one Sec-WebSocket-Key: 400.
    KeyRepeated,
    /// Sec-WebSocket-Key is not base64 of 16 bytes: 400.
    KeyMalformed,
    /// More than one Origin: 400.
    OriginRepeated,
    /// Origin is not allowed: 403.
    OriginRefused {
        /// Host as it came.
        host: String,
        /// Origin as it came; what is not visible ASCII is escaped.
        origin: String,
    },
    /// Sec-WebSocket-Protocol is not a list of tokens: 400.
    SubprotocolsMalformed(ListError),
    /// A subprotocol is offered twice: 400.
    SubprotocolRepeated(String),
    /// Sec-WebSocket-Extensions breaks its grammar: 400.
    ExtensionsMalformed(ListError),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttp(error) => return error.fmt(f),
            Self::Timeout => "the request did not arrive in time: send the whole head at once",
            Self::Method(method) => {
                return write!(f, "a WebSocket is opened with GET, not {method}");
            }
            Self::HttpVersion(version) => {
                return write!(f, "a WebSocket is opened with HTTP/1.1, not {version:?}");
            }
            Self::HostMissing => "the Host header is missing: send exactly one",
            Self::HostRepeated => "there is more than one Host header: send exactly one",
            Self::HostMalformed => "the Host header must be `host` or `host:port`",
            Self::HostNotTarget => "the request target and the Host header name different hosts",
            Self::Body => {
                "a WebSocket request has no body: leave out Content-Length and \
                           Transfer-Encoding"
            }
            Self::NoUpgrade => {
                "this is a WebSocket endpoint: send `Upgrade: websocket`, or open \
                                it with a WebSocket client"
            }
            Self::UpgradeMalformed(error) => {
                return write!(f, "the Upgrade header is malformed: {error}");
            }
            Self::ConnectionWithoutUpgrade => {
                "the Connection header must name Upgrade: send `Connection: Upgrade`, and let \
                 every proxy in between pass it on"
            }
            Self::ConnectionMalformed(error) => {
                return write!(f, "the Connection header is malformed: {error}");
            }
            Self::VersionMissing => "send `Sec-WebSocket-Version: 13`",
            Self::VersionRepeated => "there is more than one Sec-WebSocket-Version: send one",
            Self::VersionUnsupported => {
                "this version of WebSocket is not spoken here: send `Sec-WebSocket-Version: 13`"
            }
            Self::KeyMissing => "the Sec-WebSocket-Key header is missing: send exactly one",
            Self::KeyRepeated => "there is more than one Sec-WebSocket-Key: send exactly one",
            Self::KeyMalformed => "the Sec-WebSocket-Key header must be base64 of 16 bytes",
            Self::OriginRepeated => "there is more than one Origin header: send at most one",
            Self::OriginRefused { host, origin } => {
                return write!(
                    f,
                    "a page of origin `{origin}` may not connect to host `{host}`: open the page \
                     from that host and port, or allow the origin in the server's origin policy"
                );
            }
            Self::SubprotocolsMalformed(error) => {
                return write!(f, "the Sec-WebSocket-Protocol header is malformed: {error}");
            }
            Self::SubprotocolRepeated(name) => {
                return write!(f, "subprotocol `{name}` is offered twice: offer it once");
            }
            Self::ExtensionsMalformed(error) => {
                return write!(
                    f,
                    "the Sec-WebSocket-Extensions header is malformed: {error}"
                );
            }
        })
    }
}

/// A server's no: the reason, and the HTTP response that tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
}

impl Refusal {
    /// The refusal of a request that did not arrive within the caller's deadline (408).
    #[must_use]
    pub fn timeout() -> Self {
        Reason::Timeout.into()
    }

    /// Which rule the request broke.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The status that tells it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.reason {
            Reason::NotHttp(RequestError::Head(
                HeadError::TooLarge(_) | HeadError::TooManyHeaders(_),
            )) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Reason::NotHttp(RequestError::Http10 | RequestError::HttpVersion)
            | Reason::HttpVersion(_) => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Reason::Timeout => StatusCode::REQUEST_TIMEOUT,
            Reason::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            // RFC 6455 §4.2.2 item 4 and §4.4; RFC 9110 §15.5.22
            Reason::VersionMissing | Reason::VersionUnsupported | Reason::NoUpgrade => {
                StatusCode::UPGRADE_REQUIRED
            }
            // RFC 6455 §4.2.2 item 4: an unacceptable origin is answered with 403
            Reason::OriginRefused { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The response and its body (plain text, one line). The connection closes after it.
    #[must_use]
    pub fn response(&self) -> (Response<()>, String) {
        let body = match &self.reason {
            Reason::Method(method) if *method == Method::HEAD => String::new(),
            reason => format!("{reason}\n"),
        };
        let mut response = Response::new(());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        match self.status() {
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("GET"));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                // who sends Upgrade MUST name it in Connection: RFC 9110 §7.8
                headers.insert(CONNECTION, HeaderValue::from_static("close, Upgrade"));
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
            }
            _ => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
        }
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CONTENT_LENGTH, value_of(&body.len().to_string()));
        (response, body)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status().as_u16(), self.reason)
    }
}

impl std::error::Error for Refusal {}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Reason::NotHttp(error).into()
    }
}
