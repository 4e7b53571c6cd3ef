//! Frames built, with any rule broken on request, and taken apart, without the core's help.

use tidewire_proto::{MaskSource, Role};

/// How a length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the fewest bytes, as RFC 6455 §5.2 demands.
    Shortest,
    /// In 16 bits, whatever it is.
    Bits16,
    /// In 64 bits, whatever it is.
    Bits64,
}

/// A frame to be written, legal or not.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// FIN, RSV1–3 and the opcode.
    pub first: u8,
    /// The masking key, if the frame is masked.
    pub mask: Option<[u8; 4]>,
    /// How the length is written.
    pub form: Form,
    /// The length that the header claims; `None`: the payload's.
    pub claim: Option<u64>,
    /// The payload, not yet masked.
    pub payload: &'a [u8],
}

impl<'a> Raw<'a> {
    /// A frame with this first byte, masked with a fixed key if `masked`.
    #[must_use]
    pub fn new(first: u8, masked: bool, payload: &'a [u8]) -> Self {
        let mask = masked.then_some([0x37, 0xfa, 0x21, 0x3d]);
        Self {
            first,
            mask,
            form: Form::Shortest,
            claim: None,
            payload,
        }
    }

    /// Appends the frame to `out`.
    pub fn put(&self, out: &mut Vec<u8>) {
        let len = self.claim.unwrap_or(self.payload.len() as u64);
        let masked = u8::from(self.mask.is_some()) << 7;
        out.push(self.first);
        match self.form {
            Form::Shortest if len < 126 => out.push(masked | len as u8),
            Form::Shortest | Form::Bits16 if len <= 0xFFFF => {
                out.push(masked | 126);
                out.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                out.push(masked | 127);
                out.extend_from_slice(&len.to_be_bytes());
            }
        }
        let key = self.mask.unwrap_or_default();
        out.extend_from_slice(self.mask.as_ref().map_or(&[], |key| key.as_slice()));
        out.extend(
            self.payload
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
    }

    /// The frame on its own.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }
}

/// The header of a frame, read without judging it.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// FIN, RSV1–3 and the opcode.
    pub first: u8,
    /// The claimed length.
    pub len: u64,
    /// Whether the length is in its shortest form.
    pub shortest: bool,
    /// The masking key.
    pub mask: Option<[u8; 4]>,
    /// How long the header is.
    pub size: usize,
}

impl Head {
    /// Where the frame ends, counted from its first byte.
    fn end(&self) -> Option<usize> {
        usize::try_from(self.len).ok()?.checked_add(self.size)
    }
}

/// The header at the front of `bytes`; `None` if it is not whole.
#[must_use]
pub fn head(bytes: &[u8]) -> Option<Head> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (len, shortest, mut size) = match second & 0x7F {
        126 => {
            let len = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
            (u64::from(len), len > 125, 4)
        }
        127 => {
            let len = u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
            (len, len > 0xFFFF, 10)
        }
        len => (u64::from(len), true, 2),
    };
    let mut mask = None;
    if second & 0x80 != 0 {
        mask = Some(*bytes.get(size..)?.first_chunk()?);
        size += 4;
    }
    Some(Head {
        first,
        len,
        shortest,
        mask,
        size,
    })
}

/// The headers of a byte stream, one after another, judged by nothing but lengths.
pub fn heads(bytes: &[u8]) -> impl Iterator<Item = Head> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let head = head(rest?)?;
        rest = rest.and_then(|rest| rest.get(head.end()?..));
        Some(head)
    })
}

/// Whether a byte stream stops in the middle of a frame, judged by nothing but lengths.
#[must_use]
pub fn ends_inside_a_frame(bytes: &[u8]) -> bool {
    let frames = heads(bytes).try_fold(0usize, |sum, head| sum.checked_add(head.end()?));
    frames != Some(bytes.len())
}

/// Takes apart what `sender` wrote: first byte and unmasked payload of each frame.
///
/// # Panics
///
/// If it is not a sequence of whole frames with shortest lengths, masked exactly if a client sent
/// them.
#[must_use]
pub fn take_apart(mut bytes: &[u8], sender: Role) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let head = head(bytes).expect("what we send ends with a whole header");
        assert!(
            head.shortest,
            "we wrote a length that is not in its shortest form"
        );
        assert_eq!(
            head.mask.is_some(),
            sender == Role::Client,
            "we masked in the wrong role"
        );
        let end = head.size + head.len as usize;
        let payload = bytes
            .get(head.size..end)
            .expect("what we send ends with a whole frame");
        let key = head.mask.unwrap_or_default();
        let payload = payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key);
        frames.push((head.first, payload.collect()));
        bytes = &bytes[end..];
    }
    frames
}

/// Masking keys that differ from frame to frame, and are the same in every run.
#[derive(Clone, Debug, Default)]
pub struct CountedMasks(u32);

impl MaskSource for CountedMasks {
    fn next_mask(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_add(0x9E37_79B9);
        self.0.to_be_bytes()
    }
}
