//! The hub's cursors: which texts are some, as a naive reading judges them, too; and that each is read
//! again as it is written.
//!
//! Input: the text; bytes that are no UTF-8 are replaced.

use std::collections::BTreeMap;
use tidewire_hub_proto::{Channel, Cursor, InvalidCursor, Pos};

const DIGITS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Reads one text.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let pos = position(&text);
    let read = text.parse::<Pos>();
    assert_eq!(read.is_ok(), pos, "{text:?} is {read:?}");
    if let Ok(pos) = read {
        // One way to write each.
        assert_eq!(pos.to_string(), text);
    }

    let several = several(&text);
    match text.parse::<Cursor>() {
        Err(error) => {
            assert!(!pos && several.is_none(), "{text:?} is refused: {error}");
            assert_ne!(error, InvalidCursor::SameHash);
        }
        Ok(cursor) => {
            let written = cursor.to_string();
            assert!(written.len() <= Cursor::MAX_BYTES);
            assert_eq!(written.parse(), Ok(cursor.clone()));
            let channels = ["a", "b"].map(|name| Channel::parse(name).expect("a legal name"));
            let [one, both] = [&channels[..1], &channels].map(|some| cursor.positions(some));
            match several {
                None => {
                    assert!(pos && cursor.len() == 1 && written == text);
                    assert_eq!(one, Ok(vec![read.ok()]));
                    assert_eq!(both, Err(InvalidCursor::OfOne));
                }
                Some(parts) => {
                    assert_eq!(cursor.len(), parts.len());
                    let found: BTreeMap<_, _> = written
                        .split('~')
                        .filter_map(|part| part.split_once('.'))
                        .collect();
                    assert_eq!(found, parts);
                    assert_eq!(both.map(|both| both.len()), Ok(2));
                }
            }
        }
    }
}

/// Whether `value` is the one way to write a number of 64 bits in this base.
fn number(text: &str, base: u128) -> bool {
    let value = text.chars().try_fold(0u128, |value, c| {
        let digit = DIGITS.find(c)? as u128;
        let next = value.checked_mul(base)?.checked_add(digit)?;
        (digit < base && next <= u128::from(u64::MAX)).then_some(next)
    });
    value.is_some() && !text.is_empty() && (text == "0" || !text.starts_with('0'))
}

fn position(text: &str) -> bool {
    text.split_once('-')
        .is_some_and(|(term, offset)| number(term, 62) && number(offset, 10))
}

/// The parts of a cursor of several channels.
fn several(text: &str) -> Option<BTreeMap<&str, &str>> {
    let mut parts = BTreeMap::new();
    for part in text.split('~') {
        let (hash, pos) = part.split_once('.')?;
        if !number(hash, 62) || !position(pos) || parts.insert(hash, pos).is_some() {
            return None;
        }
    }
    (parts.len() <= 32).then_some(parts)
}
