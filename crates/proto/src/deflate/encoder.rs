//! The compressing half of permessage-deflate (RFC 7692 §7.2.1): messages in, payloads out.

use std::fmt;

use zlib_rs::{Deflate, DeflateFlush};

use super::{TAIL, window_bits};

/// The most that is given to the compressor to write into at once, in bytes.
const STEP: usize = 16 * 1024;

/// What one message may add to its length, beyond the share in [`Encoder::room`]: the empty
/// block of the flush, a block header, bits held over. Above 6, so that zlib never writes the
/// flush marker twice.
const SLACK: usize = 32;

/// Compresses messages, one after another.
///
/// Memory: 243 KiB plus four times the window: 371 KiB at 15 window bits, 245 KiB at 9 and 8,
/// whatever the level and whatever is sent.
///
/// The window carries over from message to message until [`forget`](Encoder::forget) drops it;
/// without context takeover call that after every message.
pub struct Encoder {
    deflate: Deflate,
    level: u8,
    window_bits: u8,
    /// The message under way has had a byte of payload since its beginning, or since the last flush.
    started: bool,
    /// Nothing was compressed since the window was last empty.
    fresh: bool,
}

impl Encoder {
    /// `level` 0..=9 and `window_bits` 8..=15 as agreed; the nearest legal value is taken.
    ///
    /// A window of 2^8 is served by a 2^9 one: zlib knows no smaller, and its matches reach back
    /// at most 512 - 262 = 250 bytes, which a 256-byte window holds.
    #[must_use]
    pub fn new(level: u8, bits: u8) -> Self {
        let level = level.min(9);
        let window_bits = window_bits(bits);
        Self {
            deflate: Deflate::new(i32::from(level), false, window_bits.max(9)),
            level,
            window_bits,
            started: false,
            fresh: true,
        }
    }

    /// The level this was made with.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The window this was made for, 8..=15.
    #[must_use]
    pub fn window_bits(&self) -> u8 {
        self.window_bits
    }

    /// Compresses the next part of a message, appending to `out` what is ready; with `fin` the
    /// message ends and `out` gets all the rest of it, without the tail `00 00 ff ff`.
    ///
    /// `out` may be drained between calls. It grows by what is written plus at most 16 KiB of
    /// room; a message that cannot be compressed comes out at most an eighth longer, plus 32
    /// bytes.
    pub fn encode(&mut self, chunk: &[u8], fin: bool, out: &mut Vec<u8>) {
        self.started |= !chunk.is_empty();
        if !self.started {
            if fin {
                // RFC 7692 §7.2.3.6: the empty message is one empty stored block. zlib refuses a
                // second flush in a row, so this never asks it.
                out.push(0x00);
            }
            return;
        }
        self.fresh = false;
        if !fin {
            if !chunk.is_empty() {
                self.run(chunk, DeflateFlush::NoFlush, out);
            }
            return;
        }
        self.run(chunk, DeflateFlush::SyncFlush, out);
        // RFC 7692 §7.2.1 steps 2 and 3: the flush ended in an empty stored block, all of it
        // written by this call.
        debug_assert!(out.ends_with(&TAIL), "a sync flush ends with the tail");
        out.truncate(out.len() - TAIL.len());
        self.started = false;
    }

