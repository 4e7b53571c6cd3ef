//! The reference of the protocol says what the code does: codes, commands, pushes, limits.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use tidewire_hub_proto::code::{CLOSE_CODES, ERROR_CODES};
use tidewire_hub_proto::native::{Decoded, Op, ServerMessage, decode};
use tidewire_hub_proto::{Command, CommandId, Cursor, channel};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/protocol.md");
    std::fs::read_to_string(path).unwrap()
}

/// The text from one heading to the next of its kind.
fn part<'a>(page: &'a str, heading: &str) -> &'a str {
    let depth = heading.split(' ').next().unwrap();
    let start = page
        .find(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    let rest = &page[start + heading.len() + 2..];
    &rest[..rest.find(&format!("\n{depth} ")).unwrap_or(rest.len())]
}

/// The rows of a table as their cells; the first row is its head.
fn rows(part: &str) -> Vec<Vec<&str>> {
    part.lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

#[test]
fn the_table_of_error_codes_is_that_of_the_code() {
    let page = page();
    let documented = rows(part(&page, "## Error codes"));
    let known: Vec<_> = ERROR_CODES
        .iter()
        .map(|(_, word, temporary, meaning)| {
            let temporary = if *temporary { "yes" } else { "no" };
            vec![
                format!("`{word}`"),
                temporary.to_owned(),
                (*meaning).to_owned(),
            ]
        })
        .collect();
    assert_eq!(documented[1..], known[..]);
}

#[test]
fn the_table_of_close_codes_is_that_of_the_code() {
    let page = page();
    let documented = rows(part(&page, "## Close codes"));
    let known: Vec<_> = CLOSE_CODES
        .iter()
        .map(|(reason, code, word, meaning)| {
            let back = if reason.is_worth_reconnecting() {
                "yes"
            } else {
                "no"
            };
            vec![
                code.to_string(),
                format!("`{word}`"),
                back.to_owned(),
                (*meaning).to_owned(),
            ]
        })
        .collect();
    assert_eq!(documented[1..=known.len()], known[..]);
    // And the standard ones.
    for code in ["1001", "1003", "1007", "1009", "1011"] {
        assert!(documented.iter().any(|row| row[0] == code), "{code}");
    }
}

#[test]
fn every_command_has_its_row_and_its_section() {
    let page = page();
    let commands = part(&page, "## Commands");
    let documented: Vec<_> = rows(commands)
        .iter()
        .skip(1)
        .take(Command::OPS.len())
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    assert_eq!(documented, Command::OPS);
    for op in Command::OPS {
        assert!(
            commands.contains(&format!("\n### `{op}`\n")),
            "no section of {op}"
        );
        // The decoder knows it.
        let text = format!(r#"{{"op":"{op}","channel":"a","text":"x"}}"#);
        assert!(matches!(decode(&text), Decoded::One(Ok(_))), "{op}");
    }
}

#[test]
fn every_push_has_its_row() {
    let page = page();
    let documented = rows(part(&page, "## What the hub says"));
    let ops = [
        "hello", "ok", "error", "pong", "message", "live", "join", "leave", "lag", "direct", "bye",
    ];
    for (row, op) in documented[1..].iter().zip(ops) {
        assert_eq!(row[0], format!("`{op}`"));
        let read = ServerMessage::parse(&format!(r#"{{"op":"{op}"}}"#)).unwrap();
        assert_ne!(read.op, Op::Unknown, "{op}");
    }
}

#[test]
fn every_example_is_read() {
    let page = page();
    let sent: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("→ "))
        .collect();
    assert!(sent.len() > 2);
    for text in sent {
        assert!(matches!(decode(text), Decoded::One(Ok(_))), "{text}");
    }
    let pushed = page.lines().filter_map(|line| line.strip_prefix("← "));
    let answers = page
        .split('`')
        .filter(|code| code.starts_with("{\"op\":\"ok\""));
    let all: Vec<_> = pushed.chain(answers).collect();
    assert!(all.len() > 12, "{}", all.len());
    for text in all {
        let read = ServerMessage::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_ne!(read.op, Op::Unknown, "{text}");
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let page = page();
    let documented = rows(part(&page, "## Limits"));
    let limits = [
        ("commands in a batch", Command::MAX_BATCH.to_string()),
        ("`id`", format!("{} bytes of JSON", CommandId::MAX)),
        ("`key`", format!("{} bytes", Command::MAX_KEY)),
        ("`name`", format!("{} bytes", Command::MAX_NAME)),
        ("`client`", format!("{} bytes", Command::MAX_CLIENT)),
        ("`limit`, `history`", Command::MAX_LIMIT.to_string()),
        ("nesting of `data`", Command::MAX_DEPTH.to_string()),
        (
            "namespace, name of a channel",
            format!("{}, {} bytes", channel::MAX_NAMESPACE, channel::MAX_NAME),
        ),
        (
            "channels of a request, and of a cursor",
            Cursor::MAX.to_string(),
        ),
    ];
    for (what, limit) in limits {
        let row = documented.iter().find(|row| row[0] == what);
        assert_eq!(row.map(|row| row[1]), Some(limit.as_str()), "{what}");
    }
    let batch = format!("an array of 1 to {} of them", Command::MAX_BATCH);
    assert!(page.contains(&batch));
    let default = format!(
        "| `limit` | 1 to {} | {} |",
        Command::MAX_LIMIT,
        Command::DEFAULT_LIMIT
    );
    assert_eq!(page.matches(&default).count(), 2);
}
