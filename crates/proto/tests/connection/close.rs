//! The closing handshake (RFC 6455 §7) in every order, and the story that each side tells.

use std::time::Duration;
use tidewire_proto::{
    CloseCode, CloseStory, ClosedBy, Failure, ProtocolViolation, Role, SendError, State, TcpEnd,
};
use tidewire_testkit::{Heard, Pair, RawFrame, RawPeer};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// Sent, received, by whom: what a story says, in short.
fn told(story: Option<&CloseStory>) -> (Option<u16>, Option<u16>, ClosedBy) {
    let story = story.expect("a story");
    let code = |frame: &Option<tidewire_proto::CloseFrame>| frame.as_ref().map(|f| f.code.0);
    (code(&story.sent), code(&story.received), story.by)
}

/// What is to become of TCP once both Close frames are there.
fn complete(role: Role) -> TcpEnd {
    if role == Role::Server {
        TcpEnd::CloseNow
    } else {
        TcpEnd::AwaitPeer
    }
}

#[test]
fn we_close_first() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.connection_closes(1000, "done");
        assert_eq!(peer.connection.state(), State::Closing);
        assert_eq!(peer.connection.tcp_end(), TcpEnd::Keep);
        peer.assert_frame_sent("CLOSE 1000 (normal closure): done");
        peer.send(RawFrame::close(1000, "done")).unwrap();
        peer.assert_heard(&[Heard::Close(1000, "done".into())]);
        peer.assert_silent();
        assert_eq!(peer.connection.tcp_end(), complete(role));
        assert_eq!(
            told(peer.connection.story()),
            (Some(1000), Some(1000), ClosedBy::Us)
        );
        assert!(peer.connection.story().unwrap().is_clean());
        peer.send_eof().unwrap();
        assert_eq!(peer.connection.state(), State::Closed);
        assert_eq!(peer.connection.next_deadline(), None);
    }
}

#[test]
fn the_peer_closes_first_and_its_code_is_echoed() {
    for role in ROLES {
        for (code, clean) in [
            (1000, true),
            (1001, true),
            (1011, false),
            (3000, false),
            (4999, false),
        ] {
            let mut peer = RawPeer::facing(role);
            peer.send(RawFrame::close(code, "why")).unwrap();
            peer.assert_heard(&[Heard::Close(code, "why".into())]);
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 1);
            assert_eq!(frames[0].close(), Some((code, String::new())));
            assert_eq!(peer.connection.tcp_end(), complete(role));
            let story = peer.connection.story();
            assert_eq!(told(story), (Some(code), Some(code), ClosedBy::Peer));
            assert_eq!(story.unwrap().is_clean(), clean, "{code}");
        }
    }
}

#[test]
fn a_close_without_a_code_is_answered_without_a_code() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.send(RawFrame::new(8, "")).unwrap();
        peer.assert_heard(&[Heard::Close(1005, String::new())]);
        peer.assert_frame_sent("CLOSE without a code");
        assert!(peer.connection.story().unwrap().is_clean());
    }
}

#[test]
fn the_peer_answers_our_close_with_another_code() {
    let mut peer = RawPeer::facing(Role::Client);
    peer.connection_closes(4001, "ours");
    peer.send(RawFrame::close(4002, "theirs")).unwrap();
    let story = peer.connection.story().unwrap();
    assert_eq!(told(Some(story)), (Some(4001), Some(4002), ClosedBy::Us));
    assert_eq!(story.received.as_ref().unwrap().reason, "theirs");
}

#[test]
fn closes_that_cross_are_no_second_close() {
    let mut pair = Pair::default();
    pair.set_latency(Duration::from_millis(50));
    pair.close(Role::Client, 1000, "from the client").unwrap();
    pair.close(Role::Server, 1001, "from the server").unwrap();
    pair.drive();
    assert_eq!(
        pair.client.heard(),
        [Heard::Close(1001, "from the server".into())]
    );
    assert_eq!(
        pair.server.heard(),
        [Heard::Close(1000, "from the client".into())]
    );
    let client = told(pair.client.connection.story());
    assert_eq!(client, (Some(1000), Some(1001), ClosedBy::Us));
    let server = told(pair.server.connection.story());
    assert_eq!(server, (Some(1001), Some(1000), ClosedBy::Us));
    assert_eq!(pair.client.connection.state(), State::Closed);
    assert_eq!(pair.server.connection.state(), State::Closed);
    assert_eq!((pair.client.failure(), pair.server.failure()), (None, None));
}

