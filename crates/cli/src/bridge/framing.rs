//! How a stream of bytes becomes messages, and messages a stream.

use std::borrow::Cow;
use std::io;

use tidewire::Message;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The most that is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Where a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// With a line feed, or one behind a carriage return.
    Lines,
    /// With a NUL.
    Null,
    /// Where the stream pauses.
    Chunks,
}

/// Why there are no more messages.
#[derive(Debug)]
pub(super) enum Broken {
    /// One is longer than so many bytes.
    TooLong(usize),
    /// The stream cannot be read.
    Io(io::Error),
}

/// Reads messages.
pub(super) struct Messages<R> {
    from: BufReader<R>,
    framing: Framing,
    longest: usize,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub(super) fn new(from: R, framing: Framing, longest: usize) -> Self {
        Self {
            from: BufReader::with_capacity(CHUNK.min(longest), from),
            framing,
            longest,
        }
    }

    /// The next; `None` at the end. What has no end at the end of the stream is the last.
    pub(super) async fn next(&mut self) -> Result<Option<Message>, Broken> {
        let mut gathered = Vec::new();
        loop {
            let bytes = match self.from.fill_buf().await {
                Ok(bytes) => bytes,
                // A child that is gone, a peer that resets: there is no more.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => &[],
                Err(error) => return Err(Broken::Io(error)),
            };
            let taken = bytes.len();
            if taken == 0 {
                let last = (!gathered.is_empty()).then(|| self.message(gathered));
                return Ok(last);
            }
            let end = match self.framing {
                Framing::Lines => bytes.iter().position(|byte| *byte == b'\n'),
                Framing::Null => bytes.iter().position(|byte| *byte == 0),
                Framing::Chunks => {
                    let message = Message::from(bytes);
                    self.from.consume(taken);
                    return Ok(Some(message));
                }
            };
            gathered.extend_from_slice(&bytes[..end.unwrap_or(taken)]);
            self.from.consume(end.map_or(taken, |end| end + 1));
            // A carriage return may still go.
            if gathered.len() > self.longest + 1 {
                return Err(Broken::TooLong(self.longest));
            }
            if end.is_some() {
                if self.framing == Framing::Lines {
                    _ = gathered.pop_if(|byte| *byte == b'\r');
                }
                if gathered.len() > self.longest {
                    return Err(Broken::TooLong(self.longest));
                }
                return Ok(Some(self.message(gathered)));
            }
        }
    }

    fn message(&self, bytes: Vec<u8>) -> Message {
        match String::from_utf8(bytes) {
            Ok(text) => Message::text(text),
            Err(error) => Message::binary(error.into_bytes()),
        }
    }
}

/// A message as the stream has it.
pub(super) fn written(message: &Message, framing: Framing) -> Cow<'_, [u8]> {
    let bytes = message.as_bytes();
    let (body, ends, last): (_, &[u8], _) = match framing {
        Framing::Chunks => return Cow::Borrowed(bytes),
        Framing::Null => (bytes, b"\0", 0),
        Framing::Lines => {
            let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            (body.strip_suffix(b"\r").unwrap_or(body), b"\r\n", b'\n')
        }
    };
    let within = body
        .iter()
        .map(|byte| if ends.contains(byte) { b' ' } else { *byte });
    Cow::Owned(within.chain([last]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn read(bytes: &[u8], framing: Framing, longest: usize) -> Result<Vec<Message>, Broken> {
        let mut messages = Messages::new(bytes, framing, longest);
        let mut all = Vec::new();
        while let Some(message) = messages.next().await? {
            all.push(message);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn lines_and_nuls_end_messages_and_nothing_is_lost() {
        let all = read(b"one\r\n\ntwo\x00\xff\nlast", Framing::Lines, 100)
            .await
            .unwrap();
        assert_eq!(all[0], "one");
        assert_eq!(all[1], "");
        assert_eq!(all[2], *b"two\x00\xff");
        assert!(all[2].is_binary() && all[3].is_text());
        assert_eq!(all[3], "last");
        let all = read(b"a\nb\0\0c", Framing::Null, 100).await.unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0], "a\nb");
        let all = read(b"\x00\n\xff", Framing::Chunks, 100).await.unwrap();
        assert_eq!(all[0], *b"\x00\n\xff");
        assert!(all[0].is_binary() && all.len() == 1);
    }

    #[tokio::test]
    async fn a_line_that_never_ends_is_cut_off_at_the_limit() {
        let too_long = |read: Result<_, Broken>| matches!(read, Err(Broken::TooLong(5)));
        assert!(read(b"12345\r\n12345", Framing::Lines, 5).await.is_ok());
        assert!(too_long(read(b"123456\n", Framing::Lines, 5).await));
        let endless = BufReader::new(tokio::io::repeat(b'x'));
        let mut messages = Messages::new(endless, Framing::Null, 1 << 20);
        assert!(matches!(messages.next().await, Err(Broken::TooLong(_))));
    }

    #[test]
    fn one_message_is_one_line() {
        let lines = |text: &str| written(&Message::from(text), Framing::Lines).into_owned();
        assert_eq!(lines("a"), b"a\n");
        assert_eq!(lines("a\r\nb\n"), b"a  b\n");
        assert_eq!(lines(""), b"\n");
        let null = written(&Message::from("a\n\0b"), Framing::Null).into_owned();
        assert_eq!(null, b"a\n b\0");
        let binary = Message::from(&b"\x00\r\n\xff"[..]);
        assert_eq!(&*written(&binary, Framing::Chunks), b"\x00\r\n\xff");
    }
}
