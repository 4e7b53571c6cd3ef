//! Encoders and decoders at rest, for connections that need one only while a message passes.

use super::{Decoder, Encoder, window_bits};

/// Lends encoders and decoders to connections without context takeover.
///
/// A plain value: each thread or runtime owns its own, so nothing is locked or shared. What comes
/// back is emptied before it is lent again, so no connection sees another's bytes. At rest it
/// keeps at most a fixed number of each kind (default 4 encoders, 8 decoders: about 2 MiB when
/// full of the largest window) and drops the longest idle beyond that; how many are out at once
/// is not limited.
#[derive(Debug)]
pub struct Pool {
    encoders: Vec<Encoder>,
    decoders: Vec<Decoder>,
    keep_encoders: usize,
    keep_decoders: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self::keeping(4, 8)
    }
}

impl Pool {
    /// A pool with the default bounds. Allocates nothing until something comes back.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A pool that keeps at most so many encoders and decoders at rest. With 0 each message pays
    /// for making and dropping its own.
    #[must_use]
    pub fn keeping(encoders: usize, decoders: usize) -> Self {
        Self {
            encoders: Vec::new(),
            decoders: Vec::new(),
            keep_encoders: encoders,
            keep_decoders: decoders,
        }
    }

    /// An encoder with an empty window, for this level (0..=9) and these window bits (8..=15).
    pub fn encoder(&mut self, level: u8, bits: u8) -> Encoder {
        let (level, bits) = (level.min(9), window_bits(bits));
        let fits = |e: &Encoder| e.level() == level && e.window_bits() == bits;
        match self.encoders.iter().rposition(fits) {
            Some(at) => self.encoders.remove(at),
            None => Encoder::new(level, bits),
        }
    }

    /// Takes an encoder back, in whatever state.
    pub fn put_encoder(&mut self, mut encoder: Encoder) {
        encoder.forget();
        put(&mut self.encoders, encoder, self.keep_encoders);
    }

    /// A decoder with an empty window, for these window bits (8..=15).
    pub fn decoder(&mut self, bits: u8) -> Decoder {
        let bits = window_bits(bits);
        match self.decoders.iter().rposition(|d| d.window_bits() == bits) {
            Some(at) => self.decoders.remove(at),
            None => Decoder::new(bits),
        }
    }

    /// Takes a decoder back, in whatever state.
    pub fn put_decoder(&mut self, mut decoder: Decoder) {
        decoder.reset();
        put(&mut self.decoders, decoder, self.keep_decoders);
    }
}

/// Lays the newest on top and drops from the bottom.
fn put<T>(shelf: &mut Vec<T>, item: T, keep: usize) {
    if keep == 0 {
        return;
    }
    if shelf.len() >= keep {
        shelf.remove(0);
    }
    shelf.push(item);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Pool;
    use std::convert::Infallible;

    #[test]
    fn keeps_no_more_than_it_was_told() {
        let mut pool = Pool::keeping(2, 3);
        let encoders: Vec<_> = (0..5).map(|_| pool.encoder(1, 15)).collect();
        let decoders: Vec<_> = (0..5).map(|_| pool.decoder(15)).collect();
        encoders.into_iter().for_each(|e| pool.put_encoder(e));
        decoders.into_iter().for_each(|d| pool.put_decoder(d));
        assert_eq!((pool.encoders.len(), pool.decoders.len()), (2, 3));
        let mut none = Pool::keeping(0, 0);
        let encoder = none.encoder(1, 15);
        none.put_encoder(encoder);
        assert!(none.encoders.is_empty());
    }

    #[test]
    fn lends_only_what_fits_and_prefers_what_it_has() {
        let mut pool = Pool::new();
        for (level, bits) in [(1, 15), (6, 15), (6, 9)] {
            let encoder = pool.encoder(level, bits);
            pool.put_encoder(encoder);
        }
        assert_eq!(pool.encoders.len(), 3);
        let encoder = pool.encoder(6, 15);
        assert_eq!((encoder.level(), encoder.window_bits()), (6, 15));
        assert_eq!(pool.encoders.len(), 2);
        assert_eq!(pool.encoder(2, 12).window_bits(), 12);
        let decoder = pool.decoder(10);
        pool.put_decoder(decoder);
        assert_eq!(pool.decoder(15).window_bits(), 15);
        assert_eq!(pool.decoders.len(), 1);
        assert_eq!(pool.decoder(10).window_bits(), 10);
        assert!(pool.decoders.is_empty());
    }

    #[test]
    fn nothing_of_one_connection_reaches_the_next() {
        let mut pool = Pool::new();
        let mut encoder = pool.encoder(6, 15);
        let mut secret = Vec::new();
        encoder.encode(b"the secret of one connection", true, &mut secret);
        let mut refers = Vec::new();
        encoder.encode(b"the secret of one connection", true, &mut refers);
        encoder.encode(b"half a mess", false, &mut Vec::new());
        pool.put_encoder(encoder);
        let mut again = Vec::new();
        pool.encoder(6, 15)
            .encode(b"the secret of one connection", true, &mut again);
        assert_eq!(again, secret);

        let mut decoder = pool.decoder(15);
        let mut sink = |_: &[u8]| Ok::<_, Infallible>(());
        decoder.decode(&secret, true, &mut sink).unwrap();
        pool.put_decoder(decoder);
        let mut stolen = Vec::new();
        let taken = pool.decoder(15).decode(&refers, true, &mut |b: &[u8]| {
            stolen.extend_from_slice(b);
            Ok::<_, Infallible>(())
        });
        assert!(taken.is_err() && !stolen.starts_with(b"the secret"));
    }
}
