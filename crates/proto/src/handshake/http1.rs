//! HTTP/1.1 heads on the wire: an incremental, strict reader and a writer (RFC 9112).
//!
//! The readers take bytes as they arrive, look at each once, and stop after the empty line that
//! ends the head: what follows stays in the caller's input, because it is frames. They refuse
//! whatever two parsers could read differently (RFC 9112 §11.2): lines end with CR LF only, no
//! whitespace before a colon, no folding, no control characters.

mod write;

pub use write::{write_request, write_response};

use std::ops::Range;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};

use super::error::{HeadError, RequestError, ResponseError};
use super::headers::{self, trim};

/// How much head a peer may send. What is held is bounded by what has arrived: the raw bytes, and
/// the headers parsed from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadLimits {
    /// Bytes of the whole head, the empty line included. Default 16 KiB: too small refuses users
    /// with many cookies (431), too large lets each connection hold that much before it has
    /// proved anything.
    pub max_bytes: usize,
    /// Header lines. Default 100. At most 10,000 are taken, whatever is set here.
    pub max_headers: usize,
}

/// What a `HeaderMap` surely holds without panicking, and more than anyone needs.
const MOST_HEADERS: usize = 10_000;

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            max_bytes: 16 * 1024,
            max_headers: 100,
        }
    }
}

/// Cuts bytes into lines, and keeps them.
#[derive(Debug)]
struct Lines {
    limits: HeadLimits,
    raw: Vec<u8>,
    line_start: usize,
    after_cr: bool,
    headers: HeaderMap,
    header_lines: usize,
}

impl Lines {
    fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            raw: Vec::new(),
            line_start: 0,
            after_cr: false,
            headers: HeaderMap::new(),
            header_lines: 0,
        }
    }

    /// Takes bytes up to the end of a line: its place in `raw`, without CR LF. None: all input was
    /// taken and the line goes on.
    fn next(&mut self, input: &mut &[u8]) -> Result<Option<Range<usize>>, HeadError> {
        let room = self.limits.max_bytes.saturating_sub(self.raw.len());
        let mut taken = 0;
        let mut ended = false;
        for &byte in input.iter().take(room) {
            taken += 1;
            match (self.after_cr, byte) {
                (true, b'\n') => {
                    self.after_cr = false;
                    ended = true;
                    break;
                }
                // RFC 9112 §2.2: a bare CR is invalid; a bare LF MAY be taken for an end of line,
                // and is not, because others may not
                (true, _) => return Err(HeadError::BareCr),
                (false, b'\r') => self.after_cr = true,
                (false, b'\n') => return Err(HeadError::BareLf),
                (false, 0..=8 | 0x0b..=0x1f | 0x7f) => return Err(HeadError::ControlByte(byte)),
                (false, _) => {}
            }
        }
        let (head, rest) = input.split_at(taken);
        self.raw.extend_from_slice(head);
        *input = rest;
        if ended {
            let line = self.line_start..self.raw.len() - 2;
            self.line_start = self.raw.len();
            Ok(Some(line))
        } else if taken == room {
            Err(HeadError::TooLarge(self.limits.max_bytes))
        } else {
            Ok(None)
        }
    }

    fn bytes(&self, line: Range<usize>) -> &[u8] {
        self.raw.get(line).unwrap_or_default()
    }

    /// Takes one `field-name ":" OWS field-value OWS` (RFC 9112 §5).
    fn header(&mut self, line: Range<usize>) -> Result<(), HeadError> {
        let limit = self.limits.max_headers.min(MOST_HEADERS);
        self.header_lines += 1;
        if self.header_lines > limit {
            return Err(HeadError::TooManyHeaders(limit));
        }
        let line = self.bytes(line);
        if matches!(line, [b' ' | b'\t', ..]) {
            return Err(HeadError::Folded); // RFC 9112 §5.2: a server MUST reject or unfold
        }
        let colon = line
            .iter()
            .position(|&byte| byte == b':')
            .ok_or(HeadError::NotAHeader)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() {
            return Err(HeadError::EmptyName);
        }
        if matches!(name, [.., b' ' | b'\t']) {
            return Err(HeadError::SpaceBeforeColon); // RFC 9112 §5.1: MUST reject with 400
        }
        let name = headers::token(name)
            .and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .ok_or(HeadError::BadName)?;
        let value = HeaderValue::from_bytes(trim(value)).map_err(|_| HeadError::NotAHeader)?;
        match self.headers.try_append(name, value) {
            Ok(_) => Ok(()),
            Err(_) => Err(HeadError::TooManyHeaders(limit)),
        }
    }
}

