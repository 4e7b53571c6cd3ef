//! Ping, Pong, and what bounds the Pongs that wait.

use tidewire_proto::{Config, Role, SendError};
use tidewire_testkit::{Heard, RawFrame, RawPeer};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    for role in ROLES {
        for len in [0, 1, 124, 125] {
            let payload: String = "pingpong".chars().cycle().take(len).collect();
            let mut peer = RawPeer::facing(role);
            peer.send(RawFrame::ping(&payload)).unwrap();
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 1);
            assert_eq!(
                (frames[0].opcode, &frames[0].payload[..]),
                (0xA, payload.as_bytes())
            );
            peer.assert_heard(&[Heard::Ping(payload.into())]);
        }
    }
}

#[test]
fn pings_are_answered_in_order() {
    let mut peer = RawPeer::facing(Role::Client);
    for i in 0..10 {
        peer.send(RawFrame::ping(format!("{i}"))).unwrap();
    }
    let expected: Vec<_> = (0..10).map(|i| format!("PONG \"{i}\" [1 byte]")).collect();
    peer.assert_frames_sent(&expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_ping_is_answered_in_the_middle_of_a_frame_that_is_being_cut() {
    let mut peer = RawPeer::facing(Role::Server);
    let ping = RawFrame::ping("half a ping").bytes(Role::Client);
    peer.send(RawFrame::text("Sp").more()).unwrap();
    peer.send_bytes(&ping[..9]).unwrap();
    peer.assert_silent();
    peer.send_bytes(&ping[9..]).unwrap();
    peer.assert_frame_sent("PONG \"half a ping\" [11 bytes]");
}

#[test]
fn a_pong_that_nobody_asked_for_is_heard_and_not_answered() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.send(RawFrame::pong("unasked")).unwrap();
        peer.assert_heard(&[Heard::Pong(b"unasked".to_vec())]);
        peer.assert_silent();
    }
}

#[test]
fn pings_that_cannot_be_answered_yet_leave_a_bounded_queue_that_ends_with_the_last() {
    for role in ROLES {
        let mut peer = RawPeer::facing_with(role, Config::default().max_queued_control(8), None);
        for i in 0..100_000 {
            peer.send(RawFrame::ping(format!("{i:0>125}"))).unwrap();
        }
        let frames = peer.take_frames();
        assert_eq!(frames.len(), 8);
        for (i, frame) in frames[..7].iter().enumerate() {
            assert_eq!(
                frame.payload,
                format!("{i:0>125}").as_bytes(),
                "the first wait in order"
            );
        }
        assert_eq!(
            frames[7].payload,
            format!("{:0>125}", 99_999).as_bytes(),
            "and the last"
        );
        // Once they are gone, Pings are answered one by one again.
        peer.send(RawFrame::ping("a")).unwrap();
        peer.send(RawFrame::ping("b")).unwrap();
        peer.assert_frames_sent(&["PONG \"a\" [1 byte]", "PONG \"b\" [1 byte]"]);
    }
}

#[test]
fn a_full_queue_of_our_own_pings_still_answers_the_peers_last_ping() {
    let mut peer =
        RawPeer::facing_with(Role::Server, Config::default().max_queued_control(2), None);
    peer.connection.ping(b"1").unwrap();
    peer.connection.ping(b"2").unwrap();
    assert_eq!(peer.connection.ping(b"3"), Err(SendError::ControlQueueFull));
    assert_eq!(peer.connection.pong(b"3"), Err(SendError::ControlQueueFull));
    for payload in ["a", "b", "c"] {
        peer.send(RawFrame::ping(payload)).unwrap();
    }
    peer.assert_frames_sent(&[
        "PING \"1\" [1 byte]",
        "PING \"2\" [1 byte]",
        "PONG \"c\" [1 byte]",
    ]);
}

#[test]
fn no_pong_is_dropped_for_a_close() {
    let mut peer = RawPeer::facing(Role::Server);
    peer.send(RawFrame::ping("first")).unwrap();
    peer.send(RawFrame::close(1000, "bye")).unwrap();
    peer.assert_frames_sent(&["PONG \"first\" [5 bytes]", "CLOSE 1000 (normal closure)"]);
}

#[test]
fn a_ping_after_our_close_is_heard_and_not_answered() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.connection_closes(1000, "");
        peer.assert_frame_sent("CLOSE 1000 (normal closure)");
        peer.send(RawFrame::ping("too late")).unwrap();
        peer.assert_heard(&[Heard::Ping(b"too late".to_vec())]);
        peer.assert_silent();
    }
}
