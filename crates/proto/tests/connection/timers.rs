//! Deadlines in virtual time: keepalive, its answer, the answer to a Close, peers that are slow.

use std::time::Duration;
use tidewire_proto::{ClosedBy, Config, Failure, Role, State, TcpEnd, Timeout};
use tidewire_testkit::{Heard, Pair, RawFrame, RawPeer};

const ROLES: [Role; 2] = [Role::Client, Role::Server];
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_silent_peer_is_asked_after_the_interval_and_given_up_after_the_timeout() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        assert_eq!(
            peer.connection.next_deadline(),
            Some(peer.now + 20 * SECOND)
        );
        peer.wait(19 * SECOND).unwrap();
        peer.assert_silent();
        peer.wait(SECOND).unwrap();
        let frames = peer.take_frames();
        assert_eq!((frames.len(), frames[0].opcode), (1, 9), "{frames:?}");
        assert_eq!(
            peer.connection.next_deadline(),
            Some(peer.now + 20 * SECOND)
        );
        peer.wait(19 * SECOND).unwrap();
        let failure = Failure::Timeout(Timeout::Pong);
        assert_eq!(peer.wait(SECOND), Err(failure));
        // The peer may be there after all, only slow: it is told.
        peer.assert_failing_with(1001);
        peer.wait(5 * SECOND).unwrap();
        assert_eq!(peer.connection.state(), State::Closed);
        assert_eq!(peer.connection.next_deadline(), None);
    }
}

#[test]
fn the_answer_to_a_ping_tells_the_round_trip_time() {
    let mut peer = RawPeer::facing(Role::Server);
    assert_eq!(peer.connection.rtt(), None);
    peer.wait(20 * SECOND).unwrap();
    let ping = peer.take_frames().remove(0);
    peer.now += Duration::from_millis(130);
    peer.send(RawFrame::pong(b"not the answer")).unwrap();
    assert_eq!(peer.connection.rtt(), None);
    peer.now += Duration::from_millis(20);
    peer.send(RawFrame::pong(&ping.payload)).unwrap();
    assert_eq!(peer.connection.rtt(), Some(Duration::from_millis(150)));
    assert_eq!(
        peer.connection.next_deadline(),
        Some(peer.now + 20 * SECOND)
    );
    // An old answer tells nothing new.
    peer.now += SECOND;
    peer.send(RawFrame::pong(&ping.payload)).unwrap();
    assert_eq!(peer.connection.rtt(), Some(Duration::from_millis(150)));
}

#[test]
fn any_byte_is_a_sign_of_life() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        // One frame, a byte each 15 s: it takes an hour, and no Ping is due.
        let bytes = RawFrame::binary([0; 240]).bytes(peer.role());
        for byte in &bytes {
            peer.wait(15 * SECOND).unwrap();
            peer.send_bytes(&[*byte]).unwrap();
            peer.assert_silent();
        }
        peer.assert_heard(&[Heard::binary([0; 240])]);
    }
}

#[test]
fn any_byte_after_the_ping_is_as_good_as_its_pong() {
    let mut peer = RawPeer::facing(Role::Server);
    let bytes = RawFrame::binary([0; 1000]).bytes(Role::Client);
    for byte in &bytes[..100] {
        peer.wait(20 * SECOND).unwrap();
        assert_eq!(peer.take_frames()[0].opcode, 9, "a Ping is due");
        peer.wait(19 * SECOND).unwrap();
        peer.send_bytes(&[*byte]).unwrap();
    }
    assert_eq!(peer.failure(), None);
}

#[test]
fn keepalive_can_be_turned_off() {
    let mut pair = Pair::new(Config::default().ping_interval(None), None);
    pair.advance(3600 * SECOND);
    assert_eq!(pair.client.alarms() + pair.server.alarms(), 0);
    assert_eq!(pair.client.connection.next_deadline(), None);
    assert_eq!(pair.client.connection.state(), State::Open);
}

