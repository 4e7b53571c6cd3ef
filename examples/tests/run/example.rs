//! Runs an example: to its end, or, for a server, until the test is over.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// All of them, sorted.
pub(crate) const NAMES: &[&str] = &[
    "broadcast",
    "client",
    "echo_server",
    "game_loop",
    "subprotocols",
];

/// How long any example may take to start, or to end.
const TIME: Duration = Duration::from_secs(60);

/// A server that is running; ended when this is dropped.
pub(crate) struct Example {
    pub(crate) url: String,
    _child: Child,
}

impl Example {
    /// Starts a server and waits until it says where it listens.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = command(name, arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(url) = line.strip_prefix("listening on ") {
                    return url.to_owned();
                }
            }
            panic!("{name} ended without listening")
        };
        let url = tokio::time::timeout(TIME, listening).await.unwrap();
        // What it prints later must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { url, _child: child }
    }
}

/// Runs an example to its end; what it printed.
pub(crate) async fn run(name: &str, arguments: &[&str]) -> String {
    let output = command(name, arguments).output();
    let output = tokio::time::timeout(TIME, output).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name}: {}\n{text}{errors}",
        output.status
    );
    text
}

/// Cargo builds the examples next to the tests.
fn command(name: &str, arguments: &[&str]) -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} is missing: run `cargo test -p tidewire-examples`",
        path.display()
    );
    let mut command = Command::new(path);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
