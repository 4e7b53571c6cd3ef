//! Budgets: what a peer may ask for, and the 1009 beyond it.

use tidewire_proto::{Config, Failure, LimitExceeded, Role};
use tidewire_testkit::agreed::deflated;
use tidewire_testkit::{Agreed, Heard, Random, RawFrame, RawPeer};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn message_limit(limit: usize) -> Failure {
    LimitExceeded::Message { limit }.into()
}

#[test]
fn a_message_of_exactly_the_limit_passes_and_one_byte_more_is_1009() {
    for role in ROLES {
        for piece in [1, 7, usize::MAX] {
            let config = Config::default().max_message(1000);
            let mut peer = RawPeer::facing_with(role, config.clone(), None);
            let exact = RawFrame::text("x".repeat(1000)).bytes(peer.role());
            peer.drip(&exact, piece).unwrap();
            assert_eq!(peer.take_heard().len(), 1);
            // `max_frame` is still larger: it is the message that is over.
            let over = RawFrame::text("x".repeat(1001)).bytes(peer.role());
            assert_eq!(peer.drip(&over, piece), Err(message_limit(1000)));
            peer.assert_failing_with(1009);
        }
    }
}

#[test]
fn a_frame_of_exactly_the_limit_passes_and_one_byte_more_is_1009() {
    for role in ROLES {
        let config = Config::default().max_frame(100);
        let mut peer = RawPeer::facing_with(role, config, None);
        peer.send(RawFrame::binary([0; 100]).more()).unwrap();
        peer.send(RawFrame::continuation([0; 100]).more()).unwrap();
        peer.send(RawFrame::continuation([0; 100])).unwrap();
        peer.assert_heard(&[Heard::binary([0; 300])]);
        let failure = Failure::from(LimitExceeded::Frame {
            claimed: 101,
            limit: 100,
        });
        assert_eq!(peer.send(RawFrame::binary([0; 101])), Err(failure));
        peer.assert_failing_with(1009);

        let config = Config::default().max_frame(100);
        let mut peer = RawPeer::facing_with(role, config, None);
        peer.send(RawFrame::binary([0; 1]).more()).unwrap();
        assert_eq!(peer.send(RawFrame::continuation([0; 101])), Err(failure));
        peer.assert_failing_with(1009);
    }
}

#[test]
fn a_claim_over_the_limit_is_refused_before_any_payload() {
    for role in ROLES {
        for claimed in [16 * 1024 * 1024 + 1, 1 << 32, 1 << 62, (1 << 63) - 1] {
            let mut peer = RawPeer::facing(role);
            let limit = Config::default().max_frame;
            let failure = Failure::from(LimitExceeded::Frame { claimed, limit });
            assert_eq!(
                peer.send(RawFrame::binary("").claiming(claimed)),
                Err(failure)
            );
            peer.assert_failing_with(1009);
        }
    }
}

#[test]
fn each_fragment_is_charged_and_the_last_byte_counts() {
    for role in ROLES {
        // 10 bytes, then two fragments of 10 bytes at 64 more each.
        let exact = 3 * 10 + 2 * 64;
        for (limit, passes) in [(exact, true), (exact - 1, false)] {
            let config = Config::default().max_message(limit);
            let mut peer = RawPeer::facing_with(role, config, None);
            peer.send(RawFrame::text("0123456789").more()).unwrap();
            peer.send(RawFrame::continuation("0123456789").more())
                .unwrap();
            let last = peer.send(RawFrame::continuation("0123456789"));
            if passes {
                assert_eq!(last, Ok(()));
                assert_eq!(peer.take_heard(), [Heard::text("0123456789".repeat(3))]);
            } else {
                assert_eq!(last, Err(message_limit(limit)));
                peer.assert_failing_with(1009);
            }
        }
    }
}

#[test]
fn by_default_65_536_fragments_of_64_bytes_are_a_message() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        let part = "fragment of sixty-four bytes!!! ".repeat(2);
        assert_eq!(part.len(), 64);
        let mut frames = vec![RawFrame::text(&part).more()];
        frames.resize(65_535, RawFrame::continuation(&part).more());
        frames.push(RawFrame::continuation(&part));
        peer.drip(&RawFrame::join(&frames, peer.role()), 64 * 1024)
            .unwrap();
        peer.assert_heard(&[Heard::text(part.repeat(65_536))]);
    }
}

