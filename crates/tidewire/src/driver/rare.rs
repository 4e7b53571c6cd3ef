//! What most connections never have: who waits for them, the waker of a full socket, an I/O error.

use std::io;
use std::task::Waker;

/// Names one of those who wait for the outbox.
pub(crate) type Place = u32;
/// Has not waited yet.
pub(crate) const NO_PLACE: Place = 0;
/// The place of `poll_writable`, whose last caller is woken.
pub(crate) const POLL_PLACE: Place = 1;

#[derive(Debug, Default)]
pub(crate) struct Rare {
    /// Tasks that wait for room in the outbox, or for it to be empty.
    pub(super) writers: Vec<(Place, Waker)>,
    /// The place that was given out last.
    pub(super) last_place: Place,
    /// Woken when the socket takes bytes again; made at the first time it does not.
    pub(super) unblocked: Option<Waker>,
    /// Why the network failed, until it has been reported.
    pub(super) io_error: Option<io::Error>,
    /// The `Stream` has told its reader of the end.
    #[cfg(feature = "futures")]
    pub(crate) end_was_told: bool,
}