/// How far a reader is. One that failed keeps its error, one that is done takes no more.
#[derive(Debug)]
enum Progress<S, E> {
    StartLine,
    Headers(S),
    Done,
    Failed(E),
}

/// What both readers share: lines, and what start line `S` or error `E` they have led to.
#[derive(Debug)]
struct Head<S, E> {
    lines: Lines,
    progress: Progress<S, E>,
}

impl<S, E: Clone + From<HeadError>> Head<S, E> {
    fn new(limits: HeadLimits) -> Self {
        Self {
            lines: Lines::new(limits),
            progress: Progress::StartLine,
        }
    }

    fn receive(
        &mut self,
        input: &mut &[u8],
        start_line: fn(&[u8]) -> Result<S, E>,
    ) -> Result<Option<(S, HeaderMap)>, E> {
        let result = self.advance(input, start_line);
        if let Err(error) = &result {
            self.progress = Progress::Failed(error.clone());
        }
        result
    }

    fn advance(
        &mut self,
        input: &mut &[u8],
        start_line: fn(&[u8]) -> Result<S, E>,
    ) -> Result<Option<(S, HeaderMap)>, E> {
        loop {
            match &self.progress {
                Progress::Done => return Ok(None),
                Progress::Failed(error) => return Err(error.clone()),
                Progress::StartLine | Progress::Headers(_) => {}
            }
            let Some(line) = self.lines.next(input)? else {
                return Ok(None);
            };
            if let Progress::StartLine = self.progress {
                self.progress = Progress::Headers(start_line(self.lines.bytes(line))?);
            } else if !line.is_empty() {
                self.lines.header(line)?;
            } else if let Progress::Headers(start) =
                std::mem::replace(&mut self.progress, Progress::Done)
            {
                return Ok(Some((start, std::mem::take(&mut self.lines.headers))));
            }
        }
    }

    fn receive_eof(&self) -> E {
        match (&self.progress, self.lines.raw.len()) {
            (Progress::Failed(error), _) => error.clone(),
            (_, 0) => HeadError::ClosedBefore.into(),
            (_, bytes) => HeadError::ClosedWithin(bytes).into(),
        }
    }
}

/// Reads one request head, for servers.
///
/// Takes any method token, so that a caller can look for plain HTTP before
/// [`server::judge`](super::server::judge) asks for GET; [`into_raw`](Self::into_raw) gives the
/// bytes back, to replay them to an HTTP server.
#[derive(Debug)]
pub struct RequestReader(Head<(Method, Uri), RequestError>);

impl RequestReader {
    /// A reader that has seen nothing; it allocates when bytes arrive.
    #[must_use]
    pub fn new(limits: HeadLimits) -> Self {
        Self(Head::new(limits))
    }

    /// Takes bytes from the front of `input`, at most up to the end of the head, and gives the
    /// request once it is whole; None: give more. After a request, nothing more is taken.
    ///
    /// # Errors
    /// At the first byte or line that is wrong, and from then on at each call; the rest of `input`
    /// means nothing then.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Request<()>>, RequestError> {
        let Some(((method, uri), headers)) = self.0.receive(input, request_line)? else {
            return Ok(None);
        };
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(Some(request))
    }

    /// What the end of the stream means here: the head will never be whole.
    #[must_use]
    pub fn receive_eof(&self) -> RequestError {
        self.0.receive_eof()
    }

    /// The bytes taken so far, verbatim.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.0.lines.raw
    }

    /// The bytes taken so far, verbatim.
    #[must_use]
    pub fn into_raw(self) -> Vec<u8> {
        self.0.lines.raw
    }
}