#[test]
fn tcp_ends_without_any_close() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.send(RawFrame::text("cut off").more()).unwrap();
        peer.send(RawFrame::ping("")).unwrap();
        assert_eq!(peer.send_eof(), Err(Failure::Eof));
        assert_eq!(peer.connection.state(), State::Closed);
        assert_eq!(peer.connection.tcp_end(), TcpEnd::CloseNow);
        assert_eq!(
            told(peer.connection.story()),
            (None, None, ClosedBy::Network)
        );
        assert_eq!(peer.connection.story().unwrap().failure, Some(Failure::Eof));
        // Nobody is there to be told.
        peer.assert_silent();
        let story = peer.connection.story().unwrap().to_string();
        assert!(story.contains("1006"), "{story}");
        assert_eq!(peer.send_eof(), Ok(()), "reported once");
    }
}

#[test]
fn tcp_ends_instead_of_an_answer_to_our_close() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.connection_closes(1001, "");
        assert_eq!(peer.send_eof(), Err(Failure::Eof));
        let story = peer.connection.story().unwrap();
        assert_eq!(told(Some(story)), (Some(1001), None, ClosedBy::Us));
        assert!(!story.is_clean());
    }
}

#[test]
fn tcp_ends_right_after_the_peers_close() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.send(RawFrame::close(1000, "")).unwrap();
        assert_eq!(peer.send_eof(), Ok(()));
        assert_eq!(peer.connection.state(), State::Closed);
        assert!(peer.connection.story().unwrap().is_clean());
    }
}

#[test]
fn a_violation_after_our_close_is_told_and_no_second_close_is_sent() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.connection_closes(1000, "");
        peer.assert_frame_sent("CLOSE 1000 (normal closure)");
        let failure = Failure::from(ProtocolViolation::ReservedBits);
        assert_eq!(peer.send(RawFrame::text("x").rsv(1)), Err(failure));
        peer.assert_silent();
        let story = peer.connection.story().unwrap();
        assert_eq!(told(Some(story)), (Some(1000), None, ClosedBy::Us));
        assert_eq!(story.failure, Some(failure));
        assert_eq!(peer.connection.tcp_end(), TcpEnd::Linger);
        // The deadline of our Close still holds.
        peer.wait(Duration::from_secs(5)).unwrap();
        assert_eq!(peer.connection.state(), State::Closed);
    }
}

#[test]
fn messages_of_the_peer_are_heard_until_its_own_close() {
    let mut peer = RawPeer::facing(Role::Client);
    peer.connection_closes(1000, "");
    let frames = [
        RawFrame::text("still"),
        RawFrame::binary("coming"),
        RawFrame::close(1000, ""),
    ];
    peer.drip(&RawFrame::join(&frames, Role::Server), 1)
        .unwrap();
    peer.assert_heard(&[
        Heard::text("still"),
        Heard::binary("coming"),
        Heard::Close(1000, String::new()),
    ]);
}

#[test]
fn what_follows_the_peers_close_is_discarded_even_if_it_breaks_rules() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        let frames = [
            RawFrame::close(1000, ""),
            RawFrame::text("late"),
            RawFrame::close(1002, "again"),
            RawFrame::text("worse").rsv(7),
            RawFrame::binary("").claiming(u64::MAX),
        ];
        peer.send_bytes(&RawFrame::join(&frames, peer.role()))
            .unwrap();
        peer.send_bytes(&[0xff; 1000]).unwrap();
        peer.assert_heard(&[Heard::Close(1000, String::new())]);
        peer.assert_frame_sent("CLOSE 1000 (normal closure)");
        assert!(peer.connection.story().unwrap().is_clean());
    }
}

