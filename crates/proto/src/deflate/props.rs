//! Properties of the encoder and decoder together: any cut of the input, any window, any bytes.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;

use proptest::prelude::*;

use super::{DecodeError, Decoder, Encoder};

/// Payloads from empty to a few windows of 2^11, from noise to endless repetition.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        (
            prop::collection::vec(word, 1..6),
            prop::collection::vec(any::<u8>(), 0..400)
        )
            .prop_map(|(words, picks)| {
                picks
                    .iter()
                    .flat_map(|&p| words[p as usize % words.len()].iter().copied())
                    .collect()
            }),
        (any::<u8>(), 0usize..70_000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

/// Cuts `data` at the sizes in `cuts`, over and over; the last piece is marked.
fn pieces<'a>(data: &'a [u8], cuts: &[usize]) -> Vec<(&'a [u8], bool)> {
    let mut rest = data;
    let mut sizes = cuts.iter().cycle();
    let mut found = Vec::new();
    loop {
        let size = sizes.next().map_or(rest.len(), |s| (*s).min(rest.len()));
        let (piece, after) = rest.split_at(size);
        rest = after;
        // Sometimes the last bytes come with the end, sometimes before it.
        let last = rest.is_empty() && (piece.is_empty() || size % 2 == 0);
        found.push((piece, last));
        if last {
            return found;
        }
        if rest.is_empty() {
            found.push((rest, true));
            return found;
        }
    }
}

fn encode(encoder: &mut Encoder, payload: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    for (piece, last) in pieces(payload, cuts) {
        encoder.encode(piece, last, &mut out);
    }
    out
}

fn decode(
    decoder: &mut Decoder,
    payload: &[u8],
    cuts: &[usize],
) -> Result<Vec<u8>, (Vec<u8>, DecodeError<Infallible>)> {
    let mut out = Vec::new();
    for (piece, last) in pieces(payload, cuts) {
        let ran = decoder.decode(piece, last, &mut |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            Ok(())
        });
        if let Err(error) = ran {
            return Err((out, error));
        }
    }
    Ok(out)
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    // A zero first and a large one last keep empty pieces in and endless drips out.
    (prop::collection::vec(0usize..50, 0..5), 1usize..5_000).prop_map(|(mut cuts, last)| {
        cuts.push(last);
        cuts
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        max_shrink_time: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_encoded_comes_back(
        messages in prop::collection::vec((payload(), cuts(), cuts()), 1..5),
        level in 0u8..=9,
        bits in 8u8..=15,
        takeover in any::<bool>(),
        forgets in any::<u8>(),
    ) {
        let mut encoder = Encoder::new(level, bits);
        let mut decoder = Decoder::new(bits);
        for (n, (message, out_cuts, in_cuts)) in messages.iter().enumerate() {
            let compressed = encode(&mut encoder, message, out_cuts);
            let back = decode(&mut decoder, &compressed, in_cuts);
            prop_assert_eq!(back.as_ref(), Ok(message));
            if !takeover {
                encoder.forget();
                decoder.reset();
            } else if forgets >> n & 1 == 1 {
                // The encoder alone may forget.
                encoder.forget();
            }
        }
    }

    #[test]
    fn cutting_the_input_changes_nothing(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        message in payload(),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        is_noise in any::<bool>(),
        (left, right) in (cuts(), cuts()),
    ) {
        let mut input = if is_noise { noise } else { encode(&mut Encoder::new(6, 15), &message, &[]) };
        if let (Some((at, byte)), false) = (damage, input.is_empty()) {
            let at = at.index(input.len());
            input[at] = byte;
        }
        let left = decode(&mut Decoder::new(15), &input, &left);
        let right = decode(&mut Decoder::new(15), &input, &right);
        match (left, right) {
            (Ok(left), Ok(right)) => prop_assert_eq!(left, right),
            (Err((_, left)), Err((_, right))) => prop_assert_eq!(left, right),
            (left, right) => prop_assert!(false, "{left:?} and {right:?}"),
        }
    }

    #[test]
    fn arbitrary_bytes_end_in_a_result(
        messages in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..400), any::<bool>()), 1..6),
        bits in any::<u8>(),
    ) {
        let mut decoder = Decoder::new(bits);
        for (message, last) in messages {
            let mut total = 0;
            let ran = decoder.decode(&message, last, &mut |bytes: &[u8]| {
                total += bytes.len();
                if total > 1 << 20 { Err(()) } else { Ok(()) }
            });
            if ran.is_err() {
                decoder.reset();
            }
        }
    }
}
