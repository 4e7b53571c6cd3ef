//! [`Raw`]: an exchange over plain TCP, with a peer that echoes bytes. What goes out has the form of a
//! WebSocket client's frames, so that the peer's work can be compared; the masking key is zero.

use crate::clock::BatchClock;
use crate::error::{ErrorClass, Failure};
use crate::exchange::Exchange;
use crate::tally::Desk;
use crate::window::Sent;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const READ_LEN: usize = 256 * 1024;

thread_local! {
    /// What all connections read into, one at a time.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_LEN].into());
}

#[derive(Debug)]
pub(crate) struct Raw {
    tcp: TcpStream,
    out: Vec<u8>,
    written: usize,
    /// The beginning of a frame whose end has not come.
    part: Vec<u8>,
}

impl Raw {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            out: Vec::new(),
            written: 0,
            part: Vec::new(),
        }
    }

    /// Bytes that wait to be written.
    pub(crate) fn queued(&self) -> usize {
        self.out.len() - self.written
    }

    pub(crate) fn send(&mut self, exchange: &mut Exchange, sent: Sent, desk: &mut Desk) {
        let payload = exchange.next(sent, desk);
        put_head(payload.len(), &mut self.out);
        self.out.extend_from_slice(payload);
    }

    /// Writes without waiting; what the socket does not take is left to [`poll`](Self::poll).
    pub(crate) fn try_flush(&mut self) {
        while self.queued() > 0 {
            match self.tcp.try_write(&self.out[self.written..]) {
                Ok(count) => self.wrote(count),
                Err(_) => return,
            }
        }
    }

    pub(crate) fn poll(
        &mut self,
        exchange: &mut Exchange,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Poll<Failure> {
        SCRATCH.with_borrow_mut(|scratch| {
            loop {
                if let Poll::Ready(Err(error)) = self.poll_write(cx) {
                    return Poll::Ready(Failure::io(&error));
                }
                let mut buf = ReadBuf::new(scratch);
                if let Err(error) = ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buf)) {
                    return Poll::Ready(Failure::io(&error));
                }
                if buf.filled().is_empty() {
                    let text = "the server ended the connection";
                    return Poll::Ready(Failure::new(ErrorClass::Closed, text));
                }
                self.take(buf.filled(), exchange, desk);
            }
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.queued() > 0 {
            let rest = &self.out[self.written..];
            let count = ready!(Pin::new(&mut self.tcp).poll_write(cx, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.wrote(count);
        }
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, count: usize) {
        self.written += count;
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
    }

    /// Cuts what came into frames; all are equally long.
    fn take(&mut self, mut input: &[u8], exchange: &mut Exchange, desk: &mut Desk) {
        let mut clock = BatchClock::new(desk.stamp.len());
        let mut head = Vec::with_capacity(14);
        put_head(desk.stamp.len(), &mut head);
        let frame = head.len() + desk.stamp.len();
        while !input.is_empty() {
            let left = frame - self.part.len();
            let (piece, rest) = input.split_at(left.min(input.len()));
            input = rest;
            let whole = if self.part.is_empty() && piece.len() == frame {
                piece
            } else {
                self.part.extend_from_slice(piece);
                if self.part.len() < frame {
                    return;
                }
                &self.part
            };
            let now = clock.now(&desk.tally);
            let answer = match whole.strip_prefix(&head[..]) {
                Some(payload) => exchange.window.answer(payload, &desk.stamp),
                None => exchange.window.spoiled(),
            };
            self.part.clear();
            let room = desk.tally.judged(answer, now, desk.stamp.len());
            for _ in 0..exchange.follow(room, desk) {
                self.send(exchange, Sent { due: now, at: now }, desk);
            }
        }
    }
}

/// Appends the head that a WebSocket client would send (RFC 6455 §5.2): of a binary frame, masked
/// with zero.
fn put_head(len: usize, out: &mut Vec<u8>) {
    const FIN_BINARY: u8 = 0x82;
    const MASKED: u8 = 0x80;
    out.push(FIN_BINARY);
    match len {
        0..=125 => out.push(MASKED | len as u8),
        126..=0xFFFF => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_those_of_a_websocket_client() {
        for (len, head) in [(5, 6), (125, 6), (126, 8), (65535, 8), (65536, 14)] {
            let mut out = Vec::new();
            put_head(len, &mut out);
            assert_eq!(out.len(), head);
            assert_eq!((out[0], out[1] & 0x80), (0x82, 0x80));
        }
    }
}
