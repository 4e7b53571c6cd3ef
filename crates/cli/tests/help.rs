//! The help as people see it, kept as a file so that a change to it is seen in review.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;

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
    check("serve", &["serve", "--help"]);
    check("check-config", &["check-config", "--help"]);
    check("echo", &["echo", "--help"]);
    check("connect", &["connect", "--help"]);
    check("bench", &["bench", "--help"]);
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