#[test]
fn nothing_can_be_sent_once_a_close_was_sent_or_received() {
    for role in ROLES {
        for we_begin in [true, false] {
            let mut peer = RawPeer::facing(role);
            if we_begin {
                peer.connection_closes(1000, "");
            } else {
                peer.send(RawFrame::close(1000, "")).unwrap();
            }
            peer.take_frames();
            assert_eq!(peer.connection_sends_text("x"), Err(SendError::Closing));
            assert_eq!(peer.connection_sends_binary(b"x"), Err(SendError::Closing));
            assert_eq!(peer.connection.ping(b""), Err(SendError::Closing));
            assert_eq!(peer.connection.pong(b""), Err(SendError::Closing));
            let head = peer.connection.send_head(tidewire_proto::Kind::Text, 1);
            assert!(matches!(head, Err(SendError::Closing)));
            // Closing twice is no error, and changes nothing.
            peer.connection_closes(1011, "again");
            peer.assert_silent();
            assert_eq!(
                peer.connection
                    .story()
                    .unwrap()
                    .sent
                    .as_ref()
                    .unwrap()
                    .code
                    .0,
                1000
            );
        }
    }
}

#[test]
fn only_codes_and_reasons_that_fit_a_close_frame_can_be_sent() {
    let mut peer = RawPeer::facing(Role::Client);
    let now = peer.now;
    for code in [0, 999, 1004, 1006, 1015, 1016, 2999, 5000] {
        let refused = peer.connection.close(now, CloseCode(code), "");
        assert_eq!(refused, Err(SendError::CodeNotAllowed(CloseCode(code))));
    }
    let refused = peer
        .connection
        .close(now, CloseCode::NORMAL, &"x".repeat(124));
    assert_eq!(refused, Err(SendError::ReasonTooLong));
    assert_eq!(peer.connection.state(), State::Open);
    peer.assert_silent();
    let longest = "x".repeat(123);
    peer.connection_closes(1000, &longest);
    assert_eq!(peer.take_frames()[0].close(), Some((1000, longest)));

    let mut peer = RawPeer::facing(Role::Server);
    peer.connection_closes(CloseCode::NO_STATUS.0, "");
    peer.assert_frame_sent("CLOSE without a code");
}

#[test]
fn the_server_ends_tcp_first_and_the_client_waits_for_it() {
    for closer in ROLES {
        let mut pair = Pair::default();
        pair.set_latency(Duration::from_millis(50));
        // The way back from server to client is long: what the client does meanwhile can be seen.
        pair.close(closer, 1000, "").unwrap();
        pair.advance(Duration::from_millis(99));
        assert!(
            !pair.client.has_shut(),
            "{closer:?} closes: the client waits"
        );
        assert_eq!(pair.server.has_shut(), closer == Role::Client);
        pair.advance(Duration::from_millis(200));
        assert!(pair.client.has_shut() && pair.server.has_shut());
        for end in [&pair.client, &pair.server] {
            assert_eq!(end.connection.state(), State::Closed);
            assert!(end.connection.story().unwrap().is_clean());
        }
    }
}

#[test]
fn a_close_waits_behind_what_was_sent_before() {
    let mut pair = Pair::default();
    pair.text(Role::Server, "first").unwrap();
    pair.ping(Role::Server, b"second").unwrap();
    pair.close(Role::Server, 1000, "last").unwrap();
    pair.drive();
    assert_eq!(
        pair.client.heard(),
        [
            Heard::text("first"),
            Heard::Ping(b"second".to_vec()),
            Heard::Close(1000, "last".into()),
        ]
    );
}

#[test]
fn a_close_in_the_middle_of_a_message_ends_it() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        let frames = [
            RawFrame::text("half").more(),
            RawFrame::close(1001, "going"),
        ];
        peer.drip(&RawFrame::join(&frames, peer.role()), 1).unwrap();
        peer.assert_heard(&[Heard::Close(1001, "going".into())]);
        peer.assert_frame_sent("CLOSE 1001 (going away)");
    }
}

#[test]
fn stories_read_like_sentences() {
    let mut peer = RawPeer::facing(Role::Server);
    peer.send(RawFrame::close(1001, "tab closed")).unwrap();
    let story = peer.connection.story().unwrap().to_string();
    assert_eq!(
        story,
        "closed by the peer with 1001 (going away): tab closed"
    );

    let mut peer = RawPeer::facing(Role::Server);
    assert!(peer.send(RawFrame::text("").unmasked()).is_err());
    let story = peer.connection.story().unwrap().to_string();
    assert!(
        story.starts_with("closed by us with 1002 (protocol error)"),
        "{story}"
    );
    assert!(story.contains("the client did not mask a frame"), "{story}");
}
