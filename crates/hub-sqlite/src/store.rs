//! Opens the database of a folder, and judges whether its positions may still be believed.

use crate::error::OpenError;
use crate::folder::{Folder, private, trouble};
use crate::options::OpenOptions;
use crate::schema::{self, Unfit};
use crate::trouble::Trouble;
use crate::witness::{Testimony, Witness, ask};
use rusqlite::{Connection, OptionalExtension};
use std::fs::File;
use tidewire_hub_proto::Term;

/// The one row of the table `state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) id: String,
    pub(crate) term: Term,
    pub(crate) file: String,
    pub(crate) starts: i64,
    pub(crate) commits: i64,
    pub(crate) forgotten: i64,
}

impl State {
    pub(crate) fn read(connection: &Connection) -> Result<Option<Self>, Trouble> {
        let row = connection
            .query_row(
                "SELECT id, term, file, starts, commits, forgotten FROM state WHERE one = 1",
                [],
                |row| {
                    Ok((
                        row.get::<_, i64>(1)?,
                        Self {
                            id: row.get(0)?,
                            term: Term(0),
                            file: row.get(2)?,
                            starts: row.get(3)?,
                            commits: row.get(4)?,
                            forgotten: row.get(5)?,
                        },
                    ))
                },
            )
            .optional()?;
        row.map(|(term, state)| {
            let numbers = [state.starts, state.commits, state.forgotten];
            match u64::try_from(term) {
                Ok(term) if numbers.iter().all(|&number| number >= 0) => Ok(Self {
                    term: Term(term),
                    ..state
                }),
                _ => Err(Trouble::damaged("the table `state` makes no sense")),
            }
        })
        .transpose()
    }

    fn write(&self, connection: &Connection) -> Result<(), Trouble> {
        let term = i64::try_from(self.term.0).unwrap_or(i64::MAX);
        connection.execute(
            "INSERT OR REPLACE INTO state (one, id, term, file, starts, commits, forgotten)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
            (
                &self.id,
                term,
                &self.file,
                self.starts,
                self.commits,
                self.forgotten,
            ),
        )?;
        Ok(())
    }

    pub(crate) fn witness(&self) -> Witness {
        Witness {
            id: self.id.clone(),
            starts: self.starts,
            commits: self.commits,
        }
    }
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Trouble::Failed(format!("no random numbers: {error}").into()))?;
    Ok(bytes)
}

/// At most 47 bits, so that it is written with eight characters; never 0.
fn new_term(old: Option<Term>) -> Result<Term, Trouble> {
    loop {
        let term = Term(u64::from_le_bytes(random()?) >> 17);
        if term.0 != 0 && Some(term) != old {
            return Ok(term);
        }
    }
}

fn new_id() -> Result<String, Trouble> {
    Ok(format!("{:032x}", u128::from_le_bytes(random()?)))
}

/// Whether the file is where and what it was when it was last used, or a backup from before.
fn is_same_log(state: &State, file: &str, testimony: &Testimony) -> bool {
    let Testimony::Sound(witness) = testimony else {
        return false;
    };
    state.file == file
        && witness.id == state.id
        && witness.starts <= state.starts
        && witness.commits <= state.commits
}

