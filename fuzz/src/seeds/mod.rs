//! The hand-made seeds: examples of the RFCs, one input for each violation, vectors of handshakes,
//! commands of the hub.

mod deflate;
mod frames;
mod handshake;
mod hub;

/// Seeds: a file name, and an input.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// The seeds of a target.
#[must_use]
pub fn of(target: &str) -> Seeds {
    match target {
        "frames_server" => frames::stream(true),
        "frames_client" => frames::stream(false),
        "differential" => frames::differential(),
        "handshake_server" => handshake::requests(),
        "handshake_client" => handshake::responses(),
        "deflate" => deflate::seeds(),
        "pair" => frames::pair(),
        "native" => hub::native(),
        "cursor" => hub::cursor(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::targets::ALL;
    use std::collections::BTreeSet;

    #[test]
    fn every_target_has_seeds_with_names_of_their_own() {
        for target in ALL {
            let seeds = super::of(target.name);
            let names: BTreeSet<_> = seeds.iter().map(|(name, _)| name).collect();
            assert!(
                seeds.len() > 10,
                "{} has {} seeds",
                target.name,
                seeds.len()
            );
            assert_eq!(names.len(), seeds.len(), "{}: a name twice", target.name);
        }
    }
}
