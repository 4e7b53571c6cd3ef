//! Child processes: shown before they run, watched by a clock, and ended by pid with all their descendants.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A running command shows that it lives after this long without ending.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How often a running child is looked at.
const TICK: Duration = Duration::from_millis(50);

/// Why a task could not do its work, in a sentence for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// Holds the sentence.
    pub(crate) fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What tasks return.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!(
                "{}={}",
                key.to_string_lossy(),
                quoted(&value.to_string_lossy())
            ));
        }
    }
    let program = command.get_program().to_string_lossy();
    let short = match program.rsplit_once('/') {
        Some((_, name)) if name == "cargo" => name,
        _ => &program,
    };
    words.push(quoted(short));
    words.extend(
        command
            .get_args()
            .map(|word| quoted(&word.to_string_lossy())),
    );
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%^*".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A duration as `4m05s` or `9.3s`.
pub(crate) fn clock(time: Duration) -> String {
    if time < Duration::from_secs(60) {
        format!("{:.1}s", time.as_secs_f64())
    } else {
        format!("{}m{:02}s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// Shows and runs a command with its output live; fails unless it ends with success within `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result {
    run_status(command, limit).and_then(|status| ended_well(command, status))
}

/// As [`run`], but hands back how the command ended.
pub(crate) fn run_status(command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    println!("$ {}", shown(command));
    command.stdin(Stdio::null());
    let mut child = Background::spawn(command)?;
    let started = Instant::now();
    let mut beat = Heart::new(started);
    loop {
        if let Some(status) = child.ended()? {
            return Ok(status);
        }
        beat.tick(command);
        if started.elapsed() > limit {
            return Err(too_long(command, limit));
        }
        std::thread::sleep(TICK);
    }
}

/// As [`run_status`], and every line of standard output is printed and handed to `each`.
pub(crate) fn run_lines(
    command: &mut Command,
    limit: Duration,
    mut each: impl FnMut(&str),
) -> Result<ExitStatus> {
    println!("$ {}", shown(command));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = Background::spawn(command)?;
    let lines = child.lines()?;
    let started = Instant::now();
    let mut beat = Heart::new(started);
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => {
                println!("{line}");
                each(&line);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => beat.tick(command),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                // Standard output is closed; the child ends now or is overdue.
                match child.ended()? {
                    Some(status) => return Ok(status),
                    None => std::thread::sleep(TICK),
                }
            }
        }
        if started.elapsed() > limit {
            return Err(too_long(command, limit));
        }
    }
}

/// Runs a command silently and returns its standard output; a failure carries its standard error.
pub(crate) fn capture(command: &mut Command, limit: Duration) -> Result<String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Background::spawn(command)?;
    let out = child.child.stdout.take().map(read_all);
    let err = child.child.stderr.take().map(read_all);
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.ended()? {
            break status;
        }
        if started.elapsed() > limit {
            return Err(too_long(command, limit));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = |reader: Option<std::thread::JoinHandle<String>>| {
        reader
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    };
    let (out, err) = (text(out), text(err));
    if status.success() {
        return Ok(out);
    }
    let tail: Vec<&str> = err.trim_end().lines().rev().take(15).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    Err(Failure::new(format!(
        "`{}` ended with {status}\n{}",
        shown(command),
        tail.join("\n")
    )))
}

/// Whether a command runs and ends with success, output unseen.
pub(crate) fn works(command: &mut Command) -> bool {
    capture(command, Duration::from_secs(60)).is_ok()
}

/// Turns an exit status into a result.
pub(crate) fn ended_well(command: &Command, status: ExitStatus) -> Result {
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "`{}` ended with {status}",
            shown(command)
        )))
    }
}

fn too_long(command: &Command, limit: Duration) -> Failure {
    Failure::new(format!(
        "`{}` was ended: not done after {}",
        shown(command),
        clock(limit)
    ))
}

