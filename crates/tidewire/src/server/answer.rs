//! What is written to a client: the composing of answers, and the end of a connection that is refused.

use super::error::AcceptError;
use super::misuse::AnswerMisuse;
use crate::driver::stream::Stream;
use bytes::{Buf, Bytes};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SEC_WEBSOCKET_VERSION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::time::Duration;
use tidewire_proto::handshake::http1;
use tidewire_proto::handshake::server::Refusal;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// How long a refused client may take to read why, and to stop sending.
pub(super) const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// Bytes that a refused client may still send without being cut off.
const MOST_IGNORED: u64 = 64 * 1024;

/// Header lines that an application may add: more than any client takes.
const MOST_HEADERS: usize = 1000;

/// A response, ready to be written.
#[derive(Debug)]
pub(super) struct Answer {
    head: Vec<u8>,
    body: Bytes,
}

impl Answer {
    /// What refuses a request that broke a rule.
    pub(super) fn refusal(refusal: &Refusal) -> Self {
        let (response, body) = refusal.response();
        Self::of(&response, body.into())
    }

    /// One line of plain text.
    pub(super) fn line(status: StatusCode, line: &'static str) -> Self {
        let mut response = Response::new(());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CONTENT_LENGTH, line.len().into());
        Self::of(&response, Bytes::from_static(line.as_bytes()))
    }

    /// What the client is told when the application did not answer, or with what cannot be sent.
    pub(super) fn failed() -> Self {
        Self::line(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server failed to answer: try again later\n",
        )
    }

    /// What the client is told while the server is on its way out.
    pub(super) fn stopping() -> Self {
        Self::line(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is stopping: try again\n",
        )
    }

    /// An application's refusal, checked and made whole.
    pub(super) fn custom(response: Response<Bytes>) -> Result<Self, AnswerMisuse> {
        let (mut parts, body) = response.into_parts();
        let status = parts.status;
        if status.is_informational() {
            return Err(AnswerMisuse::Status(status));
        }
        let headers = &mut parts.headers;
        headers.remove(CONTENT_LENGTH); // told by us alone, so that it is true
        if let Some(name) = headers.keys().find(|name| is_reserved(name)) {
            return Err(AnswerMisuse::ReservedHeader(name.clone()));
        }
        // RFC 9110 §15.3.5, §15.3.6, §15.4.5: these have no content
        let bodiless = matches!(status.as_u16(), 204 | 205 | 304);
        if bodiless && !body.is_empty() {
            return Err(AnswerMisuse::Body(status));
        }
        if headers.len() > MOST_HEADERS {
            return Err(AnswerMisuse::TooManyHeaders);
        }
        let mut set = |name, value| drop(headers.insert(name, value));
        // RFC 9110 §8.6: a server "MUST NOT send a Content-Length header field in any response with
        // a status code of 1xx (Informational) or 204"; in a 304 it would tell another length
        if !matches!(status.as_u16(), 204 | 304) {
            set(CONTENT_LENGTH, body.len().into());
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            // RFC 9110 §15.5.22: "MUST send an Upgrade header field in a 426 response"
            set(UPGRADE, HeaderValue::from_static("websocket"));
            set(CONNECTION, HeaderValue::from_static("close, Upgrade"));
            set(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        } else {
            set(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(Self::of(&Response::from_parts(parts, ()), body))
    }

    /// The 101, or a response that is whole.
    pub(super) fn of(response: &Response<()>, body: Bytes) -> Self {
        let mut head = Vec::new();
        http1::write_response(response, b"", &mut head);
        Self { head, body }
    }

    /// Writes it, within `time`.
    pub(super) async fn write(
        self,
        stream: &mut Stream,
        time: Duration,
    ) -> Result<(), AcceptError> {
        let write = async {
            let mut rest = Buf::chain(&self.head[..], self.body);
            while rest.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 2];
                let count = rest.chunks_vectored(&mut slices);
                let slices = slices.get(..count).unwrap_or_default();
                let written = poll_fn(|cx| stream.poll_write(cx, slices)).await?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                rest.advance(written);
            }
            poll_fn(|cx| stream.poll_flush(cx)).await
        };
        match timeout(time, write).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(AcceptError::Timeout),
        }
    }

    /// Writes it, within `time`, and ends the connection so that it arrives.
    pub(super) async fn end(self, mut stream: Stream, time: Duration) -> Result<(), AcceptError> {
        self.write(&mut stream, time).await?;
        // That the client hears no more is its own affair from here on.
        let _ = timeout(REFUSAL_TIME, async {
            poll_fn(|cx| stream.poll_shutdown(cx)).await?;
            // What the client still sends must not be answered with a reset before it has read.
            let mut stream = stream.take(MOST_IGNORED);
            let mut sink = [0; 1024];
            while stream.read(&mut sink).await? > 0 {}
            io::Result::Ok(())
        })
        .await;
        Ok(())
    }
}

/// Adds an application's header to a 101.
pub(crate) fn add_header(
    headers: &mut HeaderMap,
    name: &str,
    value: &str,
) -> Result<(), AnswerMisuse> {
    let invalid = || AnswerMisuse::InvalidHeader(name.to_owned());
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
    let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
    // RFC 9110 §8.6: no Content-Length in a 1xx
    if is_reserved(&parsed) || parsed == CONTENT_LENGTH {
        return Err(AnswerMisuse::ReservedHeader(parsed));
    }
    if headers.len() >= MOST_HEADERS {
        return Err(AnswerMisuse::TooManyHeaders);
    }
    headers.append(parsed, value);
    Ok(())
}

/// Whether a header is ours to set: it belongs to the handshake, or says where the message ends.
fn is_reserved(name: &HeaderName) -> bool {
    name.as_str().starts_with("sec-websocket-")
        || [&UPGRADE, &CONNECTION, &TRANSFER_ENCODING, &TRAILER, &TE].contains(&name)
}