/// `method SP request-target SP HTTP-version`, single spaces (RFC 9112 §3). An empty line before
/// it is refused: what it SHOULD be ignored for are the leftovers of an earlier request.
fn request_line(line: &[u8]) -> Result<(Method, Uri), RequestError> {
    let mut parts = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(RequestError::RequestLine);
    };
    match version {
        b"HTTP/1.1" => {}
        b"HTTP/1.0" => return Err(RequestError::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            return Err(RequestError::HttpVersion);
        }
        _ => return Err(RequestError::RequestLine),
    }
    let method = headers::token(method)
        .and_then(|method| Method::from_bytes(method.as_bytes()).ok())
        .ok_or(RequestError::Method)?;
    Ok((method, origin_form(target).ok_or(RequestError::Target)?))
}

/// origin-form of RFC 9112 §3.2.1: a path and perhaps a query, visible ASCII, no fragment.
pub(super) fn origin_form(target: &[u8]) -> Option<Uri> {
    let visible = |&byte: &u8| byte.is_ascii_graphic() && byte != b'#';
    if !matches!(target, [b'/', ..]) || !target.iter().all(visible) {
        return None;
    }
    Uri::try_from(target).ok()
}

/// Reads the head of the final response, for clients. Interim responses (1xx other than 101) are
/// passed over, as RFC 9110 §15.2 asks; they count into the same limits.
#[derive(Debug)]
pub struct ResponseReader(Head<(StatusCode, Version), ResponseError>);

impl ResponseReader {
    /// A reader that has seen nothing; it allocates when bytes arrive.
    #[must_use]
    pub fn new(limits: HeadLimits) -> Self {
        Self(Head::new(limits))
    }

    /// Takes bytes from the front of `input`, at most up to the end of the head, and gives the
    /// response once it is whole; None: give more. After a response, nothing more is taken.
    ///
    /// # Errors
    /// At the first byte or line that is wrong, and from then on at each call; the rest of `input`
    /// means nothing then.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Response<()>>, ResponseError> {
        while let Some(((status, version), headers)) = self.0.receive(input, status_line)? {
            if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
                self.0.progress = Progress::StartLine;
                continue;
            }
            let mut response = Response::new(());
            *response.status_mut() = status;
            *response.version_mut() = version;
            *response.headers_mut() = headers;
            return Ok(Some(response));
        }
        Ok(None)
    }

    /// What the end of the stream means here: the head will never be whole.
    #[must_use]
    pub fn receive_eof(&self) -> ResponseError {
        self.0.receive_eof()
    }

    /// The bytes taken so far, verbatim; interim responses come first.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.0.lines.raw
    }

    /// The bytes taken so far, verbatim; interim responses come first.
    #[must_use]
    pub fn into_raw(self) -> Vec<u8> {
        self.0.lines.raw
    }
}

/// `HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 §4). HTTP/1.0 is read, so that a
/// refusal by such a server can be told by its status;
/// [`client::judge`](super::client::judge) takes no 101 from it.
fn status_line(line: &[u8]) -> Result<(StatusCode, Version), ResponseError> {
    let [
        b'H',
        b'T',
        b'T',
        b'P',
        b'/',
        b'1',
        b'.',
        minor,
        b' ',
        a,
        b,
        c,
        b' ',
        ..,
    ] = line
    else {
        return Err(ResponseError::StatusLine);
    };
    let version = match minor {
        b'1' => Version::HTTP_11,
        b'0' => Version::HTTP_10,
        _ => return Err(ResponseError::StatusLine),
    };
    match StatusCode::from_bytes(&[*a, *b, *c]) {
        Ok(status) => Ok((status, version)),
        Err(_) => Err(ResponseError::StatusLine),
    }
}