fn read_all(mut source: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A broken pipe leaves what was read so far, which is all there is to show.
        let _ = source.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Prints now and then that a command is still running.
struct Heart {
    started: Instant,
    next: Instant,
}

impl Heart {
    fn new(started: Instant) -> Heart {
        Heart {
            started,
            next: started + HEARTBEAT,
        }
    }

    fn tick(&mut self, command: &Command) {
        if Instant::now() >= self.next {
            self.next += HEARTBEAT;
            println!(
                "  ... {} in `{}`",
                clock(self.started.elapsed()),
                shown(command)
            );
        }
    }
}

/// A child that is ended, with its descendants, when this value is dropped.
pub(crate) struct Background {
    child: Child,
    status: Option<ExitStatus>,
}

impl Background {
    /// Starts the command.
    pub(crate) fn spawn(command: &mut Command) -> Result<Background> {
        let child = command.spawn().map_err(|error| {
            Failure::new(format!(
                "cannot start `{}`: {error}",
                command.get_program().display()
            ))
        })?;
        Ok(Background {
            child,
            status: None,
        })
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self
                .child
                .try_wait()
                .map_err(|error| Failure::new(format!("cannot wait for a child: {error}")))?;
        }
        Ok(self.status)
    }

    /// The lines of its standard output, as they come; the command must have been given a pipe.
    pub(crate) fn lines(&mut self) -> Result<mpsc::Receiver<String>> {
        let stdout = self
            .child
            .stdout
            .take()
            .ok_or_else(|| Failure::new("a child without a pipe for its output"))?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(n) if n > 0) {
                let text = String::from_utf8_lossy(&line);
                if sender
                    .send(text.trim_end_matches(['\n', '\r']).to_string())
                    .is_err()
                {
                    break;
                }
                line.clear();
            }
        });
        Ok(receiver)
    }

    /// Ends it and every process it started, by pid.
    pub(crate) fn end(&mut self) {
        if matches!(self.ended(), Ok(Some(_))) {
            return;
        }
        let family = descendants(self.child.id());
        // An error means it has just ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in family {
            let mut kill = Command::new("sh");
            kill.args(["-c", &format!("kill -KILL {pid}")])
                .stderr(Stdio::null());
            let _ = kill.status();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.end();
    }
}

/// The processes below `root`, as Linux' /proc lists them; empty elsewhere.
fn descendants(root: u32) -> Vec<u32> {
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if let Some(parent) = std::fs::read_to_string(entry.path().join("stat"))
            .ok()
            .and_then(|stat| parent_of(&stat))
        {
            pairs.push((pid, parent));
        }
    }
    let mut family = vec![root];
    let mut seen = 0;
    while seen < family.len() {
        let parent = family[seen];
        family.extend(
            pairs
                .iter()
                .filter(|(_, p)| *p == parent)
                .map(|(pid, _)| *pid),
        );
        seen += 1;
    }
    family.split_off(1)
}

/// The parent's pid in a line of /proc/PID/stat, whose second field may hold spaces and parentheses.
fn parent_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_program_name() {
        assert_eq!(parent_of("12 (a (b) c) S 7 12 12 0"), Some(7));
        assert_eq!(parent_of("nonsense"), None);
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command
            .args(["doc", "it's", ""])
            .env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            shown(&command),
            r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s' ''"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ending_a_child_ends_what_it_started() {
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 300 & echo $!; wait"])
            .stdout(Stdio::piped());
        let mut child = Background::spawn(&mut command).unwrap();
        let grandchild = child.lines().unwrap().recv().unwrap();
        let alive = |pid: &str| {
            // A zombie waiting for the machine's init is as dead as one already gone.
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
        };
        assert!(alive(&grandchild));
        child.end();
        let patience = Instant::now() + Duration::from_secs(10);
        while alive(&grandchild) && Instant::now() < patience {
            std::thread::sleep(TICK);
        }
        assert!(!alive(&grandchild));
    }

    #[test]
    fn a_failing_command_tells_its_last_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo last words >&2; exit 3"]);
        let failure = capture(&mut command, Duration::from_secs(30))
            .unwrap_err()
            .to_string();
        assert!(
            failure.contains("last words") && failure.contains('3'),
            "{failure}"
        );
    }

    #[test]
    fn a_command_over_its_limit_is_ended() {
        let mut command = Command::new("sleep");
        command.arg("300");
        let failure = run(&mut command, Duration::from_millis(100))
            .unwrap_err()
            .to_string();
        assert!(failure.contains("was ended"), "{failure}");
    }
}
