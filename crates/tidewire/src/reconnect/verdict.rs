//! Which ends are worth another try: [`End`], [`Verdict`], and the default between them.

use super::BoxError;
use crate::client::error::ConnectError;
#[cfg(feature = "proxy")]
use crate::client::proxy::error::ProxyReason;
use crate::error::Error;
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use std::time::Duration;
use std::{fmt, io};
use tidewire_proto::{CloseCode, CloseStory, ClosedBy, Timeout};

/// What a server may ask for with `Retry-After` at most: it could send a client away for years.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// How an attempt or a connection ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum End {
    /// The hook of [`prepare`](super::Reconnecting::prepare) failed; nothing was sent.
    Prepare(BoxError),
    /// The connection could not be opened.
    Connect(ConnectError),
    /// The hook of [`resume`](super::Reconnecting::resume) failed on a new connection.
    Resume(BoxError),
    /// The attempt took longer than [`attempt_timeout`](super::Reconnecting::attempt_timeout).
    Slow,
    /// The connection was open and was closed, in order or without a Close frame: the story says.
    Closed(Box<CloseStory>),
    /// The connection was open and failed.
    Failed(Error),
}

impl End {
    /// The code that the peer closed with; [`CloseCode::ABNORMAL`] if an open connection ended
    /// without a Close frame; `None` if it never was open or failed otherwise.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Closed(story) => Some(
                story
                    .received
                    .as_ref()
                    .map_or(CloseCode::ABNORMAL, |frame| frame.code),
            ),
            _ => None,
        }
    }

    /// The status and headers of the server's refusal, if it refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&http::Response<Vec<u8>>> {
        match self {
            Self::Connect(ConnectError::Refused(response)) => Some(response),
            _ => None,
        }
    }

    /// Whether the connection ended as one does when nothing went wrong.
    pub(super) fn is_clean(&self) -> bool {
        matches!(self, Self::Closed(story) if story.is_clean())
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare(error) => write!(f, "the attempt could not be prepared: {error}"),
            Self::Connect(error) => error.fmt(f),
            Self::Resume(error) => write!(f, "the new connection could not be resumed: {error}"),
            Self::Slow => f.write_str("the attempt took too long (attempt_timeout)"),
            Self::Closed(story) => story.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for End {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Prepare(error) | Self::Resume(error) => Some(&**error),
            Self::Connect(error) => Some(error),
            Self::Failed(error) => Some(error),
            Self::Slow | Self::Closed(_) => None,
        }
    }
}

/// Whether an end is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, after the wait that the [`Backoff`](super::Backoff) draws.
    Retry,
    /// Yes, but later.
    RetryAfter {
        /// Nobody returns before this has passed.
        least: Duration,
        /// Then by chance within this, or within the backoff's window if that is wider.
        spread: Duration,
    },
    /// No: it would end the same way, or the server asked us not to.
    Final,
}

impl Verdict {
    /// The default. What a row does not name is decided by its category: what may pass by itself is
    /// tried again, what somebody must mend first is not.
    ///
    /// | End | Verdict |
    /// |---|---|
    /// | network failure, name not found, nobody listens, a deadline of the connection attempt | retry |
    /// | a certificate that is not trusted, TLS that cannot be agreed on | final |
    /// | a proxy that is down, or cannot reach the server (a SOCKS refusal, 5xx) | retry |
    /// | a proxy that wants another login, or is none | final |
    /// | refused with 408, 425, 429 or 5xx | retry, and not before `Retry-After` |
    /// | refused with any other status: 401, 403, 404, a plain page; a redirect that is not followed | final |
    /// | an answer that breaks the handshake's rules | final |
    /// | a URL, header or option that cannot be used | final |
    /// | closed with 1001 (going away), 1011 (internal error), 1014 (bad gateway) | retry |
    /// | closed with no code: what many servers send to all when they stop | retry |
    /// | closed with 1012 (service restart) | retry, after 5 to 30 s as the code's registration asks |
    /// | closed with 1013 (try again later) | retry, after 30 to 60 s |
    /// | closed with 1000 (normal closure) | final: nothing more will come |
    /// | closed with 1002, 1003, 1007, 1008, 1009, 1010 | final: it would happen again |
    /// | closed with 3008 (timeout) | retry |
    /// | closed with another of 3000 to 4999, such as 3000 (unauthorized) and 3003 (forbidden) | final: only the application knows what it means; teach [`classify`](super::Reconnecting::classify) those that pass |
    /// | ended without a Close frame (1006), no Pong in time | retry |
    /// | the server broke the protocol, or went over a limit of the [`Config`](crate::Config) | final |
    /// | closed by this side, through [`socket`](super::Reconnecting::socket) | final |
    /// | `prepare` or `resume` failed with a [`ConnectError`] or an [`Error`] | as above |
    /// | `prepare` or `resume` failed with anything else, or the attempt took too long | retry |
    ///
    /// `Retry-After` is read as whole seconds, and as 5 minutes if it asks for more; a date is not
    /// read, and the backoff decides.
    #[must_use]
    pub fn of(end: &End) -> Self {
        match end {
            End::Connect(error) => of_connect_error(error),
            End::Closed(story) => of_story(story),
            End::Failed(error) => of_error(error),
            End::Slow => Self::Retry,
            End::Prepare(error) | End::Resume(error) => of_hook_error(error),
        }
    }
}

