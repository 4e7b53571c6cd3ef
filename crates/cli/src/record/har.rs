//! A HAR file that is whole after each write: the end is written too, and overwritten by what comes next.

use std::collections::BTreeMap;
use std::io::{self, Seek, SeekFrom, Write};

use serde_json::json;

use super::entry::Entry;
use super::model::{Opening, Record, What};

const END: &str = "]}}\n";

/// A HAR file. One connection streams into it; those beside it wait in memory for their turn.
#[derive(Debug)]
pub(super) struct Har<F> {
    file: F,
    /// Where the end begins that the next write overwrites.
    end_at: u64,
    /// What goes there.
    pending: String,
    entries: usize,
    /// The connection that streams.
    live: Option<u32>,
    open: BTreeMap<u32, (Entry, String)>,
    /// Entries of connections that ended while another streamed.
    done: Vec<String>,
    /// Bytes of those.
    done_bytes: usize,
}

impl<F: Write + Seek> Har<F> {
    /// Begins an empty file.
    pub(super) fn create(file: F) -> io::Result<Har<F>> {
        let creator = json!({"name": "Tidewire", "version": env!("CARGO_PKG_VERSION")});
        let mut har = Har {
            file,
            end_at: 0,
            pending: format!(
                "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[],\"entries\":["
            ),
            entries: 0,
            live: None,
            open: BTreeMap::new(),
            done: Vec::new(),
            done_bytes: 0,
        };
        har.flush()?;
        Ok(har)
    }

    /// Takes a record in.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        let conn = record.conn.unwrap_or(0);
        if let What::Open(opening) = &record.what {
            self.close(conn);
            self.begin(conn, record, opening);
        } else if !self.open.contains_key(&conn) {
            // As the tester calls what it does not know.
            let opening = Opening {
                url: "ws://unknown.invalid/".to_owned(),
                ..Opening::default()
            };
            self.begin(conn, record, &opening);
        }
        let Some((entry, held)) = self.open.get_mut(&conn) else {
            return;
        };
        let out = match self.live {
            Some(live) if live == conn => &mut self.pending,
            _ => held,
        };
        entry.add(record, out);
        if matches!(record.what, What::Close { .. }) {
            self.close(conn);
        }
    }

    /// Writes what is pending, and the end behind it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let kept = self.pending.len() as u64;
        if self.live.is_some() {
            self.pending.push_str("]}");
        }
        self.pending.push_str(END);
        self.file.seek(SeekFrom::Start(self.end_at))?;
        self.file.write_all(self.pending.as_bytes())?;
        self.file.flush()?;
        self.end_at += kept;
        self.pending.clear();
        Ok(())
    }

    /// Ends all entries and writes all.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let open: Vec<u32> = self.open.keys().copied().collect();
        for conn in open {
            self.close(conn);
        }
        self.flush()
    }

    /// How many bytes wait for a flush.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// How many bytes wait in memory for their turn.
    pub(super) fn held(&self) -> usize {
        let open = self.open.values();
        let open = open.map(|(entry, held)| held.len() + entry.weight());
        open.sum::<usize>() + self.done_bytes
    }

    /// What is written to.
    pub(super) fn file(&mut self) -> &mut F {
        &mut self.file
    }

    fn begin(&mut self, conn: u32, record: &Record<'_>, opening: &Opening) {
        let mut held = String::new();
        let entry = Entry::begin(record, opening, &mut held);
        if self.live.is_none() {
            self.live = Some(conn);
            self.append(&held);
            held = String::new();
        }
        self.open.insert(conn, (entry, held));
    }

    fn close(&mut self, conn: u32) {
        let Some((entry, held)) = self.open.remove(&conn) else {
            return;
        };
        if self.live != Some(conn) {
            let done = held + &entry.end();
            self.done_bytes += done.len();
            self.done.push(done);
            return;
        }
        self.pending.push_str(&entry.end());
        self.done_bytes = 0;
        for done in std::mem::take(&mut self.done) {
            self.append(&done);
        }
        // The oldest of those that wait goes on in the file itself.
        self.live = self.open.keys().next().copied();
        if let Some((_, held)) = self.live.and_then(|next| self.open.get_mut(&next)) {
            let held = std::mem::take(held);
            self.append(&held);
        }
    }

    fn append(&mut self, entry: &str) {
        if self.entries > 0 {
            self.pending.push_str(",\n");
        }
        self.entries += 1;
        self.pending.push_str(entry);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::model::Dir;
    use super::*;
    use std::io::Cursor;

    fn record(conn: u32, at: i64, what: What<'static>) -> Record<'static> {
        Record {
            at: 1_790_000_000_000_000 + at,
            conn: Some(conn),
            dir: Dir::Out,
            what,
        }
    }

    fn open(conn: u32, url: &str) -> Record<'static> {
        let opening = Opening {
            url: url.into(),
            ..Opening::default()
        };
        record(conn, 0, What::Open(std::borrow::Cow::Owned(opening)))
    }

    fn close(conn: u32) -> Record<'static> {
        let what = What::Close {
            code: 1000,
            reason: "".into(),
        };
        record(conn, 9, what)
    }

    fn parsed(har: &Har<Cursor<Vec<u8>>>) -> Vec<(String, usize, usize)> {
        let bytes = har.file.get_ref();
        let value: serde_json::Value = serde_json::from_slice(bytes)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(bytes)));
        let list = |value: &serde_json::Value| value.as_array().map_or(0, Vec::len);
        value["log"]["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                (
                    entry["request"]["url"].as_str().unwrap().to_owned(),
                    list(&entry["_webSocketMessages"]),
                    list(&entry["_tidewireEvents"]),
                )
            })
            .collect()
    }

    #[test]
    fn the_file_is_whole_after_every_flush() {
        let mut har = Har::create(Cursor::new(Vec::new())).unwrap();
        assert!(parsed(&har).is_empty());
        har.add(&open(1, "ws://a/"));
        for count in 0..5 {
            har.flush().unwrap();
            assert_eq!(parsed(&har), [("ws://a/".to_owned(), count, 0)]);
            har.add(&record(1, 1, What::Text("x\u{2028}\0\"".into())));
        }
        har.add(&close(1));
        har.flush().unwrap();
        assert_eq!(parsed(&har), [("ws://a/".to_owned(), 5, 3)]);
        har.add(&open(1, "ws://b/"));
        har.finish().unwrap();
        assert_eq!(
            parsed(&har),
            [("ws://a/".to_owned(), 5, 3), ("ws://b/".to_owned(), 0, 2)]
        );
    }

    #[test]
    fn connections_at_once_take_turns() {
        let mut har = Har::create(Cursor::new(Vec::new())).unwrap();
        for conn in 1..=3 {
            har.add(&open(conn, &format!("ws://{conn}/")));
        }
        for _ in 0..3 {
            for conn in 1..=3 {
                har.add(&record(conn, 1, What::Binary(vec![1].into())));
            }
            har.flush().unwrap();
        }
        har.add(&close(2));
        har.add(&close(1));
        har.add(&record(3, 1, What::Ping(vec![0xff].into())));
        har.finish().unwrap();
        let mut entries = parsed(&har);
        entries.sort();
        assert_eq!(
            entries,
            [
                ("ws://1/".to_owned(), 3, 3),
                ("ws://2/".to_owned(), 3, 3),
                ("ws://3/".to_owned(), 3, 3)
            ]
        );
    }
}
