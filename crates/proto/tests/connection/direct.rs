//! The way of large payloads: read straight into the message, they come out as through `receive`.

use proptest::prelude::*;
use tidewire_proto::{Config, Event, Failure, Payload, ProtocolViolation, Role};
use tidewire_testkit::agreed::deflated;
use tidewire_testkit::{Agreed, Heard, Random, RawFrame, RawPeer};
// What a reader does with `Spare`.
use bytes::{BufMut, BytesMut};

/// Feeds `bytes` as a reader does that reads into the message wherever it may, at most `piece` at a
/// time. Whether it ever did.
fn feed(peer: &mut RawPeer, mut bytes: &[u8], piece: usize) -> Result<bool, Failure> {
    let mut directly = false;
    while !bytes.is_empty() {
        let mut count = bytes.len().min(piece);
        let len = peer.connection.direct_len();
        let room = peer.connection.direct().map(|mut spare| {
            count = count.min(spare.remaining_mut());
            assert!(
                count > 0 && spare.remaining_mut() <= len,
                "there is always room for something"
            );
            spare.put_slice(&bytes[..count]);
        });
        assert_eq!(room.is_some(), len > 0);
        if room.is_some() {
            directly = true;
            if let Some(event) = peer.connection.received_direct(peer.now, count)? {
                peer.note(event);
            }
        } else {
            peer.send_bytes(&bytes[..count])?;
        }
        bytes = &bytes[count..];
    }
    Ok(directly)
}

#[test]
fn a_large_message_is_read_in_and_handed_out() {
    for role in [Role::Client, Role::Server] {
        for len in [2, 1000, 65_536, 1_000_000] {
            let payload = Random::new(len as u64).bytes(len);
            let mut peer = RawPeer::facing(role);
            let bytes = RawFrame::binary(&payload).bytes(peer.role());
            // The header and one byte of payload arrive first.
            let first = bytes.len() - len + 1;
            peer.send_bytes(&bytes[..first]).unwrap();
            assert_eq!(feed(&mut peer, &bytes[first..], 64 * 1024), Ok(true));
            peer.assert_heard(&[Heard::binary(payload)]);
            assert!(peer.connection.direct().is_none(), "no frame is under way");
        }
    }
}

#[test]
fn never_more_than_the_rest_of_the_frame_is_read() {
    let mut peer = RawPeer::facing(Role::Client);
    let frames = RawFrame::join(
        &[RawFrame::text("0123456789"), RawFrame::text("next")],
        Role::Server,
    );
    peer.send_bytes(&frames[..5]).unwrap();
    assert_eq!(peer.connection.direct().unwrap().remaining_mut(), 7);
    assert_eq!(feed(&mut peer, &frames[5..], 1000), Ok(true));
    peer.assert_heard(&[Heard::text("0123456789"), Heard::text("next")]);
}

#[test]
fn bad_text_fails_at_its_first_byte_here_too() {
    for role in [Role::Client, Role::Server] {
        let mut peer = RawPeer::facing(role);
        let payload = [&b"kosme"[..], &[0xf4], &[0x90], &[b'x'; 100]].concat();
        let bytes = RawFrame::text(&payload).bytes(peer.role());
        let start = bytes.len() - payload.len();
        peer.send_bytes(&bytes[..start + 5]).unwrap();
        assert_eq!(feed(&mut peer, &bytes[start + 5..start + 6], 1), Ok(true));
        let failure = Failure::from(ProtocolViolation::InvalidUtf8);
        assert_eq!(
            feed(&mut peer, &bytes[start + 6..start + 7], 1),
            Err(failure)
        );
        assert!(peer.connection.direct().is_none());
        let frames = peer.take_frames();
        assert_eq!(frames[0].close().unwrap().0, 1007);
        assert!(
            peer.connection
                .received_direct(peer.now, 5)
                .unwrap()
                .is_none()
        );
    }
}

