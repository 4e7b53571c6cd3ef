//! Why a request does not become a WebSocket, and why an accepted one did not.

use crate::Refusal;
use crate::server::AnswerMisuse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use std::fmt;

/// Why a request is not upgraded. Converts into the response that says so.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The request breaks a rule, or the Origin policy forbids it: the client's to mend.
    Refused(Box<Refusal>),
    /// The request has no connection to take over: yours to mend. It was upgraded already, or it
    /// does not come from hyper's HTTP/1.1 server, but from a test, or through a layer that made a
    /// new request without the extensions of the old one. Answered with 500.
    NoConnection,
}

impl UpgradeError {
    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::NoConnection => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NoConnection => f.write_str(
                "the request has no connection to upgrade: pass it on as hyper's HTTP/1.1 server \
                 gave it, with its extensions, and upgrade it once",
            ),
        }
    }
}

impl std::error::Error for UpgradeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(refusal) => refusal.source(),
            Self::NoConnection => None,
        }
    }
}

impl From<Box<Refusal>> for UpgradeError {
    fn from(refusal: Box<Refusal>) -> Self {
        Self::Refused(refusal)
    }
}

impl From<UpgradeError> for Response<String> {
    fn from(error: UpgradeError) -> Self {
        match error {
            UpgradeError::Refused(refusal) => response_to(&refusal),
            UpgradeError::NoConnection => failed(),
        }
    }
}

/// The response that tells a client that the mistake is not its own.
pub(super) fn failed() -> Response<String> {
    let mut response = Response::new("this server cannot open WebSockets\n".into());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// The response that tells a client why it is refused.
pub(crate) fn response_to(refusal: &Refusal) -> Response<String> {
    let (response, body) = refusal.response();
    response.map(|()| body)
}

/// Why a request that was accepted did not become a WebSocket.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandoverError {
    /// The connection ended before the response was written: the client left. Or the client got
    /// another response than the one that was given to be returned, from a layer that gave up
    /// waiting for example.
    Left(::hyper::Error),
    /// hyper was not asked to hand connections over: call `with_upgrades()` on its HTTP/1.1
    /// connection, or `serve_connection_with_upgrades` of hyper-util's server.
    NotEnabled(::hyper::Error),
    /// hyper failed in another way.
    Hyper(::hyper::Error),
    /// What you wanted to answer cannot be sent, and is yours to mend; the client got a 500.
    Misuse(AnswerMisuse),
}

impl HandoverError {
    pub(super) fn new(error: ::hyper::Error) -> Self {
        if error.is_canceled() {
            Self::Left(error)
        } else if error.is_user() {
            Self::NotEnabled(error)
        } else {
            Self::Hyper(error)
        }
    }
}

impl fmt::Display for HandoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left(_) => f.write_str(
                "the client left before it was upgraded, or got another response than the upgrade's",
            ),
            Self::NotEnabled(error) => write!(
                f,
                "hyper did not hand over the connection ({error}): serve it with_upgrades()"
            ),
            Self::Hyper(error) => write!(f, "hyper did not hand over the connection: {error}"),
            Self::Misuse(misuse) => misuse.fmt(f),
        }
    }
}

impl std::error::Error for HandoverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // The others hold their source in what they print.
            Self::Left(error) => Some(error),
            Self::NotEnabled(error) | Self::Hyper(error) => error.source(),
            Self::Misuse(_) => None,
        }
    }
}
