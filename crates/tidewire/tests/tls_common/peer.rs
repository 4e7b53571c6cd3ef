//! Other programs as peers, by what they print.

use super::PATIENCE;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Files that other programs read; gone with the test.
pub struct Files(PathBuf);

impl Files {
    pub fn new(name: &str) -> Self {
        let directory = format!("tidewire-tls-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Another program, ended with the test.
pub struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
}

impl Peer {
    pub fn start(program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(args).kill_on_drop(true);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("these tests need {program}: install it ({error})"));
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            errors: BufReader::new(child.stderr.take().unwrap()).lines(),
            child,
        }
    }

    pub async fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).await.unwrap();
    }

    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// The next line of its output that begins like this.
    pub async fn hear(&mut self, begin: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.output.next_line())
                .await
                .unwrap()
                .unwrap();
            let Some(line) = line else {
                panic!("{begin:?} never came; {}", self.complaints().await);
            };
            if line.starts_with(begin) {
                return line;
            }
        }
    }

    /// Waits for a line about errors or states that begins like this.
    pub async fn hear_of(&mut self, begin: &str) {
        while let Some(line) = timeout(PATIENCE, self.errors.next_line())
            .await
            .unwrap()
            .unwrap()
        {
            if line.starts_with(begin) {
                return;
            }
        }
        panic!("{begin:?} never came");
    }

    pub async fn complaints(&mut self) -> String {
        let mut text = String::new();
        while let Ok(Ok(Some(line))) = timeout(PATIENCE, self.errors.next_line()).await {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    pub async fn succeeds(&mut self) {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}: {}", self.complaints().await);
    }
}

/// What each peer is tried with: the version, and what OpenSSL and Python call it.
pub const VERSIONS: [(&str, &str, &str); 2] = [
    ("TLSv1.2", "-tls1_2", "TLSv1_2"),
    ("TLSv1.3", "-tls1_3", "TLSv1_3"),
];
