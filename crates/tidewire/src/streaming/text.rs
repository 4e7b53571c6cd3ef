//! Whether bytes that come in pieces are UTF-8.

use tidewire_proto::InvalidUtf8;

/// Up to three bytes of a character that has not come whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unfinished {
    bytes: [u8; 4],
    len: u8,
}

impl Unfinished {
    /// Whether the text may end here.
    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }

    /// What is unfinished behind `piece`.
    pub(super) fn after(mut self, mut piece: &[u8]) -> Result<Self, InvalidUtf8> {
        while self.len > 0 {
            let Some((byte, rest)) = piece.split_first() else {
                return Ok(self);
            };
            piece = rest;
            self.bytes[usize::from(self.len)] = *byte;
            self.len += 1;
            match std::str::from_utf8(&self.bytes[..usize::from(self.len)]) {
                Ok(_) => self.len = 0,
                // Four bytes are a character or none: this never goes beyond them.
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(InvalidUtf8),
            }
        }
        match std::str::from_utf8(piece) {
            Ok(_) => Ok(self),
            Err(error) if error.error_len().is_none() => {
                let rest = &piece[error.valid_up_to()..];
                self.bytes[..rest.len()].copy_from_slice(rest);
                self.len = rest.len() as u8;
                Ok(self)
            }
            Err(_) => Err(InvalidUtf8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(bytes: &[u8], step: usize) -> Result<bool, InvalidUtf8> {
        let end = bytes
            .chunks(step)
            .try_fold(Unfinished::default(), Unfinished::after)?;
        Ok(end.is_empty())
    }

    #[test]
    fn cut_anywhere_the_verdict_is_that_of_the_whole() {
        for text in ["", "tide", "ä€🌊", "a🌊b€cä", "🌊🌊🌊"] {
            for step in 1..=12 {
                assert_eq!(verdict(text.as_bytes(), step), Ok(true), "{text} by {step}");
                if let Some((_, cut)) = text.as_bytes().split_last() {
                    let whole = std::str::from_utf8(cut).is_ok();
                    assert_eq!(verdict(cut, step), Ok(whole), "{text} by {step}");
                }
            }
        }
        for bad in [
            &b"\xff"[..],
            b"ok\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe2\x82A",
            b"\xf0\x9f\x8c\xc0",
        ] {
            for step in 1..=4 {
                assert_eq!(verdict(bad, step), Err(InvalidUtf8), "{bad:02x?} by {step}");
            }
        }
    }
}
