//! A HAR file that appears whole: it is written aside, and each time it is put in place a copy is renamed.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::har::Har;
use super::model::Record;

/// So many bytes wait at most for a flush.
const WAITING: usize = 256 * 1024;

/// So many bytes of connections beside the first may wait in memory for its end.
const HELD: usize = 256 << 20;

/// So many times as long as putting it in place took, the next time waits: it copies the whole file.
const REST: u32 = 40;

/// A HAR file under its name, as it was a moment ago.
#[derive(Debug)]
pub(super) struct Published {
    har: Har<File>,
    path: PathBuf,
    dir: PathBuf,
    /// When it may be put in place again.
    next: Instant,
    /// Whether there is something that is not in place.
    fresh: bool,
    /// How much may wait in memory.
    held: usize,
}

impl Published {
    /// Begins a file; until something is recorded, one that is there under the name stays.
    pub(super) fn create(path: &Path) -> io::Result<Published> {
        // A link stays a link: what it leads to is replaced.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.exists() && !path.is_file() {
            return Err(io::Error::other("it is there and no file"));
        }
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Published {
            har: Har::create(tempfile::tempfile_in(&dir)?)?,
            path,
            dir,
            next: Instant::now(),
            fresh: false,
            held: HELD,
        })
    }

    pub(super) fn add(&mut self, record: &Record<'_>) -> io::Result<()> {
        self.har.add(record);
        self.fresh = true;
        if self.har.waiting() >= WAITING {
            self.har.flush()?;
        }
        Ok(())
    }

    /// Writes what there is, and puts it in place if that was not done just now.
    ///
    /// # Errors
    /// When it cannot be written, or more waits than memory is there for.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.har.held() > self.held {
            return Err(io::Error::other(format!(
                "{} MiB wait for the first connection to end; a file .ndjson needs no such wait",
                self.held >> 20
            )));
        }
        if !self.fresh || Instant::now() < self.next {
            return Ok(());
        }
        self.har.flush()?;
        let began = Instant::now();
        self.put()?;
        let took = began.elapsed().max(Duration::from_micros(100));
        self.next = Instant::now() + took * REST;
        Ok(())
    }

    /// Ends all entries, and puts it in place.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.har.finish()?;
        match self.fresh {
            true => self.put(),
            false => Ok(()),
        }
    }

    fn put(&mut self) -> io::Result<()> {
        let mut copy = tempfile::Builder::new()
            .prefix(".tidewire-")
            .suffix(".har")
            .tempfile_in(&self.dir)?;
        let file = self.har.file();
        file.seek(SeekFrom::Start(0))?;
        io::copy(file, copy.as_file_mut())?;
        copy.persist(&self.path).map_err(|error| error.error)?;
        self.fresh = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::model::{Dir, Opening, What};
    use super::*;

    #[test]
    fn what_waits_for_another_connection_is_bounded_and_what_was_taken_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.har");
        let mut published = Published::create(&path).unwrap();
        published.held = 4096;
        let mut add = |conn, what| {
            let record = Record {
                at: 1_790_000_000_000_000,
                conn: Some(conn),
                dir: Dir::In,
                what,
            };
            published.add(&record)?;
            published.flush()
        };
        let open = || What::Open(std::borrow::Cow::Owned(Opening::default()));
        add(1, open()).unwrap();
        add(2, open()).unwrap();
        for _ in 0..10 {
            add(1, What::Text("x".repeat(1000).into())).unwrap();
        }
        let refused = (0..10).find_map(|_| add(2, What::Text("x".repeat(1000).into())).err());
        assert!(refused.unwrap().to_string().contains(".ndjson"));
        published.finish().unwrap();
        let sessions = super::super::load(&path).unwrap();
        assert_eq!(sessions.len(), 2);
        assert_eq!(sessions[0].records.len(), 11);
    }
}