#[test]
fn a_peer_that_vanished_is_found_out_and_its_memory_given_back() {
    for role in ROLES {
        let mut pair = Pair::default();
        pair.up.set_limit(100_000);
        pair.down.set_limit(100_000);
        pair.pipe_from(role).set_stalled(true);
        pair.pipe_from(role.peer()).set_stalled(true);
        pair.advance(39 * SECOND);
        assert_eq!(pair.end(role).failure(), None);
        pair.advance(SECOND);
        assert_eq!(
            pair.end(role).failure(),
            Some(Failure::Timeout(Timeout::Pong))
        );
        pair.advance(5 * SECOND);
        assert_eq!(pair.end(role).connection.state(), State::Closed);
    }
}

#[test]
fn a_peer_that_reads_slowly_is_not_closed() {
    for role in ROLES {
        let mut pair = Pair::default();
        pair.pipe_from(role).set_limit(256 * 1024);
        pair.pipe_from(role).set_piece(1024);
        pair.pipe_from(role).set_rate(Some(20 * 1024));
        // 12 MiB at 20 KiB a second: ten minutes, in which the peer itself says nothing: its Pings
        // are off, and ours wait behind the data.
        for _ in 0..12 {
            pair.binary(role, &vec![1; 1 << 20]).unwrap();
        }
        pair.advance(700 * SECOND);
        assert_eq!(pair.end(role).failure(), None);
        assert_eq!(pair.end(role).connection.state(), State::Open);
        assert_eq!(pair.end(role.peer()).messages().len(), 12);
    }
}

#[test]
fn a_slow_silent_reader_with_keepalive_of_one_side_only_is_not_closed() {
    let quiet = Config::default().ping_interval(None);
    let mut pair = Pair::with(quiet, Config::default(), None);
    pair.down.set_limit(256 * 1024);
    pair.down.set_piece(1024);
    pair.down.set_rate(Some(20 * 1024));
    for _ in 0..12 {
        pair.binary(Role::Server, &vec![1; 1 << 20]).unwrap();
    }
    pair.advance(700 * SECOND);
    assert_eq!(pair.server.failure(), None);
    assert_eq!(pair.client.messages().len(), 12);
}

#[test]
fn a_blocked_socket_says_nothing_about_the_peer() {
    let mut peer = RawPeer::facing(Role::Server);
    peer.connection.wrote(peer.now, 1000, true);
    for _ in 0..100 {
        peer.wait(20 * SECOND).unwrap();
        peer.assert_silent();
    }
    // It moves again: a Ping is due one interval later.
    peer.connection.wrote(peer.now, 1000, false);
    peer.wait(19 * SECOND).unwrap();
    peer.assert_silent();
    peer.wait(SECOND).unwrap();
    assert_eq!(peer.take_frames()[0].opcode, 9);
    // The data in front of it takes the slowest reader less than a second: no longer patience.
    assert_eq!(peer.wait(20 * SECOND), Err(Failure::Timeout(Timeout::Pong)));
}

#[test]
fn data_in_front_of_the_ping_stretches_the_wait_for_its_answer() {
    let mut peer = RawPeer::facing(Role::Server);
    peer.connection.wrote(peer.now, 1 << 20, false);
    peer.wait(20 * SECOND).unwrap();
    assert_eq!(peer.take_frames()[0].opcode, 9);
    // 1 MiB at 16 KiB a second: 64 seconds.
    peer.wait(83 * SECOND).unwrap();
    assert_eq!(peer.wait(SECOND), Err(Failure::Timeout(Timeout::Pong)));
}

#[test]
fn a_pong_proves_that_all_before_it_was_read() {
    let mut peer = RawPeer::facing(Role::Server);
    peer.connection.wrote(peer.now, 1 << 20, true);
    peer.connection.wrote(peer.now, 1 << 20, false);
    peer.wait(20 * SECOND).unwrap();
    let ping = peer.take_frames().remove(0);
    peer.send(RawFrame::pong(&ping.payload)).unwrap();
    peer.wait(20 * SECOND).unwrap();
    assert_eq!(peer.take_frames()[0].opcode, 9);
    // Nothing is in front of this one any more: no patience beyond the timeout.
    assert_eq!(peer.wait(20 * SECOND), Err(Failure::Timeout(Timeout::Pong)));
}

