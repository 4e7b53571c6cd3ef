//! Text is checked as it arrives: the connection fails at the first byte that cannot be UTF-8 (RFC
//! 6455 §8.1), across fragments, frames cut anywhere, and through inflate.

use tidewire_proto::{Config, ProtocolViolation as Violation, Role};
use tidewire_testkit::agreed::deflated;
use tidewire_testkit::{Agreed, Heard, RawFrame, RawPeer};

/// A prefix that may still become text, and the byte that rules it out.
const BAD: [(&[u8], u8); 10] = [
    (b"kosme ", 0x80),
    (b"kosme ", 0xc1),
    (b"kosme ", 0xf5),
    (b"kosme ", 0xff),
    (b"kosme \xce", b'x'),
    (b"kosme \xe0", 0x9f),
    (b"kosme \xed", 0xa0),
    (b"kosme \xf0", 0x8f),
    (b"kosme \xf4", 0x90),
    (b"kosme \xf4\x8f\xbf", 0xc0),
];

#[test]
fn a_frame_that_is_not_whole_fails_at_its_first_bad_byte() {
    for role in [Role::Client, Role::Server] {
        for (prefix, bad) in BAD {
            let mut peer = RawPeer::facing(role);
            // The frame claims 1,000 bytes; what follows the bad one never arrives.
            let payload = [prefix, &[bad], &[b'x'; 990]].concat();
            let frame = RawFrame::text(&payload).bytes(peer.role());
            let head = frame.len() - payload.len();
            let before = head + prefix.len();
            assert_eq!(peer.drip(&frame[..before], 1), Ok(()), "{prefix:02x?}");
            let outcome = peer.send_bytes(&frame[before..before + 1]);
            assert_eq!(
                outcome,
                Err(Violation::InvalidUtf8.into()),
                "{prefix:02x?} {bad:02x}"
            );
            peer.assert_failing_with(1007);
        }
    }
}

#[test]
fn a_fragmented_message_fails_at_its_first_bad_byte() {
    for role in [Role::Client, Role::Server] {
        for (prefix, bad) in BAD {
            let mut peer = RawPeer::facing(role);
            for (i, byte) in prefix.iter().enumerate() {
                let frame = if i == 0 {
                    RawFrame::text([*byte])
                } else {
                    RawFrame::continuation([*byte])
                };
                assert_eq!(peer.send(frame.more()), Ok(()), "{prefix:02x?}");
                assert_eq!(peer.send(RawFrame::ping("between")), Ok(()));
            }
            // The fragment is not the last one, and not whole either.
            let rest = RawFrame::continuation([&[bad][..], &[b'x'; 50]].concat()).more();
            let bytes = rest.bytes(peer.role());
            let start = bytes.len() - 51;
            assert_eq!(peer.drip(&bytes[..start], 1), Ok(()));
            let outcome = peer.send_bytes(&bytes[start..=start]);
            assert_eq!(
                outcome,
                Err(Violation::InvalidUtf8.into()),
                "{prefix:02x?} {bad:02x}"
            );
            peer.take_heard();
            peer.assert_failing_with(1007);
        }
    }
}

#[test]
fn compressed_text_fails_while_it_is_inflated() {
    for role in [Role::Client, Role::Server] {
        for (prefix, bad) in BAD {
            // A megabyte of text follows the bad byte; the frame that holds it never ends.
            let text = [prefix, &[bad], "x".repeat(1 << 20).as_bytes()].concat();
            let packed = deflated(&text);
            let agreed = Some(Agreed::no_takeover().compression());
            let mut peer = RawPeer::facing_with(role, Config::default(), agreed);
            let frame = RawFrame::text(&packed[..packed.len() - 5])
                .compressed()
                .more();
            let outcome = peer.send(frame);
            assert_eq!(
                outcome,
                Err(Violation::InvalidUtf8.into()),
                "{prefix:02x?} {bad:02x}"
            );
            peer.assert_failing_with(1007);
        }
    }
}

#[test]
fn compressed_text_that_ends_inside_a_character_fails() {
    let agreed = Some(Agreed::takeover().compression());
    let mut peer = RawPeer::facing_with(Role::Server, Config::default(), agreed);
    let packed = deflated(b"kosme \xf4\x8f\xbf");
    let outcome = peer.send(RawFrame::text(packed).compressed());
    assert_eq!(outcome, Err(Violation::InvalidUtf8.into()));
    peer.assert_failing_with(1007);
}

#[test]
fn characters_may_be_cut_by_fragments_and_by_the_network() {
    let text = "κόσμε ⛵ 🌊 \u{10ffff} \u{0} é";
    for role in [Role::Client, Role::Server] {
        for piece in [1, 2, 3, 5, 1000] {
            for compress in [false, true] {
                let agreed = Some(Agreed::no_takeover().compression());
                let mut peer = RawPeer::facing_with(role, Config::default(), agreed);
                let payload = if compress {
                    deflated(text)
                } else {
                    text.as_bytes().to_vec()
                };
                let last = payload.len() - 1;
                let mut frames: Vec<_> = payload[..last]
                    .iter()
                    .map(|byte| RawFrame::continuation([*byte]).more())
                    .collect();
                let first = RawFrame::text([payload[0]]).more();
                frames[0] = if compress { first.compressed() } else { first };
                frames.push(RawFrame::continuation([payload[last]]));
                peer.drip(&RawFrame::join(&frames, peer.role()), piece)
                    .unwrap();
                peer.assert_heard(&[Heard::text(text)]);
            }
        }
    }
}

#[test]
fn binary_messages_may_hold_anything() {
    let mut peer = RawPeer::facing(Role::Client);
    let frames = [
        RawFrame::binary([0xff, 0xfe]).more(),
        RawFrame::continuation([0xc0, 0x80]),
    ];
    peer.drip(&RawFrame::join(&frames, Role::Server), 1)
        .unwrap();
    peer.assert_heard(&[Heard::binary([0xff, 0xfe, 0xc0, 0x80])]);
}
