//! [`Spare`]: the reserved, unfilled end of a buffer, to read into without growing it.

use bytes::{BufMut, BytesMut, buf::UninitSlice};

/// The reserved but unfilled end of a buffer: a [`BufMut`] that never allocates.
///
/// Writing into a [`BytesMut`] itself grows it without bound; this one has room for what its owner
/// reserved and allowed, and no more.
#[derive(Debug)]
pub struct Spare<'a> {
    bytes: &'a mut BytesMut,
    limit: usize,
}

impl<'a> Spare<'a> {
    /// The unfilled end of `bytes`, at most `limit` bytes of it.
    pub fn new(bytes: &'a mut BytesMut, limit: usize) -> Self {
        Self { bytes, limit }
    }
}

// SAFETY: delegates to `BytesMut`, whose own `BufMut` upholds the trait's contract. `chunk_mut` is
// never longer than `remaining_mut`, and only bytes past the current length can be written through
// it, so bytes already in the buffer stay as they are.
unsafe impl BufMut for Spare<'_> {
    #[inline]
    fn remaining_mut(&self) -> usize {
        (self.bytes.capacity() - self.bytes.len()).min(self.limit)
    }

    #[inline]
    unsafe fn advance_mut(&mut self, cnt: usize) {
        assert!(
            cnt <= self.remaining_mut(),
            "more bytes written than there was room for"
        );
        self.limit -= cnt;
        // SAFETY: the caller has written `cnt` bytes, as `BufMut::advance_mut` demands of it, and
        // they lie within the capacity, as the line above checks.
        unsafe { self.bytes.advance_mut(cnt) }
    }

    #[inline]
    fn chunk_mut(&mut self) -> &mut UninitSlice {
        let room = self.remaining_mut();
        UninitSlice::uninit(&mut self.bytes.spare_capacity_mut()[..room])
    }
}
