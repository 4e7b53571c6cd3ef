//! Each broken rule: its own error, its Close code on the wire, and nothing after it.

use tidewire_proto::{Config, Failure, ProtocolViolation as Violation, Role};
use tidewire_testkit::wire::close_body;
use tidewire_testkit::{Agreed, Heard, RawFrame, RawPeer};

struct Case {
    name: &'static str,
    frames: Vec<RawFrame>,
    violation: Violation,
    code: u16,
}

fn case<const N: usize>(
    name: &'static str,
    frames: [RawFrame; N],
    violation: Violation,
    code: u16,
) -> Case {
    Case { name, frames: frames.into(), violation, code }
}

/// What breaks a rule whoever receives it, compression agreed or not.
fn in_both_roles() -> Vec<Case> {
    use RawFrame as F;
    use Violation as V;
    let mut cases = vec![
        case("RSV2 on text", [F::text("x").rsv(2)], V::ReservedBits, 1002),
        case("RSV3 on text", [F::text("x").rsv(1)], V::ReservedBits, 1002),
        case("RSV1 and RSV2", [F::text("x").rsv(6)], V::ReservedBits, 1002),
        case(
            "RSV1 on a continuation",
            [F::text("x").more(), F::continuation("y").rsv(4)],
            V::ReservedBits,
            1002,
        ),
        case("RSV1 on a Ping", [F::ping("x").rsv(4)], V::ReservedBits, 1002),
        case("RSV1 on a Pong", [F::pong("x").rsv(4)], V::ReservedBits, 1002),
        case("RSV1 on a Close", [F::close(1000, "").rsv(4)], V::ReservedBits, 1002),
        case("a fragmented Ping", [F::ping("x").more()], V::FragmentedControl, 1002),
        case("a fragmented Pong", [F::pong("x").more()], V::FragmentedControl, 1002),
        case("a fragmented Close", [F::close(1000, "").more()], V::FragmentedControl, 1002),
        case("a Ping of 126 bytes", [F::ping([b'x'; 126])], V::ControlTooLong, 1002),
        case("a Pong of 126 bytes", [F::pong([b'x'; 126])], V::ControlTooLong, 1002),
        case(
            "a Close of 126 bytes",
            [F::close(1000, &"x".repeat(124))],
            V::ControlTooLong,
            1002,
        ),
        case("a Ping of 70,000 bytes", [F::ping(vec![0; 70_000])], V::ControlTooLong, 1002),
        case("a Ping that claims 2^62", [F::ping("").claiming(1 << 62)], V::ControlTooLong, 1002),
        case(
            "a Ping whose length is in 16 bits",
            [F::ping("x").length_in_two_bytes()],
            V::ControlTooLong,
            1002,
        ),
        case(
            "125 in 16 bits",
            [F::binary([0; 125]).length_in_two_bytes()],
            V::NonMinimalLength,
            1002,
        ),
        case("0 in 16 bits", [F::text("").length_in_two_bytes()], V::NonMinimalLength, 1002),
        case("0 in 64 bits", [F::text("").length_in_eight_bytes()], V::NonMinimalLength, 1002),
        case(
            "65,535 in 64 bits",
            [F::binary(vec![0; 65_535]).length_in_eight_bytes()],
            V::NonMinimalLength,
            1002,
        ),
        case(
            "a length with its top bit",
            [F::binary("").claiming(1 << 63)],
            V::LengthOverflow,
            1002,
        ),
        case("a length of all ones", [F::text("").claiming(u64::MAX)], V::LengthOverflow, 1002),
        case("a stray continuation", [F::continuation("x")], V::StrayContinuation, 1002),
        case("a stray first part", [F::continuation("x").more()], V::StrayContinuation, 1002),
        case(
            "a continuation after the end",
            [F::text("x").more(), F::continuation("y"), F::continuation("z")],
            V::StrayContinuation,
            1002,
        ),
        case(
            "a message inside a message",
            [F::text("x").more(), F::text("y")],
            V::MessageInsideMessage,
            1002,
        ),
        case(
            "a binary message inside a text",
            [F::text("x").more(), F::ping(""), F::binary("y").more()],
            V::MessageInsideMessage,
            1002,
        ),
        case("a Close body of one byte", [F::new(8, [3])], V::CloseBodyTooShort, 1002),
        case(
            "a reason that is not UTF-8",
            [F::new(8, [3, 0xe8, 0xff])],
            V::InvalidCloseReason,
            1007,
        ),
        case(
            "a reason cut inside a character",
            [F::new(8, [3, 0xe8, 0xe2, 0x82])],
            V::InvalidCloseReason,
            1007,
        ),
        case("text that is not UTF-8", [F::text([0xff])], V::InvalidUtf8, 1007),
        case("text that ends inside a character", [F::text([0xe2, 0x82])], V::InvalidUtf8, 1007),
        case(
            "fragments that end inside a character",
            [F::text("a").more(), F::continuation([0xe2]).more(), F::continuation([0x82])],
            V::InvalidUtf8,
            1007,
        ),
        case(
            "a surrogate across fragments",
            [F::text([0xed]).more(), F::continuation([0xa0, 0x80])],
            V::InvalidUtf8,
            1007,
        ),
    ];
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        let name = "a reserved opcode";
        cases.push(case(name, [F::new(opcode, "x")], V::ReservedOpcode(opcode), 1002));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        let frame = F::new(8, close_body(code, "x"));
        cases.push(case("a close code", [frame], V::InvalidCloseCode(code), 1002));
    }
    cases
}

fn judge(case: &Case, mut peer: RawPeer, piece: usize) {
    let what = format!("{} to a {:?}, by {piece}", case.name, peer.connection.role());
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
                judge(case, RawPeer::facing_with(role, Config::default(), agreed), piece);
            }
        }
    }
}

#[test]
fn a_compressed_message_is_refused_where_compression_was_not_agreed() {
    use Violation::ReservedBits;
    for role in [Role::Client, Role::Server] {
        let text = case("RSV1 on text", [RawFrame::text("x").rsv(4)], ReservedBits, 1002);
        judge(&text, RawPeer::facing(role), 1);
        let binary = case("RSV1 on binary", [RawFrame::binary("x").rsv(4)], ReservedBits, 1002);
        judge(&binary, RawPeer::facing(role), usize::MAX);
    }
}

#[test]
fn a_server_takes_masked_frames_only_and_a_client_unmasked_ones_only() {
    let frames = || {
        [RawFrame::text("x"), RawFrame::ping("x"), RawFrame::close(1000, ""), RawFrame::binary("")]
    };
    for frame in frames() {
        let unmasked = case("unmasked", [frame.unmasked()], Violation::UnmaskedFrame, 1002);
        judge(&unmasked, RawPeer::facing(Role::Server), 1);
    }
    for frame in frames() {
        let masked = frame.masked_with([1, 2, 3, 4]);
        let masked = case("masked", [masked], Violation::MaskedFrame, 1002);
        judge(&masked, RawPeer::facing(Role::Client), usize::MAX);
        // Masked with zeros is masked all the same.
        let zeros = case("zeros", [RawFrame::text("x").masked_with([0; 4])], Violation::MaskedFrame, 1002);
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
                judge(&corrupt, RawPeer::facing_with(role, config, Some(agreed.compression())), 1);
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
