//! Every push and every reply, to the byte, and that a client reads them back.

#![allow(clippy::unwrap_used)]

use tidewire_hub_proto::native::{Op, ServerMessage, message, message_binary, push};
use tidewire_hub_proto::{
    Channel, CloseReason, CommandId, ErrorCode, Lag, Member, Origin, Payload, PayloadKind, Pos,
    Publication, Push, Reply, Term,
};

fn channel() -> Channel {
    Channel::parse("lobby").unwrap()
}

const POS: Pos = Pos::new(Term(62), 44);

fn ann() -> Origin {
    Origin {
        client: Some("ID".into()),
        name: Some("Ann".into()),
        user: None,
    }
}

fn publication(payload: Payload) -> Publication {
    let mut publication = Publication::new(ann(), payload);
    publication.pos = Some(POS);
    publication.at = 1_790_000_000_000;
    publication.key = Some("c1-17".into());
    publication
}

fn json(text: &str) -> Payload {
    Payload::restore(PayloadKind::Json, text.to_owned().into()).unwrap()
}

fn reply(id: Option<&str>, reply: Reply) -> Push {
    Push::Reply {
        id: id.map(|id| CommandId::parse(id).unwrap()),
        reply,
    }
}

fn ok(answer: Reply) -> Push {
    reply(Some("1"), answer)
}

