//! Section close (RFC 6455 §5.5.1, §7).

use super::super::case::{Case, End, fails, send};
use crate::raw::Frame;
use crate::raw::frame::{CLOSE, PING, TEXT};

/// Codes that may be sent: those of RFC 6455 and of the IANA registry, and both private ranges.
const GOOD: &[u16] = &[
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];
/// Codes that may not.
const BAD: &[u16] = &[
    0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::talk(
            "close/no-code",
            "6455 §5.5.1",
            "a Close without a code is answered without one, and TCP ended",
            End::Closes(None),
            || vec![send([Frame::close(None, b"")])],
        ),
        Case::talk(
            "close/reason",
            "6455 §5.5.1",
            "a Close with the longest reason is answered with its code",
            End::Closes(Some(1000)),
            || vec![send([Frame::close(Some(1000), &[b'r'; 123])])],
        ),
        Case::talk(
            "close/one-byte",
            "6455 §5.5.1",
            "a Close of one byte fails the connection with 1002",
            fails(&[1002]),
            || vec![send([Frame::new(CLOSE, b"\x03")])],
        ),
        Case::talk(
            "close/reason-not-utf8",
            "6455 §5.5.1",
            "a reason that is no UTF-8 fails the connection with 1007",
            fails(&[1007, 1002]),
            || vec![send([Frame::close(Some(1000), b"caf\xe9")])],
        ),
        Case::talk(
            "close/within-a-message",
            "6455 §5.4",
            "a Close between fragments is answered",
            End::Closes(Some(1000)),
            || {
                vec![send([
                    Frame::new(TEXT, b"half").more(),
                    Frame::close(Some(1000), b""),
                ])]
            },
        ),
        Case::talk(
            "close/message-after",
            "6455 §5.5.1",
            "a message after a Close does not come back",
            End::ClosesOnly,
            || {
                vec![send([
                    Frame::close(Some(1000), b""),
                    Frame::new(TEXT, b"too late"),
                ])]
            },
        ),
        Case::talk(
            "close/ping-after",
            "6455 §5.5.1",
            "a Ping after a Close is not answered",
            End::ClosesOnly,
            || {
                vec![send([
                    Frame::close(Some(1000), b""),
                    Frame::new(PING, b"too late"),
                ])]
            },
        ),
        Case::talk(
            "close/twice",
            "6455 §5.5.1",
            "a second Close is not answered",
            End::ClosesOnly,
            || {
                vec![send([
                    Frame::close(Some(1000), b""),
                    Frame::close(Some(1001), b""),
                ])]
            },
        ),
    ];
    for &code in GOOD {
        let expected = format!("a Close with {code} is answered with {code}, and TCP ended");
        let end = End::Closes(Some(code));
        cases.push(Case::talk(
            format!("close/code-{code}"),
            "6455 §7.4",
            expected,
            end,
            move || vec![send([Frame::close(Some(code), b"because")])],
        ));
    }
    for &code in BAD {
        let expected = format!("a Close with {code}, which nobody may send, fails with 1002");
        let name = format!("close/code-{code}");
        cases.push(Case::talk(
            name,
            "6455 §7.4",
            expected,
            fails(&[1002]),
            move || vec![send([Frame::close(Some(code), b"")])],
        ));
    }
    cases
}
