//! Why a folder cannot be opened, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// Why [`SqliteEngine::open`](crate::SqliteEngine::open) failed. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the folder open.
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// Files cannot be made or changed there.
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        why: Box<str>,
    },
    /// The disk has no room to open the database.
    Full {
        /// The folder.
        folder: PathBuf,
    },
    /// The file is no database of this hub, or it is damaged.
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: Box<str>,
    },
    /// A newer version of the program has written it.
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Anything else that the system or SQLite says.
    Failed {
        /// The file or folder.
        path: PathBuf,
        /// What it says.
        why: Box<str>,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { folder } => write!(
                f,
                "the data folder {} is in use by another process: stop that one, or give this one a folder of its own",
                folder.display()
            ),
            Self::NotWritable { path, why } => write!(
                f,
                "{} cannot be written ({why}): give the user that runs this the right to write there, or choose another data folder",
                path.display()
            ),
            Self::Full { folder } => write!(
                f,
                "there is no room on the disk of {}: make room, or choose a data folder on another disk",
                folder.display()
            ),
            Self::Damaged { file, why } => write!(
                f,
                "{} is damaged, or no database of Tidewire ({why}): restore a backup, or move the file away to start empty",
                file.display()
            ),
            Self::Newer { file, found, known } => write!(
                f,
                "{} was written by a newer version of Tidewire (schema {found}, this one knows {known}): run that version, or choose another data folder",
                file.display()
            ),
            Self::Failed { path, why } => write!(
                f,
                "{} could not be opened ({why}): see that the disk is sound, then try again",
                path.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}
