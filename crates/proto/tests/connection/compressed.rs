//! permessage-deflate on a connection: both takeovers, every window, fragments of the peer, what
//! is left uncompressed.

use tidewire_proto::{Kind, Role};
use tidewire_testkit::agreed::deflated;
use tidewire_testkit::{Agreed, Heard, Pair, Random, RawFrame, RawPeer};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn both() -> [Agreed; 2] {
    [Agreed::takeover(), Agreed::no_takeover()]
}

/// Messages of the kinds that compressors find hard or easy, `seed` apart.
fn messages(seed: u64) -> Vec<Heard> {
    let mut random = Random::new(seed);
    let words = ["tide ", "wire ", "wave ", "shore ", "boat "];
    let mut messages = vec![Heard::text(""), Heard::binary([]), Heard::text("x")];
    for size in [10, 100, 1000, 40_000, 100_000] {
        let text: String = (0..size / 5).map(|_| words[random.below(5)]).collect();
        messages.push(Heard::Text(text));
        messages.push(Heard::Binary(random.bytes(size)));
        messages.push(Heard::Binary(vec![7; size]));
    }
    messages.push(Heard::text("tide ".repeat(3)));
    messages
}

fn send(pair: &mut Pair, from: Role, message: &Heard) {
    match message {
        Heard::Text(text) => pair.text(from, text).unwrap(),
        Heard::Binary(data) => pair.binary(from, data).unwrap(),
        other => panic!("{other} is no message"),
    }
}