#[test]
fn a_socket_that_blocks_while_a_pong_is_awaited_starts_the_wait_again() {
    let mut peer = RawPeer::facing(Role::Server);
    peer.wait(20 * SECOND).unwrap();
    assert_eq!(peer.take_frames()[0].opcode, 9);
    peer.wait(15 * SECOND).unwrap();
    peer.connection.wrote(peer.now, 10, true);
    peer.wait(100 * SECOND).unwrap();
    peer.connection.wrote(peer.now, 10, false);
    peer.wait(19 * SECOND).unwrap();
    assert_eq!(peer.wait(SECOND), Err(Failure::Timeout(Timeout::Pong)));
}

#[test]
fn patience_with_data_in_front_of_a_ping_has_an_end() {
    let mut peer = RawPeer::facing(Role::Server);
    peer.connection.wrote(peer.now, 1 << 40, true);
    peer.connection.wrote(peer.now, 1 << 40, false);
    peer.wait(20 * SECOND).unwrap();
    // 8 MiB is the most that sockets are believed to hide.
    let patience = SECOND * (8 * 1024 / 16);
    peer.wait(19 * SECOND + patience).unwrap();
    assert_eq!(peer.wait(SECOND), Err(Failure::Timeout(Timeout::Pong)));
}

#[test]
fn a_close_that_is_never_answered_ends_after_its_timeout() {
    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        peer.connection_closes(1000, "");
        assert_eq!(peer.connection.next_deadline(), Some(peer.now + 5 * SECOND));
        peer.wait(4 * SECOND).unwrap();
        // Messages are no answer.
        peer.send(RawFrame::text("still talking")).unwrap();
        assert_eq!(peer.wait(SECOND), Err(Failure::Timeout(Timeout::Close)));
        assert_eq!(peer.connection.state(), State::Closed);
        assert_eq!(peer.connection.tcp_end(), TcpEnd::CloseNow);
        let story = peer.connection.story().unwrap();
        assert_eq!(
            (story.by, story.failure),
            (ClosedBy::Us, Some(Failure::Timeout(Timeout::Close)))
        );
        assert!(story.sent.is_some() && story.received.is_none());
        assert_eq!(peer.wait(3600 * SECOND), Ok(()));
    }
}

#[test]
fn a_peer_that_does_not_end_tcp_is_not_waited_for_for_ever() {
    // A client waits for the server to end TCP; a side that failed the connection lingers.
    let mut client = RawPeer::facing(Role::Client);
    client.send(RawFrame::close(1000, "")).unwrap();
    assert_eq!(client.connection.tcp_end(), TcpEnd::AwaitPeer);
    client.wait(5 * SECOND).unwrap();
    assert_eq!(client.connection.state(), State::Closed);
    assert!(client.connection.story().unwrap().is_clean());

    for role in ROLES {
        let mut peer = RawPeer::facing(role);
        assert!(peer.send(RawFrame::new(3, "")).is_err());
        peer.wait(4 * SECOND).unwrap();
        assert_eq!(peer.connection.tcp_end(), TcpEnd::Linger);
        peer.wait(SECOND).unwrap();
        assert_eq!(peer.connection.tcp_end(), TcpEnd::CloseNow);
    }
}

#[test]
fn a_peer_that_still_reads_what_stands_before_our_close_gets_the_time() {
    let mut pair = Pair::default();
    pair.down.set_limit(64 * 1024);
    pair.down.set_piece(1024);
    pair.down.set_rate(Some(20 * 1024));
    pair.binary(Role::Server, &vec![1; 1 << 20]).unwrap();
    pair.close(Role::Server, 1001, "").unwrap();
    pair.advance(60 * SECOND);
    assert_eq!(pair.server.failure(), None);
    assert_eq!(pair.client.messages().len(), 1);
    assert_eq!(
        pair.client.heard().last(),
        Some(&Heard::Close(1001, String::new()))
    );
    assert!(pair.server.connection.story().unwrap().is_clean());
}

