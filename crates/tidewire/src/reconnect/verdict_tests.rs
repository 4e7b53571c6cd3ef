//! The table of [`Verdict::of`], row by row, and what a hostile server may write into Retry-After.

use super::*;
use crate::ConnectStage;
use Verdict::{Final, Retry};
use http::{HeaderValue, Response};
use tidewire_proto::handshake::ResponseError;
use tidewire_proto::{CloseFrame, LimitExceeded, ProtocolViolation, SendError};

fn after(least: u64, spread: u64) -> Verdict {
    Verdict::RetryAfter {
        least: Duration::from_secs(least),
        spread: Duration::from_secs(spread),
    }
}

fn closed(by: ClosedBy, code: u16) -> Box<CloseStory> {
    let mut story = CloseStory::begun(by);
    story.received = Some(CloseFrame {
        code: CloseCode(code),
        reason: "".into(),
    });
    Box::new(story)
}

fn refused(status: u16, retry_after: Option<&[u8]>) -> End {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    if let Some(Ok(value)) = retry_after.map(HeaderValue::from_bytes) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    End::Connect(ConnectError::Refused(Box::new(response)))
}

#[test]
fn close_codes() {
    let table = [
        (1000, Final),
        (1001, Retry),
        (1002, Final),
        (1003, Final),
        (1005, Retry),
        (1006, Retry),
        (1007, Final),
        (1008, Final),
        (1009, Final),
        (1010, Final),
        (1011, Retry),
        (1012, after(5, 25)),
        (1013, after(30, 30)),
        (1014, Retry),
        (3000, Final),
        (3003, Final),
        (3008, Retry),
        (3999, Final),
        (4000, Final),
        (4401, Final),
        (4999, Final),
    ];
    for (code, verdict) in table {
        let end = End::Closed(closed(ClosedBy::Peer, code));
        assert_eq!(Verdict::of(&end), verdict, "{code}");
        assert_eq!(end.close_code(), Some(CloseCode(code)));
        // The same through the error that `recv` gives inside a hook.
        let hook = End::Resume(Error::Closed(closed(ClosedBy::Peer, code)).into());
        assert_eq!(Verdict::of(&hook), verdict, "{code} in resume");
    }
}

#[test]
fn ends_that_are_not_the_peers() {
    let silent = End::Closed(Box::new(CloseStory::begun(ClosedBy::Network)));
    assert_eq!(Verdict::of(&silent), Retry);
    assert_eq!(silent.close_code(), Some(CloseCode::ABNORMAL));
    let ours = End::Closed(closed(ClosedBy::Us, 1001));
    assert_eq!(Verdict::of(&ours), Final);
}

#[test]
fn statuses() {
    let retried = [408, 425, 429, 500, 502, 503, 504, 520, 599];
    for status in 200..=599 {
        let expected = if retried.contains(&status) || status >= 500 {
            Retry
        } else {
            Final
        };
        assert_eq!(Verdict::of(&refused(status, None)), expected, "{status}");
    }
}

#[test]
fn retry_after_is_honoured_and_capped() {
    let cap = LONGEST_RETRY_AFTER.as_secs();
    let nines = [b'9'; 5000];
    let table: &[(&[u8], Verdict)] = &[
        (b"0", after(0, 0)),
        (b"7", after(7, 0)),
        (b" 7 ", after(7, 0)),
        (b"0000000000000000000000000000000000000000007", after(7, 0)),
        (b"301", after(cap, 0)),
        (b"18446744073709551615", after(cap, 0)),
        (b"18446744073709551616", after(cap, 0)),
        (&nines, after(cap, 0)),
        (b"", Retry),
        (b" ", Retry),
        (b"-1", Retry),
        (b"+1", Retry),
        (b"1.5", Retry),
        (b"1e9", Retry),
        (b"0x10", Retry),
        (b"7, 8", Retry),
        (b"\xff\xfe", Retry),
        (b"\xd9\xa7", Retry), // ARABIC-INDIC DIGIT SEVEN
        (b"Wed, 21 Oct 2026 07:28:00 GMT", Retry),
    ];
    for (value, verdict) in table {
        let shown = String::from_utf8_lossy(value);
        for status in [429, 503] {
            assert_eq!(
                Verdict::of(&refused(status, Some(value))),
                *verdict,
                "{shown}"
            );
        }
        // A refusal that is final does not become less so.
        assert_eq!(Verdict::of(&refused(401, Some(value))), Final, "{shown}");
    }
}