/// Every variant is named here, so that a new one does not compile before it is judged.
fn of_connect_error(error: &ConnectError) -> Verdict {
    match error {
        ConnectError::Io(error) => of_io_error(error),
        ConnectError::Resolve { .. } | ConnectError::Unreachable(_) | ConnectError::Timeout(_) => {
            Verdict::Retry
        }
        ConnectError::Refused(response) => of_refusal(response.status(), response.headers()),
        #[cfg(feature = "tls")]
        ConnectError::Tls(error) => of_tls_error(error),
        #[cfg(feature = "proxy")]
        ConnectError::Proxy(error) => of_proxy_error(error.reason()),
        ConnectError::InvalidUrl(_)
        | ConnectError::InvalidHeader(_)
        | ConnectError::InvalidCookie(_)
        | ConnectError::InvalidRequest(_)
        | ConnectError::Redirect(_)
        | ConnectError::Handshake(_) => Verdict::Final,
    }
}

/// Trust does not come by waiting; the network does.
#[cfg(feature = "tls")]
fn of_tls_error(error: &TlsError) -> Verdict {
    match error {
        TlsError::Io(error) => of_io_error(error),
        TlsError::Config(_)
        | TlsError::NoRoots(_)
        | TlsError::Certificate { .. }
        | TlsError::Refused(_)
        | TlsError::NotTls(_)
        | TlsError::Handshake(_) => Verdict::Final,
    }
}

#[cfg(feature = "proxy")]
fn of_proxy_error(reason: &ProxyReason) -> Verdict {
    match reason {
        ProxyReason::Unreachable(error) => of_connect_error(error),
        ProxyReason::Io(error) => of_io_error(error),
        #[cfg(feature = "tls")]
        ProxyReason::Tls(error) => of_tls_error(error),
        ProxyReason::Refused(response) => of_refusal(response.status(), response.headers()),
        // Mostly that the server is down: SOCKS has no finer words for it.
        ProxyReason::SocksRefused(_) => Verdict::Retry,
        ProxyReason::Invalid(_)
        | ProxyReason::LoginWanted(_)
        | ProxyReason::LoginRejected(_)
        | ProxyReason::NotHttp(_)
        | ProxyReason::NotSocks(_) => Verdict::Final,
    }
}

/// The system's errors pass, but for those that say that the request itself makes no sense.
fn of_io_error(error: &io::Error) -> Verdict {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Verdict::Final,
        _ => Verdict::Retry,
    }
}

fn of_refusal(status: StatusCode, headers: &HeaderMap) -> Verdict {
    let passing = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
    );
    if !passing && !status.is_server_error() {
        return Verdict::Final;
    }
    match retry_after(headers) {
        Some(least) => Verdict::RetryAfter {
            least,
            spread: Duration::ZERO,
        },
        None => Verdict::Retry,
    }
}

/// RFC 9110 §10.2.3: `delay-seconds = 1*DIGIT`. As many digits as the peer likes.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.as_bytes().trim_ascii();
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = value.iter().fold(0_u64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

fn of_story(story: &CloseStory) -> Verdict {
    match (story.by, &story.received) {
        (ClosedBy::Us, _) => Verdict::Final,
        (ClosedBy::Peer, Some(frame)) => of_code(frame.code),
        (ClosedBy::Peer, None) | (ClosedBy::Network, _) => Verdict::Retry,
    }
}

fn of_code(code: CloseCode) -> Verdict {
    match code {
        CloseCode::SERVICE_RESTART => Verdict::RetryAfter {
            least: Duration::from_secs(5),
            spread: Duration::from_secs(25),
        },
        CloseCode::TRY_AGAIN_LATER => Verdict::RetryAfter {
            least: Duration::from_secs(30),
            spread: Duration::from_secs(30),
        },
        CloseCode::GOING_AWAY
        | CloseCode::NO_STATUS
        | CloseCode::ABNORMAL
        | CloseCode::INTERNAL_ERROR
        | CloseCode::BAD_GATEWAY
        | CloseCode(3008) => Verdict::Retry,
        _ => Verdict::Final,
    }
}

fn of_error(error: &Error) -> Verdict {
    match error {
        Error::Closed(story) => of_story(story),
        Error::Io(_) => Verdict::Retry,
        Error::Timeout(Timeout::Close) => Verdict::Final, // this side was closing
        Error::Timeout(_) => Verdict::Retry,
        Error::Protocol(_) | Error::Limit(_) | Error::Misuse(_) => Verdict::Final,
    }
}

/// A hook that hands on an error of this crate is judged by it; what else went wrong in it may pass.
fn of_hook_error(error: &BoxError) -> Verdict {
    if let Some(error) = error.downcast_ref::<Error>() {
        of_error(error)
    } else if let Some(error) = error.downcast_ref::<ConnectError>() {
        of_connect_error(error)
    } else {
        Verdict::Retry
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
