//! The help as people see it, kept as a file so that a change to it is seen in review.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;

const COMMANDS: [&str; 17] = [
    "bench",
    "bridge",
    "check-config",
    "completions",
    "conform",
    "connect",
    "doctor",
    "echo",
    "help",
    "listen",
    "man",
    "pub",
    "replay",
    "send",
    "serve",
    "sub",
    "tap",
];

/// Compares with `tests/help/NAME.txt`; with `TIDEWIRE_BLESS=1` writes it instead.
fn check(name: &str, args: &[&str]) {
    let output = tidewire()
        .args(args)
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success());
    let path = format!("{}/tests/help/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("TIDEWIRE_BLESS").is_some() {
        std::fs::write(&path, &output.stdout).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(
        text(&output.stdout) == expected,
        "the help has changed; if that is right, run again with TIDEWIRE_BLESS=1\n{}",
        text(&output.stdout)
    );
}

#[test]
fn help_is_as_written_down() {
    check("tidewire", &["--help"]);
    check("topics", &["help"]);
    for command in COMMANDS {
        check(command, &["help", command]);
    }
}

#[test]
fn no_command_is_without_its_page() {
    let output = tidewire().arg("help").output().unwrap();
    let listed = text(&output.stdout)
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .map_while(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect::<Vec<_>>();
    for command in &listed {
        assert!(
            COMMANDS.contains(&command.as_str()),
            "{command} has no page"
        );
    }
    assert!(listed.len() >= 16, "{listed:?}");
}

#[test]
fn help_fits_a_screen_and_version_is_one_line() {
    let output = tidewire()
        .arg("--help")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let help = text(&output.stdout);
    assert!(help.lines().count() <= 42, "{} lines", help.lines().count());
    assert!(
        help.lines().all(|line| line.chars().count() <= 100),
        "{help}"
    );
    let output = run(&["connect", "-h"], b"");
    let help = text(&output.stdout);
    assert!(help.lines().count() <= 46, "{} lines", help.lines().count());
    assert!(help.contains("--record"), "{help}");
    let output = run(&["--version"], b"");
    assert_eq!(
        text(&output.stdout),
        format!("tidewire {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn no_arguments_at_all_teach_and_fail() {
    let output = run(&[], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("Examples:"));
}
