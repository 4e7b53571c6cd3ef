//! Reads a recording of either format back: which one it is, its content says.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::model::Session;
use super::{chrome, gather};

/// A larger HAR would not fit into memory several times.
const LARGEST_HAR: u64 = 1024 * 1024 * 1024;

/// The connections of a recording.
///
/// # Errors
/// A sentence with the file's name, and the line or entry that is wrong.
pub(crate) fn load(path: &Path) -> Result<Vec<Session>, String> {
    let name = path.display();
    let file = File::open(path).map_err(|error| format!("cannot read {name}: {error}"))?;
    let mut input = BufReader::with_capacity(64 * 1024, file);
    let start = input
        .fill_buf()
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    let sessions = match is_har(path, start) {
        false => gather::lines(input),
        true => har(input),
    }
    .map_err(|wrong| match wrong.starts_with("line") || wrong.starts_with("entry") {
        true => format!("{name}, {wrong}"),
        false => format!("{name} {wrong}"),
    })?;
    if sessions.is_empty() {
        return Err(format!("{name} holds no connection"));
    }
    Ok(sessions)
}

fn har(input: impl Read) -> Result<Vec<Session>, String> {
    let mut text = Vec::new();
    input
        .take(LARGEST_HAR + 1)
        .read_to_end(&mut text)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > LARGEST_HAR {
        return Err("is larger than 1 GiB: record NDJSON for so much".to_owned());
    }
    chrome::read(&text)
}

/// A HAR is one object whose first key is `log`; otherwise its name must say it.
fn is_har(path: &Path, start: &[u8]) -> bool {
    let named = path
        .extension()
        .is_some_and(|suffix| suffix.eq_ignore_ascii_case("har"));
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let log = start
        .strip_prefix(b"{")
        .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"log\""));
    let row = start.starts_with(b"{\"at\"") || start.starts_with(b"{\"t\"");
    log || (named && !row)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ROW: &str = r#"{"at":1790000000000,"way":"out","kind":"text","text":"x"}"#;
    const HAR: &str = r#"{ "log": {"entries": [{"_webSocketMessages": [{"type":"send","time":1,"opcode":1,"data":"x"}]}]}}"#;

    #[test]
    fn the_format_is_known_by_the_content() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.ndjson", ROW),
            ("a.har", ROW),
            ("a.txt", ROW),
            ("b.har", HAR),
            ("b.ndjson", HAR),
            ("b", HAR),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            let sessions = load(&path).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
            assert_eq!(sessions[0].records.len(), 1, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_with_the_name() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text, expected) in [
            ("a.ndjson", "{}", ", line 1: \"way\""),
            ("a.har", "nope", " is not JSON"),
            ("empty.ndjson", "", " holds no connection"),
            ("empty.har", "", " is not JSON: EOF"),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            let said = load(&path).unwrap_err();
            assert!(said.contains(&format!("{name}{expected}")), "{said}");
        }
        assert!(load(&dir.path().join("none")).unwrap_err().starts_with("cannot read "));
        assert!(load(dir.path()).is_err());
    }
}