#[test]
fn failures_to_connect() {
    let io = |kind: io::ErrorKind| ConnectError::Io(kind.into());
    let table = [
        (io(io::ErrorKind::ConnectionRefused), Retry),
        (io(io::ErrorKind::ConnectionReset), Retry),
        (io(io::ErrorKind::UnexpectedEof), Retry),
        (io(io::ErrorKind::NotFound), Retry),
        (io(io::ErrorKind::PermissionDenied), Retry),
        (io(io::ErrorKind::InvalidInput), Final),
        (io(io::ErrorKind::Unsupported), Final),
        (
            ConnectError::Io(io::Error::other("failed to lookup")),
            Retry,
        ),
        (ConnectError::Timeout(ConnectStage::Tls), Retry),
        (
            ConnectError::Resolve {
                host: "gone.example".into(),
                error: io::ErrorKind::NotFound.into(),
            },
            Retry,
        ),
        (ConnectError::InvalidUrl("x"), Final),
        (ConnectError::InvalidHeader("x".into()), Final),
        (ConnectError::Handshake(ResponseError::AcceptWrong), Final),
    ];
    for (error, verdict) in table {
        let shown = error.to_string();
        assert_eq!(Verdict::of(&End::Connect(error)), verdict, "{shown}");
    }
}

#[test]
fn failures_of_open_connections_and_of_hooks() {
    let table = [
        (Error::Io(io::ErrorKind::ConnectionReset.into()), Retry),
        (Error::Timeout(Timeout::Pong), Retry),
        (Error::Timeout(Timeout::Close), Final),
        (Error::Protocol(ProtocolViolation::MaskedFrame), Final),
        (Error::Limit(LimitExceeded::Message { limit: 1 }), Final),
        (Error::Misuse(SendError::ControlTooLong), Final),
    ];
    for (error, verdict) in table {
        let shown = error.to_string();
        assert_eq!(Verdict::of(&End::Failed(error)), verdict, "{shown}");
    }
    let token = || -> BoxError { "the token service is down".into() };
    assert_eq!(Verdict::of(&End::Prepare(token())), Retry);
    assert_eq!(Verdict::of(&End::Resume(token())), Retry);
    assert_eq!(Verdict::of(&End::Slow), Retry);
    let refused: BoxError = ConnectError::InvalidUrl("x").into();
    assert_eq!(Verdict::of(&End::Prepare(refused)), Final);
}

#[cfg(feature = "tls")]
#[test]
fn tls() {
    use crate::tls::CertificateProblem;
    let untrusted = || TlsError::Certificate {
        problem: CertificateProblem::UnknownIssuer,
        detail: String::new(),
    };
    let table = [
        (TlsError::Config(String::new()), Final),
        (TlsError::NoRoots(String::new()), Final),
        (untrusted(), Final),
        (TlsError::Refused(String::new()), Final),
        (TlsError::NotTls(String::new()), Final),
        (TlsError::Handshake(String::new()), Final),
        (TlsError::Io(io::ErrorKind::ConnectionReset.into()), Retry),
    ];
    for (error, verdict) in table {
        let text = format!("{error:?}");
        assert_eq!(
            Verdict::of(&End::Connect(ConnectError::Tls(error))),
            verdict,
            "{text}"
        );
    }
}

#[cfg(feature = "proxy")]
#[test]
fn proxies() {
    let answer = |status| {
        let mut response = Response::new(Vec::new());
        *response.status_mut() = status;
        Box::new(response)
    };
    let table = [
        (ProxyReason::Invalid(""), Final),
        (ProxyReason::LoginWanted(None), Final),
        (ProxyReason::LoginRejected(None), Final),
        (
            ProxyReason::Unreachable(ConnectError::Timeout(ConnectStage::Proxy)),
            Retry,
        ),
        (
            ProxyReason::Io(io::ErrorKind::ConnectionReset.into()),
            Retry,
        ),
        (ProxyReason::Refused(answer(StatusCode::FORBIDDEN)), Final),
        (ProxyReason::Refused(answer(StatusCode::BAD_GATEWAY)), Retry),
        (ProxyReason::SocksRefused("host unreachable"), Retry),
        (ProxyReason::NotSocks(""), Final),
    ];
    for (reason, verdict) in table {
        assert_eq!(of_proxy_error(&reason), verdict, "{reason:?}");
    }
}
