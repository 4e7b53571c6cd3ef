//! The rules a peer can break, one by one, with the error and the close code that each deserves.

use tidewire_proto::ProtocolViolation as Violation;
use tidewire_testkit::RawFrame;
use tidewire_testkit::raw_frame::close_body;

/// What a peer says, and what is made of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) frames: Vec<RawFrame>,
    pub(crate) violation: Violation,
    pub(crate) code: u16,
}

pub(crate) fn case<const N: usize>(
    name: &'static str,
    frames: [RawFrame; N],
    violation: Violation,
    code: u16,
) -> Case {
    Case {
        name,
        frames: frames.into(),
        violation,
        code,
    }
}

/// What breaks a rule whoever receives it, compression agreed or not.
pub(crate) fn in_both_roles() -> Vec<Case> {
    use RawFrame as F;
    use Violation as V;
    let mut cases = vec![
        case("RSV2 on text", [F::text("x").rsv(2)], V::ReservedBits, 1002),
        case("RSV3 on text", [F::text("x").rsv(1)], V::ReservedBits, 1002),
        case(
            "RSV1 and RSV2",
            [F::text("x").rsv(6)],
            V::ReservedBits,
            1002,
        ),
        case(
            "RSV1 on a continuation",
            [F::text("x").more(), F::continuation("y").rsv(4)],
            V::ReservedBits,
            1002,
        ),
        case(
            "RSV1 on a Ping",
            [F::ping("x").rsv(4)],
            V::ReservedBits,
            1002,
        ),
        case(
            "RSV1 on a Pong",
            [F::pong("x").rsv(4)],
            V::ReservedBits,
            1002,
        ),
        case(
            "RSV1 on a Close",
            [F::close(1000, "").rsv(4)],
            V::ReservedBits,
            1002,
        ),
        case(
            "a fragmented Ping",
            [F::ping("x").more()],
            V::FragmentedControl,
            1002,
        ),
        case(
            "a fragmented Pong",
            [F::pong("x").more()],
            V::FragmentedControl,
            1002,
        ),
        case(
            "a fragmented Close",
            [F::close(1000, "").more()],
            V::FragmentedControl,
            1002,
        ),
        case(
            "a Ping of 126 bytes",
            [F::ping([b'x'; 126])],
            V::ControlTooLong,
            1002,
        ),
        case(
            "a Pong of 126 bytes",
            [F::pong([b'x'; 126])],
            V::ControlTooLong,
            1002,
        ),
        case(
            "a Close of 126 bytes",
            [F::close(1000, &"x".repeat(124))],
            V::ControlTooLong,
            1002,
        ),
        case(
            "a Ping of 70,000 bytes",
            [F::ping(vec![0; 70_000])],
            V::ControlTooLong,
            1002,
        ),
        case(
            "a Ping that claims 2^62",
            [F::ping("").claiming(1 << 62)],
            V::ControlTooLong,
            1002,
        ),
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
        case(
            "0 in 16 bits",
            [F::text("").length_in_two_bytes()],
            V::NonMinimalLength,
            1002,
        ),
        case(
            "0 in 64 bits",
            [F::text("").length_in_eight_bytes()],
            V::NonMinimalLength,
            1002,
        ),
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
        case(
            "a length of all ones",
            [F::text("").claiming(u64::MAX)],
            V::LengthOverflow,
            1002,
        ),
        case(
            "a stray continuation",
            [F::continuation("x")],
            V::StrayContinuation,
            1002,
        ),
        case(
            "a stray first part",
            [F::continuation("x").more()],
            V::StrayContinuation,
            1002,
        ),
        case(
            "a continuation after the end",
            [
                F::text("x").more(),
                F::continuation("y"),
                F::continuation("z"),
            ],
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
        case(
            "a Close body of one byte",
            [F::new(8, [3])],
            V::CloseBodyTooShort,
            1002,
        ),
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
        case(
            "text that is not UTF-8",
            [F::text([0xff])],
            V::InvalidUtf8,
            1007,
        ),
        case(
            "text that ends inside a character",
            [F::text([0xe2, 0x82])],
            V::InvalidUtf8,
            1007,
        ),
        case(
            "fragments that end inside a character",
            [
                F::text("a").more(),
                F::continuation([0xe2]).more(),
                F::continuation([0x82]),
            ],
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
        cases.push(case(
            name,
            [F::new(opcode, "x")],
            V::ReservedOpcode(opcode),
            1002,
        ));
    }
    for code in [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        let frame = F::new(8, close_body(code, "x"));
        cases.push(case(
            "a close code",
            [frame],
            V::InvalidCloseCode(code),
            1002,
        ));
    }
    cases
}
