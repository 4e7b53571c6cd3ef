//! A pseudo-terminal shows what a person would see.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use crate::common::{signal, text};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A child on a pseudo-terminal of its own, without a history but its own.
pub struct Terminal {
    pub child: Child,
    home: Option<tempfile::TempDir>,
    keyboard: File,
    pub screen: Receiver<Vec<u8>>,
    pub seen: Vec<u8>,
    device: File,
}

impl Terminal {
    pub fn start(command: &mut Command) -> Terminal {
        Terminal::start_in(tempfile::tempdir().unwrap(), command)
    }

    /// The same, with what an earlier run has left.
    pub fn start_in(home: tempfile::TempDir, command: &mut Command) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let path = name.to_str().unwrap();
        let device = File::options().read(true).write(true).open(path).unwrap();
        let stdio = || Stdio::from(OwnedFd::from(device.try_clone().unwrap()));
        let child = command
            .env("XDG_STATE_HOME", home.path())
            .env("HOME", home.path())
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .unwrap();
        let keyboard = File::from(master);
        let mut from = keyboard.try_clone().unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal {
            child,
            home: Some(home),
            keyboard,
            screen,
            seen: Vec::new(),
            device,
        }
    }

    pub fn kind(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until `what` is on the screen after what was waited for before; gives all that came.
    pub fn sees(&mut self, what: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        let mut searched = 0;
        loop {
            let found = self.seen[searched..]
                .windows(what.len())
                .position(|part| part == what.as_bytes());
            if let Some(at) = found {
                let rest = self.seen.split_off(searched + at + what.len());
                return text(&std::mem::replace(&mut self.seen, rest));
            }
            searched = self.seen.len().saturating_sub(what.len());
            let left = end.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(_) => panic!(
                    "{what:?} did not come; on the screen: {:?}",
                    text(&self.seen[self.seen.len().saturating_sub(10_000)..])
                ),
            }
        }
    }

    /// The folder of its history.
    pub fn home(&self) -> &std::path::Path {
        self.home.as_ref().unwrap().path()
    }

    /// Ends it, and gives the folder of its history.
    pub fn into_home(mut self) -> tempfile::TempDir {
        self.home.take().unwrap()
    }

    /// Gives the window so many columns.
    pub fn resize(&self, columns: u16) {
        let mut size = rustix::termios::tcgetwinsize(&self.device).unwrap();
        (size.ws_col, size.ws_row) = (columns, 24);
        rustix::termios::tcsetwinsize(&self.device, size).unwrap();
        // The signal goes to a foreground process group, which a test has not.
        signal(&self.child, rustix::process::Signal::WINCH);
    }

    /// Waits for the prompt of an entry.
    pub fn is_ready(&mut self) {
        self.sees("> ");
    }

    pub fn is_cooked(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.device)
            .unwrap()
            .local_modes;
        modes.contains(rustix::termios::LocalModes::ICANON | rustix::termios::LocalModes::ECHO)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
