//! Reads the answer to a request: its head, and the beginning of its body if it has one.

use super::chunked::Chunked;
use crate::driver::stream::Io;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Response, StatusCode};
use std::io;
use std::time::Duration;
use tidewire_proto::handshake::ResponseError;
use tidewire_proto::handshake::http1::{HeadLimits, ResponseReader};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

/// How much of the body of a refusal is kept, and how long it is waited for.
pub(super) const BODY_LIMIT: usize = 64 * 1024;
const BODY_TIME: Duration = Duration::from_secs(1);
/// How much is read for it: chunks of one byte each, with their frames, still fill half the limit.
const RAW_LIMIT: usize = 3 * BODY_LIMIT;

/// Why there is no head.
pub(super) enum NoHead {
    Io(io::Error),
    Broken(ResponseError),
}

/// The head of the final answer, and what came behind it.
pub(super) async fn head(io: &mut dyn Io) -> Result<(Response<()>, Vec<u8>), NoHead> {
    let mut reader = ResponseReader::new(HeadLimits::default());
    let mut chunk = vec![0; 4096];
    let mut received = 0;
    loop {
        let count = io.read(&mut chunk).await.map_err(NoHead::Io)?;
        if count == 0 {
            return Err(NoHead::Io(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the other side ended the connection during the handshake",
            )));
        }
        let mut input = chunk.get(..count).unwrap_or_default();
        // A server that waits for TLS answers HTTP with an alert, without the line feed that would end
        // a line here.
        received += count;
        if received == count && is_tls(input) {
            return Err(NoHead::Broken(ResponseError::Tls));
        }
        if let Some(response) = reader.receive(&mut input).map_err(NoHead::Broken)? {
            return Ok((response, input.to_vec()));
        }
    }
}

/// Whether a first read begins with a record of TLS: an alert or a handshake, of version 3.x (RFC 8446
/// §5.1).
fn is_tls(read: &[u8]) -> bool {
    matches!(read, [21 | 22, 3, 0..=4, ..])
}

/// What a server or proxy says to its refusal: at most [`BODY_LIMIT`], and as much as comes within
/// a second or until the deadline. `rest` is what came behind the head. Whatever is wrong with the
/// body, what was read of it is given.
pub(super) async fn with_body(
    io: &mut dyn Io,
    response: Response<()>,
    rest: Vec<u8>,
    deadline: Instant,
) -> Response<Vec<u8>> {
    let mut body = Body::of(&response);
    let deadline = deadline.min(Instant::now() + BODY_TIME);
    body.push(&rest);
    let _ = timeout_at(deadline, async {
        let mut chunk = vec![0; 4096];
        let mut room = RAW_LIMIT;
        while !body.ended() && room > 0 {
            let Ok(count @ 1..) = io.read(&mut chunk).await else {
                break;
            };
            room = room.saturating_sub(count);
            body.push(chunk.get(..count).unwrap_or_default());
        }
    })
    .await;
    response.map(|()| body.kept)
}

/// A body as it comes.
struct Body {
    kept: Vec<u8>,
    framing: Framing,
}

/// What ends a body (RFC 9112 §6.3).
enum Framing {
    Length(usize),
    Chunked(Chunked),
    Close,
}

impl Body {
    fn of(response: &Response<()>) -> Self {
        let headers = response.headers();
        let without = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        // "If a message is received with both […], the Transfer-Encoding overrides".
        let framing = match codings.next_back() {
            _ if without.contains(&response.status()) => Framing::Length(0),
            Some(coding) if ends_with_chunked(coding.as_bytes()) => {
                Framing::Chunked(Chunked::default())
            }
            Some(_) => Framing::Close,
            None => headers
                .get(CONTENT_LENGTH)
                .and_then(|value| value.to_str().ok()?.parse().ok())
                .map_or(Framing::Close, Framing::Length),
        };
        Self {
            kept: Vec::new(),
            framing,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let limit = match &mut self.framing {
            Framing::Chunked(chunked) => {
                chunked.push(bytes, &mut self.kept);
                BODY_LIMIT
            }
            framing => {
                self.kept.extend_from_slice(bytes);
                match framing {
                    Framing::Length(length) => BODY_LIMIT.min(*length),
                    _ => BODY_LIMIT,
                }
            }
        };
        self.kept.truncate(limit);
    }

    fn ended(&self) -> bool {
        self.kept.len() >= BODY_LIMIT
            || match &self.framing {
                Framing::Length(length) => self.kept.len() >= *length,
                Framing::Chunked(chunked) => chunked.ended(),
                Framing::Close => false,
            }
    }
}

fn ends_with_chunked(codings: &[u8]) -> bool {
    let last = codings.rsplit(|&byte| byte == b',').next();
    last.is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}
