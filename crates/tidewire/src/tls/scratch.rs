//! The buffers of TLS, one set per thread: why an idle connection owns none of them.

use std::cell::RefCell;

/// The largest record: header, 16 KiB, and what encryption may add (RFC 5246 §6.2.3).
pub(super) const RECORD: usize = 5 + 16 * 1024 + 2048;

/// Ciphertext read from the stream below at a time, at most.
pub(super) const READ: usize = 64 * 1024;

/// Bytes of incomplete records that a connection may keep: rustls takes handshake messages up to
/// 64 KiB, in however small records. What is longer is a fault of the peer.
pub(super) const HELD: usize = 64 * 1024 + RECORD;

/// How many sets a thread keeps: TLS in TLS uses two at a time.
const SETS: usize = 2;

pub(super) struct Scratch {
    /// Ciphertext that came, decrypted in place.
    pub(super) input: Box<[u8]>,
    /// Records to be sent.
    pub(super) out: Outgoing,
    /// Plaintext of several slices that goes into one record.
    pub(super) gather: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Vec<Scratch>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` with a set of the thread's, which is nobody else's meanwhile.
pub(super) fn with<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    // A thread that ends drops connections when its buffers are gone already.
    let kept = SCRATCH.try_with(|kept| kept.borrow_mut().pop());
    let mut scratch = kept.ok().flatten().unwrap_or_else(|| Scratch {
        input: vec![0; READ + HELD].into_boxed_slice(),
        out: Outgoing::default(),
        gather: Vec::new(),
    });
    scratch.out.clear();
    let result = f(&mut scratch);
    let _ = SCRATCH.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.len() < SETS {
            kept.push(scratch);
        }
    });
    result
}

/// Bytes to be sent: a buffer that need not be zeroed again for each record.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    len: usize,
}

impl Outgoing {
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Room for `count` bytes more; [`wrote`](Self::wrote) says how many were used.
    pub(super) fn room(&mut self, count: usize) -> &mut [u8] {
        let end = self.len + count;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.len..]
    }

    pub(super) fn wrote(&mut self, count: usize) {
        self.len += count;
    }
}
