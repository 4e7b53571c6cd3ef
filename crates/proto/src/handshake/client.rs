//! The client's side: composes a request (RFC 6455 §4.1) and judges the answer to it.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, ORIGIN, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::header::{
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri, Version};

use super::error::{RequestMisuse, ResponseError};
use super::headers::{self, Count};
use super::origin::Authority;
use super::{Key, VERSION, extensions, http1, subprotocol, value_of};
use crate::deflate::DeflateConfig;
use crate::deflate::params::{self, Params};

/// More extra headers than this are a mistake, and more than servers take.
const MOST_EXTRA_HEADERS: usize = 1000;

/// What a client asks for. It is kept until the answer has come, to judge it by.
#[derive(Clone, Debug)]
pub struct Request {
    host: HeaderValue,
    target: Uri,
    key: Key,
    origin: Option<HeaderValue>,
    subprotocols: Vec<String>,
    extra: HeaderMap,
    deflate: Option<DeflateConfig>,
    version: HeaderValue,
}

/// What a server agreed to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Agreed {
    /// The subprotocol the server picked from the offered ones; None if it picked none.
    pub subprotocol: Option<String>,
    /// permessage-deflate as answered; None if it was not offered or not taken.
    pub deflate: Option<Params>,
}

impl Request {
    /// A request to `host` (a Host header's value: see [`host_header`]) for `target` (path and
    /// query). Offers nothing yet. `key` must be fresh and random for each connection.
    ///
    /// # Errors
    /// [`RequestMisuse::Host`] or [`RequestMisuse::Target`].
    pub fn new(host: &str, target: &str, key: Key) -> Result<Self, RequestMisuse> {
        let host = HeaderValue::from_str(host).map_err(|_| RequestMisuse::Host)?;
        Ok(Self {
            host: checked_host(host)?,
            target: http1::origin_form(target.as_bytes()).ok_or(RequestMisuse::Target)?,
            key,
            origin: None,
            subprotocols: Vec::new(),
            extra: HeaderMap::new(),
            deflate: None,
            version: HeaderValue::from_static(VERSION),
        })
    }

    /// Sends this Origin, as browsers do (`https://example.com`). Default: none.
    ///
    /// # Errors
    /// [`RequestMisuse::Origin`] if it cannot stand in a header.
    pub fn origin(mut self, origin: &str) -> Result<Self, RequestMisuse> {
        self.origin = Some(HeaderValue::from_str(origin).map_err(|_| RequestMisuse::Origin)?);
        Ok(self)
    }

    /// Offers one more subprotocol; the first offered is the most wanted.
    ///
    /// # Errors
    /// A name that is not a token, or is offered already (RFC 6455 §4.1 item 10).
    pub fn subprotocol(mut self, name: &str) -> Result<Self, RequestMisuse> {
        if headers::token(name.as_bytes()).is_none() {
            return Err(RequestMisuse::SubprotocolMalformed(name.to_owned()));
        }
        if self.subprotocols.iter().any(|offered| offered == name) {
            return Err(RequestMisuse::SubprotocolRepeated(name.to_owned()));
        }
        self.subprotocols.push(name.to_owned());
        Ok(self)
    }

    /// Adds a header. Host replaces the one given to [`new`](Self::new), Origin the one of
    /// [`origin`](Self::origin); anything else is added to what is there.
    ///
    /// # Errors
    /// [`RequestMisuse::ReservedHeader`] for what the handshake composes itself (Connection, Upgrade,
    /// all Sec-WebSocket-…) and what would announce a body; [`RequestMisuse::Host`].
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Result<Self, RequestMisuse> {
        let reserved = [
            CONNECTION,
            UPGRADE,
            CONTENT_LENGTH,
            TRANSFER_ENCODING,
            TE,
            TRAILER,
            EXPECT,
        ];
        if reserved.contains(&name) || name.as_str().starts_with("sec-websocket-") {
            return Err(RequestMisuse::ReservedHeader(name));
        }
        if name == HOST {
            self.host = checked_host(value)?;
        } else if name == ORIGIN {
            self.origin = Some(value);
        } else if self.extra.len() >= MOST_EXTRA_HEADERS {
            return Err(RequestMisuse::TooManyHeaders);
        } else {
            self.extra.append(name, value);
        }
        Ok(self)
    }

    /// Offers permessage-deflate. Default: None, not offered.
    #[must_use]
    pub fn deflate(mut self, deflate: Option<DeflateConfig>) -> Self {
        self.deflate = deflate;
        self
    }

