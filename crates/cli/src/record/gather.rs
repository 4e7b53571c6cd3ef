//! Lines of a recording, put together to the connections that they tell of.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use super::model::{Dir, Session, What};
use super::parse::{Part, part};

/// A line longer than this is no line of a recording.
const LONGEST: u64 = 512 * 1024 * 1024;

/// The connections so far.
#[derive(Debug, Default)]
pub(super) struct Gather {
    sessions: Vec<Session>,
    /// Which connection the next record of each number belongs to.
    current: HashMap<Option<u32>, usize>,
}

impl Gather {
    pub(super) fn take(&mut self, part: Part) {
        match part {
            Part::Nothing => {}
            Part::Connecting { conn, url } => {
                self.begin(conn, url);
            }
            Part::Record(mut record) => {
                let known = self.current.get(&record.conn).copied();
                let session = match (&mut record.what, known) {
                    (What::Open(opening), known) => {
                        let fresh = known.filter(|at| self.sessions[*at].records.is_empty());
                        let at = match fresh {
                            Some(at) => at,
                            None => self.begin(record.conn, opening.url.clone()),
                        };
                        opening.to_mut().url.clone_from(&self.sessions[at].url);
                        record.dir = Dir::Out;
                        at
                    }
                    (_, Some(at)) => at,
                    (_, None) => self.begin(record.conn, String::new()),
                };
                self.sessions[session].records.push(record);
            }
        }
    }

    fn begin(&mut self, conn: Option<u32>, url: String) -> usize {
        let at = self.sessions.len();
        self.sessions.push(Session {
            url,
            records: Vec::new(),
        });
        self.current.insert(conn, at);
        at
    }

    /// The connections that were opened.
    pub(super) fn finish(self) -> Vec<Session> {
        let opened = |what: &What<'_>| !matches!(what, What::Close { .. });
        let mut sessions = self.sessions;
        sessions.retain(|session| session.records.iter().any(|record| opened(&record.what)));
        sessions
    }
}

/// Reads a file of lines.
///
/// # Errors
/// What is wrong, with the number of the line.
pub(super) fn lines(mut input: impl BufRead) -> Result<Vec<Session>, String> {
    let mut gather = Gather::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = input
            .by_ref()
            .take(LONGEST)
            .read_until(b'\n', &mut line)
            .map_err(|error| format!("cannot be read: {error}"))?;
        if read == 0 {
            break;
        }
        if read as u64 == LONGEST {
            return Err(format!("line {number} is longer than any recording's"));
        }
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
        if text.is_empty() {
            continue;
        }
        let value = serde_json::from_slice(text).map_err(|error| {
            let start = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
            format!("line {number} is not JSON ({}): {start:?}", reason(&error))
        })?;
        let part = part(&value).map_err(|wrong| format!("line {number}: {wrong}"))?;
        gather.take(part);
    }
    Ok(gather.finish())
}

/// What serde says, without the line, which in a file of lines is always the first.
fn reason(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match said.split_once(" at line 1 column ") {
        Some((why, column)) => format!("{why} at column {column}"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(more: &str) -> String {
        format!("{{\"at\":1790000000000,{more}}}\n")
    }

    #[test]
    fn connections_are_told_apart_by_number_and_by_time() {
        let text = [
            row(r#""way":"out","kind":"text","text":"stray""#),
            row(r#""way":"event","kind":"connecting","text":"to ws://a/ now","conn":1"#),
            row(r#""way":"event","kind":"connecting","detail":{"url":"ws://b/"},"conn":2"#),
            row(r#""way":"event","kind":"open","conn":2"#),
            row(r#""way":"event","kind":"open","conn":1"#),
            row(r#""way":"in","kind":"text","text":"of b","conn":2"#),
            row(r#""way":"event","kind":"close","code":1000,"conn":1"#),
            row(r#""way":"event","kind":"connecting","detail":{"url":"ws://never/"},"conn":1"#),
            row(r#""way":"event","kind":"close","code":1006,"conn":1"#),
            row(r#""way":"event","kind":"connecting","detail":{"url":"ws://c/"},"conn":1"#),
            row(r#""way":"event","kind":"note","text":"x","conn":1"#),
            row(r#""way":"out","kind":"text","text":"of c","conn":1"#),
        ]
        .concat();
        let sessions = lines(text.as_bytes()).unwrap();
        let found: Vec<_> = sessions
            .iter()
            .map(|s| (s.url.as_str(), s.records.len()))
            .collect();
        assert_eq!(found, [("", 1), ("ws://a/", 2), ("ws://b/", 2), ("ws://c/", 1)]);
    }

    #[test]
    fn a_byte_order_mark_crlf_and_empty_lines_are_taken() {
        let line = row(r#""way":"out","kind":"text","text":"x""#);
        let text = format!("\u{feff}{}\r\n\r\n \n{}", line.trim(), line.trim());
        assert_eq!(lines(text.as_bytes()).unwrap()[0].records.len(), 2);
        assert!(lines(&b""[..]).unwrap().is_empty());
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number() {
        let good = row(r#""way":"out","kind":"text","text":"x""#);
        for (bad, expected) in [
            ("{broken", "line 2 is not JSON (key must be a string at column 2): \"{broken\""),
            ("{\"way\":\"up\"}", "line 2: \"way\" must be"),
            ("null", "line 2: must be an object"),
            ("\u{1b}[2J", "line 2 is not JSON"),
            (&"[".repeat(100_000), "line 2 is not JSON (recursion limit exceeded"),
        ] {
            let said = lines(format!("{good}{bad}\n").as_bytes()).unwrap_err();
            assert!(said.starts_with(expected), "{said}");
            assert!(!said.contains('\u{1b}'), "{said}");
        }
        let said = lines(&b"\n\xff\xfe\n"[..]).unwrap_err();
        assert!(said.starts_with("line 2 is not JSON"), "{said}");
    }
}
