//! `tidewire serve` as a process: started on a free port, killed, started again over the same data.
#![allow(dead_code, unreachable_pub, clippy::disallowed_macros)]

pub mod native;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a hub may take to be ready, even on a busy machine.
const READY: Duration = Duration::from_secs(20);

/// A folder with a configuration and the data of a hub, and the hub that runs over it.
pub struct Hub {
    folder: TempDir,
    running: Option<Child>,
    /// Where it listens now; nowhere while it is down.
    place: Place,
}

/// Where the hub listens at the moment, for clients that outlive it.
#[derive(Clone, Default)]
pub struct Place(Arc<Mutex<Option<SocketAddr>>>);

impl Place {
    /// The address, if the hub is up.
    pub fn now(&self) -> Option<SocketAddr> {
        *self.0.lock().unwrap()
    }

    fn set(&self, addr: Option<SocketAddr>) {
        *self.0.lock().unwrap() = addr;
    }
}

impl Hub {
    /// A hub with this configuration file, up and ready.
    pub fn start(config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("hub.toml"), config).unwrap();
        let mut hub = Self {
            folder,
            running: None,
            place: Place::default(),
        };
        hub.restart();
        hub
    }

    /// Starts it again over the same data.
    pub fn restart(&mut self) {
        self.restart_at("127.0.0.1:0");
    }

    /// The same, where clients look for it that do not look elsewhere.
    pub fn restart_at(&mut self, addr: &str) {
        assert!(self.running.is_none(), "the hub is up already");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidewire"))
            .args(["serve", "--listen", addr, "--config"])
            .arg(self.folder.path().join("hub.toml"))
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let addr = ready(&mut child);
        self.running = Some(child);
        self.place.set(Some(addr));
    }

    /// Ends it as a power loss would end the process: at once, in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.place.set(None);
        let mut child = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Whether it is still running: a hub that ended by itself is a failure.
    pub fn is_alive(&mut self) -> bool {
        let child = self.running.as_mut();
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Where it listens, now and after each restart.
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// Where it listens now.
    pub fn addr(&self) -> SocketAddr {
        self.place.now().unwrap()
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().unwrap().id()
    }

    /// The folder of its data.
    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// The folder around it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

/// Waits for `listening on http://…/`, and goes on reading what it prints, so that it never waits for us.
fn ready(child: &mut Child) -> SocketAddr {
    let complaints = child.stderr.take().unwrap();
    let complaints = std::thread::spawn(move || {
        let mut all = String::new();
        for line in BufReader::new(complaints).lines().map_while(Result::ok) {
            // What a test that fails shows.
            if !line.is_empty() && !line.starts_with(" ") {
                println!("hub: {line}");
            }
            all.push_str(&line);
            all.push('\n');
        }
        all
    });
    let (found, told) = std::sync::mpsc::channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some(rest) = line.trim().strip_prefix("listening on http://") {
                let addr = rest.split('/').next().unwrap_or_default();
                _ = found.send(addr.parse().unwrap());
            }
        }
    });
    let until = Instant::now() + READY;
    loop {
        match told.recv_timeout(Duration::from_millis(20)) {
            Ok(addr) => return addr,
            Err(_) if Instant::now() < until && child.try_wait().unwrap().is_none() => {}
            Err(_) => {
                _ = child.kill();
                let status = child.wait().unwrap();
                panic!(
                    "the hub did not get ready ({status}); it said:\n{}",
                    complaints.join().unwrap()
                );
            }
        }
    }
}

/// Numbers that a seed decides: xorshift64*.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not begin alike, and 0 would stay 0.
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..4).for_each(|_| _ = chance.next());
        chance
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From `low` to `high`, without `high`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.range(low, high))
    }

    /// `percent` times of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.range(0, 100) < percent
    }
}
