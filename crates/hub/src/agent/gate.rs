//! Who may talk to the agent: pages that this very hub served to this very machine.

use crate::guard::is_own_page;
use crate::web::caller::{Caller, is_from_here, value};
use http::Request;
use http::header::{HOST, ORIGIN};

/// Whether the request may reach the agent; or a sentence that says what to do.
///
/// Stricter than what admits to the hub: a development server lets in the pages of every port of this
/// machine, and its configuration the pages of other sites. The agent is for its own page alone.
///
/// # Errors
///
/// The sentence.
pub(crate) fn judge<B>(request: &Request<B>) -> Result<(), &'static str> {
    let caller = request.extensions().get::<Caller>();
    let Some(caller) = caller.filter(|caller| is_from_here(caller, request)) else {
        return Err(
            "The agent is for this machine: open the link from the terminal there, without a proxy in between.",
        );
    };
    let headers = request.headers();
    let (Some(host), Some(origin)) = (value(headers, &HOST), value(headers, &ORIGIN)) else {
        return Err(
            "The agent is for the page /tester of this server; what names no Origin is no page.",
        );
    };
    if is_own_page(&host, &origin, caller.tls) {
        Ok(())
    } else {
        Err(
            "The agent is for the page /tester of this server alone, under the address that the terminal shows.",
        )
    }
}
