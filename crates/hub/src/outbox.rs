//! What a shard asks of every transport: an outbox for each session.

use tidewire_hub_proto::{Channel, Pos, Push};

/// A message as it goes on the wire: encoded once for all who get it. Transports other than WebSocket
/// take its `payload()`.
pub(crate) type Frame = tidewire::PreparedFrame;

/// What waits for one session, as the shard's loop sees it. All on the shard's thread; nothing here
/// may block, or call into `Local`: wake a task that does.
///
/// The shard calls [`queue`](Self::queue) any number of times and then [`flush`](Self::flush) once. If
/// that leaves bytes, the transport waits for its peer by itself, and calls
/// `Local::drained` from its own task each time more was written. It
/// does not bound what is queued: the shard does, by the figure that `queue` gives.
pub(crate) trait Outbox {
    /// Looks at a push before it is encoded; true: it is dealt with, and is not queued. For transports
    /// that answer in a form of their own.
    fn takes(&self, _push: &Push) -> bool {
        false
    }

    /// Appends a message, and gives how many bytes wait now. 0 if the peer is gone: the transport's
    /// task finds that out by itself.
    ///
    /// `moved`: the client that has this message has everything of the channel up to this position,
    /// which is what a cursor says. Told with publications that have a position, with `live`, with
    /// `lag`, and with the answer to a subscribe that nothing recovers from. The pages of a `history`
    /// that come behind such an answer move back: keep the largest of a term.
    fn queue(&self, frame: &Frame, moved: Option<(&Channel, Pos)>) -> usize;

    /// How many bytes wait now, as [`queue`](Self::queue) counts them.
    fn queued(&self) -> usize;

    /// Writes what waits as far as that is possible without waiting, and gives how many bytes still do.
    fn flush(&self) -> usize;

    /// The session is over: writes what waits, says why where the transport can (the code is one of a
    /// WebSocket's Close frame), and ends the transport, which then calls `leave` as always.
    fn close(&self, code: u16, reason: &str);

    /// The client's next commands may be read, after
    /// `Local::is_full` said that they may not.
    fn resume(&self);
}
