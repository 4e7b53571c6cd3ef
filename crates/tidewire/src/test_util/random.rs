//! Random numbers that are the same in every run (splitmix64).

#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence that belongs to `seed`, and of all those to `part`.
    pub(super) fn new(seed: u64, part: u64) -> Self {
        let mut random = Self(seed);
        for _ in 0..=part {
            random = Self(random.next());
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `most`.
    pub(super) fn up_to(&mut self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(bound) => self.next() % bound,
            None => self.next(),
        }
    }

    /// Heads or tails.
    pub(super) fn coin(&mut self) -> bool {
        self.up_to(1) == 0
    }
}