    /// Appends all that is held back of the message under way, so that the peer can inflate every byte
    /// given so far; the message goes on. Each call costs some five bytes of output.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        // RFC 7692 §7.2.1: a message may consist of any number of blocks. Behind this flush, which ends
        // at a byte, the message is as an empty one to `encode`.
        if self.started {
            self.run(&[], DeflateFlush::SyncFlush, out);
            self.started = false;
        }
    }

    /// Drops the window, and whatever of a message is under way: the next message depends on
    /// nothing sent before. A peer needs not be told; an encoder may do this after any message
    /// (RFC 7692 §7.1.1). Costs clearing 128 KiB (some 4 µs), and nothing when nothing was compressed
    /// since.
    pub fn forget(&mut self) {
        self.started = false;
        if !self.fresh {
            self.deflate.reset();
            self.fresh = true;
        }
    }

    /// Bytes to offer zlib for what `len` bytes become: all of it where that is little.
    fn room(len: usize) -> usize {
        // Fixed Huffman codes take nine bits at worst; stored blocks take less.
        (len + len / 8 + SLACK).min(STEP)
    }

    /// Feeds all of `input` and takes all that `flush` makes available.
    fn run(&mut self, mut input: &[u8], flush: DeflateFlush, out: &mut Vec<u8>) {
        loop {
            let start = out.len();
            let room = Self::room(input.len());
            out.resize(start + room, 0);
            let (in_before, out_before) = (self.deflate.total_in(), self.deflate.total_out());
            if let Err(error) = self.deflate.compress(input, &mut out[start..], flush) {
                // zlib's only errors here are wrong settings and a finished stream; `new` allows
                // no wrong setting and nothing here finishes a stream.
                unreachable!("a running compressor failed: {}", error.as_str());
            }
            let read = (self.deflate.total_in() - in_before) as usize;
            let written = (self.deflate.total_out() - out_before) as usize;
            input = &input[read..];
            out.truncate(start + written);
            // A flush is complete only when it left room: what fills the buffer may have more
            // behind it.
            let done = input.is_empty() && (written < room || flush == DeflateFlush::NoFlush);
            if done || (read == 0 && written == 0) {
                return;
            }
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("level", &self.level)
            .field("window_bits", &self.window_bits)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Encoder;

    fn message(encoder: &mut Encoder, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encoder.encode(payload, true, &mut out);
        out
    }

    #[test]
    fn hello_is_the_example_of_the_rfc() {
        // RFC 7692 §7.2.3.1 and §7.2.3.2.
        let mut encoder = Encoder::new(6, 15);
        assert_eq!(
            message(&mut encoder, b"Hello"),
            [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]
        );
        assert_eq!(
            message(&mut encoder, b"Hello"),
            [0xf2, 0x00, 0x11, 0x00, 0x00]
        );
    }

    #[test]
    fn empty_messages_are_one_zero_byte_however_many_in_a_row() {
        let mut encoder = Encoder::new(6, 15);
        for _ in 0..3 {
            assert_eq!(message(&mut encoder, b""), [0x00]);
        }
        message(&mut encoder, b"something");
        for _ in 0..3 {
            assert_eq!(message(&mut encoder, b""), [0x00]);
        }
    }

    #[test]
    fn a_forgotten_window_is_not_referred_to() {
        let mut encoder = Encoder::new(6, 15);
        let first = message(&mut encoder, b"Hello");
        encoder.forget();
        assert_eq!(message(&mut encoder, b"Hello"), first);
        // Half a message leaves nothing behind either.
        encoder.encode(b"never finished", false, &mut Vec::new());
        encoder.forget();
        assert_eq!(message(&mut encoder, b"Hello"), first);
    }

    #[test]
    fn an_empty_last_part_still_ends_the_message() {
        let mut encoder = Encoder::new(6, 15);
        let mut out = Vec::new();
        encoder.encode(b"Hel", false, &mut out);
        encoder.encode(b"", false, &mut out);
        encoder.encode(b"lo", false, &mut out);
        encoder.encode(b"", true, &mut out);
        assert_eq!(out, message(&mut Encoder::new(6, 15), b"Hello"));
    }

    #[test]
    fn a_flush_gives_out_everything_and_the_message_goes_on() {
        let inflated = |parts: &[&[u8]]| {
            let mut message = Vec::new();
            let mut decoder = crate::deflate::Decoder::new(15);
            for (i, part) in parts.iter().enumerate() {
                let last = i + 1 == parts.len();
                let done = decoder.decode(part, last, &mut |bytes: &[u8]| {
                    message.extend_from_slice(bytes);
                    Ok::<_, ()>(())
                });
                assert_eq!(done, Ok(()), "part {i}");
            }
            message
        };
        for rest in [&b""[..], b" and more"] {
            let mut encoder = Encoder::new(6, 15);
            let (mut first, mut second) = (Vec::new(), Vec::new());
            encoder.encode(b"Hello", false, &mut first);
            encoder.flush(&mut first);
            let len = first.len();
            encoder.flush(&mut first);
            assert_eq!(first.len(), len, "nothing is held back any more");
            encoder.encode(rest, true, &mut second);
            assert_eq!(inflated(&[&first, &second]), [b"Hello", rest].concat());
            let mut next = Vec::new();
            encoder.flush(&mut next);
            assert!(next.is_empty());
            encoder.encode(b"Hello", true, &mut next);
            assert!(next.len() < 7, "it still has its window: {next:02x?}");
        }
    }

    #[test]
    fn what_cannot_be_compressed_grows_by_an_eighth_at_most() {
        let mut state = 1u64;
        let noise: Vec<u8> = (0..300_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                // The bytes that fixed codes spend nine bits on.
                (state >> 33) as u8 | 0x90
            })
            .collect();
        for level in 0..=9 {
            for bits in 8..=15 {
                for len in [1, 20, 1000, 16_384, 300_000] {
                    let out = message(&mut Encoder::new(level, bits), &noise[..len]);
                    assert!(
                        out.len() <= len + len / 8 + 32,
                        "level {level}, {bits} bits: {len} became {}",
                        out.len()
                    );
                }
            }
        }
    }
}
