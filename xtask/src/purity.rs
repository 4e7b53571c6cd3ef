//! Some crates are pure: no clock, thread, socket or random source, in their tree or in their own code.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::context::{Context, read};
use crate::process::{self, Failure, Result};
use crate::report::Done;

/// The crates that must be pure, and where they live.
const PURE: &[(&str, &str)] = &[
    ("tidewire-proto", "crates/proto"),
    ("tidewire-hub-proto", "crates/hub-proto"),
    ("tidewire-hub-core", "crates/hub-core"),
];

/// Crates that open sockets, start threads, read clocks or draw random numbers.
const IMPURE: &[&str] = &[
    "async-io",
    "async-std",
    "chrono",
    "crossbeam-channel",
    "fastrand",
    "futures-executor",
    "getrandom",
    "hyper",
    "instant",
    "mio",
    "nix",
    "num_cpus",
    "parking_lot",
    "polling",
    "quanta",
    "rand",
    "rand_core",
    "rayon",
    "rustix",
    "signal-hook",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tokio-util",
    "web-time",
];

/// What the crate's clippy.toml must ban, so that the clippy suite finds any use.
const BANS: &[&str] = &[
    "std::time::Instant::now",
    "std::time::Instant::elapsed",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::thread::sleep",
    "std::net::TcpStream::connect",
    "std::net::TcpListener::bind",
    "std::net::UdpSocket::bind",
    "std::fs::File::open",
    "std::env::var",
    "std::process::Command::new",
    "std::collections::hash_map::RandomState",
];

const WASM: &str = "wasm32-unknown-unknown";

/// Runs the three checks on each of them.
pub(crate) fn suite(context: &Context) -> Result<Done> {
    let mut sizes = Vec::new();
    for (name, home) in PURE {
        let tree = tree(&context.metadata, name)?;
        let impure: Vec<&str> = IMPURE
            .iter()
            .copied()
            .filter(|name| tree.contains(*name))
            .collect();
        if !impure.is_empty() {
            return Err(Failure::new(format!(
                "{name} depends on {}: hand the crate what it needs as an argument instead",
                impure.join(", ")
            )));
        }
        check_source(&context.root.join(home))?;
        println!(
            "{name}: {} crates in its tree, none impure; forbids unsafe code, bans {} ways out",
            tree.len(),
            BANS.len()
        );
        sizes.push(format!("{} in the tree of {name}", tree.len()));
    }

    let mut done = Done::whole(format!("crates: {}", sizes.join(", ")));
    if has_target(context) {
        let mut arguments = vec!["build", "--target", WASM];
        arguments.extend(PURE.iter().flat_map(|(name, _)| ["-p", name]));
        process::run(&mut context.cargo(&arguments), Duration::from_secs(900))?;
    } else {
        let reason = format!("build for {WASM}: target not installed (`rustup target add {WASM}`)");
        println!("not run: {reason}");
        done.not_run.push(reason);
    }
    Ok(done)
}

/// The names of all crates that a crate needs to be built and run, tests left out.
fn tree(metadata: &Value, root: &str) -> Result<BTreeSet<String>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let names: BTreeMap<String, String> = list(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let shipped = |dependency: &Value| {
            list(&dependency["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"].as_str() != Some("dev"))
        };
        let targets = list(&node["deps"]);
        let targets = targets
            .iter()
            .filter(|d| shipped(d))
            .map(|d| text(&d["pkg"]))
            .collect();
        edges.insert(text(&node["id"]), targets);
    }
    let start = names
        .iter()
        .find(|(_, name)| *name == root)
        .map(|(id, _)| id.clone())
        .ok_or_else(|| Failure::new(format!("no crate {root} in the workspace")))?;
    let (mut seen, mut queue) = (BTreeSet::from([start.clone()]), VecDeque::from([start]));
    while let Some(id) = queue.pop_front() {
        for next in edges.get(&id).into_iter().flatten() {
            if seen.insert(next.clone()) {
                queue.push_back(next.clone());
            }
        }
    }
    Ok(seen
        .iter()
        .filter_map(|id| names.get(id).cloned())
        .collect())
}

/// The crate forbids unsafe code, its clippy.toml has every ban, and no line lifts one.
fn check_source(home: &Path) -> Result {
    let library = home.join("src/lib.rs");
    if !read(&library)?.contains("#![forbid(unsafe_code)]") {
        return Err(Failure::new(format!(
            "{} lacks `#![forbid(unsafe_code)]`",
            library.display()
        )));
    }
    let clippy = home.join("clippy.toml");
    let bans = read(&clippy)?;
    let missing: Vec<&str> = BANS
        .iter()
        .copied()
        .filter(|ban| !bans_path(&bans, ban))
        .collect();
    if !missing.is_empty() {
        return Err(Failure::new(format!(
            "{} does not ban {}",
            clippy.display(),
            missing.join(", ")
        )));
    }
    for file in rust_files(&home.join("src"))? {
        for (number, line) in read(&file)?.lines().enumerate() {
            if lifts_a_ban(line) {
                return Err(Failure::new(format!(
                    "{}:{}: lifts a ban of clippy.toml; pass the value in as an argument instead",
                    file.display(),
                    number + 1
                )));
            }
        }
    }
    Ok(())
}

/// Whether a clippy.toml names the path, in quotes and outside comments.
fn bans_path(toml: &str, path: &str) -> bool {
    toml.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .any(|line| line.contains(&format!("\"{path}\"")))
}

fn lifts_a_ban(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    (code.contains("allow(") || code.contains("expect(")) && code.contains("clippy::disallowed_")
}

fn rust_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let problem = |error| Failure::new(format!("cannot list {}: {error}", directory.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether the toolchain in use has the standard library for the target.
fn has_target(context: &Context) -> bool {
    let mut rustc = std::process::Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc
        .args(["--print", "target-libdir", "--target", WASM])
        .current_dir(&context.root);
    process::capture(&mut rustc, Duration::from_secs(60))
        .is_ok_and(|path| Path::new(path.trim()).is_dir())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_tree_follows_what_ships_and_leaves_tests_out() {
        let metadata = serde_json::from_str(
            r#"{"packages":[{"id":"1","name":"pure"},{"id":"2","name":"bytes"},{"id":"3","name":"tokio"},{"id":"4","name":"deep"}],
                "resolve":{"nodes":[
                  {"id":"1","deps":[{"pkg":"2","dep_kinds":[{"kind":null}]},{"pkg":"3","dep_kinds":[{"kind":"dev"}]}]},
                  {"id":"2","deps":[{"pkg":"4","dep_kinds":[{"kind":"build"}]}]},
                  {"id":"3","deps":[]},{"id":"4","deps":[]}]}}"#,
        )
        .unwrap();
        let names: Vec<String> = tree(&metadata, "pure").unwrap().into_iter().collect();
        assert_eq!(names, ["bytes", "deep", "pure"]);
    }

    #[test]
    fn a_ban_counts_only_when_it_is_in_force() {
        let toml = "disallowed-methods = [\n  { path = \"std::thread::spawn\", reason = \"x\" },\n# \"std::thread::sleep\"\n]";
        assert!(bans_path(toml, "std::thread::spawn"));
        assert!(!bans_path(toml, "std::thread::sleep"));
        assert!(!bans_path(toml, "std::thread"));
    }

    #[test]
    fn lifting_a_ban_is_seen() {
        assert!(lifts_a_ban("    #[allow(clippy::disallowed_methods)]"));
        assert!(!lifts_a_ban(
            "// never #[allow(clippy::disallowed_methods)]"
        ));
    }
}
