//! Runs an example: to its end, or, for one that has none, until the test is over.

use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// All of them, sorted.
pub(crate) const NAMES: &[&str] = &[
    "axum_chat",
    "broadcast",
    "client",
    "echo_server",
    "game_loop",
    "graceful_shutdown",
    "hub_client",
    "json_messages",
    "proxy",
    "reconnecting_feed",
    "streaming_upload",
    "subprotocols",
    "tls",
];

/// How long any example may take to start, to say its next line, or to end.
const TIME: Duration = Duration::from_secs(60);

/// An example that is running; ended when this is dropped.
pub(crate) struct Example {
    /// Where it listens, if it is a server.
    pub(crate) url: String,
    name: String,
    child: Child,
    /// What it prints: a few lines, which a pipe holds if nobody reads them.
    lines: Lines<BufReader<ChildStdout>>,
}

impl Example {
    /// Starts a server and waits until it says where it listens.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Self {
        let mut example = Self::spawn(name, arguments);
        example.url = example.line_after("listening on ").await;
        example
    }

    /// Starts a program that ends by itself, or not at all.
    pub(crate) fn spawn(name: &str, arguments: &[&str]) -> Self {
        let mut child = command(name, arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            url: String::new(),
            name: name.to_owned(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> String {
        let line = tokio::time::timeout(TIME, self.lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{} says nothing", self.name));
        line.unwrap()
            .unwrap_or_else(|| panic!("{} has ended", self.name))
    }

    /// What follows `beginning` in the next line that begins so.
    pub(crate) async fn line_after(&mut self, beginning: &str) -> String {
        loop {
            if let Some(rest) = self.line().await.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    }

    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends it a signal, such as `-TERM`.
    #[cfg(unix)]
    pub(crate) async fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.arg(signal).arg(self.id().to_string());
        assert!(outcome(kill).await.status.success());
    }

    /// Waits until it has ended by itself.
    #[cfg(unix)]
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(TIME, self.child.wait()).await;
        ended.unwrap().unwrap()
    }

    /// Ends it as a crash would, and waits until it has ended.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Runs an example to its end; what it printed.
pub(crate) async fn run(name: &str, arguments: &[&str]) -> String {
    let output = outcome(command(name, arguments)).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name}: {}\n{text}{errors}",
        output.status
    );
    text
}

/// Runs a command to its end, however it ends.
pub(crate) async fn outcome(mut command: Command) -> Output {
    let output = tokio::time::timeout(TIME, command.output()).await;
    output.unwrap().unwrap()
}

/// Cargo builds the examples next to the tests.
pub(crate) fn command(name: &str, arguments: &[&str]) -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    // With `--test run` alone cargo builds none of them, and old ones would be tested.
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.rs"));
    let changed = |path: &PathBuf| {
        std::fs::metadata(path)
            .and_then(|file| file.modified())
            .ok()
    };
    assert!(
        changed(&path) >= changed(&source),
        "{} is missing or old: run `cargo test -p tidewire-examples`",
        path.display()
    );
    let mut command = Command::new(path);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
