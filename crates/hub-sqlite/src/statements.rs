//! The statements of the connection that writes, prepared once.

use rusqlite::{Connection, Statement};

macro_rules! statements {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $sql:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name<'c> {
            $(pub(crate) $field: Statement<'c>,)*
        }

        impl<'c> $name<'c> {
            pub(crate) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
                Ok(Self {
                    $($field: connection.prepare($sql)?,)*
                })
            }
        }
    };
}

const FIND: &str = "SELECT id, head, trimmed, last_at FROM channels WHERE name = ?1";
const AT: &str = "SELECT at FROM records WHERE channel = ?1 AND offset = ?2";

statements! {
    /// What the writer says.
    Writing {
        begin: "BEGIN IMMEDIATE",
        commit: "COMMIT",
        rollback: "ROLLBACK",
        count: "UPDATE state SET commits = ?1 WHERE one = 1",
        find: FIND,
        at: AT,
        create: "INSERT INTO channels (name, head, trimmed, last_at) VALUES (?1, ?2, ?3, ?4)",
        update: "UPDATE channels SET head = ?2, trimmed = ?3, last_at = ?4 WHERE id = ?1",
        append: "INSERT INTO records (channel, offset, at, user, client, name, key, exclude, kind, payload)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        find_key: "SELECT offset, expires FROM keys WHERE channel = ?1 AND publisher = ?2 AND key = ?3",
        keep_key: "INSERT OR REPLACE INTO keys (channel, publisher, key, offset, expires)
            VALUES (?1, ?2, ?3, ?4, ?5)",
        forget_keys: "DELETE FROM keys WHERE (channel, publisher, key) IN
            (SELECT channel, publisher, key FROM keys WHERE expires < ?1 ORDER BY expires LIMIT ?2)",
        redact: "UPDATE records SET kind = NULL, payload = NULL WHERE channel = ?1 AND offset = ?2",
        trim: "DELETE FROM records WHERE channel = ?1 AND offset <= ?2",
        channels: "SELECT id, name FROM channels WHERE id > ?1 ORDER BY id LIMIT ?2",
        has_keys: "SELECT EXISTS (SELECT 1 FROM keys WHERE channel = ?1)",
        forget: "DELETE FROM channels WHERE id = ?1",
        forgotten: "UPDATE state SET forgotten = ?1 WHERE one = 1",
        find_secret: "SELECT value FROM secrets WHERE name = ?1",
        keep_secret: "INSERT INTO secrets (name, value) VALUES (?1, ?2)",
    }
}

statements! {
    /// What the reader says.
    Reading {
        begin: "BEGIN",
        end: "COMMIT",
        forgotten: "SELECT forgotten FROM state WHERE one = 1",
        find: FIND,
        at: AT,
        forward: "SELECT offset, at, user, client, name, key, exclude, kind, payload FROM records
            WHERE channel = ?1 AND offset > ?2 AND offset <= ?3 ORDER BY offset LIMIT ?4",
        back: "SELECT offset, at, user, client, name, key, exclude, kind, payload FROM records
            WHERE channel = ?1 AND offset > ?2 AND offset <= ?3 ORDER BY offset DESC LIMIT ?4",
    }
}
