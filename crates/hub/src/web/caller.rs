//! Who sent a request, and how its connection is cut.

use super::patience::Cut;
use crate::door::Admission;
use http::Extensions;
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
