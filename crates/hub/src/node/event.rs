//! What whoever runs a hub should know, while it runs.

use crate::door::Full;
use crate::guard::Denied;
use std::fmt;
use std::net::SocketAddr;

/// Something to show in a terminal or a log. `Display` is one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum HubEvent {
    /// A request was turned away for its Host or Origin; [`Denied::hint`] names the flag that would
    /// admit it.
    Denied {
        /// Who asked.
        peer: SocketAddr,
        /// What is wrong.
        denied: Denied,
    },
    /// A connection was refused because there are too many.
    Full {
        /// Whose.
        peer: SocketAddr,
        /// Which limit.
        full: Full,
    },
    /// The link of the tester's agent was used, and works no more;
    /// [`Hub::tester_link`](crate::Hub::tester_link) gives the next one.
    TesterLinkUsed,
    /// No connection could be accepted; it is tried again soon.
    CannotAccept(std::io::Error),
}

impl fmt::Display for HubEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { denied, .. } => f.write_str(&denied.hint()),
            Self::Full { peer, full } => write!(f, "refused {peer}: {full}"),
            Self::TesterLinkUsed => f.write_str("the tester's link was used"),
            Self::CannotAccept(error) => write!(f, "cannot accept just now: {error}"),
        }
    }
}
