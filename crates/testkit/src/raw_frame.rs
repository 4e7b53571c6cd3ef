//! [`RawFrame`]: any frame, legal or not, written without the code under test.

use tidewire_proto::Role;

/// How the payload length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// In the fewest bytes, as §5.2 demands.
    Minimal,
    /// In 16 bits, come what may.
    Two,
    /// In 64 bits, come what may.
    Eight,
    /// In 64 bits, and not what follows.
    Claimed(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Masking {
    ByRole,
    Never,
    Key([u8; 4]),
}

/// A frame that may break every rule.
#[derive(Clone, Debug)]
pub struct RawFrame {
    fin: bool,
    rsv: u8,
    opcode: u8,
    masking: Masking,
    length: Length,
    payload: Vec<u8>,
}

impl RawFrame {
    /// A whole frame with any opcode.
    #[must_use]
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Self {
            fin: true,
            rsv: 0,
            opcode,
            masking: Masking::ByRole,
            length: Length::Minimal,
            payload: payload.as_ref().to_vec(),
        }
    }

    /// A whole text message.
    #[must_use]
    pub fn text(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x1, payload)
    }

    /// A whole binary message.
    #[must_use]
    pub fn binary(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x2, payload)
    }

    /// The last fragment of a message.
    #[must_use]
    pub fn continuation(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x0, payload)
    }

    /// A Ping.
    #[must_use]
    pub fn ping(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x9, payload)
    }

    /// A Pong.
    #[must_use]
    pub fn pong(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0xA, payload)
    }

    /// A Close with a code and a reason.
    #[must_use]
    pub fn close(code: u16, reason: &str) -> Self {
        Self::new(0x8, close_body(code, reason))
    }

    /// More fragments follow: FIN is 0.
    #[must_use]
    pub fn more(mut self) -> Self {
        self.fin = false;
        self
    }

    /// Sets reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
    #[must_use]
    pub fn rsv(mut self, bits: u8) -> Self {
        self.rsv = bits & 7;
        self
    }

    /// Says that the message is compressed: RSV1.
    #[must_use]
    pub fn compressed(self) -> Self {
        self.rsv(4)
    }

    /// Leaves the mask out, whoever sends.
    #[must_use]
    pub fn unmasked(mut self) -> Self {
        self.masking = Masking::Never;
        self
    }

    /// Masks with this key, whoever sends.
    #[must_use]
    pub fn masked_with(mut self, key: [u8; 4]) -> Self {
        self.masking = Masking::Key(key);
        self
    }

    /// Writes the length in 16 bits, even if it fits in 7.
    #[must_use]
    pub fn length_in_two_bytes(mut self) -> Self {
        self.length = Length::Two;
        self
    }

    /// Writes the length in 64 bits, even if it fits in fewer.
    #[must_use]
    pub fn length_in_eight_bytes(mut self) -> Self {
        self.length = Length::Eight;
        self
    }

    /// Claims this length in 64 bits, whatever follows.
    #[must_use]
    pub fn claiming(mut self, len: u64) -> Self {
        self.length = Length::Claimed(len);
        self
    }

    /// The bytes as `sender` sends them: masked by a client, if nothing else was said.
    #[must_use]
    pub fn bytes(&self, sender: Role) -> Vec<u8> {
        let key = match (self.masking, sender) {
            (Masking::Never, _) | (Masking::ByRole, Role::Server) => None,
            (Masking::ByRole, Role::Client) => Some([0x37, 0xfa, 0x21, 0x3d]),
            (Masking::Key(key), _) => Some(key),
        };
        let mask_bit = u8::from(key.is_some()) << 7;
        let mut bytes = vec![u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode & 0xF];
        let len = self.payload.len();
        match (self.length, len) {
            (Length::Minimal, 0..=125) => bytes.push(mask_bit | len as u8),
            (Length::Minimal, 126..=0xFFFF) | (Length::Two, _) => {
                bytes.push(mask_bit | 126);
                bytes.extend_from_slice(&(len as u16).to_be_bytes());
            }
            (Length::Minimal | Length::Eight, _) => {
                bytes.push(mask_bit | 127);
                bytes.extend_from_slice(&(len as u64).to_be_bytes());
            }
            (Length::Claimed(claim), _) => {
                bytes.push(mask_bit | 127);
                bytes.extend_from_slice(&claim.to_be_bytes());
            }
        }
        let key = key
            .inspect(|key| bytes.extend_from_slice(key))
            .unwrap_or_default();
        bytes.extend(
            self.payload
                .iter()
                .enumerate()
                .map(|(i, byte)| byte ^ key[i % 4]),
        );
        bytes
    }

    /// All frames, one behind the other.
    #[must_use]
    pub fn join(frames: &[Self], sender: Role) -> Vec<u8> {
        frames
            .iter()
            .flat_map(|frame| frame.bytes(sender))
            .collect()
    }
}

/// The body of a Close frame.
#[must_use]
pub fn close_body(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_form_that_was_asked_for() {
        assert_eq!(RawFrame::text("ab").bytes(Role::Server), b"\x81\x02ab");
        assert_eq!(
            RawFrame::text("ab")
                .length_in_two_bytes()
                .bytes(Role::Server)[..4],
            [0x81, 126, 0, 2]
        );
        let long = RawFrame::text("ab")
            .length_in_eight_bytes()
            .bytes(Role::Server);
        assert_eq!(long[..10], [0x81, 127, 0, 0, 0, 0, 0, 0, 0, 2]);
        let lie = RawFrame::text("").claiming(1 << 62).bytes(Role::Server);
        assert_eq!(lie, [0x81, 127, 0x40, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(RawFrame::binary(vec![0; 126]).bytes(Role::Server)[1], 126);
        assert_eq!(
            RawFrame::binary(vec![0; 65_536]).bytes(Role::Server)[1],
            127
        );
    }
}
