//! A stream whose bytes are looked at on their way: below the WebSocket, above TLS.

use super::{Frames, Seen, Watcher, Way};
use crate::driver::stream::{Io, Stream};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest head that is kept: what is longer is cut.
const HEAD: usize = 64 * 1024;
const END: &[u8] = b"\r\n\r\n";

/// `stream` as it is, or with somebody who is told what goes over it.
pub(crate) fn watched(stream: Stream, watcher: Option<&Watcher>) -> Stream {
    match watcher {
        None => stream,
        Some(watcher) => Stream::new(Watched {
            stream,
            sent: Tape::new(Way::Out),
            received: Tape::new(Way::In),
            watcher: watcher.clone(),
        }),
    }
}

struct Watched<S> {
    stream: S,
    sent: Tape,
    received: Tape,
    watcher: Watcher,
}

impl<S: Io> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let new = buf.filled().get(before..).unwrap_or_default();
        this.received.see(new, &this.watcher);
        Poll::Ready(Ok(()))
    }
}

impl<S: Io> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        let new = buf.get(..count).unwrap_or_default();
        this.sent.see(new, &this.watcher);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let count = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, slices))?;
        let mut left = count;
        for slice in slices {
            let new = slice.get(..left.min(slice.len())).unwrap_or_default();
            this.sent.see(new, &this.watcher);
            left -= new.len();
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        self.received.end(&self.watcher);
    }
}

/// One direction, and how far it has come.
struct Tape {
    way: Way,
    stage: Stage,
}

enum Stage {
    /// What there is of a head.
    Head(Vec<u8>),
    Frames(Frames),
    /// The body of a refusal.
    Rest,
}

impl Tape {
    fn new(way: Way) -> Self {
        let stage = Stage::Head(Vec::new());
        Self { way, stage }
    }

    fn see(&mut self, mut bytes: &[u8], watcher: &Watcher) {
        while !bytes.is_empty() {
            match &mut self.stage {
                Stage::Rest => return,
                Stage::Frames(frames) => match frames.next(&mut bytes) {
                    Some(frame) => watcher.tell(Seen::Frame(self.way, frame)),
                    None => return,
                },
                Stage::Head(head) => {
                    // The end may have begun in the piece before.
                    let from = head.len().saturating_sub(END.len() - 1);
                    let before = head.len();
                    head.extend_from_slice(bytes);
                    let tail = head.get(from..).unwrap_or_default();
                    let end = tail.windows(END.len()).position(|window| window == END);
                    let Some(end) = end.map(|at| from + at + END.len()) else {
                        head.truncate(HEAD);
                        return;
                    };
                    head.truncate(end);
                    bytes = bytes.get(end - before..).unwrap_or_default();
                    watcher.tell(Seen::Head(self.way, head));
                    self.stage = next(self.way, head);
                }
            }
        }
    }

    /// Nothing more comes: a head that is not whole is told as far as it came.
    fn end(&mut self, watcher: &Watcher) {
        match &self.stage {
            Stage::Head(head) if !head.is_empty() => watcher.tell(Seen::Head(self.way, head)),
            _ => {}
        }
        self.stage = Stage::Rest;
    }
}

/// What follows a head.
fn next(way: Way, head: &[u8]) -> Stage {
    let status = head.get(9..12).unwrap_or_default();
    match (way, status) {
        (Way::Out, _) | (_, b"101") => Stage::Frames(Frames::new()),
        // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to
        // a final response".
        (_, [b'1', _, _]) => Stage::Head(Vec::new()),
        _ => Stage::Rest,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::{Arc, Mutex};

    fn told(way: Way, bytes: &[u8], piece: usize) -> Vec<String> {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let tell = log.clone();
        let watcher = Watcher::new(move |seen| {
            let line = match seen {
                Seen::Head(_, head) => String::from_utf8_lossy(head).into_owned(),
                Seen::Frame(_, frame) => format!("{} {}", frame.name(), frame.len()),
                _ => String::new(),
            };
            tell.lock().unwrap().push(line);
        });
        let mut tape = Tape::new(way);
        for piece in bytes.chunks(piece) {
            tape.see(piece, &watcher);
        }
        tape.end(&watcher);
        std::mem::take(&mut *log.lock().unwrap())
    }

    #[test]
    fn heads_and_frames_are_told_apart_however_they_arrive() {
        let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let head = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
        let mut bytes = [early, head].concat().into_bytes();
        bytes.extend([0x81, 2, b'h', b'i', 0x88, 0]);
        for piece in 1..bytes.len() {
            let told = told(Way::In, &bytes, piece);
            assert_eq!(told, [early, head, "text 2", "close 0"], "{piece}");
        }
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut bytes = request.as_bytes().to_vec();
        bytes.extend([0x89, 0x80, 1, 2, 3, 4]);
        assert_eq!(told(Way::Out, &bytes, 3), [request, "ping 0"]);
    }

    #[test]
    fn a_body_is_not_frames_and_what_is_no_head_is_told_at_the_end() {
        let refusal = b"HTTP/1.1 403 Forbidden\r\n\r\n\x81\x02hi\r\n\r\n";
        assert_eq!(
            told(Way::In, refusal, 5),
            ["HTTP/1.1 403 Forbidden\r\n\r\n"]
        );
        assert_eq!(told(Way::In, b"SSH-2.0-x\r\n", 4), ["SSH-2.0-x\r\n"]);
        assert!(told(Way::In, b"", 1).is_empty());
        let endless = vec![b'x'; 2 * HEAD];
        let told = told(Way::In, &endless, 1000);
        assert_eq!((told.len(), told[0].len()), (1, HEAD));
    }
}
