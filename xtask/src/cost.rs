//! `cargo xtask cost`: what Tidewire costs to depend on, beside tokio-tungstenite: build time and crates.
//!
//! No suite: it judges nothing. Each line is a program of its own, a client and an echo server,
//! built from nothing outside the repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::context::{Context, create_directory, remove_directory, write};
use crate::install;
use crate::process::{self, Result};

/// The library beside which the figures stand.
const PEER: &str = "0.30";

/// A client and an echo server with Tidewire.
const OURS: &str = r#"#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(url) = std::env::args().nth(1) {
        let mut ws = tidewire::connect(&url).await?;
        ws.send("hello").await?;
        println!("{:?}", ws.recv().await?);
        return Ok(());
    }
    tidewire::serve("127.0.0.1:4000", |mut ws| async move {
        while let Ok(Some(message)) = ws.recv().await {
            if ws.send(message).await.is_err() { break }
        }
    })
    .await?;
    Ok(())
}
"#;

/// The same with tokio-tungstenite.
const THEIRS: &str = r#"use futures_util::{SinkExt, StreamExt};
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(url) = std::env::args().nth(1) {
        let (mut ws, _) = tokio_tungstenite::connect_async(&url).await?;
        ws.send("hello".into()).await?;
        println!("{:?}", ws.next().await);
        return Ok(());
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let Ok(mut ws) = tokio_tungstenite::accept_async(stream).await else { return };
            while let Some(Ok(message)) = ws.next().await {
                if message.is_close() || ws.send(message).await.is_err() { break }
            }
        });
    }
}
"#;

/// Builds each program twice, from nothing, and prints the table.
pub(crate) fn print(context: &Context) -> Result {
    install::compiler()?;
    let work = std::env::temp_dir().join(format!("tidewire-cost-{}", std::process::id()));
    let outcome = measure(context, &work);
    remove_directory(&work)?;
    println!("\n{}", outcome?);
    Ok(())
}

fn measure(context: &Context, work: &Path) -> Result<String> {
    let ours = |features: &str| {
        let path = context.root.join("crates/tidewire");
        format!("tidewire = {{ path = {path:?}, {features} }}\n")
    };
    let theirs = |features: &str, more: &str| {
        format!(
            "tokio-tungstenite = {{ version = \"{PEER}\", {features} }}\n\
             futures-util = {{ version = \"0.3\", default-features = false, features = [\"sink\", \"std\"] }}\n{more}"
        )
    };
    // Without a provider its programs end in a panic, so the same one is added as ours has.
    let ring = "rustls = { version = \"0.23\", default-features = false, features = [\"ring\", \"std\", \"tls12\"] }\n";
    let programs = [
        (
            "tidewire, no default features",
            ours("default-features = false"),
            OURS,
        ),
        (
            "tidewire, default (TLS with the system's roots, proxies)",
            ours(""),
            OURS,
        ),
        (
            "tidewire, all features",
            ours(&format!("features = {}", every_feature(context))),
            OURS,
        ),
        (
            "tokio-tungstenite, default (no TLS)",
            theirs("", ""),
            THEIRS,
        ),
        (
            "tokio-tungstenite, rustls-tls-native-roots, ring",
            theirs("features = [\"rustls-tls-native-roots\"]", ring),
            THEIRS,
        ),
        (
            "tokio-tungstenite, rustls-tls-webpki-roots, ring",
            theirs("features = [\"rustls-tls-webpki-roots\"]", ring),
            THEIRS,
        ),
    ];
    let mut table = String::from(
        "A client and an echo server, built from nothing with -j2: wall time (CPU time).\n\n\
         | dependency | crates | debug | release |\n|---|---|---|---|\n",
    );
    for (index, (label, dependency, source)) in programs.iter().enumerate() {
        println!("\n=== {label} ===");
        let program = Program::create(work.join(format!("program{index}")), dependency, source)?;
        let crates = program.crates(context)?;
        let debug = program.build(context, false)?;
        let release = program.build(context, true)?;
        table.push_str(&format!("| {label} | {crates} | {debug} | {release} |\n"));
    }
    Ok(table)
}

/// All features of the library as a TOML list; those for tests belong to them.
fn every_feature(context: &Context) -> String {
    let names: Vec<&str> = context
        .published()
        .filter(|package| package["name"] == "tidewire")
        .filter_map(|package| package["features"].as_object())
        .flat_map(|features| features.keys().map(String::as_str))
        .collect();
    format!("{names:?}")
}

/// A package in a folder of its own.
struct Program {
    directory: PathBuf,
}

impl Program {
    fn create(directory: PathBuf, dependency: &str, source: &str) -> Result<Program> {
        create_directory(&directory.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"cost-program\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
             [dependencies]\ntokio = {{ version = \"1\", features = [\"macros\", \"net\", \"rt\"] }}\n{dependency}"
        );
        write(&directory.join("Cargo.toml"), &manifest)?;
        write(&directory.join("src/main.rs"), source)?;
        Ok(Program { directory })
    }

    /// How many crates are compiled for it besides its own; downloads them, so that no build waits.
    fn crates(&self, context: &Context) -> Result<usize> {
        process::run(
            &mut self.cargo(context, &["fetch", "--quiet"]),
            Duration::from_secs(300),
        )?;
        let arguments = [
            "tree", "--edges", "no-dev", "--prefix", "none", "--format", "{p}",
        ];
        let tree = process::capture(
            &mut self.cargo(context, &arguments),
            Duration::from_secs(60),
        )?;
        let mut crates: Vec<&str> = tree
            .lines()
            .map(|line| line.trim_end_matches(" (*)"))
            .filter(|line| !line.is_empty() && !line.starts_with("cost-program "))
            .collect();
        crates.sort_unstable();
        crates.dedup();
        Ok(crates.len())
    }

    /// Wall and CPU time of a build from nothing.
    fn build(&self, context: &Context, release: bool) -> Result<String> {
        remove_directory(&self.directory.join("target"))?;
        let mut build = self.cargo(context, &["build", "--quiet", "--offline", "-j2"]);
        if release {
            build.arg("--release");
        }
        let (wall, cpu) = (Instant::now(), children_cpu());
        process::run(&mut build, Duration::from_secs(1800))?;
        let cpu = match (cpu, children_cpu()) {
            (Some(before), Some(after)) => {
                format!(" ({:.1}s)", after.saturating_sub(before).as_secs_f64())
            }
            _ => String::new(),
        };
        Ok(format!("{:.1}s{cpu}", wall.elapsed().as_secs_f64()))
    }

    fn cargo(&self, context: &Context, arguments: &[&str]) -> Command {
        let mut command = context.cargo(arguments);
        command
            .current_dir(&self.directory)
            .env("CARGO_TARGET_DIR", self.directory.join("target"));
        command
    }
}

/// CPU time of all children that have ended, where /proc tells it.
fn children_cpu() -> Option<Duration> {
    children_ticks(&std::fs::read_to_string("/proc/self/stat").ok()?)
        // Linux counts them in hundredths of a second wherever Rust runs.
        .map(|ticks| Duration::from_millis(ticks * 10))
}

/// `cutime` and `cstime`, fields 16 and 17; field 2 may hold spaces and parentheses.
fn children_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_ended_children_is_read_behind_any_program_name() {
        let stat = "9 (a (b) c) S 1 9 9 0 -1 4194560 100 200 0 0 5 6 70 8 20 0 1 0 55 1 1";
        assert_eq!(children_ticks(stat), Some(78));
        assert_eq!(children_ticks("nonsense"), None);
    }
}
