//! The XOR mask of RFC 6455 §5.3, eight bytes a step, in safe code.

/// XORs `data` with the repeated masking `key`, in place. Masking and unmasking are the same.
#[inline]
pub fn mask(key: [u8; 4], data: &mut [u8]) {
    let word = u32::from_ne_bytes(key);
    let wide = u64::from(word) | u64::from(word) << 32;
    let mut chunks = data.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// XORs `data`, which begins `offset` bytes into the masked payload, with `key`.
///
/// This is what lets a payload be unmasked piece by piece, cut anywhere.
#[inline]
pub fn mask_at(key: [u8; 4], offset: u64, data: &mut [u8]) {
    mask(rotate(key, offset), data);
}

/// Appends `data`, XORed with `key`, to `out`.
#[inline]
pub fn mask_copy(key: [u8; 4], data: &[u8], out: &mut Vec<u8>) {
    // Masked block by block, so that each block is still in the nearest cache when it is masked.
    // The block length is a multiple of four, so every block begins at the key's first byte.
    const BLOCK: usize = 8 * 1024;
    out.reserve(data.len());
    for block in data.chunks(BLOCK) {
        let start = out.len();
        out.extend_from_slice(block);
        mask(key, &mut out[start..]);
    }
}

/// The key as seen from `offset` bytes into the payload.
#[inline]
fn rotate(key: [u8; 4], offset: u64) -> [u8; 4] {
    let shift = (offset % 4) as usize;
    [
        key[shift],
        key[(shift + 1) % 4],
        key[(shift + 2) % 4],
        key[(shift + 3) % 4],
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// RFC 6455 §5.3, word for word: octet i XOR octet (i mod 4) of the key.
    fn by_the_letter(key: [u8; 4], offset: u64, data: &[u8]) -> Vec<u8> {
        data.iter()
            .enumerate()
            .map(|(i, b)| b ^ key[((offset + i as u64) % 4) as usize])
            .collect()
    }

    #[test]
    fn masks_the_hello_of_rfc_6455_5_7() {
        let mut data = *b"Hello";
        mask([0x37, 0xfa, 0x21, 0x3d], &mut data);
        assert_eq!(data, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    proptest! {
        #[test]
        fn masks_as_the_rfc_says(key: [u8; 4], offset in 0..9u64, data: Vec<u8>) {
            let mut seen = data.clone();
            mask_at(key, offset, &mut seen);
            prop_assert_eq!(&seen, &by_the_letter(key, offset, &data));
        }

        #[test]
        fn copies_and_masks_alike(key: [u8; 4], len in 0..40_000usize, seed: u8) {
            let data: Vec<u8> = (0..len).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
            let mut out = b"before".to_vec();
            mask_copy(key, &data, &mut out);
            prop_assert_eq!(&out[..6], b"before");
            prop_assert_eq!(&out[6..], &by_the_letter(key, 0, &data)[..]);
        }

        #[test]
        fn pieces_mask_like_the_whole(key: [u8; 4], data: Vec<u8>, cut: prop::sample::Index) {
            let cut = cut.index(data.len() + 1);
            let mut whole = data.clone();
            mask(key, &mut whole);
            let mut pieces = data;
            let (head, tail) = pieces.split_at_mut(cut);
            mask_at(key, 0, head);
            mask_at(key, cut as u64, tail);
            prop_assert_eq!(pieces, whole);
        }
    }
}
