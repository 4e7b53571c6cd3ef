//! What can go wrong with the database, sorted by what the engine does about it.

use rusqlite::ErrorCode;
use tidewire_hub_core::Fault;

/// `SQLITE_IOERR_SHMSIZE`: the index of the WAL could not grow; the disk is full.
const SHM_SIZE: i32 = 10 | (19 << 8);

/// A statement failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No room. The transaction is undone; it is worth another try when there is room.
    Full,
    /// What is stored of this channel cannot be right. Others may be sound.
    Damaged(Box<str>),
    /// Anything else: the connection is not to be trusted.
    Failed(Box<str>),
}

impl Trouble {
    pub(crate) fn damaged(what: impl Into<Box<str>>) -> Self {
        Self::Damaged(what.into())
    }

    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Full => Fault::Full,
            Self::Damaged(why) | Self::Failed(why) => Fault::Unavailable(why.clone()),
        }
    }

    /// The words alone.
    pub(crate) fn why(&self) -> Box<str> {
        match self {
            Self::Full => "the disk is full".into(),
            Self::Damaged(why) | Self::Failed(why) => why.clone(),
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        let why = error.to_string().into();
        match &error {
            rusqlite::Error::SqliteFailure(code, _) => match code.code {
                ErrorCode::DiskFull => Self::Full,
                ErrorCode::SystemIoFailure if code.extended_code == SHM_SIZE => Self::Full,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged(why),
                _ => Self::Failed(why),
            },
            // A column does not hold what its name promises, or a row is missing.
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::QueryReturnedNoRows => Self::Damaged(why),
            _ => Self::Failed(why),
        }
    }
}
