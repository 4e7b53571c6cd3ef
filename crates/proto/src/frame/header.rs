//! Reads and writes the frame header (RFC 6455 §5.2).

use super::{Opcode, Role};
use crate::error::ProtocolViolation as Violation;

/// The longest header: 2 bytes, an 8-byte length, a 4-byte mask.
pub const MAX_LEN: usize = 14;

/// The longest payload of a control frame, in bytes (§5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// Whether the message is compressed (RFC 7692 §6); only on the first frame of a message.
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key, on frames from a client.
    pub mask: Option<[u8; 4]>,
    /// The length of the payload in bytes.
    pub len: u64,
}

/// What the receiver of a header demands of it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Who is reading.
    pub role: Role,
    /// Whether an extension that uses RSV1 was agreed.
    pub rsv1: bool,
}

impl Header {
    /// Reads a header from the front of `bytes`. Gives the header and its length, or `None` if more
    /// bytes are needed; a violation is reported at the first byte that shows it.
    ///
    /// # Errors
    ///
    /// The rule of §5.2 that the header breaks.
    #[inline]
    pub fn decode(bytes: &[u8], rules: Rules) -> Result<Option<(Self, usize)>, Violation> {
        let &[first, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        // §5.2: "MUST be 0 unless an extension is negotiated that defines meanings".
        if first & 0x30 != 0 {
            return Err(Violation::ReservedBits);
        }
        // §5.2: "If an unknown opcode is received, the receiving endpoint MUST fail".
        let Some(opcode) = Opcode::from_bits(first & 0x0F) else {
            return Err(Violation::ReservedOpcode(first & 0x0F));
        };
        let (fin, rsv1) = (first & 0x80 != 0, first & 0x40 != 0);
        // RFC 7692 §6.1: RSV1 is for the first frame of a message, and for no control frame.
        if rsv1 && !(rules.rsv1 && matches!(opcode, Opcode::Text | Opcode::Binary)) {
            return Err(Violation::ReservedBits);
        }
        // §5.5: control frames "MUST NOT be fragmented".
        if opcode.is_control() && !fin {
            return Err(Violation::FragmentedControl);
        }

        let &[second, ref rest @ ..] = rest else {
            return Ok(None);
        };
        // §5.1: a client's frames MUST be masked, a server's MUST NOT be.
        let masked = second & 0x80 != 0;
        match (rules.role, masked) {
            (Role::Server, false) => return Err(Violation::UnmaskedFrame),
            (Role::Client, true) => return Err(Violation::MaskedFrame),
            _ => {}
        }
        let short = second & 0x7F;
        // §5.5: control frames "MUST have a payload length of 125 bytes or less".
        if opcode.is_control() && usize::from(short) > MAX_CONTROL_PAYLOAD {
            return Err(Violation::ControlTooLong);
        }
        // §5.2: "the minimal number of bytes MUST be used to encode the length".
        let (len, rest) = match short {
            126 => {
                let Some((len, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let len = u16::from_be_bytes(*len);
                if len < 126 {
                    return Err(Violation::NonMinimalLength);
                }
                (u64::from(len), rest)
            }
            127 => {
                let Some((len, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let len = u64::from_be_bytes(*len);
                // §5.2: "the most significant bit MUST be 0".
                if len >> 63 != 0 {
                    return Err(Violation::LengthOverflow);
                }
                if len <= u64::from(u16::MAX) {
                    return Err(Violation::NonMinimalLength);
                }
                (len, rest)
            }
            short => (u64::from(short), rest),
        };
        let (mask, rest) = if masked {
            let Some((key, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (Some(*key), rest)
        } else {
            (None, rest)
        };
        Ok(Some((
            Self {
                fin,
                rsv1,
                opcode,
                mask,
                len,
            },
            bytes.len() - rest.len(),
        )))
    }

    /// Writes the header into the front of `out`, and gives its length.
    #[inline]
    pub fn encode(&self, out: &mut [u8; MAX_LEN]) -> usize {
        out[0] = u8::from(self.fin) << 7 | u8::from(self.rsv1) << 6 | self.opcode as u8;
        let masked = u8::from(self.mask.is_some()) << 7;
        let mut at = match self.len {
            0..=125 => {
                out[1] = masked | self.len as u8;
                2
            }
            126..=0xFFFF => {
                out[1] = masked | 126;
                out[2..4].copy_from_slice(&(self.len as u16).to_be_bytes());
                4
            }
            _ => {
                out[1] = masked | 127;
                out[2..10].copy_from_slice(&self.len.to_be_bytes());
                10
            }
        };
        if let Some(key) = self.mask {
            out[at..at + 4].copy_from_slice(&key);
            at += 4;
        }
        at
    }
}

/// A frame header on its own, for a payload that is written from where it lies.
#[derive(Clone, Copy, Debug)]
pub struct FrameHead {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl FrameHead {
    pub(crate) fn new(header: Header) -> Self {
        let mut bytes = [0; MAX_LEN];
        let len = header.encode(&mut bytes) as u8;
        Self { bytes, len }
    }

    /// The header as it goes on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const SERVER: Rules = Rules {
        role: Role::Server,
        rsv1: false,
    };
    const CLIENT: Rules = Rules {
        role: Role::Client,
        rsv1: false,
    };
    const DEFLATE: Rules = Rules {
        role: Role::Client,
        rsv1: true,
    };

    #[test]
    fn each_broken_rule_has_its_own_name() {
        use Violation as V;
        let cases: &[(&str, &[u8], Rules, V)] = &[
            ("RSV2", &[0xA1], CLIENT, V::ReservedBits),
            ("RSV3", &[0x91], CLIENT, V::ReservedBits),
            ("RSV1 without extension", &[0xC1], CLIENT, V::ReservedBits),
            ("RSV1 on a continuation", &[0xC0], DEFLATE, V::ReservedBits),
            ("RSV1 on a ping", &[0xC9], DEFLATE, V::ReservedBits),
            ("opcode 3", &[0x83], CLIENT, V::ReservedOpcode(3)),
            ("opcode 7", &[0x87], CLIENT, V::ReservedOpcode(7)),
            ("opcode 11", &[0x8B], CLIENT, V::ReservedOpcode(11)),
            ("opcode 15", &[0x8F], CLIENT, V::ReservedOpcode(15)),
            ("fragmented ping", &[0x09], CLIENT, V::FragmentedControl),
            ("fragmented pong", &[0x0A], CLIENT, V::FragmentedControl),
            ("fragmented close", &[0x08], CLIENT, V::FragmentedControl),
            ("ping of 126 bytes", &[0x89, 126], CLIENT, V::ControlTooLong),
            ("pong of 126 bytes", &[0x8A, 126], CLIENT, V::ControlTooLong),
            (
                "close with 64-bit length",
                &[0x88, 127],
                CLIENT,
                V::ControlTooLong,
            ),
            (
                "client to server unmasked",
                &[0x81, 0],
                SERVER,
                V::UnmaskedFrame,
            ),
            (
                "server to client masked",
                &[0x81, 0x80],
                CLIENT,
                V::MaskedFrame,
            ),
            (
                "125 in 16 bits",
                &[0x82, 126, 0, 125],
                CLIENT,
                V::NonMinimalLength,
            ),
            (
                "65535 in 64 bits",
                &[0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255],
                CLIENT,
                V::NonMinimalLength,
            ),
            (
                "0 in 64 bits",
                &[0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0],
                CLIENT,
                V::NonMinimalLength,
            ),
            (
                "length with the top bit",
                &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
                CLIENT,
                V::LengthOverflow,
            ),
        ];
        for (name, bytes, rules, violation) in cases {
            assert_eq!(Header::decode(bytes, *rules), Err(*violation), "{name}");
        }
    }

    #[test]
    fn rsv1_is_welcome_on_the_first_frame_once_agreed() {
        let (header, _) = Header::decode(&[0x41, 1], DEFLATE).unwrap().unwrap();
        assert!(header.rsv1 && !header.fin);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_however_it_arrives(
            fin: bool, mask: Option<[u8; 4]>, binary: bool,
            len in prop_oneof![0..130u64, 65_530..65_540u64, 0..=u64::MAX >> 1],
        ) {
            let opcode = if binary { Opcode::Binary } else { Opcode::Continuation };
            let header = Header { fin, rsv1: false, opcode, mask, len };
            let mut bytes = [0; MAX_LEN];
            let n = header.encode(&mut bytes);
            let rules = if mask.is_some() { SERVER } else { CLIENT };
            for short in 0..n {
                prop_assert_eq!(Header::decode(&bytes[..short], rules), Ok(None));
            }
            prop_assert_eq!(Header::decode(&bytes, rules), Ok(Some((header, n))));
        }

        #[test]
        fn a_prefix_never_contradicts_the_whole(bytes: [u8; MAX_LEN], server: bool, rsv1: bool) {
            let rules = Rules { role: if server { Role::Server } else { Role::Client }, rsv1 };
            let whole = Header::decode(&bytes, rules);
            for short in 0..MAX_LEN {
                match Header::decode(&bytes[..short], rules) {
                    Ok(None) => {}
                    early => prop_assert_eq!(&early, &whole),
                }
            }
        }
    }
}
