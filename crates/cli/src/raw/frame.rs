//! Any frame, legal or not, as bytes (RFC 6455 §5.2).

/// How the length of a payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// In as few bytes as possible, as it has to be.
    Minimal,
    /// In two bytes, whatever it is.
    Two,
    /// In eight bytes, whatever it is.
    Eight,
    /// In eight bytes, and this instead of the truth.
    Claim(u64),
}

/// A frame to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    fin: bool,
    /// RSV1, RSV2, RSV3 as 4, 2, 1.
    rsv: u8,
    opcode: u8,
    masked: bool,
    length: Length,
    key: [u8; 4],
    payload: Vec<u8>,
}

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

impl Frame {
    /// A whole frame as a client has to write it, but for what is changed after.
    pub(crate) fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Self {
            fin: true,
            rsv: 0,
            opcode,
            masked: true,
            length: Length::Minimal,
            key: KEY,
            payload: payload.as_ref().to_vec(),
        }
    }

    /// A Close frame; `None`: without a code.
    pub(crate) fn close(code: Option<u16>, reason: &[u8]) -> Self {
        let code = code.map(u16::to_be_bytes);
        let payload = [code.as_ref().map_or(&[][..], |code| &code[..]), reason].concat();
        Self::new(CLOSE, payload)
    }

    /// More frames of the message follow.
    pub(crate) fn more(mut self) -> Self {
        self.fin = false;
        self
    }

    /// With these reserved bits: RSV1, RSV2, RSV3 as 4, 2, 1.
    pub(crate) fn rsv(mut self, bits: u8) -> Self {
        self.rsv = bits & 7;
        self
    }

    /// Without a mask.
    pub(crate) fn unmasked(mut self) -> Self {
        self.masked = false;
        self
    }

    /// With this mask.
    pub(crate) fn key(mut self, key: [u8; 4]) -> Self {
        self.key = key;
        self
    }

    /// With its length written so.
    pub(crate) fn length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    /// The bytes for the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len() + 14);
        out.push(u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode & 15);
        let mask = u8::from(self.masked) << 7;
        let len = self.payload.len() as u64;
        let length = match (self.length, len) {
            (Length::Minimal, 126..=0xffff) => Length::Two,
            (Length::Minimal, 0x1_0000..) => Length::Eight,
            (length, _) => length,
        };
        match length {
            Length::Minimal => out.push(mask | len as u8),
            Length::Two => {
                out.push(mask | 126);
                out.extend_from_slice(&(len as u16).to_be_bytes());
            }
            Length::Eight | Length::Claim(_) => {
                let said = match length {
                    Length::Claim(said) => said,
                    _ => len,
                };
                out.push(mask | 127);
                out.extend_from_slice(&said.to_be_bytes());
            }
        }
        if self.masked {
            out.extend_from_slice(&self.key);
            let masked = self.payload.iter().zip(self.key.iter().cycle());
            out.extend(masked.map(|(byte, key)| byte ^ key));
        } else {
            out.extend_from_slice(&self.payload);
        }
        out
    }
}

/// A message in frames of `part` bytes; an empty one is one frame.
pub(crate) fn fragments(opcode: u8, payload: &[u8], part: usize) -> Vec<Frame> {
    let mut frames: Vec<Frame> = payload
        .chunks(part.max(1))
        .enumerate()
        .map(|(index, chunk)| {
            let opcode = if index == 0 { opcode } else { CONTINUATION };
            Frame::new(opcode, chunk).more()
        })
        .collect();
    match frames.last_mut() {
        Some(last) => last.fin = true,
        None => frames.push(Frame::new(opcode, [])),
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_told() {
        let head = |length: Length, len: usize| {
            let frame = Frame::new(BINARY, vec![0; len]).unmasked().length(length);
            frame.bytes()[..frame.bytes().len() - len].to_vec()
        };
        assert_eq!(head(Length::Minimal, 125), [0x82, 125]);
        assert_eq!(head(Length::Minimal, 126), [0x82, 126, 0, 126]);
        assert_eq!(head(Length::Minimal, 65535), [0x82, 126, 255, 255]);
        assert_eq!(
            head(Length::Minimal, 65536),
            [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]
        );
        assert_eq!(head(Length::Two, 5), [0x82, 126, 0, 5]);
        assert_eq!(head(Length::Eight, 5), [0x82, 127, 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(head(Length::Claim(1 << 63), 0)[2], 0x80);
    }

    #[test]
    fn bits_and_mask_are_where_they_belong() {
        let frame = Frame::new(TEXT, b"Hello").more().rsv(5);
        let bytes = [
            0x51, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(frame.bytes(), bytes); // the masked example of §5.7
        assert_eq!(
            Frame::close(Some(1000), b"x").unmasked().bytes(),
            [0x88, 3, 3, 0xe8, b'x']
        );
    }

    #[test]
    fn fragments_begin_with_the_opcode_and_end_with_fin() {
        let first_bytes = |frames: Vec<Frame>| -> Vec<u8> {
            frames.iter().map(|frame| frame.bytes()[0]).collect()
        };
        assert_eq!(
            first_bytes(fragments(TEXT, b"abcde", 2)),
            [0x01, 0x00, 0x80]
        );
        assert_eq!(first_bytes(fragments(TEXT, b"", 2)), [0x81]);
    }
}
