//! Each broken rule: its own error, its Close code on the wire, and nothing after it.

use crate::broken_rules::{Case, case, in_both_roles};
use tidewire_proto::{Config, Failure, ProtocolViolation as Violation, Role};
use tidewire_testkit::{Agreed, Heard, RawFrame, RawPeer};

fn judge(case: &Case, mut peer: RawPeer, piece: usize) {
    let what = format!(
        "{} to a {:?}, by {piece}",
        case.name,
        peer.connection.role()
    );
    let bytes = RawFrame::join(&case.frames, peer.role());
    let outcome = peer.drip(&bytes, piece);
    assert_eq!(outcome, Err(Failure::Protocol(case.violation)), "{what}");
    peer.take_heard();
    peer.assert_failing_with(case.code);
}

#[test]
fn each_broken_rule_has_its_error_and_its_close_code() {
    for case in &in_both_roles() {
        for role in [Role::Client, Role::Server] {
            for piece in [1, 3, usize::MAX] {
                judge(case, RawPeer::facing(role), piece);
                let agreed = Some(Agreed::takeover().compression());
                judge(
                    case,
                    RawPeer::facing_with(role, Config::default(), agreed),
                    piece,
                );
            }
        }
    }
}

#[test]
fn a_compressed_message_is_refused_where_compression_was_not_agreed() {
    use Violation::ReservedBits;
    for role in [Role::Client, Role::Server] {
        let text = case(
            "RSV1 on text",
            [RawFrame::text("x").rsv(4)],
            ReservedBits,
            1002,
        );
        judge(&text, RawPeer::facing(role), 1);
        let binary = case(
            "RSV1 on binary",
            [RawFrame::binary("x").rsv(4)],
            ReservedBits,
            1002,
        );
        judge(&binary, RawPeer::facing(role), usize::MAX);
    }
}

#[test]
fn a_server_takes_masked_frames_only_and_a_client_unmasked_ones_only() {
    let frames = || {
        [
            RawFrame::text("x"),
            RawFrame::ping("x"),
            RawFrame::close(1000, ""),
            RawFrame::binary(""),
        ]
    };
    for frame in frames() {
        let unmasked = case(
            "unmasked",
            [frame.unmasked()],
            Violation::UnmaskedFrame,
            1002,
        );
        judge(&unmasked, RawPeer::facing(Role::Server), 1);
    }
    for frame in frames() {
        let masked = frame.masked_with([1, 2, 3, 4]);
        let masked = case("masked", [masked], Violation::MaskedFrame, 1002);
        judge(&masked, RawPeer::facing(Role::Client), usize::MAX);
        // Masked with zeros is masked all the same.
        let zeros = case(
            "zeros",
            [RawFrame::text("x").masked_with([0; 4])],
            Violation::MaskedFrame,
            1002,
        );
        judge(&zeros, RawPeer::facing(Role::Client), usize::MAX);
    }
}

#[test]
fn a_corrupt_compressed_message_fails_with_1007() {
    for role in [Role::Client, Role::Server] {
        for payload in [&[0xff; 8][..], &[0x07], &[0xf2, 0x48]] {
            for agreed in [Agreed::takeover(), Agreed::no_takeover()] {
                let frames = [RawFrame::text(payload).compressed()];
                let corrupt = case("corrupt", frames, Violation::CorruptDeflate, 1007);
                let config = Config::default();
                judge(
                    &corrupt,
                    RawPeer::facing_with(role, config, Some(agreed.compression())),
                    1,
                );
            }
        }
    }
}

#[test]
fn what_came_before_the_violation_is_heard_and_answered_and_what_comes_after_is_not() {
    let mut peer = RawPeer::facing(Role::Server);
    let frames = [
        RawFrame::text("before"),
        RawFrame::ping("before"),
        RawFrame::text("x").rsv(2),
        RawFrame::text("after"),
        RawFrame::ping("after"),
    ];
    let outcome = peer.send_bytes(&RawFrame::join(&frames, Role::Client));
    assert_eq!(outcome, Err(Violation::ReservedBits.into()));
    peer.assert_heard(&[Heard::text("before"), Heard::Ping(b"before".to_vec())]);
    peer.assert_frames_sent(&[
        "PONG \"before\" [6 bytes]",
        "CLOSE 1002 (protocol error): a reserved bit is set",
    ]);
}

#[test]
fn a_header_is_judged_at_its_first_wrong_byte_not_when_it_is_whole() {
    for (bytes, violation) in [
        (&[0xB1][..], Violation::ReservedBits),
        (&[0x83][..], Violation::ReservedOpcode(3)),
        (&[0x09][..], Violation::FragmentedControl),
        (&[0x81, 0x05][..], Violation::UnmaskedFrame),
        (&[0x89, 0xFE][..], Violation::ControlTooLong),
        (&[0x82, 0xFE, 0, 1][..], Violation::NonMinimalLength),
    ] {
        let mut peer = RawPeer::facing(Role::Server);
        assert_eq!(peer.drip(bytes, 1), Err(violation.into()), "{bytes:02x?}");
    }
}

#[test]
fn the_reason_on_the_wire_says_what_was_wrong() {
    let mut peer = RawPeer::facing(Role::Client);
    assert!(peer.send(RawFrame::new(0xB, "")).is_err());
    peer.assert_frame_sent("CLOSE 1002 (protocol error): opcode 0xb is reserved");
}
