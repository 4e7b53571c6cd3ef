//! `tidewire conform` against the server of the tool, and against servers that break a rule each.
#![allow(clippy::unwrap_used)]

mod common;
mod wrong;

use common::*;
use serde_json::Value;
use wrong::{Wrong, start};

fn conform(args: &[&str]) -> (Option<i32>, Value, String) {
    let args = [&["conform", "--json"], args].concat();
    let output = run(&args, b"");
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), json, text(&output.stderr))
}

/// What was seen of one case.
fn case<'a>(report: &'a Value, name: &str) -> &'a Value {
    let cases = report["cases"].as_array().unwrap();
    let found = cases.iter().find(|case| case["case"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {report}"))
}

#[test]
fn the_server_of_the_tool_passes_every_case() {
    let echo = Echo::start(&["--quiet"]);
    let (code, report, said) = conform(&[&echo.url()]);
    let bad: Vec<&Value> = report["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["verdict"] != "pass")
        .collect();
    assert!(bad.is_empty(), "{bad:#?}\n{said}");
    assert_eq!(code, Some(0));
    assert!(report["pass"].as_u64().unwrap() > 200, "{}", report["pass"]);
}

#[test]
fn where_nothing_is_compressed_those_cases_are_skipped() {
    let echo = Echo::start(&["--quiet", "--no-deflate"]);
    let (code, report, _) = conform(&[&echo.url(), "--only", "deflate", "--only", "limits/bomb"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(case(&report, "deflate/takeover")["verdict"], "skipped");
    assert_eq!(case(&report, "limits/bomb")["verdict"], "skipped");
    assert_eq!(case(&report, "deflate/offer-window-16")["verdict"], "pass");
    assert_eq!(report["fail"], 0);
}

#[test]
fn each_broken_rule_is_found_by_its_case() {
    let right = format!("127.0.0.1:{}", start(Wrong::Nothing));
    for (wrong, name) in [
        (Wrong::TakesUnmasked, "masking/text"),
        (Wrong::NoUtf8Check, "utf8/surrogate"),
        (Wrong::NoReservedBitsCheck, "reserved/rsv1"),
        (Wrong::NoOpcodeCheck, "reserved/opcode-3"),
        (Wrong::NoFragmentCheck, "fragments/nothing-to-continue"),
        (Wrong::TakesAnyVersion, "handshake/version-12"),
        (Wrong::IgnoresClose, "close/code-1000"),
        (Wrong::NoPong, "control/ping"),
        (Wrong::LosesKind, "framing/binary"),
        (
            Wrong::PicksSubprotocol,
            "handshake/subprotocol-none-offered",
        ),
    ] {
        let quick = ["--timeout", "0.5", "--only", name];
        let (code, report, said) = conform(&[&[right.as_str()], &quick[..]].concat());
        assert_eq!(
            (code, &case(&report, name)["verdict"]),
            (Some(0), &"pass".into()),
            "{report} {said}"
        );
        let url = format!("127.0.0.1:{}", start(wrong));
        let (code, report, said) = conform(&[&[url.as_str()], &quick[..]].concat());
        assert_eq!(code, Some(1), "{wrong:?}: {report} {said}");
        assert_eq!(case(&report, name)["verdict"], "fail", "{wrong:?}");
    }
}

#[test]
fn what_is_only_not_strict_fails_where_that_is_asked_for() {
    for (wrong, name, words) in [
        (Wrong::Nothing, "utf8/fast-in-a-fragment", "only when"),
        (
            Wrong::EndsWithoutClose,
            "reserved/rsv2",
            "without a Close frame",
        ),
        (Wrong::LeavesTcpOpen, "close/code-1000", "TCP left open"),
        (Wrong::TakesAnyCloseCode, "close/code-1005", "1005"),
    ] {
        let url = format!("127.0.0.1:{}", start(wrong));
        let args = [url.as_str(), "--timeout", "0.5", "--only", name];
        let (code, report, _) = conform(&args);
        let seen = &case(&report, name);
        if wrong == Wrong::TakesAnyCloseCode {
            // A Close with a code that nobody may send was sent back.
            assert_eq!(
                (code, seen["verdict"].as_str()),
                (Some(1), Some("fail")),
                "{seen}"
            );
        } else {
            assert_eq!(
                (code, seen["verdict"].as_str()),
                (Some(0), Some("non-strict")),
                "{seen}"
            );
            assert_eq!(conform(&[&args[..], &["--strict"]].concat()).0, Some(1));
        }
        assert!(seen["seen"].as_str().unwrap().contains(words), "{seen}");
    }
}

#[test]
fn a_server_that_does_not_echo_is_told_so_at_once() {
    for (wrong, words) in [
        (
            Wrong::NeverEchoes,
            "does not echo: to a text message it answered nothing came",
        ),
        (Wrong::MasksItsFrames, "with a mask"),
        (Wrong::Noise, "does not echo"),
        (Wrong::Claims, "9223372036854775807 bytes"),
        (Wrong::PicksExtension, "x-mine"),
    ] {
        let url = format!("127.0.0.1:{}", start(wrong));
        let output = run(&["conform", &url, "--timeout", "0.5"], b"");
        let said = text(&output.stderr);
        assert!(
            said.starts_with("error: ") && said.contains(words),
            "{wrong:?}: {said}"
        );
        assert!(
            matches!(output.status.code(), Some(1 | 7)),
            "{wrong:?}: {said}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_greeting_is_passed_over() {
    let url = format!("127.0.0.1:{}", start(Wrong::Greets));
    let (code, report, said) = conform(&[&url, "--only", "framing", "--only", "handshake/plain"]);
    assert_eq!(
        (code, report["fail"].as_u64()),
        (Some(0), Some(0)),
        "{report} {said}"
    );
}

#[test]
fn what_is_no_websocket_ends_as_connect_does() {
    for (wrong, code) in [
        (Wrong::WebPage, 6),
        (Wrong::ForgesAccept, 7),
        (Wrong::NotHttp, 7),
    ] {
        let url = format!("127.0.0.1:{}", start(wrong));
        let output = run(&["conform", &url], b"");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{wrong:?}: {}",
            text(&output.stderr)
        );
    }
    let output = run(&["conform", "127.0.0.1:1"], b"");
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn cases_are_listed_and_chosen() {
    let list = text(&run(&["conform", "--list"], b"").stdout);
    for section in ["handshake", "framing", "utf8", "close", "deflate", "limits"] {
        assert!(list.lines().any(|line| line == section), "{section}");
    }
    let some = text(&run(&["conform", "--list", "--only", "utf8/overlong-?"], b"").stdout);
    assert!(
        some.contains("utf8/overlong-4") && !some.contains("close/"),
        "{some}"
    );
    let nonsense = run(&["conform", "--list", "--only", "utf9"], b"");
    assert_eq!(nonsense.status.code(), Some(2));
    assert!(text(&nonsense.stderr).contains("--only \"utf9\""));
    assert_eq!(run(&["conform"], b"").status.code(), Some(2));
}

#[test]
fn the_table_says_what_was_expected_and_seen() {
    let url = format!("127.0.0.1:{}", start(Wrong::NoUtf8Check));
    let args = [
        "conform",
        &url,
        "--only",
        "utf8/byte-ff",
        "--only",
        "utf8/greek",
        "--timeout",
        "1",
    ];
    let shown = text(&run(&args, b"").stdout);
    for part in [
        "pass        utf8/greek ",
        "FAIL        utf8/byte-ff ",
        "the byte FF in a text fails the connection with 1007",
        "seen: the server sent a text message that is not UTF-8",
        "1 passed, 0 not strict, 1 failed, 0 skipped",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(!shown.contains('\x1b'));
    let failed = text(&run(&[&args[..], &["--failed"]].concat(), b"").stdout);
    assert!(!failed.contains("utf8/greek"), "{failed}");
}
