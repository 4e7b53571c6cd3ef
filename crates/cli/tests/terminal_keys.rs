//! The keys of `tidewire help keys`, and the flags that say how a terminal looks.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
mod terminal_common;

use common::*;
use std::os::unix::process::CommandExt;
use terminal_common::Terminal;

fn talking(args: &[&str]) -> (Echo, Terminal) {
    let echo = Echo::start(&[]);
    let mut command = tidewire();
    command.arg(echo.url()).env("NO_COLOR", "1").args(args);
    // A suspended client takes its group with it, which must not be that of the test.
    let mut terminal = Terminal::start(command.process_group(0));
    terminal.is_ready();
    (echo, terminal)
}

#[test]
fn the_keys_of_the_help_edit_the_line() {
    let (_echo, mut terminal) = talking(&["--time", "off"]);
    for (keys, sent) in [
        ("b c\x01a \x05 d\r", "< a b c d\r\n"),
        ("one two\x17three\r", "< one three\r\n"),
        ("gone\x15kept\r", "< kept\r\n"),
        ("kept gone\x01\x1bf\x0b\r", "< kept\r\n"),
        ("cleared\x03\x19\r", "< cleared\r\n"),
        ("/pi\tx2\r", "* pong \"\" "),
    ] {
        terminal.kind(keys);
        terminal.sees(sent);
    }
    terminal.kind("half\x0c");
    terminal.sees("\x1b[H\x1b[J");
    terminal.kind(" done\r");
    terminal.sees("< half done");
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_z_suspends_and_goes_on() {
    let (_echo, mut terminal) = talking(&["--time", "off"]);
    terminal.kind("before\r");
    terminal.sees("< before");
    terminal.is_ready();
    terminal.kind("\x1a");
    let stat = format!("/proc/{}/stat", terminal.child.id());
    let state = || {
        let stat = std::fs::read_to_string(&stat).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    };
    let mut tries = 0;
    while state() != 'T' {
        tries += 1;
        assert!(tries < 1000, "it goes on");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    signal(&terminal.child, rustix::process::Signal::CONT);
    terminal.kind("after\r");
    terminal.sees("< after");
}

#[test]
fn flags_say_how_json_times_and_commands_are_taken() {
    let (_echo, mut terminal) = talking(&["--pretty", "--slash", "--time", "abs"]);
    terminal.kind("{\"b\":1}\r");
    terminal.sees("< {\r\n    \"b\": 1\r\n  }");
    terminal.sees("Z");
    terminal.kind("/quit\r");
    terminal.sees("Disconnected (code: 1000");
    let (_echo, mut terminal) = talking(&["--no-pretty", "--time", "off"]);
    terminal.resize(20);
    terminal.kind("{\"a\":\"0123456789\",\"b\":2}\r");
    terminal.sees("< {\"a\":\"0123456789\",\"b\":2}");
}
