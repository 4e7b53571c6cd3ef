//! Every command as clients write it, and several at once.

#![allow(clippy::unwrap_used)]

use tidewire_hub_proto::native::{BadRequest, Decoded, decode};
use tidewire_hub_proto::{
    Channel, Command, CommandId, HistoryPage, Payload, PayloadKind, Pos, Request, Term,
};

fn one(text: &str) -> Result<Request, BadRequest> {
    match decode(text) {
        Decoded::One(one) => one,
        Decoded::Batch(batch) => panic!("{text} is a batch: {batch:?}"),
    }
}

fn channel(name: &str) -> Channel {
    Channel::parse(name).unwrap()
}

fn json(text: &str) -> Payload {
    Payload::restore(PayloadKind::Json, text.to_owned().into()).unwrap()
}

fn publish(payload: Payload) -> Command {
    Command::Publish {
        channel: channel("chat:a"),
        payload,
        key: None,
        keep: true,
        echo: None,
    }
}

#[test]
fn each_command_reads_as_it_is_written() {
    let pos = Pos::new(Term(62), 42);
    let table = [
        (
            r#"{"op":"subscribe","channel":"lobby"}"#,
            Command::Subscribe {
                channel: channel("chat:lobby"),
                since: None,
                history: 0,
                presence: false,
            },
        ),
        (
            r#"{"op":"subscribe","channel":"live:x","since":"10-42","history":1000,"presence":true}"#,
            Command::Subscribe {
                channel: channel("live:x"),
                since: Some(pos),
                history: 1000,
                presence: true,
            },
        ),
        (
            r#"{"op":"unsubscribe","channel":"chat:a"}"#,
            Command::Unsubscribe {
                channel: channel("chat:a"),
            },
        ),
        (
            r#"{"op":"publish","channel":"a","data":{"x": 1.0e5 , "y":[null]}}"#,
            publish(json(r#"{"x": 1.0e5 , "y":[null]}"#)),
        ),
        (
            r#"{"op":"publish","channel":"a","data":null}"#,
            publish(json("null")),
        ),
        (
            r#"{"op":"publish","channel":"a","data": 1.0e5 }"#,
            publish(json("1.0e5")),
        ),
        (
            r#"{"op":"publish","channel":"a","data":123456789012345678901234567890.10}"#,
            publish(json("123456789012345678901234567890.10")),
        ),
        (
            r#"{"op":"publish","channel":"a","data":null,"text":""}"#,
            publish(Payload::text("")),
        ),
        (
            r#"{"op":"publish","channel":"a","text":"\ud83d\ude00\n\u0000"}"#,
            publish(Payload::text("😀\n\0")),
        ),
        (
            r#"{"op":"publish","channel":"a","base64":"AAH/"}"#,
            publish(Payload::binary(vec![0, 1, 255])),
        ),
        (
            r#"{"op":"publish","channel":"a","base64":"AAE="}"#,
            publish(Payload::binary(vec![0, 1])),
        ),
        (
            r#"{"op":"publish","channel":"a","base64":"AAE"}"#,
            publish(Payload::binary(vec![0, 1])),
        ),
        (
            r#"{"op":"publish","channel":"a","text":"x","key":"c1-17","echo":false}"#,
            Command::Publish {
                channel: channel("a"),
                payload: Payload::text("x"),
                key: Some("c1-17".into()),
                keep: true,
                echo: Some(false),
            },
        ),
        (
            r#"{"op":"publish","channel":"a","text":"x","keep":false,"echo":true}"#,
            Command::Publish {
                channel: channel("a"),
                payload: Payload::text("x"),
                key: None,
                keep: false,
                echo: Some(true),
            },
        ),
        (
            r#"{"op":"presence","channel":"a"}"#,
            Command::Presence {
                channel: channel("a"),
                after: None,
                limit: 50,
            },
        ),
        (
            r#"{"op":"presence","channel":"a","after":"s1","limit":1}"#,
            Command::Presence {
                channel: channel("a"),
                after: Some("s1".into()),
                limit: 1,
            },
        ),
        (
            r#"{"op":"history","channel":"a"}"#,
            Command::History {
                channel: channel("a"),
                page: HistoryPage::Newest,
                limit: 50,
            },
        ),
        (
            r#"{"op":"history","channel":"a","before":"10-42","limit":1000}"#,
            Command::History {
                channel: channel("a"),
                page: HistoryPage::Before(pos),
                limit: 1000,
            },
        ),
        (
            r#"{"op":"history","channel":"a","after":"10-42"}"#,
            Command::History {
                channel: channel("a"),
                page: HistoryPage::After(pos),
                limit: 50,
            },
        ),
        (
            r#"{"op":"auth"}"#,
            Command::Auth {
                client: None,
                name: None,
                binary: false,
            },
        ),
        (
            r#"{"op":"auth","client":"ID.SIG","name":"  Ann B. ","binary":true}"#,
            Command::Auth {
                client: Some("ID.SIG".into()),
                name: Some("Ann B.".into()),
                binary: true,
            },
        ),
        (
            " \r\n\t{\"op\":\"ping\",\"of\":\"tomorrow\",\"of\":[{}]} ",
            Command::Ping,
        ),
        (r#"{"\u006fp":"p\u0069ng","id":null}"#, Command::Ping),
    ];
    for (text, command) in table {
        assert_eq!(one(text), Ok(Request { id: None, command }), "{text}");
    }
}

#[test]
fn an_id_is_kept_as_it_was_written() {
    let long = format!("\"{}\"", "x".repeat(62));
    for id in ["1", "-0", "1.50", "1e9", "\"\"", "\"a\\u0062\"", &long] {
        let request = one(&format!(r#"{{"op":"ping","id": {id} }}"#)).unwrap();
        assert_eq!(request.id.unwrap().as_json(), id);
        assert_eq!(CommandId::parse(id).unwrap().as_json(), id);
    }
    assert_eq!(CommandId::from(7).as_json(), "7");
    for none in ["", "x", "null", "true", "[]", "1 2", "\"\\ud800\""] {
        assert_eq!(CommandId::parse(none), None, "{none}");
    }
}

#[test]
fn a_batch_is_judged_command_by_command() {
    let text =
        r#" [{"op":"ping","id":1}, 5, {"op":"pong","id":2}, [{"op":"ping"}], {"op":"ping"}]"#;
    let answers: Vec<_> = decode(text).into_requests().collect();
    let sound: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(sound, [true, false, false, false, true]);
    let id = answers[2].as_ref().unwrap_err().id.as_ref().unwrap();
    assert_eq!(id.as_json(), "2");
}
