//! Subprotocols (RFC 6455 §1.9): what a client offers, and which one a server picks.

use std::collections::BTreeSet;

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_PROTOCOL;

use super::error::ResponseError;
use super::headers::{self, Count};
use super::refusal::Reason;

/// Which of the offered subprotocols a server picks. Without a match the connection opens without
/// one, and the client decides whether to stay (browsers close).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubprotocolPolicy {
    /// None, whatever is offered (default).
    #[default]
    None,
    /// The first of this list, in the server's preference, that the client offers. Names are
    /// compared exactly; one that is not a token is never offered and so never picked.
    Preferred(Vec<String>),
    /// The client's first offer, whatever it is: for echo and test servers.
    FirstOffered,
}

impl SubprotocolPolicy {
    fn pick(&self, offers: &[&str]) -> Option<String> {
        match self {
            Self::None => None,
            Self::Preferred(list) => list
                .iter()
                .find(|name| offers.contains(&name.as_str()))
                .cloned(),
            Self::FirstOffered => offers.first().map(|&name| name.to_owned()),
        }
    }
}

/// Server: reads the client's offers and picks.
///
/// # Errors
/// A malformed list, or one that names a subprotocol twice: "the elements that comprise this value
/// MUST be non-empty strings … and MUST all be unique strings" (RFC 6455 §4.1 item 10).
pub(super) fn choose(
    policy: &SubprotocolPolicy,
    headers: &HeaderMap,
) -> Result<Option<String>, Reason> {
    let offers =
        headers::tokens(headers, &SEC_WEBSOCKET_PROTOCOL).map_err(Reason::SubprotocolsMalformed)?;
    let mut seen = BTreeSet::new();
    for &offer in &offers {
        if !seen.insert(offer) {
            return Err(Reason::SubprotocolRepeated(offer.to_owned()));
        }
    }
    Ok(policy.pick(&offers))
}

/// Client: judges the server's pick. None is fine: the caller sees it in what was agreed.
///
/// # Errors
/// More than one, none by name, or one that was not offered: the client "MUST _Fail the WebSocket
/// Connection_" (RFC 6455 §4.1, response item 6).
pub(super) fn judge(
    offered: &[String],
    headers: &HeaderMap,
) -> Result<Option<String>, ResponseError> {
    let value = match headers::count(headers, &SEC_WEBSOCKET_PROTOCOL) {
        Count::Missing => return Ok(None),
        Count::Once(value) => headers::trim(value.as_bytes()),
        Count::Repeated => return Err(ResponseError::SubprotocolRepeated),
    };
    // RFC 6455 §11.3.4: a response names one; a list of several is not a token
    let name = headers::token(value).ok_or(ResponseError::SubprotocolMalformed)?;
    match offered.iter().find(|offer| offer.as_str() == name) {
        Some(offer) => Ok(Some(offer.clone())),
        None => Err(ResponseError::SubprotocolNotOffered(name.to_owned())),
    }
}
