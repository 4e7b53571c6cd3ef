//! What clients are told about what is no command, and what is bounded.

#![allow(clippy::unwrap_used)]

use tidewire_hub_proto::native::{BadRequest, Decoded, decode};
use tidewire_hub_proto::{Command, ErrorCode, Request};

fn one(text: &str) -> Result<Request, BadRequest> {
    match decode(text) {
        Decoded::One(one) => one,
        Decoded::Batch(batch) => panic!("{text} is a batch: {batch:?}"),
    }
}

/// What is said of each thing that is no command.
const BAD: &[(&str, ErrorCode, &str)] = &[
    ("", ErrorCode::BadRequest, "a command is a JSON object"),
    ("hello", ErrorCode::BadRequest, "a command is a JSON object"),
    ("7", ErrorCode::BadRequest, "a command is a JSON object"),
    (
        "\u{feff}{}",
        ErrorCode::BadRequest,
        "a command is a JSON object",
    ),
    ("{", ErrorCode::BadRequest, "this is not JSON: EOF"),
    (
        r#"{"op":"ping"}{"op":"ping"}"#,
        ErrorCode::BadRequest,
        "an array of such",
    ),
    (
        r#"{"op":"ping",}"#,
        ErrorCode::BadRequest,
        "this is not JSON: trailing comma",
    ),
    (
        "{\"op\":\"pi\0ng\"}",
        ErrorCode::BadRequest,
        "control character",
    ),
    (
        "{\"op\":\"publish\",\"channel\":\"a\",\"data\":\"\0\"}",
        ErrorCode::BadRequest,
        "control character",
    ),
    (
        r#"{"op":"publish","channel":"a","data":NaN}"#,
        ErrorCode::BadRequest,
        "this is not JSON",
    ),
    (
        r#"{"op":"publish","channel":"a","data":01}"#,
        ErrorCode::BadRequest,
        "this is not JSON",
    ),
    ("[", ErrorCode::BadRequest, "this is not JSON: EOF"),
    ("[]", ErrorCode::BadRequest, "a batch has 1 to 128 commands"),
    (
        "{}",
        ErrorCode::BadRequest,
        "`op` is missing: one of subscribe, unsubscribe, publish, presence, history, auth, ping",
    ),
    (r#"{"op":null}"#, ErrorCode::BadRequest, "`op` is missing"),
    (
        r#"{"op":1}"#,
        ErrorCode::BadRequest,
        "`op` is a string, not a number",
    ),
    (
        r#"{"op":"join"}"#,
        ErrorCode::BadRequest,
        "there is no op \"join\": it is one of subscribe, unsubscribe",
    ),
    (
        r#"{"op":"Ping"}"#,
        ErrorCode::BadRequest,
        "there is no op \"Ping\"",
    ),
    (
        r#"{"op":"ping","op":"ping"}"#,
        ErrorCode::BadRequest,
        "`op` is there twice",
    ),
    (
        r#"{"op":"publish","channel":"a","text":"x","data":1,"data":2}"#,
        ErrorCode::BadRequest,
        "`data` is there twice",
    ),
    (
        r#"{"op":"subscribe"}"#,
        ErrorCode::BadRequest,
        "`subscribe` needs `channel`",
    ),
    (
        r#"{"op":"subscribe","channel":5}"#,
        ErrorCode::BadRequest,
        "`channel` is a string, not a number",
    ),
    (
        r#"{"op":"subscribe","channel":["a"]}"#,
        ErrorCode::BadRequest,
        "`channel` is a string, not an array",
    ),
    (
        r#"{"op":"subscribe","channel":""}"#,
        ErrorCode::BadChannel,
        "1 to 200 bytes",
    ),
    (
        r#"{"op":"subscribe","channel":"Chat:a"}"#,
        ErrorCode::BadChannel,
        "a-z, 0-9, _ and -",
    ),
    (
        r#"{"op":"subscribe","channel":"a\u0000"}"#,
        ErrorCode::BadChannel,
        "no control or invisible",
    ),
    (
        r#"{"op":"subscribe","channel":"a\u200b"}"#,
        ErrorCode::BadChannel,
        "no control or invisible",
    ),
    (
        r#"{"op":"subscribe","channel":"a "}"#,
        ErrorCode::BadChannel,
        "no space at its ends",
    ),
    (
        r#"{"op":"subscribe","channel":"\udc00"}"#,
        ErrorCode::BadRequest,
        "`channel` has one half of a surrogate pair",
    ),
    (
        r#"{"op":"subscribe","channel":"a","since":"42"}"#,
        ErrorCode::BadPosition,
        "`since`: a position is a `pos` as the hub gave it",
    ),
    (
        r#"{"op":"subscribe","channel":"a","since":42}"#,
        ErrorCode::BadRequest,
        "`since` is a string, not a number",
    ),
    (
        r#"{"op":"subscribe","channel":"a","history":1001}"#,
        ErrorCode::BadRequest,
        "`history` is a whole number from 0 to 1000",
    ),
    (
        r#"{"op":"subscribe","channel":"a","history":1.5}"#,
        ErrorCode::BadRequest,
        "`history` is a whole number",
    ),
    (
        r#"{"op":"subscribe","channel":"a","history":-1}"#,
        ErrorCode::BadRequest,
        "`history` is a whole number",
    ),
    (
        r#"{"op":"subscribe","channel":"a","presence":"yes"}"#,
        ErrorCode::BadRequest,
        "`presence` is true or false, not a string",
    ),
    (
        r#"{"op":"publish","channel":"a"}"#,
        ErrorCode::BadRequest,
        "exactly one of `data`",
    ),
    (
        r#"{"op":"publish","channel":"a","data":1,"text":"x"}"#,
        ErrorCode::BadRequest,
        "exactly one of `data`",
    ),
    (
        r#"{"op":"publish","channel":"a","base64":"","text":""}"#,
        ErrorCode::BadRequest,
        "exactly one of `data`",
    ),
    (
        r#"{"op":"publish","channel":"a","text":{}}"#,
        ErrorCode::BadRequest,
        "`text` is a string, not an object",
    ),
    (
        r#"{"op":"publish","channel":"a","text":"\ud800"}"#,
        ErrorCode::BadRequest,
        "`text` has one half of a surrogate pair",
    ),
    (
        r#"{"op":"publish","channel":"a","data":["\ud800\u0041"]}"#,
        ErrorCode::BadRequest,
        "`data` has one half of a surrogate pair",
    ),
    (
        r#"{"op":"publish","channel":"a","data":{"\udfff":1}}"#,
        ErrorCode::BadRequest,
        "`data` has one half of a surrogate pair",
    ),
    (
        r#"{"op":"publish","channel":"a","base64":"_-"}"#,
        ErrorCode::BadRequest,
        "`base64` has the letters A-Z, a-z, 0-9, + and /",
    ),
    (
        r#"{"op":"publish","channel":"a","base64":"A"}"#,
        ErrorCode::BadRequest,
        "`base64` has the letters",
    ),
    (
        r#"{"op":"publish","channel":"a","text":"x","key":""}"#,
        ErrorCode::BadRequest,
        "`key` has 1 to 128 bytes",
    ),
    (
        r#"{"op":"publish","channel":"a","text":"x","key":9}"#,
        ErrorCode::BadRequest,
        "`key` is a string, not a number",
    ),
    (
        r#"{"op":"publish","channel":"a","text":"x","key":"k","keep":false}"#,
        ErrorCode::BadRequest,
        "leave out `key`",
    ),
    (
        r#"{"op":"publish","channel":"a","text":"x","keep":0}"#,
        ErrorCode::BadRequest,
        "`keep` is true or false, not a number",
    ),
    (
        r#"{"op":"presence","channel":"a","limit":0}"#,
        ErrorCode::BadRequest,
        "`limit` is a whole number from 1 to 1000",
    ),
    (
        r#"{"op":"presence","channel":"a","limit":"5"}"#,
        ErrorCode::BadRequest,
        "`limit` is a whole number",
    ),
    (
        r#"{"op":"presence","channel":"a","after":""}"#,
        ErrorCode::BadRequest,
        "`after` has 1 to 64 bytes",
    ),
    (
        r#"{"op":"history","channel":"a","limit":99999999999999999999}"#,
        ErrorCode::BadRequest,
        "`limit` is a whole number",
    ),
    (
        r#"{"op":"history","channel":"a","before":"1-1","after":"1-1"}"#,
        ErrorCode::BadRequest,
        "`before` or `after`, not both",
    ),
    (
        r#"{"op":"history","channel":"a","before":"1-01"}"#,
        ErrorCode::BadPosition,
        "`before`",
    ),
    (
        r#"{"op":"auth","name":"  "}"#,
        ErrorCode::BadRequest,
        "`name`: a name has 1 to 64 bytes",
    ),
    (
        r#"{"op":"auth","name":"A\u202enn"}"#,
        ErrorCode::BadRequest,
        "`name`: a name has no control or invisible",
    ),
    (
        r#"{"op":"auth","name":"A\nn"}"#,
        ErrorCode::BadRequest,
        "`name`: a name has no control or invisible",
    ),
    (
        r#"{"op":"auth","binary":1}"#,
        ErrorCode::BadRequest,
        "`binary` is true or false, not a number",
    ),
];

#[test]
fn what_is_no_command_is_told_what_is_wrong() {
    for (text, code, message) in BAD {
        let error = one(text).unwrap_err();
        assert_eq!(error.code, *code, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert_eq!(error.id, None, "{text}");
    }
}

#[test]
fn an_error_carries_the_id_of_its_command() {
    let error = one(r#"{"op":"nonsense","id":"q7"}"#).unwrap_err();
    assert_eq!(error.id.unwrap().as_json(), "\"q7\"");
    let error = one(r#"{"channel":"a","channel":"b","id":3,"op":"subscribe"}"#).unwrap_err();
    assert_eq!(error.id.unwrap().as_json(), "3");
}

#[test]
fn an_id_that_could_not_be_echoed_is_refused() {
    let long = format!("\"{}\"", "x".repeat(63));
    let digits = "1".repeat(65);
    for id in ["[]", "{}", "true", "\"\\ud800\"", &long, &digits] {
        let error = one(&format!(r#"{{"op":"ping","id":{id}}}"#)).unwrap_err();
        assert_eq!(
            &*error.message,
            "`id` is one number or string of at most 64 bytes"
        );
        assert_eq!(error.id, None);
    }
    let error = one(r#"{"op":"ping","id":1,"id":2}"#).unwrap_err();
    assert_eq!((error.id, error.code), (None, ErrorCode::BadRequest));
}

#[test]
fn names_and_keys_have_their_length_in_bytes() {
    let cases = [
        ("auth", "name", 64),
        ("auth", "client", Command::MAX_CLIENT),
        (
            r#"publish","channel":"a","text":"x"#,
            "key",
            Command::MAX_KEY,
        ),
        (r#"presence","channel":"a"#, "after", Command::MAX_SESSION),
        ("unsubscribe", "channel", 200),
    ];
    for (op, field, most) in cases {
        let fits = format!(r#"{{"op":"{op}","{field}":"{}"}}"#, "é".repeat(most / 2));
        assert!(one(&fits).is_ok(), "{fits}");
        let long = format!(r#"{{"op":"{op}","{field}":"{}x"}}"#, "é".repeat(most / 2));
        assert!(one(&long).is_err(), "{long}");
    }
}

#[test]
fn a_batch_has_its_limit() {
    let batch = |n| format!("[{}]", vec![r#"{"op":"ping"}"#; n].join(","));
    let Decoded::Batch(full) = decode(&batch(Command::MAX_BATCH)) else {
        panic!("a full batch is one")
    };
    assert_eq!(full.len(), 128);
    for n in [129, 130, 10_000] {
        let error = one(&batch(n)).unwrap_err();
        assert_eq!(&*error.message, "a batch has 1 to 128 commands");
    }
}

#[test]
fn nesting_is_bounded_in_data_and_harmless_elsewhere() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let publish = |data: &str| {
        one(&format!(
            r#"{{"op":"publish","channel":"a","data":{data}}}"#
        ))
    };
    assert!(publish(&nested(Command::MAX_DEPTH)).is_ok());
    let error = publish(&nested(Command::MAX_DEPTH + 1)).unwrap_err();
    assert!(
        error
            .message
            .contains("`data` has arrays or objects nested more than 100 deep")
    );
    // Not what is written in a string.
    assert!(publish(&format!("{:?}", "[{".repeat(1000) + "\"")).is_ok());

    let deep = nested(200_000);
    assert!(publish(&deep).is_err());
    assert!(one(&format!(r#"{{"op":"ping","more":{deep}}}"#)).is_ok());
    assert!(one(&format!(r#"{{"op":"ping","id":{deep}}}"#)).is_err());
    for hostile in [
        deep.as_str(),
        &"[".repeat(200_000),
        &"{\"a\":".repeat(200_000),
    ] {
        assert!(
            decode(hostile)
                .into_requests()
                .all(|request| request.is_err())
        );
    }
}
