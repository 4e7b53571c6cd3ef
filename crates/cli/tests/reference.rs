//! `docs/reference/cli.md` against the binary and the tests; and what else teaches the command line.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let help = text(&run(&["help"], b"").stdout);
    let list = help.split("Commands:\n").nth(1).unwrap();
    let list = list.split("\n\n").next().unwrap();
    // A description that goes on in a second line stands further to the right.
    let names = list.lines().filter(|line| !line.starts_with("    "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// The options of a line that begins with them: `-n, --no-check`, `[aliases: -k, --insecure]`.
fn options(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| c.is_whitespace() || "[],`=<.|".contains(c));
    words.filter(|word| {
        let name = word.trim_start_matches('-');
        word.starts_with('-') && name.starts_with(|c: char| c.is_ascii_alphanumeric())
    })
}

/// The options that the help of a command shows, aliases too.
fn helped(command: &str) -> BTreeSet<String> {
    let help = text(&run(&["help", command], b"").stdout);
    let body = help.split_once("\nOptions:\n").or(help.split_once(":\n"));
    let lines = body.unwrap().1.lines().filter(|line| {
        let line = line.trim_start();
        line.starts_with('-') || line.starts_with("[alias")
    });
    // Examples and prose behind the options are not indented so, or hold no line that begins with one.
    let options = lines.flat_map(|line| {
        let line = line.trim_start();
        let end = line.find("  ").unwrap_or(line.len());
        options(&line[..end]).map(str::to_owned).collect::<Vec<_>>()
    });
    options.collect()
}

struct Section {
    /// What stands in the first column of its tables.
    options: BTreeSet<String>,
    /// The sections it names as part of it: "And: …".
    includes: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn reference() -> String {
    std::fs::read_to_string(root().join("docs/reference/cli.md")).unwrap()
}

/// The first cell of a row of a table, if it is no head.
fn first_cell(line: &str) -> Option<&str> {
    let cell = line.strip_prefix("| ")?.split(" | ").next()?;
    (!cell.starts_with("---")).then_some(cell)
}

/// The sections by their anchors.
fn sections(page: &str) -> BTreeMap<String, Section> {
    let parts = page.split("\n## ").skip(1);
    let section = |part: &str| {
        let (title, body) = part.split_once('\n').unwrap();
        let cells = body.lines().filter_map(first_cell);
        let prose = body.split("\n\n|").next().unwrap();
        let included = prose.split_once("And:").map_or("", |(_, rest)| rest);
        let links = included.split("](#").skip(1);
        Section {
            options: cells.flat_map(options).map(str::to_owned).collect(),
            includes: links
                .map(|link| link.split(')').next().unwrap().to_owned())
                .collect(),
        }
        .named(title)
    };
    parts.map(section).collect()
}

impl Section {
    fn named(self, title: &str) -> (String, Section) {
        (title.to_lowercase().replace(' ', "-"), self)
    }
}

#[test]
fn every_option_is_in_the_reference_and_no_other() {
    let sections = sections(&reference());
    let commands = commands();
    assert!(commands.len() >= 17, "{commands:?}");
    for command in commands {
        let section = sections.get(&format!("tidewire-{command}"));
        let section = section.unwrap_or_else(|| panic!("cli.md has no `## tidewire {command}`"));
        let mut told = section.options.clone();
        for name in &section.includes {
            let part = sections
                .get(name)
                .unwrap_or_else(|| panic!("no section {name}"));
            told.extend(part.options.iter().cloned());
        }
        let helped = helped(&command);
        assert!(helped.contains("--help"), "{command}: {helped:?}");
        let missing: Vec<_> = helped.difference(&told).collect();
        assert!(missing.is_empty(), "{command}: cli.md lacks {missing:?}");
        // Of `tidewire` alone, and hidden aliases.
        let known = ["--version", "-V", "--user", "--basic-auth"];
        let gone: Vec<_> = told
            .difference(&helped)
            .filter(|option| !known.contains(&option.as_str()))
            .collect();
        assert!(gone.is_empty(), "{command} has no {gone:?}, but cli.md");
    }
}

#[test]
fn every_exit_code_is_in_the_reference_and_in_the_help() {
    let source = include_str!("../src/exit.rs");
    let codes: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
        .map(|(_, code)| code)
        .collect();
    assert!(codes.len() >= 15, "{codes:?}");
    let page = reference();
    let table = page.split("\n## Exit codes\n").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let told: Vec<&str> = table.lines().filter_map(first_cell).skip(1).collect();
    assert_eq!(told, codes);
    let help = text(&run(&["help", "exit-codes"], b"").stdout);
    for code in codes {
        let found = help
            .lines()
            .any(|line| line.trim_start().starts_with(&format!("{code}  ")));
        assert!(found, "{code} is not in `tidewire help exit-codes`");
    }
}

#[test]
fn every_key_and_command_of_the_help_is_in_the_reference() {
    let page = reference();
    let help = text(&run(&["help", "keys"], b"").stdout);
    let mut found = 0;
    for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
        let name = line.split("  ").next().unwrap();
        let Some(first) = name
            .split([' ', ','])
            .next()
            .filter(|word| !word.is_empty())
        else {
            continue;
        };
        let shown = match first.split_once('-') {
            // Ctrl-A/E/W/U/K
            Some(("Ctrl", keys)) => keys.split('/').map(|key| format!("Ctrl-{key}")).collect(),
            _ => vec![first.to_owned()],
        };
        for word in shown {
            assert!(page.contains(&word), "{word} is not in cli.md");
            found += 1;
        }
    }
    assert!(found > 40, "{found}");
}

/// Where a name like `pipe::a_test` or `src/addr.rs::a_test` points.
fn is_a_test(file: &str, name: &str) -> bool {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = match file {
        file if file.starts_with("src/") => home.join(file),
        file if file.contains('/') => home.join("..").join(file),
        file => home.join("tests").join(format!("{file}.rs")),
    };
    let Ok(source) = std::fs::read_to_string(path) else {
        return false;
    };
    let Some((before, _)) = source.split_once(&format!("fn {name}(")) else {
        return false;
    };
    let attributes = before.rsplit("\n\n").next().unwrap();
    attributes.contains("#[test]") || attributes.contains("#[tokio::test")
}

#[test]
fn every_row_names_a_test_that_exists() {
    let page = reference();
    let mut found = 0;
    for word in page.split('`').skip(1).step_by(2) {
        let Some((file, name)) = word.split_once("::").filter(|_| word != "NAME::TEST") else {
            continue;
        };
        assert!(is_a_test(file, name), "there is no test {word}");
        found += 1;
    }
    assert!(found > 250, "{found} tests are named");
    // But what was left out has none.
    let built = page.split("\n## What is left out").next().unwrap();
    let mut column = false;
    for line in built.lines() {
        if line.starts_with('|') && line.ends_with(" test |") {
            column = true;
        } else if !line.starts_with('|') {
            column = false;
        } else if column && !line.starts_with("|---") {
            let cell = line.rsplit(" | ").next().unwrap();
            assert!(cell.contains("::"), "no test is named: {line}");
        }
    }
}

#[test]
fn each_topic_is_taught_and_listed() {
    let list = text(&run(&["help"], b"").stdout);
    for topic in ["websocat", "wscat", "exit-codes", "keys", "profiles"] {
        assert!(list.contains(&format!("  {topic} ")), "{topic}: {list}");
        let output = run(&["help", topic], b"");
        assert_eq!(output.status.code(), Some(0));
        let page = text(&output.stdout);
        assert!(
            page.lines().all(|line| line.chars().count() <= 100),
            "{topic}"
        );
    }
    let output = run(&["help", "nonsense"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("profiles"));
}

#[test]
fn no_color_is_heeded() {
    let plain = |args: &[&str]| {
        let args = [&["doctor", "127.0.0.1:1"], args].concat();
        let output = run(&args, b"");
        !(text(&output.stdout) + &text(&output.stderr)).contains('\x1b')
    };
    assert!(!plain(&["--color=always"]));
    assert!(plain(&["--no-color"]) && plain(&["--color=never"]) && plain(&[]));
}

#[test]
fn completions_know_every_command() {
    let commands = commands();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = text(&run(&["completions", shell], b"").stdout);
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
        assert!(script.contains("expect-close"), "{shell}");
    }
    assert_eq!(run(&["completions", "dos"], b"").status.code(), Some(2));
}

#[test]
fn man_pages_are_written_for_every_command() {
    let page = text(&run(&["man"], b"").stdout);
    assert!(page.contains(".TH tidewire 1") && page.contains(".SH PROFILES"));
    assert!(text(&run(&["man", "tap"], b"").stdout).contains("close"));
    let output = run(&["man", "nonsense"], b"");
    assert_eq!(output.status.code(), Some(2));
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man1");
    let output = run(&["man", "--dir", dir.to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for command in commands() {
        let page = std::fs::read_to_string(dir.join(format!("tidewire-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
}
