//! [`TestIo`]: one end of a wire.

use super::control::{Control, Way, Wire};
use super::lane::{Next, Room};
use super::random::Random;
use bytes::Bytes;
use std::io::{self, ErrorKind, IoSlice};
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;
use tokio::time::{Instant, Sleep, sleep_until};

/// One end of a wire in memory: a byte stream, as a TCP socket is. Dropped, its peer reads what is
/// under way and then the end, and cannot write any more.
#[derive(Debug)]
pub struct TestIo {
    wire: Arc<Wire>,
    /// The direction it writes in.
    way: Way,
    reads: Cuts,
    writes: Cuts,
    /// Until what is under way arrives.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// Where reads or writes are cut.
#[derive(Debug)]
pub(super) struct Cuts {
    pieces: Option<RangeInclusive<usize>>,
    lots: Random,
}

impl Cuts {
    pub(super) fn new(pieces: Option<RangeInclusive<usize>>, lots: Random) -> Self {
        Self { pieces, lots }
    }

    /// How many bytes pass now, at most; nothing, every other time: then `cx` is woken at once.
    fn pass(&mut self, cx: &Context<'_>) -> Poll<usize> {
        let Some(pieces) = &self.pieces else {
            return Poll::Ready(usize::MAX);
        };
        if self.lots.coin() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let least = (*pieces.start()).max(1);
        let more = pieces.end().saturating_sub(least);
        Poll::Ready(least + self.lots.up_to(more as u64) as usize)
    }
}

impl TestIo {
    pub(super) fn new(wire: &Arc<Wire>, way: Way, reads: Cuts, writes: Cuts) -> Self {
        Self {
            wire: wire.clone(),
            way,
            reads,
            writes,
            sleep: None,
        }
    }

    /// A hand on the wire that this is an end of.
    #[must_use]
    pub fn control(&self) -> Control {
        let wire = self.wire.clone();
        Control { wire }
    }

    /// Ready at `at`.
    fn poll_sleep(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(())
    }
}

impl AsyncRead for TestIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // As a socket of tokio: it yields to other tasks now and then.
        let budget = ready!(poll_proceed(cx));
        loop {
            let now = Instant::now();
            let mut state = this.wire.lock();
            if state.reset {
                return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
            }
            let lane = state.lane(this.way.back());
            let at = match lane.next(now) {
                Next::Bytes => {
                    let most = ready!(this.reads.pass(cx));
                    lane.read(now, most, buf);
                    budget.made_progress();
                    return Poll::Ready(Ok(()));
                }
                Next::End => {
                    budget.made_progress();
                    return Poll::Ready(Ok(()));
                }
                Next::At(at) => Some(at),
                Next::Never => None,
            };
            lane.wait_to_read(cx);
            drop(state);
            let Some(at) = at else {
                return Poll::Pending;
            };
            ready!(this.poll_sleep(at, cx));
        }
    }
}

impl AsyncWrite for TestIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let budget = ready!(poll_proceed(cx));
        let mut state = this.wire.lock();
        if state.reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        let lane = state.lane(this.way);
        let room = match lane.room() {
            Room::Bytes(room) => room,
            Room::Broken => return Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
            Room::Full => {
                lane.wait_to_write(cx);
                return Poll::Pending;
            }
        };
        let mut most = room.min(ready!(this.writes.pass(cx)));
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut taken = Vec::with_capacity(most.min(total));
        for slice in slices {
            let count = slice.len().min(most);
            taken.extend_from_slice(&slice[..count]);
            most -= count;
        }
        let count = taken.len();
        if count > 0 {
            lane.write(Instant::now(), Bytes::from(taken));
        }
        budget.made_progress();
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.get_mut().writes.pass(cx));
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.lock().lane(self.way).end(Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl Drop for TestIo {
    fn drop(&mut self) {
        let mut state = self.wire.lock();
        state.lane(self.way).end(Instant::now());
        state.lane(self.way.back()).reader_leaves();
    }
}