fn table() -> Vec<(Push, &'static str)> {
    let channel = channel();
    let member = Member {
        session: "s1".into(),
        origin: ann(),
    };
    let known = Member {
        session: "s2".into(),
        origin: Origin {
            user: Some("bob".into()),
            ..Origin::default()
        },
    };
    let mut redacted = publication(Payload::text(""));
    redacted.payload = None;
    vec![
        (
            Push::Hello {
                session: "s1".into(),
                client: "ID.SIG".into(),
            },
            r#"{"op":"hello","session":"s1","client":"ID.SIG","protocol":"tidewire.v1"}"#,
        ),
        (
            ok(Reply::Subscribed {
                channel: channel.clone(),
                pos: POS,
                recovered: Some(true),
            }),
            r#"{"op":"ok","id":1,"channel":"chat:lobby","pos":"10-44","recovered":true}"#,
        ),
        (
            reply(
                None,
                Reply::Subscribed {
                    channel: channel.clone(),
                    pos: POS,
                    recovered: None,
                },
            ),
            r#"{"op":"ok","channel":"chat:lobby","pos":"10-44"}"#,
        ),
        (
            reply(
                Some("\"a\\\"b\""),
                Reply::Unsubscribed {
                    channel: channel.clone(),
                },
            ),
            r#"{"op":"ok","id":"a\"b","channel":"chat:lobby"}"#,
        ),
        (
            ok(Reply::Published {
                channel: channel.clone(),
                pos: Some(POS),
            }),
            r#"{"op":"ok","id":1,"channel":"chat:lobby","pos":"10-44"}"#,
        ),
        (
            ok(Reply::Published {
                channel: channel.clone(),
                pos: None,
            }),
            r#"{"op":"ok","id":1,"channel":"chat:lobby"}"#,
        ),
        (
            ok(Reply::Presence {
                channel: channel.clone(),
                v: 7,
                members: vec![member.clone(), known.clone()],
                total: 3,
                more: true,
            }),
            r#"{"op":"ok","id":1,"channel":"chat:lobby","v":7,"total":3,"more":true,"members":[{"session":"s1","client":"ID","name":"Ann"},{"session":"s2","user":"bob"}]}"#,
        ),
        (
            ok(Reply::Presence {
                channel: channel.clone(),
                v: 0,
                members: vec![],
                total: 0,
                more: false,
            }),
            r#"{"op":"ok","id":1,"channel":"chat:lobby","v":0,"total":0,"more":false,"members":[]}"#,
        ),
        (
            ok(Reply::History {
                channel: channel.clone(),
                messages: vec![
                    publication(json(r#"{"x": 1.0e5}"#)),
                    publication(Payload::text("a\"b")),
                    publication(Payload::binary(vec![0, 1])),
                    redacted,
                ],
                pos: POS,
                more: false,
            }),
            concat!(
                r#"{"op":"ok","id":1,"channel":"chat:lobby","pos":"10-44","more":false,"messages":["#,
                r#"{"pos":"10-44","at":1790000000000,"from":{"client":"ID","name":"Ann"},"data":{"x": 1.0e5}},"#,
                r#"{"pos":"10-44","at":1790000000000,"from":{"client":"ID","name":"Ann"},"text":"a\"b"},"#,
                r#"{"pos":"10-44","at":1790000000000,"from":{"client":"ID","name":"Ann"},"base64":"AAE="},"#,
                r#"{"pos":"10-44","at":1790000000000,"from":{"client":"ID","name":"Ann"},"redacted":true}]}"#
            ),
        ),
        (
            ok(Reply::Authenticated {
                client: "ID.SIG".into(),
                origin: ann(),
            }),
            r#"{"op":"ok","id":1,"client":"ID.SIG","from":{"client":"ID","name":"Ann"}}"#,
        ),
        (
            reply(Some("1.50"), Reply::Pong),
            r#"{"op":"pong","id":1.50}"#,
        ),
        (reply(None, Reply::Pong), r#"{"op":"pong"}"#),
        (
            ok(Reply::error(
                ErrorCode::Forbidden,
                "no \"entry\"\n\u{1}\u{7f}\u{2028}é",
            )),
            "{\"op\":\"error\",\"id\":1,\"code\":\"forbidden\",\"message\":\"no \\\"entry\\\"\\n\\u0001\u{7f}\u{2028}é\"}",
        ),
        (
            ok(Reply::Error {
                code: ErrorCode::RateLimited,
                message: "slower".into(),
                retry_after_ms: Some(800),
            }),
            r#"{"op":"error","id":1,"code":"rate_limited","message":"slower","retry_after_ms":800}"#,
        ),
        (
            Push::Live {
                channel: channel.clone(),
                pos: POS,
            },
            r#"{"op":"live","channel":"chat:lobby","pos":"10-44"}"#,
        ),
        (
            Push::Join {
                channel: channel.clone(),
                v: 8,
                member,
                sessions: 2,
            },
            r#"{"op":"join","channel":"chat:lobby","v":8,"session":"s1","client":"ID","name":"Ann","sessions":2}"#,
        ),
        (
            Push::Leave {
                channel: channel.clone(),
                v: 9,
                member: known,
                sessions: 0,
            },
            r#"{"op":"leave","channel":"chat:lobby","v":9,"session":"s2","user":"bob","sessions":0}"#,
        ),
        (
            Push::Lag {
                channel: channel.clone(),
                lag: Lag {
                    from: Some(POS),
                    pos: Some(Pos::new(Term(62), 164)),
                    skipped: Some(120),
                    recovering: true,
                },
            },
            r#"{"op":"lag","channel":"chat:lobby","from":"10-44","pos":"10-164","skipped":120,"recovering":true}"#,
        ),
        (
            Push::Lag {
                channel,
                lag: Lag {
                    from: None,
                    pos: None,
                    skipped: None,
                    recovering: false,
                },
            },
            r#"{"op":"lag","channel":"chat:lobby","recovering":false}"#,
        ),
        (
            Push::Direct {
                payload: json(r#"{"x": 1.0e5}"#),
            },
            r#"{"op":"direct","data":{"x": 1.0e5}}"#,
        ),
        (
            Push::Direct {
                payload: Payload::binary(vec![0, 1]),
            },
            r#"{"op":"direct","base64":"AAE="}"#,
        ),
        (
            Push::Bye {
                reason: CloseReason::Shutdown,
                retry_after_ms: Some(1500),
            },
            r#"{"op":"bye","code":4001,"reason":"shutdown","reconnect":true,"retry_after_ms":1500}"#,
        ),
        (
            Push::Bye {
                reason: CloseReason::BadProtocol,
                retry_after_ms: None,
            },
            r#"{"op":"bye","code":4500,"reason":"bad_protocol","reconnect":false}"#,
        ),
    ]
}

#[test]
fn each_push_is_written_to_the_byte_and_in_one_allocation() {
    for (what, text) in table() {
        let written = push(&what);
        assert_eq!(written, text);
        assert_eq!(written.capacity(), written.len(), "{text}");
        serde_json::from_str::<serde_json::Value>(&written).unwrap();
    }
}

#[test]
fn a_client_reads_every_push() {
    for (what, text) in table() {
        let read = ServerMessage::parse(text).unwrap();
        match what {
            Push::Hello { session, .. } => {
                assert_eq!(read.op, Op::Hello);
                assert_eq!(read.session.as_deref(), Some(&*session));
                assert_eq!(read.protocol.as_deref(), Some("tidewire.v1"));
            }
            Push::Reply { id, reply } => {
                assert_eq!(read.id.as_deref(), id.as_ref().map(CommandId::as_json));
                match reply {
                    Reply::Pong => assert_eq!(read.op, Op::Pong),
                    Reply::Error {
                        code,
                        message,
                        retry_after_ms,
                    } => {
                        assert_eq!(read.op, Op::Error);
                        assert_eq!(read.code, Some(format!("\"{code}\"")));
                        assert_eq!(read.message.as_deref(), Some(&*message));
                        assert_eq!(read.retry_after_ms, retry_after_ms);
                    }
                    Reply::Presence { members, total, .. } => {
                        assert_eq!(read.members.len(), members.len());
                        assert_eq!(read.total, Some(total as u64));
                    }
                    Reply::History { messages, .. } => {
                        let payloads = |read: &ServerMessage| read.payload.clone();
                        let found: Vec<_> = read.messages.iter().map(payloads).collect();
                        let sent: Vec<_> = messages.into_iter().map(|m| m.payload).collect();
                        assert_eq!(found, sent);
                        assert!(read.messages[3].redacted);
                    }
                    Reply::Authenticated { origin, .. } => assert_eq!(read.origin(), Some(origin)),
                    _ => assert_eq!(read.op, Op::Ok),
                }
            }
            Push::Live { pos, .. } => assert_eq!((read.op, read.pos), (Op::Live, Some(pos))),
            Push::Join { v, .. } => assert_eq!((read.op, read.v), (Op::Join, Some(v))),
            Push::Leave { v, .. } => assert_eq!((read.op, read.v), (Op::Leave, Some(v))),
            Push::Lag { lag, .. } => {
                assert_eq!(
                    (read.op, read.pos, read.skipped),
                    (Op::Lag, lag.pos, lag.skipped)
                );
                assert_eq!(read.recovering, Some(lag.recovering));
            }
            Push::Direct { payload } => {
                assert_eq!((read.op, read.payload), (Op::Direct, Some(payload)));
            }
            Push::Bye { reason, .. } => {
                assert_eq!(read.op, Op::Bye);
                assert_eq!(read.code, Some(reason.code().to_string()));
                assert_eq!(read.reconnect, Some(reason.is_worth_reconnecting()));
            }
            other => panic!("a push without a case: {other:?}"),
        }
    }
}

#[test]
fn a_message_shows_its_key_to_its_publisher_alone() {
    let sent = publication(json(r#"{"text":"hi"}"#));
    let text = message(&channel(), &sent, true);
    assert_eq!(
        text,
        r#"{"op":"message","channel":"chat:lobby","pos":"10-44","at":1790000000000,"from":{"client":"ID","name":"Ann"},"key":"c1-17","data":{"text":"hi"}}"#
    );
    assert_eq!(text.capacity(), text.len());
    assert_eq!(
        message(&channel(), &sent, false),
        r#"{"op":"message","channel":"chat:lobby","pos":"10-44","at":1790000000000,"from":{"client":"ID","name":"Ann"},"data":{"text":"hi"}}"#
    );
}

#[test]
fn a_passing_message_has_no_position_and_a_redacted_one_no_payload() {
    let mut passing = publication(Payload::text("typing"));
    passing.pos = None;
    passing.from = Origin::default();
    assert_eq!(
        message(&channel(), &passing, false),
        r#"{"op":"message","channel":"chat:lobby","at":1790000000000,"from":{},"text":"typing"}"#
    );
    let mut redacted = publication(Payload::text(""));
    redacted.payload = None;
    assert_eq!(
        message(&channel(), &redacted, false),
        r#"{"op":"message","channel":"chat:lobby","pos":"10-44","at":1790000000000,"from":{"client":"ID","name":"Ann"},"redacted":true}"#
    );
    assert_eq!(message_binary(&channel(), &redacted, false), None);
}

#[test]
fn the_binary_form_is_length_header_and_bytes() {
    let frame = message_binary(
        &channel(),
        &publication(Payload::binary(vec![0, 255])),
        true,
    )
    .unwrap();
    let head = r#"{"op":"message","channel":"chat:lobby","pos":"10-44","at":1790000000000,"from":{"client":"ID","name":"Ann"},"key":"c1-17"}"#;
    let mut expected = u32::try_from(head.len()).unwrap().to_be_bytes().to_vec();
    expected.extend_from_slice(head.as_bytes());
    expected.extend_from_slice(&[0, 255]);
    assert_eq!(frame, expected);
    assert_eq!(frame.capacity(), frame.len());

    let read = ServerMessage::parse_binary(&frame).unwrap();
    assert_eq!(read.payload, Some(Payload::binary(vec![0, 255])));
    assert_eq!(read.key.as_deref(), Some("c1-17"));
    for short in 0..4 + head.len() {
        assert!(ServerMessage::parse_binary(&frame[..short]).is_err());
    }
}

#[test]
fn a_client_ignores_what_a_later_hub_says_and_refuses_what_is_none() {
    let read = ServerMessage::parse(r#"{"op":"sing","song":["la"]}"#).unwrap();
    assert_eq!(read.op, Op::Unknown);
    let read = ServerMessage::parse(r#"{"op":"message","data":null}"#).unwrap();
    assert_eq!(read.payload, Some(json("null")));
    for none in [
        "",
        "[",
        "5",
        r#"{"op":"message","text":"a","data":1}"#,
        r#"{"pos":"x"}"#,
    ] {
        assert!(ServerMessage::parse(none).is_err(), "{none}");
    }
}
