//! What the manual and the doc comments say is so: defaults are those of the code, tests that are named
//! exist, every future tells what happens when it is dropped, every setting tells its default.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tidewire::reconnect::Backoff;
use tidewire::{Client, Config, DeflateConfig, Drain, HeadLimits, OriginPolicy, Server};

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(crate_root().join(path)).unwrap()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// A function that users can call: its doc comment, and its signature up to the body.
struct Function {
    place: String,
    docs: String,
    signature: String,
}

fn public_functions() -> Vec<Function> {
    let mut files = Vec::new();
    rust_files(&crate_root().join("src"), &mut files);
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let shown = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let lines: Vec<&str> = shown.lines().map(str::trim).collect();
        let mut docs = String::new();
        for (i, line) in lines.iter().enumerate() {
            if let Some(comment) = line.strip_prefix("///") {
                docs.push_str(comment);
                docs.push('\n');
            } else if line.starts_with("pub fn") || line.starts_with("pub async fn") {
                let rest = lines[i..].iter();
                let end = rest.clone().position(|line| line.ends_with(['{', ';']));
                let signature: Vec<&str> = rest.take(end.unwrap() + 1).copied().collect();
                found.push(Function {
                    place: format!("{}:{}", file.display(), i + 1),
                    docs: std::mem::take(&mut docs),
                    signature: signature.join(" "),
                });
            } else if !line.starts_with("#[") {
                docs.clear();
            }
        }
    }
    found
}

#[test]
fn every_future_tells_what_happens_when_it_is_dropped() {
    let is_future = |function: &Function| {
        let head = function.signature.split(" where ").next().unwrap();
        let result = head.rsplit("->").next().unwrap();
        function.signature.starts_with("pub async fn")
            || result.trim_start().starts_with("impl Future")
    };
    let functions = public_functions();
    let futures: Vec<_> = functions.iter().filter(|f| is_future(f)).collect();
    assert!(futures.len() > 40, "only {} were found", futures.len());
    let silent: Vec<_> = futures
        .iter()
        .filter(|function| {
            let section = function.docs.split("# Cancel safety").nth(1);
            section.is_none_or(|section| section.trim().len() < 5)
        })
        .map(|function| format!("{} {}", function.place, function.signature))
        .collect();
    assert!(silent.is_empty(), "no `# Cancel safety`: {silent:#?}");
}

#[test]
fn every_setting_tells_its_default() {
    let is_setting = |function: &Function| {
        let head = function.signature.split(" where ").next().unwrap();
        let (arguments, result) = head.rsplit_once("->").unwrap_or_default();
        let by_value = [
            "(self,",
            "(self)",
            "(mut self,",
            "(mut self)",
            "( self,",
            "( mut self,",
        ];
        by_value.iter().any(|own| arguments.contains(own))
            && (result.trim().starts_with("Self") || result.contains("Result<Self"))
    };
    let functions = public_functions();
    let settings: Vec<_> = functions.iter().filter(|f| is_setting(f)).collect();
    assert!(settings.len() > 50, "only {} were found", settings.len());
    let silent: Vec<_> = settings
        .iter()
        .filter(|function| {
            !(function.docs.contains("Default") || function.docs.contains("Does nothing"))
        })
        .map(|function| format!("{} {}", function.place, function.signature))
        .collect();
    assert!(silent.is_empty(), "no default is told: {silent:#?}");
}

