//! Commands as the reference has them, cursors, and what comes close to either.

use super::Seeds;

fn named(texts: &[(&str, &str)]) -> Seeds {
    texts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

pub(super) fn native() -> Seeds {
    let mut seeds = named(&[
        (
            "subscribe",
            r#"{"op":"subscribe","id":1,"channel":"lobby","since":"gWuY-42","presence":true}"#,
        ),
        (
            "unsubscribe",
            r#"{"op":"unsubscribe","id":"a","channel":"chat:lobby"}"#,
        ),
        (
            "publish-data",
            r#"{"op":"publish","id":2,"channel":"a","data":{"x": 1.0e5},"key":"c1-17","echo":false}"#,
        ),
        (
            "publish-null",
            r#"{"op":"publish","channel":"a","data":null}"#,
        ),
        (
            "publish-text",
            r#"{"op":"publish","channel":"a","text":"\ud83d\ude00","keep":false}"#,
        ),
        (
            "publish-base64",
            r#"{"op":"publish","channel":"a","base64":"AAE="}"#,
        ),
        (
            "publish-two",
            r#"{"op":"publish","channel":"a","base64":"AAE=","text":""}"#,
        ),
        (
            "surrogate-data",
            r#"{"op":"publish","channel":"a","data":["\ud83d"]}"#,
        ),
        (
            "surrogate-text",
            r#"{"op":"publish","channel":"a","text":"\ude00"}"#,
        ),
        (
            "presence",
            r#"{"op":"presence","channel":"a","after":"s1","limit":50}"#,
        ),
        (
            "history",
            r#"{"op":"history","channel":"a","before":"gWuY-42","limit":50}"#,
        ),
        (
            "history-both",
            r#"{"op":"history","channel":"a","before":"1-1","after":"1-1"}"#,
        ),
        (
            "auth",
            r#"{"op":"auth","client":"ID.SIG","name":" Ann ","binary":true}"#,
        ),
        ("twice", r#"{"op":"ping","id":1,"op":"ping"}"#),
        ("escaped-names", r#"{"\u006fp":"p\u0069ng","i\u0064":7}"#),
        (
            "batch",
            r#"[{"op":"ping","id":1}, 5, [{"op":"ping"}], {"op":"nonsense","id":2}]"#,
        ),
        ("batch-empty", "[]"),
        ("cut", r#"{"op":"publish","channel":"a","data":{"#),
    ]);
    seeds.push((
        "batch-too-long".to_owned(),
        format!("[{}]", ["{\"op\":\"ping\"}"; 129].join(",")).into_bytes(),
    ));
    for depth in [100, 101] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let text = format!(r#"{{"op":"publish","channel":"a","data":{open}{close}}}"#);
        seeds.push((format!("depth-{depth}"), text.into_bytes()));
    }
    seeds
}

pub(super) fn cursor() -> Seeds {
    let mut seeds = named(&[
        ("position", "gWuY-42"),
        ("beginning", "0-0"),
        ("largest", "LygHa16AHYF-18446744073709551615"),
        ("too-large-term", "LygHa16AHYG-0"),
        ("too-large-offset", "0-18446744073709551616"),
        ("leading-zero", "gWuY-042"),
        ("plus", "gWuY-+42"),
        (
            "several",
            "F1ujKxQ7kLr.10-2~F1ujeJaQUHO.10-1~F1ujxfkjECv.10-0",
        ),
        ("one-part", "F1ujKxQ7kLr.10-2"),
        ("same-hash", "a.10-2~a.10-3"),
        ("empty-part", "a.10-2~"),
        ("two-bare", "10-2~10-3"),
        ("empty", ""),
    ]);
    for count in [32, 33] {
        let parts: Vec<_> = (1..=count).map(|n| format!("{n}.10-1")).collect();
        seeds.push((format!("parts-{count}"), parts.join("~").into_bytes()));
    }
    seeds
}
