//! The tables, their versions, and how a connection is set up.

use crate::trouble::Trouble;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Marks the file as ours: `Twdb`.
const APPLICATION: i64 = 0x5477_6462;
/// The version that this program writes.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// What takes a database from each version to the next.
const STEPS: [&str; 1] = ["
    -- One row: the log as a whole.
    CREATE TABLE state (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id TEXT NOT NULL,            -- random; a new one with each new term
        term INTEGER NOT NULL,
        file TEXT NOT NULL,          -- which file this is, in the eyes of the file system
        starts INTEGER NOT NULL,     -- how often it was opened
        commits INTEGER NOT NULL,    -- how many transactions wrote records
        forgotten INTEGER NOT NULL   -- no channel that was forgotten had a record behind this offset
    );
    CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE channels (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        head INTEGER NOT NULL,       -- offset of the newest record
        trimmed INTEGER NOT NULL,    -- records up to here are gone; from here to the head there is no hole
        last_at INTEGER NOT NULL     -- when the newest was kept; never goes back
    );
    CREATE TABLE records (
        channel INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        at INTEGER NOT NULL,
        user TEXT,
        client TEXT,
        name TEXT,
        key TEXT,
        exclude TEXT,                -- 's' and a session, or 'p': the publisher
        kind INTEGER,                -- 0 JSON, 1 text, 2 binary, NULL redacted
        payload BLOB,
        PRIMARY KEY (channel, offset)
    ) WITHOUT ROWID;
    CREATE TABLE keys (
        channel INTEGER NOT NULL,
        publisher TEXT NOT NULL,
        key TEXT NOT NULL,
        offset INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        PRIMARY KEY (channel, publisher, key)
    ) WITHOUT ROWID;
    CREATE INDEX keys_by_age ON keys (expires);
"];

/// Why the tables are not as this program needs them.
#[derive(Debug)]
pub(crate) enum Unfit {
    Newer(i64),
    Foreign,
    Trouble(Trouble),
}

impl<E: Into<Trouble>> From<E> for Unfit {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

/// The connection that writes: everything that it commits is on the disk.
pub(crate) fn connect_writer(file: &Path, max_bytes: Option<u64>) -> Result<Connection, Trouble> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // The first two do nothing to a database that has them already.
    connection.execute_batch(
        "PRAGMA page_size=4096; PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=WAL;
         PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;
         PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF;
         PRAGMA secure_delete=FAST; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;",
    )?;
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Trouble::Failed(
            format!("the file system takes no write-ahead log (journal mode {mode})").into(),
        ));
    }
    if let Some(bytes) = max_bytes {
        let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = bytes / u64::try_from(size).unwrap_or(4096).max(512);
        let pages = pages.clamp(1, u64::from(u32::MAX - 2));
        connection.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()))?;
    }
    Ok(connection)
}

/// The connection that reads: sees what is committed.
pub(crate) fn connect_reader(file: &Path) -> Result<Connection, Trouble> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA query_only=ON; PRAGMA cache_size=-8000; PRAGMA wal_autocheckpoint=0;
         PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;",
    )?;
    Ok(connection)
}

/// Brings the tables to [`VERSION`].
pub(crate) fn migrate(connection: &Connection) -> Result<(), Unfit> {
    let number = |pragma: &str| -> Result<i64, Trouble> {
        Ok(connection.query_row(pragma, [], |row| row.get(0))?)
    };
    let version = number("PRAGMA user_version")?;
    let application = number("PRAGMA application_id")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if tables > 0 && application != APPLICATION {
        return Err(Unfit::Foreign);
    }
    if version > VERSION {
        return Err(Unfit::Newer(version));
    }
    let done = usize::try_from(version).map_err(|_| Unfit::Foreign)?;
    for (step, to) in STEPS.iter().zip(1i64..).skip(done) {
        let all = format!(
            "BEGIN IMMEDIATE; {step} PRAGMA application_id={APPLICATION}; PRAGMA user_version={to}; COMMIT;"
        );
        if let Err(error) = connection.execute_batch(&all) {
            let _ = connection.execute_batch("ROLLBACK");
            return Err(error.into());
        }
    }
    Ok(())
}

/// Moves what is in the WAL into the database, and syncs both: what can be read now survives a power
/// loss, also what a killed process had written but not synced.
pub(crate) fn settle(connection: &Connection) -> Result<(), Trouble> {
    let busy = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(Trouble::from);
    match busy {
        Ok(0i64) => return Ok(()),
        Ok(_) => {}
        // The log was synced before the database had to grow: it is safe where it is.
        Err(Trouble::Full) => return Ok(()),
        Err(trouble) => return Err(trouble),
    }
    // Somebody reads: it is enough that all of it has been moved.
    let left: i64 = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| {
        Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
    })?;
    if left > 0 {
        return Err(Trouble::Failed("the write-ahead log is in use".into()));
    }
    Ok(())
}