#[test]
fn a_flood_of_empty_fragments_ends_with_1009() {
    for role in ROLES {
        for compressed in [false, true] {
            let agreed = Some(Agreed::no_takeover().compression());
            let mut peer = RawPeer::facing_with(role, Config::default(), agreed);
            let first = RawFrame::text("").more();
            peer.send(if compressed {
                first.compressed()
            } else {
                first
            })
            .unwrap();
            let empty = RawFrame::continuation("")
                .more()
                .bytes(peer.role())
                .repeat(1000);
            let sent = (1..=1000)
                .find(|_| peer.send_bytes(&empty).is_err())
                .expect("an end");
            assert_eq!(
                peer.failure(),
                Some(message_limit(Config::default().max_message))
            );
            assert!(
                sent <= 16 * 1024 * 1024 / 64 / 1000 + 1,
                "{sent},000 empty fragments"
            );
            peer.assert_failing_with(1009);
        }
    }
}

#[test]
fn the_limit_of_one_message_is_not_used_up_by_those_before() {
    let mut peer = RawPeer::facing_with(Role::Server, Config::default().max_message(100), None);
    for _ in 0..50 {
        peer.send(RawFrame::text([b'x'; 20]).more()).unwrap();
        peer.send(RawFrame::continuation([b'x'; 16])).unwrap();
        peer.send(RawFrame::text([b'x'; 100])).unwrap();
    }
    assert_eq!(peer.take_heard().len(), 100);
}

#[test]
fn control_frames_are_not_charged_to_the_message_they_interrupt() {
    let mut peer = RawPeer::facing_with(Role::Server, Config::default().max_message(100), None);
    peer.send(RawFrame::text([b'x'; 30]).more()).unwrap();
    for _ in 0..100 {
        peer.send(RawFrame::ping([b'p'; 125])).unwrap();
    }
    peer.send(RawFrame::continuation([b'x'; 6])).unwrap();
    assert_eq!(peer.take_heard().last(), Some(&Heard::text("x".repeat(36))));
}

#[test]
fn an_inflated_message_of_exactly_the_limit_passes_and_one_byte_more_is_1009() {
    for role in ROLES {
        for piece in [1, 100, usize::MAX] {
            let config = Config::default().max_message(100_000);
            let agreed = Some(Agreed::takeover().compression());
            let mut peer = RawPeer::facing_with(role, config, agreed);
            let exact = "0123456789".repeat(10_000);
            let bytes = RawFrame::text(deflated(&exact))
                .compressed()
                .bytes(peer.role());
            peer.drip(&bytes, piece).unwrap();
            peer.assert_heard(&[Heard::text(&*exact)]);
            let over = RawFrame::text(deflated(exact + "x"))
                .compressed()
                .bytes(peer.role());
            assert_eq!(peer.drip(&over, piece), Err(message_limit(100_000)));
            peer.assert_failing_with(1009);
        }
    }
}

#[test]
fn a_bomb_in_fragments_is_stopped_while_it_is_inflated() {
    let bomb = deflated(vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    for role in ROLES {
        let agreed = Some(Agreed::no_takeover().compression());
        let mut peer = RawPeer::facing_with(role, Config::default().max_message(1 << 20), agreed);
        // The message never ends: waiting for its last fragment would be waiting for ever.
        peer.send(RawFrame::binary(&bomb[..10]).compressed().more())
            .unwrap();
        let outcome = bomb[10..]
            .chunks(100)
            .find_map(|part| peer.send(RawFrame::continuation(part).more()).err());
        assert_eq!(outcome, Some(message_limit(1 << 20)));
        peer.assert_failing_with(1009);
    }
}

#[test]
fn a_compressed_message_that_only_grows_is_bounded_by_what_it_holds() {
    // Noise, compressed, is a little longer than it was; the limit is for what comes out.
    let noise = Random::new(7).bytes(10_000);
    let packed = deflated(&noise);
    assert!(packed.len() > 10_000);
    let agreed = Some(Agreed::takeover().compression());
    let mut peer =
        RawPeer::facing_with(Role::Client, Config::default().max_message(10_000), agreed);
    peer.send(RawFrame::binary(packed).compressed()).unwrap();
    peer.assert_heard(&[Heard::binary(noise)]);
}