    /// Asks for this version of the protocol instead of 13, the only one there is: for tests of how a
    /// server refuses others (RFC 6455 §4.4: with 426 and the versions it knows). The answer is judged
    /// as one to version 13.
    #[must_use]
    pub fn danger_version(mut self, version: u8) -> Self {
        self.version = HeaderValue::from(u16::from(version));
        self
    }

    /// The request's head. The handshake's own headers come first.
    #[must_use]
    pub fn head(&self) -> http::Request<()> {
        let mut request = http::Request::new(());
        *request.uri_mut() = self.target.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_KEY, value_of(&self.key.header()));
        headers.insert(SEC_WEBSOCKET_VERSION, self.version.clone());
        if let Some(origin) = &self.origin {
            headers.insert(ORIGIN, origin.clone());
        }
        if !self.subprotocols.is_empty() {
            headers.insert(
                SEC_WEBSOCKET_PROTOCOL,
                value_of(&self.subprotocols.join(", ")),
            );
        }
        if let Some(deflate) = &self.deflate {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, value_of(&params::offer(deflate)));
        }
        for (name, value) in &self.extra {
            headers.append(name, value.clone());
        }
        request
    }

    /// Appends the request as bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        http1::write_request(&self.head(), b"", out);
    }
}

fn checked_host(host: HeaderValue) -> Result<HeaderValue, RequestMisuse> {
    match Authority::parse(host.as_bytes()) {
        Some(_) => Ok(host),
        None => Err(RequestMisuse::Host),
    }
}

/// The Host header for a host and port: IPv6 in brackets and without its zone (RFC 6874 §1: zones
/// mean nothing to others), the port only when it is not the scheme's default (RFC 6455 §4.1
/// item 4; 80 for `ws`, 443 for `wss`).
#[must_use]
pub fn host_header(host: &str, port: u16, default_port: u16) -> String {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let host = match bare.split_once('%') {
        Some((address, _)) if address.contains(':') => format!("[{address}]"),
        None if bare.contains(':') => format!("[{bare}]"),
        _ => bare.to_owned(),
    };
    if port == default_port {
        host
    } else {
        format!("{host}:{port}")
    }
}

/// Judges the answer to a request (RFC 6455 §4.1, "the client MUST validate the server's response
/// as follows").
///
/// # Errors
/// The first rule that is broken. After [`ResponseError::NotUpgraded`] a body may follow, which is
/// the caller's to read; after any other the connection is good for nothing.
pub fn judge<B>(request: &Request, response: &Response<B>) -> Result<Agreed, ResponseError> {
    let headers = response.headers();
    // item 1
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(ResponseError::NotUpgraded(response.status()));
    }
    if response.version() != Version::HTTP_11 {
        return Err(ResponseError::HttpVersion(response.version()));
    }
    // item 2: "lacks an Upgrade header field or [it] contains a value that is not an ASCII
    // case-insensitive match for the value 'websocket'"
    match headers::count(headers, &UPGRADE) {
        Count::Missing => return Err(ResponseError::UpgradeMissing),
        Count::Once(value)
            if headers::trim(value.as_bytes()).eq_ignore_ascii_case(b"websocket") => {}
        Count::Once(_) | Count::Repeated => return Err(ResponseError::UpgradeWrong),
    }
    // item 3: "a token that is an ASCII case-insensitive match for the value 'Upgrade'"
    if !headers::names(headers, &CONNECTION, "upgrade")
        .map_err(ResponseError::ConnectionMalformed)?
    {
        return Err(ResponseError::ConnectionWithoutUpgrade);
    }
    // item 4; compared as text, never decoded, so that no length or garbage matters; §11.3.3: once
    match headers::count(headers, &SEC_WEBSOCKET_ACCEPT) {
        Count::Missing => return Err(ResponseError::AcceptMissing),
        Count::Repeated => return Err(ResponseError::AcceptRepeated),
        Count::Once(value)
            if headers::trim(value.as_bytes()) != request.key.accept().as_bytes() =>
        {
            return Err(ResponseError::AcceptWrong);
        }
        Count::Once(_) => {}
    }
    // items 5 and 6
    let deflate = extensions::judge(request.deflate.as_ref(), headers)?;
    let subprotocol = subprotocol::judge(&request.subprotocols, headers)?;
    Ok(Agreed {
        subprotocol,
        deflate,
    })
}
