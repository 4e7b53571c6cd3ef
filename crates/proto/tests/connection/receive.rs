//! Messages come out as they went in: the examples of RFC 6455 §5.7, fragments, control frames
//! between them, every length, cut anywhere.

use tidewire_proto::{Event, Payload, Role, TextPayload};
use tidewire_testkit::{Heard, RawFrame, RawPeer};

/// A name, who receives, the bytes on the wire, what the receiver hears.
type Example = (&'static str, Role, Vec<u8>, Vec<Heard>);

/// RFC 6455 §5.7, byte for byte.
fn rfc_examples() -> Vec<Example> {
    let of_256: Vec<u8> = (0..=255).collect();
    let of_64k: Vec<u8> = (0..65_536u32).map(|i| i as u8).collect();
    let hello = || vec![Heard::text("Hello")];
    vec![
        (
            "a single-frame unmasked text message",
            Role::Client,
            vec![0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f],
            hello(),
        ),
        (
            "a single-frame masked text message",
            Role::Server,
            vec![
                0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
            ],
            hello(),
        ),
        (
            "a fragmented unmasked text message",
            Role::Client,
            vec![0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f],
            hello(),
        ),
        (
            "unmasked Ping request",
            Role::Client,
            vec![0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f],
            vec![Heard::Ping(b"Hello".to_vec())],
        ),
        (
            "masked Pong response",
            Role::Server,
            vec![
                0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
            ],
            vec![Heard::Pong(b"Hello".to_vec())],
        ),
        (
            "256 bytes binary message in a single unmasked frame",
            Role::Client,
            [&[0x82, 0x7e, 0x01, 0x00], &of_256[..]].concat(),
            vec![Heard::Binary(of_256)],
        ),
        (
            "64 KiB binary message in a single unmasked frame",
            Role::Client,
            [&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0], &of_64k[..]].concat(),
            vec![Heard::Binary(of_64k)],
        ),
    ]
}

#[test]
fn the_examples_of_rfc_6455_5_7_are_understood() {
    for (name, role, bytes, heard) in rfc_examples() {
        let mut peer = RawPeer::facing(role);
        peer.send_bytes(&bytes)
            .unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(peer.take_heard(), heard, "{name}");
    }
}

#[test]
fn the_examples_are_understood_byte_by_byte() {
    for (name, role, bytes, heard) in rfc_examples() {
        let mut peer = RawPeer::facing(role);
        peer.drip(&bytes, 1)
            .unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(peer.take_heard(), heard, "{name}");
    }
}

#[test]
fn messages_of_every_length_around_the_forms_of_the_length_arrive() {
    for role in [Role::Client, Role::Server] {
        for len in [
            0, 1, 2, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537, 200_000,
        ] {
            let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let mut peer = RawPeer::facing(role);
            let bytes = RawFrame::binary(&payload).bytes(peer.role());
            peer.send_bytes(&bytes).unwrap();
            peer.drip(&bytes, 1000).unwrap();
            peer.drip(&bytes, 7).unwrap();
            let expected = Heard::Binary(payload);
            peer.assert_heard(&[expected.clone(), expected.clone(), expected]);
        }
    }
}

#[test]
fn many_messages_in_one_piece_come_out_in_order() {
    let mut peer = RawPeer::facing(Role::Server);
    let frames: Vec<_> = (0..100)
        .map(|i| RawFrame::text(format!("message {i}")))
        .collect();
    let bytes = RawFrame::join(&frames, Role::Client);
    peer.send_bytes(&bytes).unwrap();
    let expected: Vec<_> = (0..100)
        .map(|i| Heard::text(format!("message {i}")))
        .collect();
    peer.assert_heard(&expected);
}

