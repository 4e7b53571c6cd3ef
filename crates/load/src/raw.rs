//! Moves a lane over plain TCP: the bytes of masked frames go out and must come back as they are.
//!
//! The messages of a ring lie one behind the other, so the stream is the ring's bytes over and over:
//! what is due to be sent is a stretch of it, and so is what is due to come back.

use crate::drive::Closed;
use crate::error::{ErrorClass, Failure};
use crate::lane::{self, Lane};
use crate::payload::Ring;
use crate::tally::{Board, Tally, lock};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const READ_LEN: usize = 256 * 1024;

thread_local! {
    /// What all connections read into, one at a time.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_LEN].into());
}

/// Runs the load on one connection until it is drained, then ends it.
pub(crate) async fn run(
    tcp: TcpStream,
    ring: Ring,
    lane: Lane,
    board: Board,
) -> Result<Closed, Failure> {
    let Ring::Bytes { all, frame } = ring else {
        unreachable!("rings are made for their transport")
    };
    let mut raw = Raw {
        tcp,
        lane,
        ring: &all,
        frame,
        read_at: 0,
        write_at: 0,
        to_write: 0,
    };
    raw.fill(lock(&board).now());
    let drained = poll_fn(|cx| {
        let tally = &mut *lock(&board);
        SCRATCH.with_borrow_mut(|scratch| raw.poll(cx, tally, scratch))
    })
    .await;
    lock(&board).live -= 1;
    drained?;
    Ok(poll_fn(|cx| Pin::new(&mut raw.tcp).poll_shutdown(cx))
        .await
        .is_ok())
}

struct Raw<'a> {
    tcp: TcpStream,
    lane: Lane,
    ring: &'a [u8],
    /// The length of each message.
    frame: usize,
    /// Where in the ring the next byte to come is, and the next to be sent.
    read_at: usize,
    write_at: usize,
    /// How many bytes are due to be sent.
    to_write: usize,
}

impl Raw<'_> {
    /// As many messages as have room are due to be sent.
    fn fill(&mut self, now: u64) {
        while self.lane.room() > 0 {
            self.lane.send(now);
            self.to_write += self.frame;
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        tally: &mut Tally,
        scratch: &mut [u8],
    ) -> Poll<Result<(), Failure>> {
        tally.polls += 1;
        loop {
            if let Poll::Ready(Err(error)) = self.poll_write(cx) {
                return Poll::Ready(Err(Failure::io(&error)));
            }
            let mut buf = ReadBuf::new(scratch);
            let outcome = ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buf));
            if let Err(error) = outcome {
                return Poll::Ready(Err(Failure::io(&error)));
            }
            if buf.filled().is_empty() {
                let text = "the server ended the connection";
                return Poll::Ready(Err(Failure::new(ErrorClass::Closed, text)));
            }
            self.take(buf.filled(), tally)?;
            if lane::goes_on(tally) {
                continue;
            }
            if self.lane.is_idle() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Writes what is due, as far as the socket takes it.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.to_write > 0 {
            let first = self.to_write.min(self.ring.len() - self.write_at);
            let slices = [
                IoSlice::new(&self.ring[self.write_at..self.write_at + first]),
                IoSlice::new(&self.ring[..self.to_write - first]),
            ];
            let count = ready!(Pin::new(&mut self.tcp).poll_write_vectored(cx, &slices))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.to_write -= count;
            self.write_at = (self.write_at + count) % self.ring.len();
        }
        Poll::Ready(Ok(()))
    }

    /// Compares what came with what is due.
    fn take(&mut self, mut input: &[u8], tally: &mut Tally) -> Result<(), Failure> {
        let mut clock = self.lane.clock();
        while !input.is_empty() {
            let left = self.frame - self.read_at % self.frame;
            let (piece, rest) = input.split_at(left.min(input.len()));
            input = rest;
            let right = piece == &self.ring[self.read_at..self.read_at + piece.len()];
            let due = self.lane.due();
            if !right || due.is_none() {
                let whole = piece.len() == self.frame;
                let frames = self.ring.chunks(self.frame).filter(|_| whole);
                return Err(lane::judge(piece, due, frames));
            }
            self.read_at += piece.len();
            if piece.len() < left {
                continue;
            }
            if self.read_at == self.ring.len() {
                self.read_at = 0;
            }
            let now = clock.now(tally);
            self.lane.answered(now, tally);
            if lane::goes_on(tally) {
                self.lane.send(now);
                self.to_write += self.frame;
            }
        }
        Ok(())
    }
}
