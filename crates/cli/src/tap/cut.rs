//! The bytes of one direction, cut at the frames, so that messages can be held back, lost or fragmented.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tidewire::wire::{Frame, Frames};

use super::faults::{Dice, Fate};

/// A longer message is not sent twice.
const LONGEST: usize = 64 << 20;

/// Bytes to pass on after a while.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) delay: Duration,
    pub(super) bytes: Vec<u8>,
}

/// A message that went by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) fate: Fate,
    pub(super) compressed: bool,
    pub(super) frames: u32,
    /// Bytes of all payloads, as they were on the wire.
    pub(super) size: u64,
}

/// The frame that is under way.
#[derive(Debug, Clone, Copy)]
struct Under {
    control: bool,
    fin: bool,
    left: u64,
    /// How it is cut, if it is too long.
    cut: Option<Cut>,
}

/// A frame that becomes several.
#[derive(Debug, Clone, Copy)]
struct Cut {
    frame: Frame,
    /// Bytes of the payload that are in fragments already begun.
    begun: u64,
    /// Bytes that are missing in the fragment under way.
    missing: u64,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Cutter {
    dice: Dice,
    head: Vec<u8>,
    under: Option<Under>,
    /// The message under way, of which a frame has begun.
    message: Option<Passed>,
    /// What is sent once more at the end of the message.
    copy: Vec<u8>,
    passed: VecDeque<Passed>,
    /// How many messages may still pass, if they are counted; the other direction may count too.
    budget: Option<Rc<Cell<u64>>>,
}

impl Cutter {
    pub(super) fn new(dice: Dice, budget: Option<Rc<Cell<u64>>>) -> Cutter {
        Cutter {
            dice,
            head: Vec::new(),
            under: None,
            message: None,
            copy: Vec::new(),
            passed: VecDeque::new(),
            budget,
        }
    }

    /// Takes bytes that came; what is to be passed on is appended to `out`. How many were taken: all,
    /// unless no more messages may pass.
    pub(super) fn take(&mut self, all: &[u8], out: &mut Vec<Packet>) -> usize {
        let mut bytes = all;
        while !bytes.is_empty() && !self.is_spent() {
            if let Some(under) = self.under {
                let part = usize::try_from(under.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let (payload, rest) = bytes.split_at(part);
                bytes = rest;
                self.payload(under, payload, out);
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some(frame) = Frames::new().next(&mut &self.head[..]) {
                self.head.clear();
                self.frame(frame, out);
            }
        }
        all.len() - bytes.len()
    }

    /// Whether no more messages may pass.
    pub(super) fn is_spent(&self) -> bool {
        self.budget.as_ref().is_some_and(|budget| budget.get() == 0)
    }

    /// What is held back because it might become the header of a frame, for when it will not.
    pub(super) fn rest(&mut self, out: &mut Vec<Packet>) {
        let head = std::mem::take(&mut self.head);
        if !head.is_empty() {
            push(out, Duration::ZERO, &head);
        }
    }

    /// The next message that went by whole.
    pub(super) fn passed(&mut self) -> Option<Passed> {
        self.passed.pop_front()
    }

    fn frame(&mut self, frame: Frame, out: &mut Vec<Packet>) {
        let control = frame.opcode() >= 8;
        if !control {
            let message = self.message.get_or_insert_with(|| Passed {
                fate: self.dice.message(),
                compressed: frame.rsv1(),
                ..Passed::default()
            });
            message.frames = message.frames.saturating_add(1);
            message.size = message.size.saturating_add(frame.len());
        }
        let most = self.dice.fragment().map(|most| most as u64);
        let cut = most.filter(|most| !control && frame.len() > *most).map(|_| Cut {
            frame,
            begun: 0,
            missing: 0,
        });
        let under = Under {
            control,
            fin: frame.fin(),
            left: frame.len(),
            cut,
        };
        if cut.is_none() {
            self.emit(control, frame.head(), out);
        }
        self.under = Some(under);
        if under.left == 0 {
            self.end_frame(under, out);
        }
    }

    fn payload(&mut self, mut under: Under, mut bytes: &[u8], out: &mut Vec<Packet>) {
        under.left -= bytes.len() as u64;
        while let (Some(cut), false) = (&mut under.cut, bytes.is_empty()) {
            if cut.missing == 0 {
                let most = self.dice.fragment().unwrap_or(usize::MAX) as u64;
                let head = cut.begin(most);
                self.emit(false, &head, out);
            }
            let part = usize::try_from(cut.missing).map_or(bytes.len(), |n| n.min(bytes.len()));
            cut.missing -= part as u64;
            self.emit(false, &bytes[..part], out);
            bytes = &bytes[part..];
        }
        if !bytes.is_empty() {
            self.emit(under.control, bytes, out);
        }
        self.under = Some(under);
        if under.left == 0 {
            self.end_frame(under, out);
        }
    }

    fn end_frame(&mut self, under: Under, out: &mut Vec<Packet>) {
        self.under = None;
        if under.control || !under.fin {
            return;
        }
        let Some(mut message) = self.message.take() else {
            return;
        };
        let copy = std::mem::take(&mut self.copy);
        message.fate.twice = !copy.is_empty();
        if message.fate.twice {
            push(out, message.fate.delay, &copy);
        }
        self.passed.push_back(message);
        if let Some(budget) = &self.budget {
            budget.set(budget.get().saturating_sub(1));
        }
    }

    fn emit(&mut self, control: bool, bytes: &[u8], out: &mut Vec<Packet>) {
        if control {
            return push(out, self.dice.delay(), bytes);
        }
        let Some(message) = &mut self.message else {
            return;
        };
        if message.fate.lost {
            return;
        }
        if message.fate.twice {
            if self.copy.len() + bytes.len() <= LONGEST {
                self.copy.extend_from_slice(bytes);
            } else {
                message.fate.twice = false;
                self.copy = Vec::new();
            }
        }
        push(out, message.fate.delay, bytes);
    }
}

impl Cut {
    /// The header of the next fragment, of at most `most` bytes.
    fn begin(&mut self, most: u64) -> Vec<u8> {
        let whole = self.frame.len();
        let len = most.min(whole - self.begun);
        let last = self.begun + len == whole;
        let fin = u8::from(self.frame.fin() && last) << 7;
        // Only the first fragment says what the message is (RFC 6455 §5.4).
        let kind = match self.begun {
            0 => self.frame.head()[0] & 0x7F,
            _ => 0,
        };
        let masked = u8::from(self.frame.mask().is_some()) << 7;
        let mut head = vec![fin | kind];
        match len {
            0..=125 => head.push(masked | len as u8),
            126..=0xFFFF => {
                head.push(masked | 126);
                head.extend((len as u16).to_be_bytes());
            }
            _ => {
                head.push(masked | 127);
                head.extend(len.to_be_bytes());
            }
        }
        if let Some(mut key) = self.frame.mask() {
            // The payload stays as it is: the key goes on where the last fragment ended.
            key.rotate_left((self.begun % 4) as usize);
            head.extend(key);
        }
        self.begun += len;
        self.missing = len;
        head
    }
}

/// Bytes for the same time become one packet.
fn push(out: &mut Vec<Packet>, delay: Duration, bytes: &[u8]) {
    match out.last_mut() {
        Some(last) if last.delay == delay => last.bytes.extend_from_slice(bytes),
        _ => out.push(Packet {
            delay,
            bytes: bytes.to_vec(),
        }),
    }
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