#[test]
fn control_frames_between_fragments_are_heard_where_they_stand() {
    let frames = [
        RawFrame::text("S").more(),
        RawFrame::ping("one"),
        RawFrame::continuation("p").more(),
        RawFrame::pong("two"),
        RawFrame::continuation("").more(),
        RawFrame::continuation("am"),
        RawFrame::binary("next"),
    ];
    for role in [Role::Client, Role::Server] {
        for piece in [1, 2, 3, 1000] {
            let mut peer = RawPeer::facing(role);
            peer.drip(&RawFrame::join(&frames, peer.role()), piece)
                .unwrap();
            peer.assert_heard(&[
                Heard::Ping(b"one".to_vec()),
                Heard::Pong(b"two".to_vec()),
                Heard::text("Spam"),
                Heard::binary("next"),
            ]);
            peer.assert_frame_sent("PONG \"one\" [3 bytes]");
        }
    }
}

#[test]
fn empty_messages_are_messages() {
    let mut peer = RawPeer::facing(Role::Server);
    let frames = [
        RawFrame::text(""),
        RawFrame::binary(""),
        RawFrame::text("").more(),
        RawFrame::continuation("").more(),
        RawFrame::continuation(""),
    ];
    peer.drip(&RawFrame::join(&frames, Role::Client), 3)
        .unwrap();
    peer.assert_heard(&[Heard::text(""), Heard::binary(""), Heard::text("")]);
}

#[test]
fn each_frame_is_unmasked_with_its_own_key() {
    let mut peer = RawPeer::facing(Role::Server);
    let frames = [
        RawFrame::text("Hel").more().masked_with([1, 2, 3, 4]),
        RawFrame::ping("Ping").masked_with([0xff, 0, 0xff, 0]),
        RawFrame::continuation("lo").masked_with([0, 0, 0, 0]),
    ];
    peer.drip(&RawFrame::join(&frames, Role::Client), 2)
        .unwrap();
    peer.assert_heard(&[Heard::Ping(b"Ping".to_vec()), Heard::text("Hello")]);
}

#[test]
fn a_message_that_arrived_whole_lies_in_the_callers_buffer_and_one_in_parts_is_owned() {
    let mut peer = RawPeer::facing(Role::Client);
    let (now, pool) = (peer.now, &mut peer.pool);
    let mut whole = RawFrame::join(
        &[RawFrame::text("Spam"), RawFrame::binary("ham")],
        Role::Server,
    );
    let mut input = &mut whole[..];
    let event = peer.connection.receive(now, pool, &mut input).unwrap();
    assert!(
        matches!(event, Some(Event::Text(TextPayload::Borrowed("Spam")))),
        "{event:?}"
    );
    let event = peer.connection.receive(now, pool, &mut input).unwrap();
    assert!(
        matches!(event, Some(Event::Binary(Payload::Borrowed(b"ham")))),
        "{event:?}"
    );
    assert!(
        peer.connection
            .receive(now, pool, &mut input)
            .unwrap()
            .is_none()
    );

    let mut parts = RawFrame::text("Spam").bytes(Role::Server);
    let (mut first, mut second) = parts.split_at_mut(4);
    assert!(
        peer.connection
            .receive(now, pool, &mut first)
            .unwrap()
            .is_none()
    );
    let event = peer.connection.receive(now, pool, &mut second).unwrap();
    assert!(matches!(&event, Some(Event::Text(TextPayload::Owned(text))) if text == "Spam"));
}

#[test]
fn the_connection_can_answer_while_an_event_is_held() {
    let mut peer = RawPeer::facing(Role::Server);
    let mut bytes = RawFrame::text("Spam").bytes(Role::Client);
    let mut input = &mut bytes[..];
    let event = peer
        .connection
        .receive(peer.now, &mut peer.pool, &mut input)
        .unwrap();
    let Some(Event::Text(text)) = event else {
        panic!("{event:?}")
    };
    peer.connection_sends_text(&text).unwrap();
    assert_eq!(&*text, "Spam");
    peer.assert_frame_sent("TEXT \"Spam\" [4 bytes]");
}