#[test]
fn messages_arrive_as_they_were_sent_with_and_without_takeover_at_every_window() {
    for agreed in both() {
        for server in 8..=15 {
            for client in [8, 9, 12, 15] {
                let agreed = agreed.window_bits(server, client).compression();
                let mut pair = Pair::new(Default::default(), Some(agreed));
                pair.up.set_piece(777);
                pair.down.set_piece(5000);
                for role in ROLES {
                    let sent = messages(u64::from(server));
                    sent.iter()
                        .for_each(|message| send(&mut pair, role, message));
                    pair.drive();
                    assert_eq!(pair.end(role).failure(), None);
                    let heard = pair.end(role.peer()).messages();
                    assert!(
                        heard == sent,
                        "windows {server} and {client}, from the {role:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_examples_of_rfc_7692_7_2_3_are_understood() {
    let hello = [Heard::text("Hello")];
    let cases: [(&str, Vec<u8>); 6] = [
        (
            "7.2.3.1, one frame",
            vec![0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        ),
        (
            "7.2.3.1, two frames",
            vec![
                0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ),
        (
            "7.2.3.3, no compression",
            vec![
                0xc1, 0x0b, 0, 5, 0, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0,
            ],
        ),
        (
            "7.2.3.4, BFINAL",
            vec![0xc1, 0x08, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        ),
        (
            "7.2.3.5, two blocks",
            vec![
                0xc1, 13, 0xf2, 0x48, 5, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ),
        (
            "not compressed at all",
            vec![0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f],
        ),
    ];
    for agreed in both() {
        for (name, bytes) in &cases {
            for piece in [1, 4, 100] {
                let agreed = Some(agreed.compression());
                let mut peer = RawPeer::facing_with(Role::Client, Default::default(), agreed);
                peer.drip(bytes, piece)
                    .unwrap_or_else(|failure| panic!("{name}: {failure}"));
                assert_eq!(peer.take_heard(), hello, "{name}");
            }
        }
    }
}

#[test]
fn a_shared_window_of_rfc_7692_7_2_3_2_needs_takeover() {
    let first = [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let second = [0xc1, 0x05, 0xf2, 0x00, 0x11, 0x00, 0x00];
    let agreed = Some(Agreed::takeover().compression());
    let mut peer = RawPeer::facing_with(Role::Client, Default::default(), agreed);
    peer.send_bytes(&first).unwrap();
    peer.send_bytes(&second).unwrap();
    peer.assert_heard(&[Heard::text("Hello"), Heard::text("Hello")]);

    let agreed = Some(Agreed::no_takeover().compression());
    let mut peer = RawPeer::facing_with(Role::Client, Default::default(), agreed);
    peer.send_bytes(&first).unwrap();
    assert!(
        peer.send_bytes(&second).is_err(),
        "it refers to a window that was given up"
    );
    peer.assert_failing_with(1007);
}

#[test]
fn fragments_and_control_frames_inside_a_compressed_message() {
    let text = "tide and wire ".repeat(500);
    let packed = deflated(&text);
    for role in ROLES {
        for size in [1, 2, 13, 1000] {
            let agreed = Some(Agreed::takeover().compression());
            let mut peer = RawPeer::facing_with(role, Default::default(), agreed);
            let mut frames = Vec::new();
            for (i, part) in packed.chunks(size).enumerate() {
                let first = RawFrame::text(part).compressed();
                let frame = if i == 0 {
                    first
                } else {
                    RawFrame::continuation(part)
                };
                frames.extend([frame.more(), RawFrame::pong("")]);
            }
            // RFC 7692 §7.2.3.5: an empty fragment may end the message.
            frames.push(RawFrame::continuation(""));
            peer.drip(&RawFrame::join(&frames, peer.role()), 3).unwrap();
            assert_eq!(peer.take_heard().last(), Some(&Heard::Text(text.clone())));
        }
    }
}

#[test]
fn the_threshold_is_the_shortest_payload_that_is_compressed() {
    for role in ROLES {
        let agreed = Some(Agreed::no_takeover().threshold(100).compression());
        let mut peer = RawPeer::facing_with(role, Default::default(), agreed);
        peer.connection_sends_text(&"x".repeat(99)).unwrap();
        peer.connection_sends_text(&"x".repeat(100)).unwrap();
        let frames = peer.take_frames();
        assert_eq!((frames[0].rsv, frames[0].payload.len()), (0, 99));
        assert_eq!(frames[1].rsv, 4);
        assert!(frames[1].payload.len() < 20);
    }
}

#[test]
fn what_does_not_shrink_goes_out_as_it_is_and_the_stream_stays_right() {
    for role in ROLES {
        for agreed in both() {
            let noise = Random::new(3).bytes(5000);
            let agreed = agreed.compression();
            let mut peer = RawPeer::facing_with(role, Default::default(), Some(agreed));
            peer.connection_sends_binary(&noise).unwrap();
            let frames = peer.take_frames();
            assert_eq!(frames[0].rsv, 0, "noise is sent as it is");
            assert_eq!(frames[0].payload, noise);

            let mut pair = Pair::new(Default::default(), Some(agreed));
            let sent: Vec<_> = (0..10)
                .flat_map(|i| {
                    [
                        Heard::text(format!("text {i} ").repeat(50)),
                        Heard::Binary(noise.clone()),
                    ]
                })
                .collect();
            sent.iter()
                .for_each(|message| send(&mut pair, role, message));
            pair.drive();
            assert_eq!(pair.end(role.peer()).messages(), sent);
        }
    }
}

#[test]
fn takeover_is_used_and_no_takeover_is_kept() {
    let text = "a sentence that repeats itself only from message to message";
    let sizes = |agreed: Agreed| {
        let agreed = Some(agreed.compression());
        let mut peer = RawPeer::facing_with(Role::Server, Default::default(), agreed);
        peer.connection_sends_text(text).unwrap();
        peer.connection_sends_text(text).unwrap();
        let frames = peer.take_frames();
        (frames[0].payload.len(), frames[1].payload.len())
    };
    let (first, second) = sizes(Agreed::takeover());
    assert!(second < first / 4, "{second} after {first}");
    let (first, second) = sizes(Agreed::no_takeover());
    assert_eq!(first, second);
}

#[test]
fn uncompressed_fragments_may_be_sent_where_compression_was_agreed() {
    for agreed in both() {
        let mut pair = Pair::new(Default::default(), Some(agreed.compression()));
        for i in 0..5 {
            let text = format!("message {i} ").repeat(20);
            pair.text(Role::Client, &text).unwrap();
            pair.fragment(Role::Client, Kind::Text, false, text.as_bytes())
                .unwrap();
            pair.fragment(Role::Client, Kind::Text, true, b"!").unwrap();
        }
        pair.drive();
        assert_eq!(pair.server.messages().len(), 10);
        assert_eq!(
            pair.server.messages()[9],
            Heard::text("message 4 ".repeat(20) + "!")
        );
    }
}

#[test]
fn a_corrupt_message_leaves_nothing_to_the_connection_that_gets_its_decoder_next() {
    // One pool for both: what the first leaves behind must not reach the second.
    let agreed = Some(Agreed::no_takeover().compression());
    let mut first = RawPeer::facing_with(Role::Server, Default::default(), agreed);
    first
        .send(
            RawFrame::text(&deflated("secret ".repeat(100))[..10])
                .compressed()
                .more(),
        )
        .unwrap();
    assert!(first.send(RawFrame::continuation([0xff; 20])).is_err());
    let mut second = RawPeer::facing_with(Role::Server, Default::default(), agreed);
    second.pool = first.pool;
    second
        .send(RawFrame::text(deflated("Hello")).compressed())
        .unwrap();
    second.assert_heard(&[Heard::text("Hello")]);
}
