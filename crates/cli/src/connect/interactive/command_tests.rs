//! What is typed at the prompt, and what it asks for.
#![allow(clippy::unwrap_used)]
use super::*;

fn ping(text: &str, count: u32) -> Command {
    Command::Ping {
        text: text.into(),
        count,
    }
}

fn close(code: u16, reason: &str) -> Command {
    Command::Close {
        code: CloseCode(code),
        reason: reason.into(),
    }
}

fn every(millis: u64, text: &str) -> Command {
    Command::Every {
        pause: Duration::from_millis(millis),
        text: text.into(),
    }
}

#[test]
fn each_command_is_understood() {
    for (line, expected) in [
        ("/ping", ping("", 1)),
        ("/ping hello world x3", ping("hello world", 3)),
        ("/ping  a b ", ping("a b", 1)),
        ("/ping x3", ping("", 3)),
        ("/ping x", ping("x", 1)),
        ("/ping xy2", ping("xy2", 1)),
        ("/pong", Command::Pong("".into())),
        ("/pong a b", Command::Pong("a b".into())),
        ("/close", close(1000, "")),
        ("/close 4001", close(4001, "")),
        ("/close 4001 token  expired", close(4001, "token  expired")),
        ("/bin 00 01 ff", Command::Binary(vec![0, 1, 255])),
        ("/bin 0x00:01,FF", Command::Binary(vec![0, 1, 255])),
        ("/bin b64:AAH/", Command::Binary(vec![0, 1, 255])),
        ("/bin b64:AA", Command::Binary(vec![0])),
        ("/bin b64:", Command::Binary(vec![])),
        ("/bin @a b.bin", Command::BinaryFile("a b.bin".into())),
        ("/file /tmp/x y", Command::TextFile("/tmp/x y".into())),
        ("/json", Command::Json(None)),
        ("/json off", Command::Json(Some(false))),
        ("/pretty AUTO", Command::Pretty(Pretty::Auto)),
        ("/time none", Command::Time(Time::Off)),
        ("/time abs", Command::Time(Time::Abs)),
        ("/filter", Command::Filter(None)),
        ("/filter a b", Command::Filter(Some("a b".into()))),
        ("/last", Command::Last(1)),
        ("/last 20", Command::Last(20)),
        ("/resend 2", Command::Resend(2)),
        ("/save x.ndjson", Command::Save("x.ndjson".into())),
        ("/record stop", Command::Record(None)),
        ("/record x.har", Command::Record(Some("x.har".into()))),
        ("/every 5s  a b", every(5000, "a b")),
        ("/every 500ms {}", every(500, "{}")),
        ("/stop", Command::Stop),
        ("/headers", Command::Headers),
        ("/stats ", Command::Stats),
        ("/clear", Command::Clear),
        ("/reconnect", Command::Reconnect),
        ("/quit", Command::Quit),
        ("/exit", Command::Quit),
        ("/?", Command::Help),
        ("/help", Command::Help),
    ] {
        assert_eq!(parse(line, true), Ok(Entry::Command(expected)), "{line}");
    }
}

#[test]
fn messages_are_sent_as_they_are_typed() {
    for (line, slash, sent) in [
        ("hello", true, "hello"),
        ("  /ping", true, "  /ping"),
        ("//ping", true, "/ping"),
        ("///x", true, "//x"),
        ("/ping", false, "/ping"),
        ("//ping", false, "//ping"),
        ("", true, ""),
        ("a\n/close", true, "a\n/close"),
        ("/close\n", true, "/close\n"),
        ("//a\nb", true, "//a\nb"),
    ] {
        assert_eq!(
            parse(line, slash),
            Ok(Entry::Message(sent.into())),
            "{line}"
        );
    }
}

#[test]
fn nonsense_is_told_and_nothing_is_sent() {
    for (line, told) in [
        (
            "/close abc",
            "/close takes a code first, as in /close 1000 bye; \"abc\" is none",
        ),
        ("/close 99999", "\"99999\" is none"),
        ("/close -1", "\"-1\" is none"),
        ("/close 1005", "1005 may not be sent"),
        ("/close 999 x", "999 may not be sent"),
        ("/ping x0", "1 to 1000 pings, not 0"),
        ("/ping a x99999999999", "1 to 1000 pings"),
        ("/bin", "takes the bytes to send"),
        ("/bin 0", "1 hex digits are no whole number of bytes"),
        ("/bin 0g", "\"g\" is no hex digit"),
        ("/bin \u{1b}", "\\x1b"),
        ("/bin b64:***", "no base64"),
        ("/bin @", "takes the path"),
        ("/file", "/file takes the path of a file"),
        ("/pretty maybe", "on, off or auto"),
        ("/time", "off, abs, rel or delta"),
        ("/last 0", "a number from 1"),
        ("/last -1", "a number from 1"),
        ("/every 5s", "a time and a text"),
        ("/every now x", "not a time"),
        ("/every 0 x", "at least 10ms"),
        ("/stats now", "/stats takes nothing after it"),
        (
            "/foo bar",
            "no command /foo; /help lists them, and //foo sends",
        ),
        ("/", "no command /;"),
        ("/\u{1b}[2J", "no command /\\x1b[2J"),
    ] {
        let error = parse(line, true).unwrap_err();
        assert!(error.contains(told), "{line}: {error}");
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }
    let long = "x".repeat(126);
    for line in [
        format!("/ping {long}"),
        format!("/pong {long}"),
        format!("/close 1000 {}", &long[2..]),
    ] {
        assert!(
            parse(&line, true).unwrap_err().contains("fit in the frame"),
            "{line}"
        );
    }
    assert!(parse(&format!("/close 1000 {}", &long[3..]), true).is_ok());
}

#[test]
fn every_name_is_a_command_and_is_taught() {
    let help = include_str!("../../help/keys.txt");
    for name in NAMES {
        let error = parse(name, true).err().unwrap_or_default();
        assert!(!error.starts_with("no command"), "{name}");
        assert!(help.contains(name), "{name} is not in help/keys.txt");
    }
}