#[test]
fn an_echo_that_is_never_read_does_not_grow_and_ends_when_the_peer_closes_its_socket() {
    let mut pair = Pair::default();
    pair.down.set_limit(10_000);
    pair.down.set_stalled(true);
    // Pings flood the server; its answers go nowhere.
    for _ in 0..200 {
        for _ in 0..50 {
            let _ = pair.ping(Role::Client, &[b'x'; 125]);
        }
        pair.drive();
    }
    let most = 64 * 1024 + 64 * 127 + 127;
    assert!(
        pair.server.unwritten() <= most,
        "{} bytes wait",
        pair.server.unwritten()
    );
    pair.kill(Role::Client);
    pair.drive();
    assert_eq!(pair.server.failure(), Some(Failure::Eof));
}

#[test]
fn deadlines_that_are_not_due_do_nothing() {
    let mut peer = RawPeer::facing(Role::Client);
    for _ in 0..19 {
        peer.wait(SECOND).unwrap();
        peer.wait(Duration::ZERO).unwrap();
    }
    peer.assert_silent();
    peer.wait(3600 * SECOND).unwrap();
    peer.wait(Duration::ZERO).unwrap();
    assert_eq!(
        peer.take_frames().len(),
        1,
        "one Ping, however late the timer fires"
    );
}

#[test]
fn while_open_a_deadline_moves_earlier_only_when_the_peer_gave_a_sign_of_life() {
    // A Ping is due 5 s after the last byte; its answer may take a minute.
    let config = Config::default()
        .ping_interval(Some(5 * SECOND))
        .pong_timeout(60 * SECOND);
    let mut peer = RawPeer::facing_with(Role::Server, config, None);
    peer.wait(5 * SECOND).unwrap();
    let ping = peer.take_frames().remove(0);
    assert_eq!(
        peer.connection.next_deadline(),
        Some(peer.now + 60 * SECOND)
    );
    peer.now += SECOND;
    peer.send(RawFrame::pong(&ping.payload)).unwrap();
    assert_eq!(peer.connection.next_deadline(), Some(peer.now + 5 * SECOND));
}

#[test]
fn times_too_long_for_the_clock_are_never() {
    for role in ROLES {
        let for_ever = Config::new()
            .ping_interval(Some(Duration::MAX))
            .pong_timeout(Duration::MAX)
            .close_timeout(Duration::MAX);
        let mut peer = RawPeer::facing_with(role, for_ever, None);
        assert_eq!(peer.connection.next_deadline(), None);
        peer.connection.close(peer.now, 1000.into(), "").unwrap();
        assert_eq!(peer.connection.next_deadline(), None);
    }
}

/// Pings keep a connection alive that is used, not one that nobody uses.
#[test]
fn a_connection_without_messages_is_closed_in_order_if_that_is_asked_for() {
    for user in ROLES {
        let config = Config::new().idle_timeout(Some(60 * SECOND));
        let mut pair = Pair::new(config, None);
        for _ in 0..3 {
            pair.advance(59 * SECOND);
            pair.text(user, "still here").unwrap();
            pair.drive();
        }
        // A message that is under way for long is use, though it is not whole.
        for (fin, part) in [(false, "for "), (false, "a "), (true, "while")] {
            pair.fragment(user, tidewire_proto::Kind::Text, fin, part.as_bytes())
                .unwrap();
            pair.drive();
            pair.advance(50 * SECOND);
        }
        for role in ROLES {
            assert_eq!(pair.end(role).connection.state(), State::Open, "{user:?}");
        }
        pair.advance(11 * SECOND);
        let story = pair.end(user).connection.story().unwrap().clone();
        assert!(story.is_clean(), "{story}");
        assert_eq!(story.code().0, 1001);
    }
}

#[test]
fn by_default_a_connection_may_be_idle_for_ever() {
    let mut pair = Pair::default();
    pair.advance(3600 * SECOND);
    assert_eq!(pair.client.connection.state(), State::Open);
}
