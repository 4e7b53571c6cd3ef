//! Bytes for a command, unless they are a request of HTTP, which a page of any site can make a browser send.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// A longer first line that may become a request is taken for one, in bytes.
const LONGEST: usize = 64 * 1024;

/// What the first bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    /// Not known before more has come.
    Open,
    Harmless,
    Request,
}

/// A reader that fails when what it reads begins as a request of HTTP.
pub(super) struct Guarded<R> {
    inner: R,
    /// What has come and was not given on.
    held: Vec<u8>,
    judged: bool,
}

impl<R> Guarded<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            held: Vec::new(),
            judged: false,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Guarded<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.judged {
            let mut space = [0; 4096];
            let mut piece = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut piece))?;
            let at_end = piece.filled().is_empty();
            self.held.extend_from_slice(piece.filled());
            match judge(&self.held) {
                Judgement::Open if !at_end => {}
                Judgement::Open | Judgement::Harmless => self.judged = true,
                Judgement::Request => {
                    return Poll::Ready(Err(io::Error::other(
                        "this is a request of HTTP, as a web page could make it: --allow-origin any lets \
                     it reach the command",
                    )));
                }
            }
        }
        if self.held.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, out);
        }
        let part = self.held.len().min(out.remaining());
        out.put_slice(&self.held[..part]);
        self.held.drain(..part);
        Poll::Ready(Ok(()))
    }
}

/// A browser's first line is `METHOD /target HTTP/1.1`; its beginning comes in one piece.
fn judge(bytes: &[u8]) -> Judgement {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let line = &bytes[..end.unwrap_or(bytes.len())];
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let method = line.iter().take_while(|byte| is_token(byte)).count();
    if method == 0 || !line[method..].starts_with(b" /") {
        return Judgement::Harmless;
    }
    match end {
        None if bytes.len() < LONGEST => Judgement::Open,
        None => Judgement::Request,
        Some(_) if line.windows(8).any(|part| part == b" HTTP/1.") => Judgement::Request,
        Some(_) => Judgement::Harmless,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::io::AsyncReadExt;

    async fn read(pieces: &[&[u8]]) -> io::Result<Vec<u8>> {
        let mut reader = guarded(pieces);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.map(|_| all)
    }

    /// A reader that gives these pieces one by one.
    fn guarded(pieces: &[&[u8]]) -> Guarded<Pieces> {
        Guarded::new(Pieces(
            pieces.iter().rev().map(|piece| piece.to_vec()).collect(),
        ))
    }

    struct Pieces(Vec<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if let Some(piece) = self.0.pop() {
                out.put_slice(&piece);
            }
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn requests_are_kept_out_however_they_are_cut() {
        let long = [b"GET /", &[b'a'; 4000][..]].concat();
        for pieces in [
            &[&b"POST / HTTP/1.1\r\nHost: evil\r\n\r\nrm -rf"[..]][..],
            &[b"GET /?q", b"=1 HT", b"TP/1.1\r", b"\n"],
            &[b"x-own /a HTTP/1.0\n"],
        ] {
            assert!(read(pieces).await.is_err(), "{pieces:?}");
        }
        let endless: Vec<&[u8]> = vec![&long; 20];
        assert!(read(&endless).await.is_err());
    }

    #[tokio::test]
    async fn everything_else_passes_as_it_came() {
        for pieces in [
            &[][..],
            &[&b"\n"[..]],
            &[b"GET"],
            &[b"GET /a key\r\n", b"more"],
            &[b"ls /", b"tmp"],
            &[b"\x16\x03\x01 /", b"\0"],
            &[b"hello ", b"world / HTTP/1.1\n"],
        ] {
            assert_eq!(read(pieces).await.unwrap(), pieces.concat(), "{pieces:?}");
        }
    }
}
