//! Prepared frames: made once, sent to many, right between ordinary messages and with takeover.

use proptest::prelude::*;
use tidewire_proto::{PreparedFrame, Role};
use tidewire_testkit::{Agreed, Heard, Pair, Random, RawPeer};

fn server(agreed: Option<Agreed>) -> RawPeer {
    let agreed = agreed.map(Agreed::compression);
    RawPeer::facing_with(Role::Server, Default::default(), agreed)
}

fn prepared_by(peer: &mut RawPeer, frame: &PreparedFrame) -> Option<bytes::Bytes> {
    let mut out = Vec::new();
    let mut keys = Random::new(9);
    peer.connection
        .send_prepared(frame, &mut keys, &mut peer.pool, &mut out)
        .unwrap()
}

#[test]
fn servers_share_the_bytes_of_a_prepared_frame() {
    let frame = PreparedFrame::text("to everybody");
    let first = prepared_by(&mut server(None), &frame).unwrap();
    let second = prepared_by(&mut server(None), &frame).unwrap();
    assert_eq!(first.as_ptr(), second.as_ptr());
    assert_eq!(&first[..], b"\x81\x0cto everybody");
}

#[test]
fn it_is_compressed_once_for_each_window() {
    let frame = PreparedFrame::text("to everybody ".repeat(100));
    for agreed in [Agreed::takeover(), Agreed::no_takeover()] {
        for bits in 8..=15 {
            let agreed = Some(agreed.window_bits(bits, 15));
            let first = prepared_by(&mut server(agreed), &frame).unwrap();
            let second = prepared_by(&mut server(agreed), &frame).unwrap();
            assert_eq!(first.as_ptr(), second.as_ptr(), "window {bits}");
            assert_eq!(first[0], 0xc1);
            assert!(first.len() < 200);
        }
    }
}

#[test]
fn what_does_not_shrink_or_is_short_is_the_plain_frame() {
    let noise = Random::new(1).bytes(1000);
    let frame = PreparedFrame::binary(&noise);
    let bytes = prepared_by(&mut server(Some(Agreed::takeover())), &frame).unwrap();
    assert_eq!(bytes[0], 0x82);
    let short = PreparedFrame::text("x".repeat(99));
    let agreed = Some(Agreed::takeover().threshold(100));
    assert_eq!(prepared_by(&mut server(agreed), &short).unwrap()[0], 0x81);
}

#[test]
fn a_client_masks_a_copy_of_its_own() {
    let frame = PreparedFrame::text("Spam");
    let mut pair = Pair::default();
    pair.prepared(Role::Client, &frame).unwrap();
    pair.prepared(Role::Client, &frame).unwrap();
    pair.drive();
    assert_eq!(
        pair.server.heard(),
        [Heard::text("Spam"), Heard::text("Spam")]
    );
}

#[derive(Clone, Debug)]
enum Send {
    Prepared(usize),
    Text(usize),
    Noise(usize),
}

fn sends() -> impl Strategy<Value = Vec<Send>> {
    let one = prop_oneof![
        (0..4usize).prop_map(Send::Prepared),
        (0..600usize).prop_map(Send::Text),
        (0..300usize).prop_map(Send::Noise),
    ];
    prop::collection::vec(one, 1..40)
}

proptest! {
    /// With takeover, the peer's window also holds what the prepared frame said, and our own
    /// encoder never saw it.
    #[test]
    fn prepared_and_ordinary_messages_mix(
        sends in sends(), takeover: bool, bits in 8..=15u8, from_server: bool,
    ) {
        let role = if from_server { Role::Server } else { Role::Client };
        let agreed = if takeover { Agreed::takeover() } else { Agreed::no_takeover() };
        let agreed = agreed.window_bits(bits, bits).compression();
        let mut pair = Pair::new(Default::default(), Some(agreed));
        let story = "the boat went out with the tide and came home on the wire ".repeat(12);
        let frames = [
            PreparedFrame::text(&story[..]),
            PreparedFrame::text(&story[..30]),
            PreparedFrame::binary(story.repeat(20)),
            PreparedFrame::binary(Random::new(5).bytes(2000)),
        ];
        let mut expected = Vec::new();
        for send in sends {
            match send {
                Send::Prepared(i) => {
                    pair.prepared(role, &frames[i]).unwrap();
                    let payload = frames[i].payload();
                    expected.push(match frames[i].kind() {
                        tidewire_proto::Kind::Text => {
                            Heard::text(std::str::from_utf8(payload).unwrap())
                        }
                        tidewire_proto::Kind::Binary => Heard::binary(payload),
                    });
                }
                Send::Text(len) => {
                    pair.text(role, &story[..len]).unwrap();
                    expected.push(Heard::text(&story[..len]));
                }
                Send::Noise(len) => {
                    let noise = Random::new(len as u64).bytes(len);
                    pair.binary(role, &noise).unwrap();
                    expected.push(Heard::Binary(noise));
                }
            }
        }
        pair.drive();
        prop_assert_eq!(pair.end(role.peer()).failure(), None);
        prop_assert_eq!(pair.end(role.peer()).messages(), expected);
    }
}
