//! Plain HTTP on the echo port: the tester page, or the files of a directory.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tower_http::services::ServeDir;

use super::rewind::Rewind;

const PAGE: &str = include_str!("../../assets/tester.html");

/// The page runs its own script and style and nothing else, talks WebSocket only, and cannot be
/// framed. The hashes are of the page's `<style>` and `<script>`; a test keeps them true.
const PAGE_POLICY: &str = "default-src 'none'; \
    style-src 'sha256-C3SgWfFG3sHLMSZDTxCZzOlBLAnBJHyVIZE6xnAdKPc='; \
    script-src 'sha256-byfKB+LQVEMHLvwNkJDgRNxVkg9Ybg4N52s/oaccEUo='; \
    connect-src ws: wss:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How long a browser may neither send nor take anything.
const PATIENCE: Duration = Duration::from_secs(20);

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// What plain requests are answered with.
pub(crate) struct Pages {
    files: Option<(PathBuf, ServeDir)>,
}

impl Pages {
    /// The tester page at `/`, and, if given, the files of `dir`. A directory with an `index.html`
    /// has it at `/` instead of the tester.
    ///
    /// # Errors
    /// When `dir` is not a directory that can be read: a sentence for the user.
    pub(crate) fn new(dir: Option<&Path>) -> Result<Pages, String> {
        let Some(dir) = dir else {
            return Ok(Pages { files: None });
        };
        std::fs::read_dir(dir).map_err(|error| {
            format!(
                "cannot serve {}: {error}; --dir takes a directory",
                dir.display()
            )
        })?;
        Ok(Pages {
            files: Some((dir.to_owned(), ServeDir::new(dir))),
        })
    }

    async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = sentence(
                StatusCode::METHOD_NOT_ALLOWED,
                "Only GET and HEAD here; messages go over WebSocket.\n",
            );
            answer
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let path = request.uri().path();
        let at_root = path == "/";
        match &self.files {
            Some((dir, _)) if at_root && !dir.join("index.html").is_file() => page(),
            None if at_root => page(),
            None => sentence(
                StatusCode::NOT_FOUND,
                "Nothing here over plain HTTP. This is a WebSocket server: every path takes a \
                 WebSocket, and / is a page to try it with.\n",
            ),
            Some(_) if is_out_of_bounds(path) => no_such_file(),
            Some((_, files)) => match files.clone().try_call(request).await {
                Ok(answer) if answer.status() == StatusCode::NOT_FOUND => no_such_file(),
                Ok(answer) => guard(in_utf8(answer.map(UnsyncBoxBody::new))),
                Err(error) if is_missing(&error) => no_such_file(),
                Err(_) => sentence(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The file is there but cannot be read.\n",
                ),
            },
        }
    }
}

/// Whether a path leads through a name that begins with a dot: `.git`, `.env`, and `..` with them.
/// `.well-known` is public by definition (RFC 8615). Percent signs hide nothing, and two slashes
/// at the front are not a path of ours (a redirect to them would be one to another host).
fn is_out_of_bounds(path: &str) -> bool {
    let dotted = |part: &str| {
        part.starts_with('.') || part.get(..3).is_some_and(|s| s.eq_ignore_ascii_case("%2e"))
    };
    let lower = path.to_ascii_lowercase();
    path.starts_with("//")
        || path
            .split(['/', '\\'])
            .any(|part| dotted(part) && part != ".well-known")
        || ["%2f", "%5c", "%00"]
            .iter()
            .any(|hidden| lower.contains(hidden))
}

fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(
        error.kind(),
        NotFound | NotADirectory | InvalidFilename | InvalidInput
    )
}

/// Says that text files are UTF-8, which browsers would otherwise not assume.
fn in_utf8(mut answer: Answer) -> Answer {
    if let Some(kind) = answer.headers_mut().get_mut(header::CONTENT_TYPE) {
        let utf8 = match kind.as_bytes() {
            b"text/html" => "text/html; charset=utf-8",
            b"text/css" => "text/css; charset=utf-8",
            b"text/javascript" => "text/javascript; charset=utf-8",
            b"text/plain" => "text/plain; charset=utf-8",
            _ => return answer,
        };
        *kind = HeaderValue::from_static(utf8);
    }
    answer
}

fn page() -> Answer {
    let mut answer = text(StatusCode::OK, "text/html; charset=utf-8", PAGE);
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    answer
}

fn no_such_file() -> Answer {
    sentence(
        StatusCode::NOT_FOUND,
        "There is no such file in the directory served here.\n",
    )
}

fn sentence(status: StatusCode, words: &'static str) -> Answer {
    text(status, "text/plain; charset=utf-8", words)
}

fn text(status: StatusCode, kind: &'static str, body: &'static str) -> Answer {
    let body = Full::new(Bytes::from_static(body.as_bytes()));
    let mut answer = Response::new(UnsyncBoxBody::new(body.map_err(|never| match never {})));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    guard(answer)
}

/// What every answer carries: no guessing of types, and a reload shows what is there now.
fn guard(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

/// Answers the one request whose bytes begin with `head`, and ends the connection: the next
/// WebSocket handshake comes on a fresh one. A peer that stalls for 20 seconds is given up.
pub(crate) async fn serve<S>(head: Bytes, io: S, pages: &Pages)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let io = TokioIo::new(Rewind::new(head, io, PATIENCE));
    let service = hyper::service::service_fn(|request| async move {
        Ok::<_, std::convert::Infallible>(pages.answer(request).await)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .header_read_timeout(None)
        .serve_connection(io, service)
        .without_shutdown()
        .await;
    let Ok(parts) = served else { return };
    let mut io = parts.io.into_inner();
    if io.shutdown().await.is_err() {
        return;
    }
    // Closing with input unread would make the kernel reset the connection, and the answer could
    // be lost with it: read what is still coming, a little and for a moment.
    let mut rest = [0; 4096];
    let drain = async {
        for _ in 0..64 {
            if !matches!(io.read(&mut rest).await, Ok(1..)) {
                break;
            }
        }
    };
    _ = tokio::time::timeout(Duration::from_secs(1), drain).await;
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
