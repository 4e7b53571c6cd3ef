//! What holds for every input: nothing panics, and what is written is read back.

#![allow(clippy::unwrap_used)]

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use tidewire_hub_proto::native::{Decoded, ServerMessage, decode, message, message_binary, push};
use tidewire_hub_proto::plain::{self, PlainFrame};
use tidewire_hub_proto::{
    Channel, Command, CommandId, Cursor, Origin, Payload, PayloadKind, Pos, Publication, Push,
    Reply, Term, guest_name,
};

fn positions() -> impl Strategy<Value = Pos> {
    (any::<u64>(), any::<u64>()).prop_map(|(term, offset)| Pos::new(Term(term), offset))
}

fn channels() -> impl Strategy<Value = Channel> {
    let name = "[a-z0-9_-]{1,32}:[a-zA-Z0-9~é😀:\"\\\\]{1,40}";
    name.prop_map(|name| Channel::parse(&name).unwrap())
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Into::into),
            vec((any::<String>(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn payloads() -> impl Strategy<Value = Payload> {
    prop_oneof![
        json().prop_map(|value| {
            let text = serde_json::to_string_pretty(&value).unwrap();
            Payload::restore(PayloadKind::Json, text.into()).unwrap()
        }),
        any::<String>().prop_map(Payload::text),
        any::<Vec<u8>>().prop_map(Payload::binary),
    ]
}

fn origins() -> impl Strategy<Value = Origin> {
    let text = || option::of(any::<String>().prop_map(Box::from));
    (text(), text(), text()).prop_map(|(user, client, name)| Origin { user, client, name })
}

fn publications() -> impl Strategy<Value = Publication> {
    (
        option::of(positions()),
        any::<u64>(),
        origins(),
        option::of(any::<String>().prop_map(Box::from)),
        payloads(),
    )
        .prop_map(|(pos, at, from, key, payload)| {
            let mut publication = Publication::new(from, payload);
            publication.pos = pos;
            publication.at = at;
            publication.key = key;
            publication
        })
}

/// Text that is nearly a command.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("null".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("-1e99".to_owned()),
        prop::sample::select(vec![
            "op", "id", "channel", "since", "history", "presence", "data", "text", "base64", "key",
            "keep", "echo", "after", "before", "limit", "client", "name", "binary",
        ])
        .prop_map(|name| format!("\"{name}\":")),
        prop::sample::select(Command::OPS.to_vec()).prop_map(|op| format!("\"op\":\"{op}\",")),
        any::<String>(),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn reading_never_panics(text in any::<String>(), nearly in nearly(), bytes in any::<Vec<u8>>()) {
        for text in [&text, &nearly] {
            let _ = decode(text);
            let _ = decode(&format!("{{\"op\":\"publish\",\"channel\":\"a\",{text}}}"));
            let _ = decode(&format!("{{{text}}}"));
            let _ = decode(&format!("[{text}]"));
            let _ = text.parse::<Pos>();
            let _ = text.parse::<Cursor>();
            let _ = Channel::parse(text);
            let _ = guest_name(text);
            let _ = CommandId::parse(text);
            let _ = ServerMessage::parse(text);
        }
        let _ = ServerMessage::parse_binary(&bytes);
    }

    #[test]
    fn positions_come_back(pos in positions()) {
        prop_assert_eq!(pos.to_string().parse(), Ok(pos));
    }

    #[test]
    fn channels_come_back(channel in channels()) {
        prop_assert_eq!(Channel::parse(channel.as_str()), Ok(channel));
    }

    #[test]
    fn a_channel_that_is_read_is_read_again(text in any::<String>()) {
        if let Ok(channel) = Channel::parse(&text) {
            prop_assert_eq!(Channel::parse(channel.as_str()), Ok(channel));
        }
    }

    #[test]
    fn cursors_come_back(channels in btree_set(channels(), 1..=Cursor::MAX), pos in positions()) {
        let given: Vec<_> = channels.iter().zip(0..).map(|(channel, n)| {
            (channel, Pos::new(pos.term, pos.offset.wrapping_add(n)))
        }).collect();
        let cursor = Cursor::new(given.clone()).unwrap();
        prop_assert!(cursor.to_string().len() <= Cursor::MAX_BYTES);
        let back: Cursor = cursor.to_string().parse().unwrap();
        prop_assert_eq!(&back, &cursor);
        let channels: Vec<_> = channels.iter().cloned().collect();
        let expected: Vec<_> = given.iter().map(|(_, pos)| Some(*pos)).collect();
        prop_assert_eq!(back.positions(&channels), Ok(expected));
    }

    #[test]
    fn messages_come_back(channel in channels(), publication in publications(), own: bool) {
        let text = message(&channel, &publication, own);
        prop_assert_eq!(text.capacity(), text.len());
        let read = ServerMessage::parse(&text).unwrap();
        let mut reads = vec![read];
        match message_binary(&channel, &publication, own) {
            Some(frame) => reads.push(ServerMessage::parse_binary(&frame).unwrap()),
            None => prop_assert!(publication.payload.as_ref().unwrap().as_str().is_some()),
        }
        for read in reads {
            prop_assert_eq!(read.channel.as_deref(), Some(channel.as_str()));
            prop_assert_eq!(read.pos, publication.pos);
            prop_assert_eq!(read.at, Some(publication.at));
            prop_assert_eq!(read.origin(), Some(publication.from.clone()));
            prop_assert_eq!(read.key.as_deref(), publication.key.as_deref().filter(|_| own));
            prop_assert_eq!(read.payload.as_ref(), publication.payload.as_ref());
        }
    }

    #[test]
    fn a_history_page_comes_back(channel in channels(), page in vec(publications(), 0..5), pos in positions()) {
        let text = push(&Push::Reply {
            id: None,
            reply: Reply::History { channel, messages: page.clone(), pos, more: true },
        });
        let read = ServerMessage::parse(&text).unwrap();
        prop_assert_eq!(read.messages.len(), page.len());
        for (read, sent) in read.messages.iter().zip(&page) {
            prop_assert_eq!(read.payload.as_ref(), sent.payload.as_ref());
            prop_assert_eq!(read.pos, sent.pos);
            prop_assert_eq!(&read.key, &None);
        }
    }

    #[test]
    fn a_published_payload_arrives_as_it_was_sent(payload in payloads()) {
        let mut publication = Publication::new(Origin::default(), payload.clone());
        let field = message(&Channel::parse("a").unwrap(), &publication, false);
        let field = field.split_once(r#""from":{},"#).unwrap().1;
        let text = format!(r#"{{"op":"publish","channel":"a",{field}"#);
        let Decoded::One(Ok(request)) = decode(&text) else { panic!("{text}") };
        let Command::Publish { payload: read, .. } = request.command else { panic!("{text}") };
        prop_assert_eq!(&read, &payload);
        publication.pos = Some(Pos::new(Term(1), 1));
        match plain::message(&publication).unwrap() {
            PlainFrame::Text(text) => prop_assert_eq!(text.as_bytes(), payload.bytes()),
            PlainFrame::Binary(bytes) => prop_assert_eq!(bytes, payload.bytes()),
        }
    }
}
