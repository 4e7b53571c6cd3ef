//! The server's side: judges a request (RFC 6455 §4.2.1) and composes the answer (§4.2.2).

pub use super::refusal::{Reason, Refusal};

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING, UPGRADE};
use http::header::{
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};

use super::headers::{self, Count};
use super::origin::{Authority, OriginPolicy};
use super::subprotocol::{self, SubprotocolPolicy};
use super::{VERSION, accept_value, extensions, is_key, value_of};
use crate::deflate::DeflateConfig;
use crate::deflate::params::Params;

/// What a server agrees to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Policy {
    /// Which subprotocol is picked. Default: none.
    pub subprotocols: SubprotocolPolicy,
    /// Which pages may connect. Default: those of the same host and port.
    pub origin: OriginPolicy,
    /// How permessage-deflate is answered; None (default): it is not.
    pub deflate: Option<DeflateConfig>,
}

/// A request that is agreed to: the answer to write, and what holds from then on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// 101 with all its headers; the caller may add its own (cookies, for example).
    pub response: Response<()>,
    /// The subprotocol picked.
    pub subprotocol: Option<String>,
    /// permessage-deflate as agreed.
    pub deflate: Option<Params>,
}

/// Whether a request asks for a WebSocket at all: Upgrade names `websocket`. If not, a caller may
/// serve it as plain HTTP; if so, [`judge`] says whether it is well-formed.
#[must_use]
pub fn is_upgrade<B>(request: &Request<B>) -> bool {
    headers::mentions(request.headers(), &UPGRADE, "websocket")
}

/// Judges a request, and composes the 101 that answers it. Works on any [`Request`], so every
/// rule about headers holds for requests read by another HTTP implementation too.
///
/// # Errors
/// The first rule that is broken; [`Refusal::response`] is the answer to send before closing.
pub fn judge<B>(request: &Request<B>, policy: &Policy) -> Result<Accepted, Refusal> {
    let headers = request.headers();
    // RFC 6455 §4.1 items 1 and 2: "The method of the request MUST be GET, and the HTTP version
    // MUST be at least 1.1"; other versions than 1.1 upgrade otherwise (RFC 8441)
    if *request.method() != Method::GET {
        return Err(Reason::Method(request.method().clone()).into());
    }
    if request.version() != Version::HTTP_11 {
        return Err(Reason::HttpVersion(request.version()).into());
    }
    let (host_value, host) = judge_host(headers, request.uri())?;
    // A body would be read as frames by one side and as a body by another (RFC 9112 §11.2).
    let empty = |length: &HeaderValue| length.as_bytes() == b"0";
    if headers.contains_key(TRANSFER_ENCODING) || !headers.get_all(CONTENT_LENGTH).iter().all(empty)
    {
        return Err(Reason::Body.into());
    }
    // RFC 6455 §4.2.1 item 3
    if !headers::names(headers, &UPGRADE, "websocket").map_err(Reason::UpgradeMalformed)? {
        return Err(Reason::NoUpgrade.into());
    }
    // RFC 6455 §4.2.1 item 4
    if !headers::names(headers, &CONNECTION, "upgrade").map_err(Reason::ConnectionMalformed)? {
        return Err(Reason::ConnectionWithoutUpgrade.into());
    }
    // RFC 6455 §4.2.1 item 6; §11.3.5: not more than once
    match headers::count(headers, &SEC_WEBSOCKET_VERSION) {
        Count::Missing => return Err(Reason::VersionMissing.into()),
        Count::Repeated => return Err(Reason::VersionRepeated.into()),
        Count::Once(value) if headers::trim(value.as_bytes()) != VERSION.as_bytes() => {
            return Err(Reason::VersionUnsupported.into());
        }
        Count::Once(_) => {}
    }
    // RFC 6455 §4.2.1 item 5; §11.3.1: not more than once
    let key = match headers::count(headers, &SEC_WEBSOCKET_KEY) {
        Count::Missing => return Err(Reason::KeyMissing.into()),
        Count::Repeated => return Err(Reason::KeyRepeated.into()),
        Count::Once(value) => headers::trim(value.as_bytes()),
    };
    if !is_key(key) {
        return Err(Reason::KeyMalformed.into());
    }
    // RFC 6455 §4.2.2 item 4, §10.2; a missing Origin is no browser
    match headers::count(headers, &ORIGIN) {
        Count::Missing => {}
        Count::Repeated => return Err(Reason::OriginRepeated.into()),
        Count::Once(origin) if policy.origin.allows(origin, &host) => {}
        Count::Once(origin) => {
            let (host, origin) = (printable(host_value), printable(origin));
            return Err(Reason::OriginRefused { host, origin }.into());
        }
    }
    let subprotocol = subprotocol::choose(&policy.subprotocols, headers)?;
    let deflate = extensions::choose(policy.deflate.as_ref(), headers)?;

    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, value_of(&accept_value(key)));
    if let Some(name) = &subprotocol {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, value_of(name));
    }
    let deflate = deflate.map(|(params, text)| {
        answer.insert(SEC_WEBSOCKET_EXTENSIONS, value_of(&text));
        params
    });
    Ok(Accepted {
        response,
        subprotocol,
        deflate,
    })
}

/// "A server MUST respond with 400 to any HTTP/1.1 request message that lacks a Host header field
/// and to any that contains more than one Host header field line or a Host header field with an
/// invalid field value" (RFC 9112 §3.2). An absolute target, which would override Host (§3.2.2),
/// must name the same place, so that whoever looked at either has judged both.
fn judge_host<'a>(
    headers: &'a HeaderMap,
    uri: &Uri,
) -> Result<(&'a HeaderValue, Authority), Reason> {
    let value = match headers::count(headers, &HOST) {
        Count::Missing => return Err(Reason::HostMissing),
        Count::Repeated => return Err(Reason::HostRepeated),
        Count::Once(value) => value,
    };
    let host = Authority::parse(headers::trim(value.as_bytes())).ok_or(Reason::HostMalformed)?;
    if let Some(authority) = uri.authority() {
        let default_port = match uri.scheme_str() {
            Some("https" | "wss") => 443,
            _ => 80,
        };
        let same = Authority::parse(authority.as_str().as_bytes())
            .is_some_and(|target| target.same_place(&host, default_port));
        if !same {
            return Err(Reason::HostNotTarget);
        }
    }
    Ok((value, host))
}

/// At most 200 bytes of a value, with everything but visible ASCII escaped.
fn printable(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    let shown = bytes.get(..200).unwrap_or(bytes);
    let ellipsis = if shown.len() < bytes.len() { "…" } else { "" };
    format!("{}{ellipsis}", shown.escape_ascii())
}