#[test]
fn control_frames_and_compressed_messages_do_not_go_this_way() {
    let agreed = Some(Agreed::takeover().compression());
    let mut peer = RawPeer::facing_with(Role::Client, Config::default(), agreed);
    assert!(peer.connection.direct().is_none());
    peer.send(RawFrame::text("begun").more()).unwrap();
    assert!(peer.connection.direct().is_none(), "between frames");
    let ping = RawFrame::ping("half a ping").bytes(Role::Server);
    peer.send_bytes(&ping[..5]).unwrap();
    assert!(peer.connection.direct().is_none(), "inside a Ping");
    peer.send_bytes(&ping[5..]).unwrap();
    peer.send(RawFrame::continuation("")).unwrap();
    let packed = RawFrame::text(deflated("text ".repeat(100)))
        .compressed()
        .bytes(Role::Server);
    peer.send_bytes(&packed[..8]).unwrap();
    assert!(
        peer.connection.direct().is_none(),
        "inside a compressed message"
    );
}

#[test]
fn a_report_without_a_frame_is_harmless() {
    let mut peer = RawPeer::facing(Role::Server);
    assert!(
        peer.connection
            .received_direct(peer.now, 1000)
            .unwrap()
            .is_none()
    );
    peer.send(RawFrame::text("fine")).unwrap();
    peer.assert_heard(&[Heard::text("fine")]);
}

#[test]
fn the_message_owns_its_buffer_alone() {
    let mut peer = RawPeer::facing(Role::Client);
    let bytes = RawFrame::binary([7; 1000]).bytes(Role::Server);
    peer.send_bytes(&bytes[..10]).unwrap();
    let mut spare = peer.connection.direct().unwrap();
    spare.put_slice(&bytes[10..]);
    let event = peer
        .connection
        .received_direct(peer.now, bytes.len() - 10)
        .unwrap();
    let Some(Event::Binary(Payload::Owned(data))) = event else {
        panic!("{event:?}")
    };
    assert!(data.is_unique() && data.len() == 1000);
}

proptest! {
    #[test]
    fn both_ways_lead_to_the_same(
        sizes in prop::collection::vec((0..400usize, any::<bool>(), any::<bool>()), 1..12),
        piece in 1..150usize, server: bool, seed: u64,
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut random = Random::new(seed);
        let mut frames = Vec::new();
        let mut open = false;
        for &(size, fin, ping) in &sizes {
            let payload = random.bytes(size);
            let frame = if open { RawFrame::continuation(payload) } else { RawFrame::binary(payload) };
            open = !fin;
            frames.push(if fin { frame } else { frame.more() });
            if ping {
                frames.push(RawFrame::ping("between"));
            }
        }
        let bytes = RawFrame::join(&frames, role.peer());
        let mut whole = RawPeer::facing(role);
        whole.send_bytes(&bytes).unwrap();
        let mut direct = RawPeer::facing(role);
        feed(&mut direct, &bytes, piece).unwrap();
        prop_assert_eq!(direct.take_heard(), whole.take_heard());
    }
}

/// A buffer that held something else, with room for `capacity` bytes.
fn used(capacity: usize) -> BytesMut {
    let mut spare = BytesMut::with_capacity(capacity);
    spare.put_bytes(0xee, 100);
    spare
}

#[test]
fn a_message_goes_on_in_a_spare_buffer_that_holds_all_of_it() {
    const LEN: usize = 300_000;
    let (data, text) = (Random::new(1).bytes(LEN), "ä".repeat(LEN / 2));
    let messages = [
        (RawFrame::binary(&data), Heard::binary(data.clone())),
        (RawFrame::text(&text), Heard::text(text.clone())),
    ];
    for (frame, heard) in messages {
        let mut peer = RawPeer::facing(Role::Server);
        let bytes = frame.bytes(peer.role());
        let mut spares = vec![used(1000), used(10 * LEN), used(LEN)];
        peer.send_bytes(&bytes[..10_001]).unwrap();
        peer.connection.use_spare(&mut spares);
        assert_eq!(spares.len(), 3, "a claim alone takes no buffer");
        feed(&mut peer, &bytes[10_001..100_001], 30_000).unwrap();
        peer.connection.use_spare(&mut spares);
        let left: Vec<_> = spares.iter().map(BytesMut::capacity).collect();
        assert_eq!(left, [1000, 10 * LEN], "neither a small one nor a huge one");
        peer.connection.use_spare(&mut spares);
        assert_eq!(spares.len(), 2, "it has all the room it needs");
        feed(&mut peer, &bytes[100_001..], 30_000).unwrap();
        peer.assert_heard(&[heard]);
    }
}
