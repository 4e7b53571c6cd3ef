//! The inflating half of permessage-deflate (RFC 7692 §7.2.2): payloads in, messages out.

use std::fmt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{MAX_WINDOW_BITS, TAIL, window_bits};

#[cfg(test)]
mod tests;

/// The smallest output buffer, in bytes: windows below it would make for tiny pieces.
const MIN_BUFFER: usize = 8 * 1024;

/// What restoring the window after final blocks may cost a message: this many bytes copied, and
/// so many more for each byte that it carries. Without a bound, three bytes of input could ask
/// for 32 KiB of copying, over and over.
const FREE_RESTORE: u64 = 512 * 1024;
const RESTORE_PER_BYTE: u64 = 128;

/// Why a message could not be inflated. After any of these the decoder answers `Corrupt` until
/// [`Decoder::reset`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError<E> {
    /// The payload is not DEFLATE. The peer's fault.
    Corrupt,
    /// The message ends inside a block: it was cut, or lacks the empty block that RFC 7692
    /// §7.2.1 step 2 demands. The peer's fault.
    Truncated,
    /// The message consists of so many tiny streams (blocks with BFINAL set) that inflating them
    /// would cost far more than they carry. The peer's fault.
    TooManyFinalBlocks,
    /// The receiver of the inflated bytes stopped, for instance at a size limit.
    Sink(E),
}

impl<E: fmt::Display> fmt::Display for DecodeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt => f.write_str("the peer sent a compressed message that is not DEFLATE"),
            Self::Truncated => {
                f.write_str("the peer sent a compressed message that ends inside a block")
            }
            Self::TooManyFinalBlocks => f.write_str(
                "the peer sent a compressed message with too many final blocks for its size",
            ),
            Self::Sink(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for DecodeError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sink(error) => error.source(),
            _ => None,
        }
    }
}

/// Inflates messages, one after another.
///
/// Memory: 47 KiB plus the window, but at least 55 KiB: 79 KiB at 15 window bits, 55 KiB at 13 and
/// below. It does not grow with what is inflated.
///
/// The window carries over from message to message; without context takeover call
/// [`reset`](Decoder::reset) after every message.
///
/// Matches that reach further back than the agreed window are accepted up to 32 KiB: the
/// inflater holds that much in any case.
pub struct Decoder {
    inflate: Inflate,
    window_bits: u8,
    /// Output is written round and round in here, so that it always holds the last of it: the
    /// window, should a final block make the inflater drop its own.
    ring: Box<[u8]>,
    /// Where the next output goes, below `ring.len()`.
    at: usize,
    /// How many bytes of the ring are history, up to all.
    held: usize,
    /// The last block had BFINAL set: what follows, if anything, is a new stream.
    ended: bool,
    failed: bool,
    /// Bytes of this message, compressed and inflated.
    carried: u64,
    /// Bytes copied to restore the window in this message.
    restored: u64,
}

impl Decoder {
    /// `window_bits` 8..=15 as agreed; the nearest legal value is taken.
    #[must_use]
    pub fn new(bits: u8) -> Self {
        let window_bits = window_bits(bits);
        let ring = (1usize << window_bits).max(MIN_BUFFER);
        Self {
            inflate: Inflate::new(false, MAX_WINDOW_BITS),
            window_bits,
            ring: vec![0; ring].into_boxed_slice(),
            at: 0,
            held: 0,
            ended: false,
            failed: false,
            carried: 0,
            restored: 0,
        }
    }

    /// The window this was made for, 8..=15.
    #[must_use]
    pub fn window_bits(&self) -> u8 {
        self.window_bits
    }

    /// Inflates the next part of a message and hands the bytes to `sink` as they come, in pieces
    /// of at most the output buffer; with `fin` the message ends.
    ///
    /// An error from `sink` stops the work at once: no byte is inflated beyond the piece it
    /// refused, so a limit that it keeps is kept while inflating.
    ///
    /// # Errors
    /// See [`DecodeError`]. Pieces handed out before an error belong to a message that must be
    /// thrown away.
    pub fn decode<E>(
        &mut self,
        input: &[u8],
        fin: bool,
        sink: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), DecodeError<E>> {
        if self.failed {
            return Err(DecodeError::Corrupt);
        }
        self.failed = true; // until this call has succeeded
        self.run(input, sink)?;
        if fin {
            self.end()?;
            self.carried = 0;
            self.restored = 0;
        }
        self.failed = false;
        Ok(())
    }

