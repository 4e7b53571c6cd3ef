//! Takes a chunked body apart (RFC 9112 §7.1), byte by byte as it comes.

/// Longer chunk headers (sizes, extensions) end the body.
const LONGEST_LINE: usize = 256;

/// How far into a chunked body we are.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// The size that has been read so far of the chunk, then what is left of it.
    size: usize,
    /// Bytes of the line that is being read.
    line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Extension,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    /// All read, or nothing more to be read of it: trailers are not looked at.
    Ended,
}

impl Default for Chunked {
    fn default() -> Self {
        Self {
            state: State::Size,
            size: 0,
            line: 0,
        }
    }
}

impl Chunked {
    /// After the last chunk, and after the first byte that is no chunk's.
    pub(super) fn ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Appends to `out` what `bytes` hold of the content.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.state {
                State::Ended => return,
                State::Data => {
                    let (data, rest) = bytes.split_at(self.size.min(bytes.len()));
                    out.extend_from_slice(data);
                    bytes = rest;
                    self.size -= data.len();
                    if self.size == 0 {
                        self.state = State::DataReturn;
                    }
                }
                _ => {
                    self.state = self.next(byte);
                    bytes = rest;
                }
            }
        }
    }

    fn next(&mut self, byte: u8) -> State {
        self.line += 1;
        if self.line > LONGEST_LINE {
            return State::Ended;
        }
        match (self.state, byte) {
            (State::Size, b'\r') if self.line > 1 => State::SizeLineFeed,
            (State::Size, b';' | b' ' | b'\t') if self.line > 1 => State::Extension,
            (State::Size, digit) => match char::from(digit).to_digit(16) {
                // A size beyond all memory is as good as one beyond the limit of the body.
                Some(digit) => {
                    self.size = self.size.saturating_mul(16).saturating_add(digit as usize);
                    State::Size
                }
                None => State::Ended,
            },
            (State::Extension, b'\r') => State::SizeLineFeed,
            (State::Extension, b'\n') => State::Ended,
            (State::Extension, _) => State::Extension,
            (State::SizeLineFeed, b'\n') if self.size > 0 => State::Data,
            (State::DataReturn, b'\r') => State::DataLineFeed,
            (State::DataLineFeed, b'\n') => {
                self.line = 0;
                State::Size
            }
            _ => State::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of a body that comes in pieces of `step` bytes, and whether it ended.
    fn read(body: &[u8], step: usize) -> (String, bool) {
        let mut chunked = Chunked::default();
        let mut out = Vec::new();
        for piece in body.chunks(step) {
            chunked.push(piece, &mut out);
        }
        (String::from_utf8_lossy(&out).into_owned(), chunked.ended())
    }

    #[test]
    fn puts_chunks_together_and_ends_at_whatever_is_none() {
        for (body, content, ended) in [
            (&b"0\r\n\r\n"[..], "", true),
            (b"5\r\nhello\r\n0\r\n\r\n", "hello", true),
            (
                b"2\r\nhe\r\n3;x=\"y\"\r\nllo\r\n0\r\nT: x\r\n\r\n",
                "hello",
                true,
            ),
            (b"0002 \r\nhe\r\n", "he", false),
            (b"A\r\n0123456789\r\na\r\n01234", "012345678901234", false),
            (b"", "", false),
            (b"5\r\nhe", "he", false),
            (b"ffffffffffffffffffffffff\r\nabc", "abc", false),
            (b"x\r\nabc", "", true),
            (b"-1\r\nabc", "", true),
            (b"\r\nabc", "", true),
            (b";x\r\nabc", "", true),
            (b"3\nabc", "", true),
            (b"3;x\nabc", "", true),
            (b"3\rxabc", "", true),
            (b"3\r\nabcdef", "abc", true),
            (b"3\r\nabc\r0", "abc", true),
            (b"<html>not chunked at all</html>", "", true),
        ] {
            for step in [1, 2, 3, 100] {
                let expected = (content.to_owned(), ended);
                assert_eq!(read(body, step), expected, "{:?}", body.escape_ascii());
            }
        }
        let endless = [b"1;".as_slice(), &vec![b'x'; 1000]].concat();
        assert_eq!(read(&endless, 7), (String::new(), true));
    }
}