/// The first two cells of each row of the tables under a heading: the name, and its default.
fn documented(page: &str, heading: &str) -> BTreeMap<String, String> {
    let part = page
        .split("\n## ")
        .find(|part| part.starts_with(heading))
        .unwrap();
    part.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`').to_owned(), cells[2].to_owned())
        })
        .collect()
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

fn time(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

fn expect(table: &BTreeMap<String, String>, defaults: &[(&str, String)]) {
    for (name, default) in defaults {
        assert_eq!(table.get(*name), Some(default), "the default of {name}");
    }
}

#[test]
fn the_limits_of_a_connection_are_documented_as_they_are() {
    let page = read("docs/defaults.md");
    let config = Config::default();
    let bytes = |bytes: usize| size(bytes as u64);
    let table = documented(&page, "A connection");
    expect(
        &table,
        &[
            ("max_message", bytes(config.max_message)),
            ("max_frame", bytes(config.max_frame)),
            (
                "max_streamed",
                config.max_streamed.map_or("none".into(), size),
            ),
            ("max_queued_control", config.max_queued_control.to_string()),
            ("ping_interval", time(config.ping_interval.unwrap())),
            ("pong_timeout", time(config.pong_timeout)),
            (
                "idle_timeout",
                config.idle_timeout.map_or("never".into(), time),
            ),
            ("close_timeout", time(config.close_timeout)),
        ],
    );
    // All of them: a field that is new has a line in `Debug`.
    let fields = format!("{config:#?}")
        .lines()
        .filter(|line| {
            line.starts_with("    ") && line.contains(": ") && !line.starts_with("     ")
        })
        .count();
    assert_eq!(fields, 8, "{config:#?}");

    let constants = documented(&page, "What is fixed");
    expect(
        &constants,
        &[
            (
                "FRAGMENT_OVERHEAD",
                bytes(tidewire_proto::config::FRAGMENT_OVERHEAD),
            ),
            (
                "MAX_EMPTY_FRAGMENTS",
                tidewire_proto::config::MAX_EMPTY_FRAGMENTS.to_string(),
            ),
            (
                "SLOWEST_READER",
                format!("{}/s", size(tidewire_proto::config::SLOWEST_READER.into())),
            ),
            (
                "MAX_UNPROVEN",
                size(tidewire_proto::config::MAX_UNPROVEN.into()),
            ),
        ],
    );
}

#[test]
fn the_choices_of_compression_are_documented_as_they_are() {
    let deflate = DeflateConfig::default();
    expect(
        &documented(&read("docs/defaults.md"), "Compression"),
        &[
            ("level", deflate.level.to_string()),
            ("threshold", size(deflate.threshold as u64)),
            (
                "server_no_context_takeover",
                deflate.server_no_context_takeover.to_string(),
            ),
            (
                "client_no_context_takeover",
                deflate.client_no_context_takeover.to_string(),
            ),
            (
                "server_max_window_bits",
                deflate.server_max_window_bits.to_string(),
            ),
            (
                "client_max_window_bits",
                deflate.client_max_window_bits.to_string(),
            ),
        ],
    );
}

/// The value of a field in what `Debug` prints.
fn field(debug: &str, name: &str) -> String {
    let at = debug
        .find(&format!("{name}: "))
        .unwrap_or_else(|| panic!("{name} in {debug}"));
    let value = &debug[at + name.len() + 2..];
    let end = value.find([',', ' ', '}']).unwrap_or(value.len());
    value[..end]
        .trim_start_matches("Some(")
        .trim_end_matches(')')
        .to_owned()
}

/// `10s` as `Debug` has it, `10 s` as the manual has it.
fn spaced(debug: &str, name: &str) -> String {
    let value = field(debug, name);
    let (number, unit) = value.split_at(value.find(|c: char| c.is_ascii_alphabetic()).unwrap());
    format!("{number} {unit}")
}

#[test]
fn what_clients_and_servers_do_by_default_is_documented_as_it_is() {
    let page = read("docs/defaults.md");
    let water = |debug: &str| size(field(debug, "high_water").parse().unwrap());

    let client = format!("{:?}", Client::new("ws://localhost/"));
    expect(
        &documented(&page, "A client"),
        &[
            ("redirects", field(&client, "redirects")),
            ("connect_timeout", spaced(&client, "connect_timeout")),
            ("handshake_timeout", spaced(&client, "handshake_timeout")),
            ("high_water", water(&client)),
        ],
    );

    let server = format!("{:?}", Server::new());
    let limits = HeadLimits::default();
    let head = format!(
        "{}, {} lines",
        size(limits.max_bytes as u64),
        limits.max_headers
    );
    expect(
        &documented(&page, "A server"),
        &[
            ("handshake_timeout", spaced(&server, "handshake_timeout")),
            ("answer_timeout", spaced(&server, "answer_timeout")),
            ("high_water", water(&server)),
            ("keep_target", field(&server, "keep_target")),
            ("head_limits", head),
            ("origin", format!("`{:?}`", OriginPolicy::default())),
        ],
    );

    let drain = format!("{:?}", Drain::new());
    expect(
        &documented(&page, "Leaving"),
        &[
            ("code", field(&drain, "code")),
            ("spread", spaced(&drain, "spread")),
            ("timeout", spaced(&drain, "timeout")),
        ],
    );
}

#[test]
fn how_a_client_comes_back_is_documented_as_it_is() {
    let table = documented(&read("docs/defaults.md"), "Coming back");
    let backoff = Backoff::new();
    let source = read("src/reconnect/mod.rs");
    let in_source = |name: &str| {
        let set = format!("{name}: Duration::from_secs(");
        let at = source.find(&set).unwrap() + set.len();
        format!("{} s", source[at..].split(')').next().unwrap())
    };
    expect(
        &table,
        &[
            ("first", time(backoff.window(0))),
            ("most", time(backoff.window(1000))),
            (
                "factor",
                (backoff.window(1).as_secs_f64() / backoff.window(0).as_secs_f64()).to_string(),
            ),
            (
                "jitter",
                field(&format!("{backoff:?}"), "jitter")
                    .trim_end_matches(".0")
                    .to_owned(),
            ),
            ("stable_after", in_source("stable_after")),
            ("attempt_timeout", in_source("attempt_timeout")),
        ],
    );
}

/// Whether `source` has a test of this name.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(i, line)| {
        let declared = line.strip_prefix("async ").unwrap_or(line);
        let declared = declared
            .strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name));
        declared.is_some_and(|rest| rest.starts_with('('))
            && lines[..i]
                .iter()
                .rev()
                .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
                .any(|line| line.starts_with("#[") && line.contains("test"))
    })
}

#[test]
fn the_tests_that_show_an_attack_answered_exist() {
    let page = read("docs/attacks.md");
    let named: Vec<(&str, &str)> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs::"))
        .collect();
    assert!(named.len() > 60, "only {} are named", named.len());
    let missing: Vec<_> = named
        .iter()
        .filter(|(file, name)| {
            let file = crate_root().join(format!("../../crates/{file}.rs"));
            !std::fs::read_to_string(file).is_ok_and(|source| has_test(&source, name))
        })
        .collect();
    assert!(missing.is_empty(), "named and not found: {missing:#?}");
}

#[test]
fn the_index_of_the_manual_leads_to_every_page_and_example() {
    let index = read("../../docs/README.md");
    let linked = |name: &str| index.contains(&format!("{name})"));
    for (folder, ending) in [("docs", "md"), ("../../examples", "rs")] {
        for entry in std::fs::read_dir(crate_root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(ending) && name != "lib.rs" {
                assert!(linked(&name), "docs/README.md does not lead to {name}");
            }
        }
    }
    for target in index.split("](").skip(1) {
        let target = target.split(')').next().unwrap();
        if !target.contains("://") {
            let path = crate_root().join("../../docs").join(target);
            assert!(
                path.exists(),
                "docs/README.md leads to {target}, which is not there"
            );
        }
    }
    let pages = read("src/manual.rs");
    for entry in std::fs::read_dir(crate_root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            pages.contains(&format!("docs/{name}")),
            "src/manual.rs lacks {name}"
        );
    }
}
