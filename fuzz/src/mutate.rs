//! Seeded, structured mutation: the input of an iteration is a function of target, corpus, seed and
//! iteration, and of nothing else.

use crate::rng::Rng;
use crate::targets::Target;

/// No input grows beyond this many bytes, unless it was larger in the corpus.
const MOST: usize = 8 * 1024;

/// Bytes that mean something somewhere: header edges, close codes, pieces of a handshake.
const WORDS: [&[u8]; 30] = [
    b"\x81\x80\0\0\0\0",
    b"\x88\x82\0\0\0\0\x03\xE8",
    b"\x88\x02\x03\xE8",
    b"\x89\0",
    b"\x8A\0",
    b"\0\x80\0\0\0\0",
    b"\x80\0",
    b"\x82\x7E\0\x7D",
    b"\x82\x7E\0\x7E",
    b"\x82\x7F\0\0\0\0\0\x01\0\0",
    b"\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    b"\xFE\xFF\xFF",
    b"\xC1",
    b"\xED\xA0\x80",
    b"\xF0\x9F\x8C\x8A",
    b"\0\0\xFF\xFF",
    b"\x01\0\0\xFF\xFF",
    b"\x03\0",
    b"\xFF\0\xFF",
    b"\r\n",
    b"\r\n\r\n",
    b": ",
    b",",
    b";",
    b"=\"",
    b"websocket",
    b"permessage-deflate",
    b"; client_max_window_bits=15",
    b"Sec-WebSocket-Protocol: chat\r\n",
    b"\t ",
];

const BYTES: [u8; 20] = [
    0, 1, 2, 8, 9, 10, 13, 15, 16, 32, 63, 125, 126, 127, 128, 129, 136, 137, 254, 255,
];

/// The input of one iteration.
#[must_use]
pub fn input(target: &Target, corpus: &[Vec<u8>], seed: u64, iteration: u64) -> Vec<u8> {
    let name = target.name.bytes().fold(0u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    let rng = &mut Rng::new(seed ^ name ^ iteration.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    let mut input = if corpus.is_empty() || rng.one_in(2) {
        (target.generate)(rng)
    } else {
        corpus[rng.below(corpus.len())].clone()
    };
    if rng.one_in(3) {
        return input;
    }
    if !corpus.is_empty() && rng.one_in(6) {
        let other = &corpus[rng.below(corpus.len())];
        let (keep, from) = (rng.below(input.len() + 1), rng.below(other.len() + 1));
        input.truncate(keep);
        input.extend_from_slice(&other[from..]);
    }
    let most = input.len().max(MOST);
    for _ in 0..1 << rng.below(4) {
        havoc(rng, &mut input);
    }
    input.truncate(most);
    input
}

/// One small change.
fn havoc(rng: &mut Rng, input: &mut Vec<u8>) {
    let at = rng.below(input.len());
    let longest = if rng.one_in(4) { 200 } else { 8 };
    let run = rng.within(1, longest);
    let end = (at + run).min(input.len());
    match rng.below(10) {
        0..=2 if !input.is_empty() => input[at] ^= 1 << rng.below(8),
        3 if !input.is_empty() => input[at] = BYTES[rng.below(BYTES.len())],
        4 if !input.is_empty() => {
            input[at] = input[at].wrapping_add(rng.byte() % 5).wrapping_sub(2)
        }
        5 => drop(input.drain(at..end)),
        6 => {
            let piece = input[at..end].to_vec();
            insert(input, at, &piece);
        }
        7 => {
            let piece = rng.bytes(run.min(16));
            insert(input, at, &piece);
        }
        8 => {
            let word = rng.pick(&WORDS);
            let room = (at + word.len()).min(input.len());
            input.splice(at..room, word.iter().copied());
        }
        _ => insert(input, at, rng.pick(&WORDS)),
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::input;
    use crate::targets::ALL;

    #[test]
    fn seed_and_iteration_bring_an_input_back() {
        let corpus = [vec![1, 2, 3], vec![4; 100]];
        for target in ALL {
            let inputs = |seed| {
                (0..50)
                    .map(|i| input(target, &corpus, seed, i))
                    .collect::<Vec<_>>()
            };
            assert_eq!(inputs(7), inputs(7), "{}", target.name);
            assert_ne!(inputs(7), inputs(8), "{}", target.name);
        }
    }
}
