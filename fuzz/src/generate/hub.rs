//! Commands and cursors of the hub: mostly legal, with one thing wrong now and then.

use crate::rng::Rng;

const VALUES: [&str; 30] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "50",
    "1000",
    "1001",
    "1.0e5",
    "-1",
    "1e999",
    "\"\"",
    "\"a\"",
    "\"chat:lobby\"",
    "\"live:x y\"",
    "\"Chat:x\"",
    "\"dm:a~b\"",
    "\"10-42\"",
    "\"10-042\"",
    "\"gWuY-18446744073709551615\"",
    "\"AAE=\"",
    "\"AAH/\"",
    "\"AB\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\u0000\\n\\\"\"",
    "[]",
    "{\"a\":[1,{\"b\":null}]}",
    "[[\"]\"]]",
];

const NAMES: [&str; 20] = [
    "op", "id", "channel", "since", "history", "presence", "data", "text", "base64", "key", "keep",
    "echo", "after", "before", "limit", "client", "name", "binary", "\\u006fp", "later",
];

/// Commands, and a field that goes with each.
const STARTS: [&str; 16] = [
    r#""op":"subscribe","channel":"lobby""#,
    r#""op":"subscribe","channel":"a:b","since":"10-1""#,
    r#""op":"subscribe","channel":"a","history":20,"presence":true"#,
    r#""op":"unsubscribe","channel":"a""#,
    r#""op":"publish","channel":"a","data":{"x": 1.50}"#,
    r#""op":"publish","channel":"a","text":"hi""#,
    r#""op":"publish","channel":"a","base64":"aGk""#,
    r#""op":"publish","channel":"a","text":"","key":"k""#,
    r#""op":"publish","channel":"a","text":"","keep":false"#,
    r#""op":"publish","channel":"a""#,
    r#""op":"presence","channel":"a""#,
    r#""op":"history","channel":"a""#,
    r#""op":"history","channel":"a","before":"10-1""#,
    r#""op":"auth""#,
    r#""op":"auth","name":" Ann ""#,
    r#""op":"ping""#,
];

fn object(rng: &mut Rng) -> String {
    let mut fields = vec![rng.pick(&STARTS).to_owned()];
    for _ in 0..rng.below(4) {
        let at = rng.below(fields.len() + 1);
        let field = format!("\"{}\":{}", rng.pick(&NAMES), rng.pick(&VALUES));
        fields.insert(at, field);
    }
    if rng.one_in(16) {
        let depth = rng.within(90, 140);
        let data = format!("\"data\":{}{}", "[".repeat(depth), "]".repeat(depth));
        fields.push(data);
    }
    format!("{{{}}}", fields.join(","))
}

/// An input of `native`.
#[must_use]
pub fn native(rng: &mut Rng) -> Vec<u8> {
    if !rng.one_in(4) {
        return object(rng).into_bytes();
    }
    let len = if rng.one_in(8) {
        rng.within(120, 135)
    } else {
        rng.below(6)
    };
    let elements: Vec<String> = (0..len)
        .map(|_| match rng.one_in(8) {
            true => rng.pick(&VALUES).to_owned(),
            false => object(rng),
        })
        .collect();
    format!("[{}]", elements.join(" ,\n")).into_bytes()
}

fn number(rng: &mut Rng, digits: &[u8], most: usize) -> String {
    (0..rng.within(1, most))
        .map(|_| char::from(digits[rng.below(digits.len())]))
        .collect()
}

fn position(rng: &mut Rng) -> String {
    let term = number(rng, b"0123456789AZaz", 12);
    let offset = number(rng, b"0123456789", 20);
    format!("{term}-{offset}")
}

/// An input of `cursor`.
#[must_use]
pub fn cursor(rng: &mut Rng) -> Vec<u8> {
    let len = if rng.one_in(6) {
        rng.within(30, 34)
    } else {
        rng.below(4)
    };
    if len == 0 {
        return position(rng).into_bytes();
    }
    let parts: Vec<String> = (0..len)
        .map(|_| format!("{}.{}", number(rng, b"123456789AZaz", 11), position(rng)))
        .collect();
    parts.join("~").into_bytes()
}
