//! What goes on the wire: masks, lengths, fragments, heads, and what is refused.

use tidewire_proto::deflate::Pool;
use tidewire_proto::{Kind, MaskSource, Role, SendError};
use tidewire_testkit::{Agreed, Heard, Pair, Random, RawPeer, wire};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// The keys of RFC 6455 §5.7, then others.
struct Keys(Vec<[u8; 4]>);

impl MaskSource for Keys {
    fn next_mask(&mut self) -> [u8; 4] {
        self.0
            .pop()
            .expect("a server never asks, and a client once a frame")
    }
}

#[test]
fn the_hello_of_rfc_6455_5_7_is_written_byte_for_byte() {
    let (mut pool, mut out) = (Pool::default(), Vec::new());
    let mut client = RawPeer::facing(Role::Client).connection;
    let mut keys = Keys(vec![[0x37, 0xfa, 0x21, 0x3d]]);
    client
        .send_text("Hello", &mut keys, &mut pool, &mut out)
        .unwrap();
    assert_eq!(
        out,
        [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
        ]
    );

    out.clear();
    let mut server = RawPeer::facing(Role::Server).connection;
    server
        .send_text("Hello", &mut keys, &mut pool, &mut out)
        .unwrap();
    assert_eq!(out, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
}

#[test]
fn each_frame_of_a_client_has_a_key_of_its_own() {
    let (mut pool, mut out) = (Pool::default(), Vec::new());
    let mut client = RawPeer::facing(Role::Client).connection;
    let mut keys = Keys(vec![[4; 4], [3; 4], [2; 4], [1; 4]]);
    client
        .send_text("", &mut keys, &mut pool, &mut out)
        .unwrap();
    client
        .send_binary(b"", &mut keys, &mut pool, &mut out)
        .unwrap();
    client.ping(b"").unwrap();
    client.poll_transmit(tidewire_testkit::beginning(), &mut keys, &mut out);
    client
        .send_fragment(Kind::Text, true, b"", &mut keys, &mut out)
        .unwrap();
    let used: Vec<_> = out.chunks(6).map(|frame| frame[2]).collect();
    assert_eq!(used, [1, 2, 3, 4]);
}

#[test]
fn every_length_is_written_in_its_shortest_form() {
    for role in ROLES {
        for (len, form) in [(0, 0), (125, 125), (126, 126), (65_535, 126), (65_536, 127)] {
            let mut peer = RawPeer::facing(role);
            let data = Random::new(1).bytes(len);
            peer.connection_sends_binary(&data).unwrap();
            let bytes = peer.take_bytes();
            assert_eq!(bytes[1] & 0x7f, form as u8, "{len}");
            let (frames, rest) = wire::parse(&bytes);
            assert!(rest.is_empty() && frames[0].payload == data);
        }
    }
}

#[test]
fn fragments_form_one_message_and_control_frames_go_between() {
    for role in ROLES {
        let mut pair = Pair::default();
        pair.fragment(role, Kind::Text, false, b"S").unwrap();
        pair.drive();
        pair.ping(role, b"between").unwrap();
        pair.drive();
        pair.fragment(role, Kind::Text, false, b"").unwrap();
        pair.fragment(role, Kind::Text, true, b"pam").unwrap();
        pair.binary(role, b"next").unwrap();
        pair.drive();
        let expected = [
            Heard::Ping(b"between".to_vec()),
            Heard::text("Spam"),
            Heard::binary("next"),
        ];
        assert_eq!(pair.end(role.peer()).heard(), expected);
    }
}

#[test]
fn no_message_goes_between_fragments() {
    for role in ROLES {
        let mut pair = Pair::default();
        pair.fragment(role, Kind::Text, false, b"S").unwrap();
        let refused = Err(SendError::FragmentedMessageOpen);
        assert_eq!(pair.text(role, "x"), refused);
        assert_eq!(pair.binary(role, b"x"), refused);
        assert_eq!(pair.fragment(role, Kind::Binary, true, b"x"), refused);
        let frame = tidewire_proto::PreparedFrame::text("x");
        assert_eq!(pair.prepared(role, &frame), refused);
        assert!(pair.end(role).connection.send_head(Kind::Text, 1).is_err());
        pair.fragment(role, Kind::Text, true, b"pam").unwrap();
        pair.text(role, "x").unwrap();
        pair.drive();
        assert_eq!(
            pair.end(role.peer()).heard(),
            [Heard::text("Spam"), Heard::text("x")]
        );
    }
}

#[test]
fn what_was_refused_left_nothing_on_the_wire() {
    let mut peer = RawPeer::facing(Role::Client);
    assert_eq!(
        peer.connection.ping(&[0; 126]),
        Err(SendError::ControlTooLong)
    );
    assert_eq!(
        peer.connection.pong(&[0; 126]),
        Err(SendError::ControlTooLong)
    );
    peer.assert_silent();
    peer.connection.ping(&[b'x'; 125]).unwrap();
    peer.connection.pong(b"unasked").unwrap();
    let frames = peer.take_frames();
    assert_eq!((frames[0].opcode, frames[0].payload.len()), (9, 125));
    assert_eq!(frames[1].to_string(), "PONG \"unasked\" [7 bytes]");
}

#[test]
fn a_head_and_the_payload_behind_it_are_what_send_would_have_written() {
    for (kind, len) in [(Kind::Text, 5), (Kind::Binary, 300), (Kind::Text, 70_000)] {
        let payload = vec![b'x'; len];
        let mut peer = RawPeer::facing(Role::Server);
        let head = peer
            .connection
            .send_head(kind, len)
            .unwrap()
            .expect("a server may");
        match kind {
            Kind::Text => peer.connection_sends_text(std::str::from_utf8(&payload).unwrap()),
            Kind::Binary => peer.connection_sends_binary(&payload),
        }
        .unwrap();
        assert_eq!([head.as_bytes(), &payload].concat(), peer.take_bytes());
    }
}

#[test]
fn no_head_alone_for_what_must_be_masked_or_compressed() {
    let mut client = RawPeer::facing(Role::Client);
    assert!(
        client
            .connection
            .send_head(Kind::Text, 1000)
            .unwrap()
            .is_none()
    );
    let agreed = Some(Agreed::takeover().threshold(100).compression());
    let mut server = RawPeer::facing_with(Role::Server, Default::default(), agreed);
    assert!(
        server
            .connection
            .send_head(Kind::Text, 100)
            .unwrap()
            .is_none()
    );
    assert!(
        server
            .connection
            .send_head(Kind::Text, 99)
            .unwrap()
            .is_some()
    );
}
