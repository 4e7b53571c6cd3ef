//! The data folder: made, locked against other processes, and the identity of the file in it.

use crate::error::OpenError;
use std::fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a lock may still be held by one who is leaving: a process that ends, or a child that was started
/// a moment ago and has its parent's files until it becomes its own program.
const PATIENCE: Duration = Duration::from_secs(1);

/// An open folder; nobody else has it while this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The lock ends with the file.
    _lock: File,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        make(path).map_err(|error| trouble(path, &error))?;
        let lock_path = path.join("lock");
        let lock = private(File::options().write(true).create(true).truncate(false))
            .open(&lock_path)
            .map_err(|error| trouble(&lock_path, &error))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < until => sleep(PATIENCE / 50),
                Err(TryLockError::WouldBlock) => {
                    let folder = path.to_owned();
                    return Err(OpenError::Locked { folder });
                }
                Err(TryLockError::Error(error)) => return Err(trouble(&lock_path, &error)),
            }
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("tidewire.db")
    }

    /// Which file the database is, in the eyes of the file system: another one after a copy.
    pub(crate) fn identity(&self) -> io::Result<String> {
        std::fs::metadata(self.database()).map(|metadata| identity(&metadata))
    }
}

/// What it makes is for its owner alone: the database has everybody's messages, and the key that
/// clients' ids are signed with. A file that is there keeps the mode that it was given.
pub(crate) fn private(options: &mut OpenOptions) -> &OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The folder with its parents, for its owner alone; a new one is there after a power loss, too.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    if cfg!(unix)
        && let Some(parent) = path.parent()
    {
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        // Some file systems cannot: then they do not need it either.
        let _ = File::open(parent).and_then(|parent| parent.sync_all());
    }
    Ok(())
}

pub(crate) fn trouble(path: &Path, error: &io::Error) -> OpenError {
    let why = error.to_string().into();
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists => OpenError::NotWritable {
            path: path.to_owned(),
            why,
        },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full {
            folder: path.to_owned(),
        },
        _ => OpenError::Failed {
            path: path.to_owned(),
            why,
        },
    }
}

/// When the file was made belongs to it: the number of a deleted file is soon given to another.
fn identity(metadata: &Metadata) -> String {
    let made = metadata
        .created()
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos());
    format!("{}:{made}", number(metadata))
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!("{}:{}", metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> &'static str {
    ""
}
