//! Extension negotiation (RFC 6455 §9.1): permessage-deflate is the one there is.

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

use super::error::ResponseError;
use super::headers;
use super::refusal::Reason;
use crate::deflate::DeflateConfig;
use crate::deflate::params::{self, Params};

/// The extension's registered name (RFC 7692 §7).
const DEFLATE: &str = "permessage-deflate";

/// Server: the first offer it can take, in the client's order of preference (RFC 7692 §5), with
/// the answer to send. Unknown extensions are passed over: an offer binds nobody.
///
/// # Errors
/// A malformed header: it "MUST _Fail the WebSocket Connection_" (RFC 6455 §9.1), here with 400.
pub(super) fn choose(
    config: Option<&DeflateConfig>,
    headers: &HeaderMap,
) -> Result<Option<(Params, String)>, Reason> {
    let offers = headers::extensions(headers, &SEC_WEBSOCKET_EXTENSIONS)
        .map_err(Reason::ExtensionsMalformed)?;
    Ok(config.and_then(|config| {
        offers
            .iter()
            .filter(|offer| offer.name.eq_ignore_ascii_case(DEFLATE))
            .find_map(|offer| params::answer(config, &offer.tuples()))
    }))
}

/// Client: judges the server's answer to what was offered.
///
/// # Errors
/// A malformed header, an extension that was not offered (RFC 6455 §4.1, response item 5), a
/// second permessage-deflate, or parameters that do not answer the offer (RFC 7692 §7.1).
pub(super) fn judge(
    offered: Option<&DeflateConfig>,
    headers: &HeaderMap,
) -> Result<Option<Params>, ResponseError> {
    let answers = headers::extensions(headers, &SEC_WEBSOCKET_EXTENSIONS)
        .map_err(ResponseError::ExtensionsMalformed)?;
    let mut agreed = None;
    for answer in &answers {
        let config = offered
            .filter(|_| answer.name.eq_ignore_ascii_case(DEFLATE))
            .ok_or_else(|| ResponseError::ExtensionNotOffered(answer.name.to_owned()))?;
        if agreed.is_some() {
            return Err(ResponseError::DeflateRepeated);
        }
        agreed =
            Some(params::judge(config, &answer.tuples()).map_err(ResponseError::DeflateAnswer)?);
    }
    Ok(agreed)
}