    /// Drops the window, an error, and whatever of a message is under way.
    pub fn reset(&mut self) {
        self.inflate.reset(false);
        self.at = 0;
        self.held = 0;
        self.ended = false;
        self.failed = false;
        self.carried = 0;
        self.restored = 0;
    }

    fn run<E>(
        &mut self,
        mut input: &[u8],
        sink: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), DecodeError<E>> {
        while !input.is_empty() {
            if self.ended {
                self.restart()?;
            }
            // Until all that this input gives is out, or the stream ends within it.
            loop {
                let room = self.ring.len() - self.at;
                let step = self.step(input, InflateFlush::SyncFlush)?;
                input = &input[step.read..];
                if step.written > 0 {
                    let piece = self.at..self.at + step.written;
                    self.at = piece.end % self.ring.len();
                    self.held = (self.held + step.written).min(self.ring.len());
                    sink(&self.ring[piece]).map_err(DecodeError::Sink)?;
                }
                if step.corrupt {
                    return Err(DecodeError::Corrupt);
                }
                self.carried += (step.read + step.written) as u64;
                if step.ended {
                    self.ended = true;
                    break;
                }
                if step.read == 0 && step.written == 0 {
                    if input.is_empty() {
                        break;
                    }
                    // Room, input, and no progress: no valid stream does that, and no loop here
                    // turns on it.
                    return Err(DecodeError::Corrupt);
                }
                if input.is_empty() && step.written < room {
                    break;
                }
            }
        }
        Ok(())
    }

    /// RFC 7692 §7.2.2 step 1: the message is whole when the tail, appended, completes an empty
    /// stored block, no more and no less.
    fn end<E>(&mut self) -> Result<(), DecodeError<E>> {
        if self.ended {
            // It ended with a final block and not even the empty block's first byte (§7.2.3.4).
            // Nothing is missing from the message: there is nothing the tail could complete.
            return Ok(());
        }
        // One byte too many, and a stop at the first end of a block: only where the tail is what
        // was missing are exactly its four bytes taken, and nothing comes out.
        let [a, b, c, d] = TAIL;
        let step = self
            .step::<E>(&[a, b, c, d, 0xff], InflateFlush::Block)
            .map_err(|_| DecodeError::Truncated)?;
        if step.corrupt || step.read != TAIL.len() || step.written != 0 {
            return Err(DecodeError::Truncated);
        }
        // The header of the empty block, which is the peer's, may have BFINAL set too.
        self.ended = step.ended;
        Ok(())
    }

    /// Begins a new stream after a final block. RFC 7692 §7.2.1 allows that anywhere; the window
    /// lives on, but resetting the inflater empties it.
    fn restart<E>(&mut self) -> Result<(), DecodeError<E>> {
        self.restored += self.held as u64;
        if self.restored > FREE_RESTORE + RESTORE_PER_BYTE * self.carried {
            return Err(DecodeError::TooManyFinalBlocks);
        }
        self.inflate.reset(false);
        self.ended = false;
        let (newer, older) = self.ring.split_at(self.at);
        let older = if self.held == self.ring.len() {
            older
        } else {
            &[]
        };
        for part in [older, newer] {
            if !part.is_empty() && self.inflate.set_dictionary(part).is_err() {
                return Err(DecodeError::Corrupt);
            }
        }
        Ok(())
    }

    /// One call of the inflater, writing at `self.at`.
    fn step<E>(&mut self, input: &[u8], flush: InflateFlush) -> Result<Step, DecodeError<E>> {
        let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
        // What came out before an error is part of the message too: its receiver may have the
        // better reason to refuse it, and the verdict must not depend on how the input was cut.
        let status = self
            .inflate
            .decompress(input, &mut self.ring[self.at..], flush);
        Ok(Step {
            read: (self.inflate.total_in() - in_before) as usize,
            written: (self.inflate.total_out() - out_before) as usize,
            ended: matches!(status, Ok(Status::StreamEnd)),
            corrupt: status.is_err(),
        })
    }
}

struct Step {
    read: usize,
    written: usize,
    ended: bool,
    corrupt: bool,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("window_bits", &self.window_bits)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
