//! What each kind of client sees of what each kind of client publishes, pair by pair.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use tidewire_hub_proto::native::{Decoded, ServerMessage, decode, message, message_binary};
use tidewire_hub_proto::plain::{self, PlainFrame};
use tidewire_hub_proto::{Channel, Command, Member, Origin, Payload, Pos, Publication, Term};

/// Who publishes what.
enum Sent {
    /// A command's payload field; SSE and poll clients publish it by `/uplink`.
    Native(&'static str),
    PlainText(&'static str),
    PlainBinary(&'static [u8]),
}

/// What comes of it.
struct Seen {
    sent: Sent,
    /// The payload field of the native message, which is what SSE and poll clients get, too.
    native: &'static str,
    plain: Plain,
}

#[derive(Debug)]
enum Plain {
    Text(&'static str),
    Binary(&'static [u8]),
}

const TABLE: &[Seen] = &[
    Seen {
        sent: Sent::Native(r#""data":{"text":"hi"}"#),
        native: r#""data":{"text":"hi"}"#,
        plain: Plain::Text(r#"{"text":"hi"}"#),
    },
    Seen {
        sent: Sent::Native(r#""data": 1.0e5"#),
        native: r#""data":1.0e5"#,
        plain: Plain::Text("1.0e5"),
    },
    Seen {
        sent: Sent::Native(r#""data":"hi \u00e9""#),
        native: r#""data":"hi \u00e9""#,
        plain: Plain::Text(r#""hi \u00e9""#),
    },
    Seen {
        sent: Sent::Native(r#""data":null"#),
        native: r#""data":null"#,
        plain: Plain::Text("null"),
    },
    Seen {
        sent: Sent::Native(r#""text":"hi \u00e9\n\"""#),
        native: r#""text":"hi é\n\"""#,
        plain: Plain::Text("hi é\n\""),
    },
    Seen {
        sent: Sent::Native(r#""text":"""#),
        native: r#""text":"""#,
        plain: Plain::Text(""),
    },
    Seen {
        sent: Sent::Native(r#""base64":"AAH/""#),
        native: r#""base64":"AAH/""#,
        plain: Plain::Binary(&[0, 1, 255]),
    },
    Seen {
        sent: Sent::Native(r#""base64":"""#),
        native: r#""base64":"""#,
        plain: Plain::Binary(&[]),
    },
    Seen {
        sent: Sent::PlainText("hi \"é\"\u{2028}"),
        native: "\"text\":\"hi \\\"é\\\"\u{2028}\"",
        plain: Plain::Text("hi \"é\"\u{2028}"),
    },
    // What looks like JSON is not guessed to be.
    Seen {
        sent: Sent::PlainText(r#"{"op":"ping"}"#),
        native: r#""text":"{\"op\":\"ping\"}""#,
        plain: Plain::Text(r#"{"op":"ping"}"#),
    },
    Seen {
        sent: Sent::PlainBinary(b"hi"),
        native: r#""base64":"aGk=""#,
        plain: Plain::Binary(b"hi"),
    },
];

fn payload(sent: &Sent) -> Payload {
    match sent {
        Sent::Native(field) => {
            let text = format!(r#"{{"op":"publish","channel":"a",{field}}}"#);
            let Decoded::One(Ok(request)) = decode(&text) else {
                panic!("{text} is no command")
            };
            let Command::Publish { payload, .. } = request.command else {
                panic!("{text} is no publish")
            };
            payload
        }
        Sent::PlainText(text) => plain::payload_of_text(*text),
        Sent::PlainBinary(bytes) => plain::payload_of_binary(Bytes::from_static(bytes)),
    }
}

#[test]
fn everyone_sees_what_anyone_publishes() {
    let channel = Channel::parse("a").unwrap();
    for row in TABLE {
        let payload = payload(&row.sent);
        let publication = Publication::new(Origin::default(), payload.clone());

        let native = message(&channel, &publication, false);
        let expected = format!(
            r#"{{"op":"message","channel":"chat:a","at":0,"from":{{}},{}}}"#,
            row.native
        );
        assert_eq!(native, expected);
        let read = ServerMessage::parse(&native).unwrap();
        assert_eq!(read.payload.as_ref(), Some(&payload), "{native}");

        assert_eq!(plain::message(&publication), None, "it only passes by");
        let mut kept = publication.clone();
        kept.pos = Some(Pos::new(Term(1), 1));
        let frame = plain::message(&kept);
        // A native session that asked for bytes gets them where plain does.
        let binary = message_binary(&channel, &publication, false);
        match &row.plain {
            Plain::Text(text) => {
                assert_eq!(frame, Some(PlainFrame::Text(text)));
                assert_eq!(binary, None, "{native}");
            }
            Plain::Binary(bytes) => {
                assert_eq!(frame, Some(PlainFrame::Binary(&Bytes::from_static(bytes))));
                let read = ServerMessage::parse_binary(&binary.unwrap()).unwrap();
                assert_eq!(read.payload, Some(payload));
            }
        }
    }
}

#[test]
fn a_redacted_publication_is_silence_in_plain() {
    let mut publication = Publication::new(Origin::default(), Payload::text("secret"));
    publication.pos = Some(Pos::new(Term(1), 1));
    publication.payload = None;
    assert_eq!(plain::message(&publication), None);
}

#[test]
fn the_lines_with_an_envelope_are_json() {
    let ann = Member {
        session: "s1".into(),
        origin: Origin {
            user: None,
            client: Some("ID".into()),
            name: Some("A\"nn".into()),
        },
    };
    let bare = Member {
        session: "s2".into(),
        origin: Origin::default(),
    };
    assert_eq!(
        plain::hello("s1", "ID.SIG"),
        r#"{"op":"hello","session":"s1","client":"ID.SIG"}"#
    );
    assert_eq!(
        plain::member_list(&[ann.clone(), bare.clone()]),
        r#"{"event":"system:member_list","data":{"members":[{"session":"s1","client":"ID","name":"A\"nn"},{"session":"s2"}]}}"#
    );
    assert_eq!(
        plain::member_joined(&ann),
        r#"{"event":"system:member_joined","data":{"member":{"session":"s1","client":"ID","name":"A\"nn"}}}"#
    );
    assert_eq!(
        plain::member_left(&bare),
        r#"{"event":"system:member_left","data":{"member":{"session":"s2"}}}"#
    );
}
