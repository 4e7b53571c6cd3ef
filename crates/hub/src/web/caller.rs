//! Who sent a request, whether from this machine, and how its connection is cut.

use super::patience::Cut;
use crate::door::Admission;
use crate::guard::is_loopback;
use http::header::{HOST, HeaderName};
use http::{Extensions, HeaderMap, Request, Version};
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

/// Who sent a request; an extension of it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) peer: SocketAddr,
    pub(crate) tls: bool,
    /// To be held for as long as the connection lasts.
    pub(crate) admission: Arc<Admission>,
    /// Ends the connection.
    pub(crate) cut: Cut,
}

/// What cuts the connection that the request with these extensions came on.
pub(crate) fn cut(extensions: &Extensions) -> Cut {
    let caller = extensions.get::<Caller>();
    caller.map(|caller| caller.cut.clone()).unwrap_or_default()
}

/// Headers that say that a proxy has passed the request on, from anywhere.
const FORWARDED: [&str; 9] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "via",
];

/// Whether the request was made on this machine, and no proxy has passed it on. A proxy that is not told
/// to says nothing of itself: nginx then asks in HTTP/1.0, others pass the Host on.
pub(crate) fn is_from_here<B>(caller: &Caller, request: &Request<B>) -> bool {
    let headers = request.headers();
    caller.peer.ip().to_canonical().is_loopback()
        && request.version() >= Version::HTTP_11
        && value(headers, &HOST).is_some_and(|host| is_loopback(&host))
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

/// The value of a header; one that comes twice, joined with a comma.
pub(crate) fn value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = values.next()?;
    Some(values.fold(first, |all, value| Cow::Owned(format!("{all}, {value}"))))
}