/// Opens the database, or makes one, and writes down this start.
pub(crate) fn open(
    folder: &Folder,
    options: &OpenOptions,
) -> Result<(Connection, State), OpenError> {
    let file = folder.database();
    // A file that cannot be written is found out here, with the system's words.
    // SQLite gives the files beside it the same mode.
    private(File::options().write(true).create(true).truncate(false))
        .open(&file)
        .map_err(|error| trouble(&file, &error))?;
    let unfit = |unfit: Unfit| match unfit {
        Unfit::Newer(found) => OpenError::Newer {
            file: file.clone(),
            found,
            known: schema::VERSION,
        },
        Unfit::Foreign => OpenError::Damaged {
            file: file.clone(),
            why: "other tables are in it".into(),
        },
        Unfit::Trouble(Trouble::Full) => OpenError::Full {
            folder: folder.path().to_owned(),
        },
        Unfit::Trouble(Trouble::Damaged(why)) => OpenError::Damaged {
            file: file.clone(),
            why,
        },
        Unfit::Trouble(Trouble::Failed(why)) => OpenError::Failed {
            path: file.clone(),
            why,
        },
    };
    let connection = schema::connect_writer(&file, options.max_bytes)
        .map_err(|trouble| unfit(Unfit::Trouble(trouble)))?;
    schema::migrate(&connection).map_err(unfit)?;
    let identity = folder.identity().map_err(|error| trouble(&file, &error))?;
    let state = start(&connection, folder, identity, options.new_term)
        .map_err(|trouble| unfit(Unfit::Trouble(trouble)))?;
    // It accuses whoever puts an older database here; so it must be there before a position is told.
    let witness = state.witness().write(folder.path());
    let witness = witness.map_err(|error| trouble(&folder.path().join("witness"), &error));
    match witness {
        // The one from before stays: it knows less, and what can be read can still be read.
        Ok(()) | Err(OpenError::Full { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok((connection, state))
}

fn start(
    connection: &Connection,
    folder: &Folder,
    file: String,
    force: bool,
) -> Result<State, Trouble> {
    let old = State::read(connection)?;
    let state = match old {
        None => State {
            id: new_id()?,
            term: new_term(None)?,
            file,
            starts: 1,
            commits: 0,
            forgotten: 0,
        },
        Some(old) if force || !is_same_log(&old, &file, &ask(folder.path())) => State {
            id: new_id()?,
            term: new_term(Some(old.term))?,
            file,
            starts: old.starts.saturating_add(1),
            ..old
        },
        Some(old) => State {
            starts: old.starts.saturating_add(1),
            ..old
        },
    };
    state.write(connection)?;
    schema::settle(connection)?;
    Ok(state)
}

/// Opens it again after a failure: it must be the same log, and all that can be read is on the disk.
pub(crate) fn reopen(
    folder: &Folder,
    options: &OpenOptions,
    before: &State,
) -> Result<(Connection, State), Trouble> {
    let connection = schema::connect_writer(&folder.database(), options.max_bytes)?;
    let state = State::read(&connection)?
        .filter(|state| state.id == before.id && state.term == before.term)
        .ok_or_else(|| Trouble::damaged("the database was replaced while it was in use"))?;
    schema::settle(&connection)?;
    Ok((connection, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            id: "a".into(),
            term: Term(7),
            file: "1:2".into(),
            starts: 3,
            commits: 40,
            forgotten: 0,
        }
    }

    fn says(id: &str, starts: i64, commits: i64) -> Testimony {
        Testimony::Sound(Witness {
            id: id.into(),
            starts,
            commits,
        })
    }

    #[test]
    fn a_log_is_the_same_only_if_file_and_witness_agree() {
        let state = state();
        assert!(is_same_log(&state, "1:2", &says("a", 3, 40)));
        // The witness is written seldom: it may lag.
        assert!(is_same_log(&state, "1:2", &says("a", 2, 11)));
        assert!(!is_same_log(&state, "1:3", &says("a", 3, 40)));
        assert!(!is_same_log(&state, "1:2", &says("b", 3, 40)));
        assert!(!is_same_log(&state, "1:2", &says("a", 4, 40)));
        assert!(!is_same_log(&state, "1:2", &says("a", 3, 41)));
        assert!(!is_same_log(&state, "1:2", &Testimony::None));
    }

    #[test]
    fn a_term_is_written_with_eight_characters_at_most() {
        let longest = tidewire_hub_proto::Pos::new(Term((1 << 47) - 1), 1).to_string();
        assert!(longest.len() <= "12345678-1".len(), "{longest}");
        for _ in 0..100 {
            let term = new_term(None).expect("the system has random numbers");
            assert!((1..1 << 47).contains(&term.0));
        }
    }
}
