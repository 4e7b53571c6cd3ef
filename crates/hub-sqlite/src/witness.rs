//! The witness: a small file beside the database that a restored database cannot agree with.

use crate::folder::private;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// More than this between what the file says and when it was put there: it is a copy.
const LATE: Duration = Duration::from_secs(10);
const FIRST_LINE: &str = "tidewire witness 1";
/// The file is short; more than this is not ours.
const MOST: u64 = 4096;

/// What is known of the database without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Witness {
    /// The database's random id.
    pub(crate) id: String,
    /// How often it had been opened.
    pub(crate) starts: i64,
    /// How many commits it had seen.
    pub(crate) commits: i64,
}

/// What the folder has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Testimony {
    /// Written where it is.
    Sound(Witness),
    /// There is none, it is not readable, or it was copied here.
    None,
}

pub(crate) fn now_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

impl Witness {
    /// Replaces the file: whoever looks sees the old one or the new one. Not synced: after a power
    /// loss an older one stands, which accuses nobody.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let text = format!(
            "{FIRST_LINE}\nid {}\nstarts {}\ncommits {}\nwritten {}\n",
            self.id,
            self.starts,
            self.commits,
            now_millis()
        );
        let new = folder.join("witness.new");
        // Not through a link that somebody has put there.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        private(File::options().write(true).create_new(true))
            .open(&new)?
            .write_all(text.as_bytes())?;
        std::fs::rename(&new, folder.join("witness"))
    }

    fn parse(text: &str) -> Option<(Self, i64)> {
        let mut lines = text.lines();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let witness = Self {
            id: value("id")?.to_owned(),
            starts: value("starts")?.parse().ok()?,
            commits: value("commits")?.parse().ok()?,
        };
        Some((witness, value("written")?.parse().ok()?))
    }
}

/// Reads what stands in the folder.
pub(crate) fn ask(folder: &Path) -> Testimony {
    read(&folder.join("witness")).unwrap_or(Testimony::None)
}

fn read(path: &Path) -> Option<Testimony> {
    let file = File::open(path).ok()?;
    let put_there = put_there(&file.metadata().ok()?);
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).ok()?;
    let (witness, written) = Witness::parse(&text)?;
    let late = put_there.is_some_and(|at| at.abs_diff(written) > LATE.as_millis() as u64);
    Some(if late {
        Testimony::None
    } else {
        Testimony::Sound(witness)
    })
}

/// When the file was put where it is, in milliseconds since 1970. No program can set this time: a
/// restored copy has that of its restoration.
#[cfg(unix)]
fn put_there(metadata: &std::fs::Metadata) -> Option<i64> {
    use std::os::unix::fs::MetadataExt;
    metadata
        .ctime()
        .checked_mul(1000)?
        .checked_add(metadata.ctime_nsec() / 1_000_000)
}

#[cfg(not(unix))]
fn put_there(_: &std::fs::Metadata) -> Option<i64> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn witness() -> Witness {
        Witness {
            id: "c0ffee".into(),
            starts: 3,
            commits: 99,
        }
    }

    #[test]
    fn it_says_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ask(folder.path()), Testimony::None);
        witness().write(folder.path()).unwrap();
        assert_eq!(ask(folder.path()), Testimony::Sound(witness()));
    }

    #[test]
    fn nonsense_is_no_testimony() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("witness");
        let ages = "tidewire witness 1\nid x\nstarts 1\ncommits 1\nwritten 1000\n";
        for text in [
            &b""[..],
            b"\xff\xfe",
            b"tidewire witness 2\nid x\nstarts 1\ncommits 1\nwritten 1\n",
            b"tidewire witness 1\nid x\nstarts 99999999999999999999\ncommits 1\nwritten 1\n",
            b"tidewire witness 1\nid x\nstarts 1",
            &[b'a'; 100_000],
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(ask(folder.path()), Testimony::None);
        }
        // Written long before it was put there: a copy.
        std::fs::write(&path, ages).unwrap();
        if cfg!(unix) {
            assert_eq!(ask(folder.path()), Testimony::None);
        }
    }
}
