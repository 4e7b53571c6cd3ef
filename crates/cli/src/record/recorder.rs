//! Writes a recording while the connection lives.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::clock::Clock;
use super::heads::opening;
use super::model::{Dir, Record, What};
use super::publish::Published;
use super::rows;
use crate::connect::talk::{Event, Output};

/// A recording that is being written. What happened is a line of NDJSON at once; a HAR file is put in
/// place whole, again and again, so that what is there can be read even if the program is killed.
#[derive(Debug)]
pub(crate) struct Recorder {
    format: Format,
    clock: Clock,
    url: String,
    secrets: bool,
}

#[derive(Debug)]
enum Format {
    Ndjson { file: File, lines: Vec<u8> },
    Har(Box<Published>),
}

impl Recorder {
    /// Begins a recording in `path`, whose end says the format: `.ndjson` or `.jsonl`, to which it is
    /// appended, or `.har`, which is replaced. `url` is what is connected to. Unless `secrets`, what
    /// gives access (Authorization, cookies, tokens in the URL) is not written.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn create(path: &Path, url: &str, secrets: bool) -> Result<Recorder, String> {
        let suffix = path
            .extension()
            .map(|suffix| suffix.to_string_lossy().to_ascii_lowercase());
        let cannot =
            |error: io::Error| format!("--record: cannot write {}: {error}", path.display());
        let format = match suffix.as_deref() {
            Some("ndjson" | "jsonl") => Format::Ndjson {
                file: append(path).map_err(cannot)?,
                lines: Vec::new(),
            },
            Some("har") => Format::Har(Box::new(Published::create(path).map_err(cannot)?)),
            _ => return Err(unknown(path)),
        };
        Ok(Recorder {
            format,
            clock: Clock::new(),
            url: url.to_owned(),
            secrets,
        })
    }

    /// Whether [`create`](Self::create) would know the format: for the command line.
    ///
    /// # Errors
    /// A sentence that names the formats.
    pub(crate) fn judge(path: &str) -> Result<std::path::PathBuf, String> {
        let lower = path.to_ascii_lowercase();
        let known = [".ndjson", ".jsonl", ".har"];
        match known.iter().any(|suffix| lower.ends_with(suffix)) {
            true => Ok(path.into()),
            false => Err(unknown(Path::new(path))),
        }
    }

    /// Records something that happens now; `conn`: on which connection, if there are several.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn record(&mut self, conn: Option<u32>, dir: Dir, what: What<'_>) -> io::Result<()> {
        let at = self.clock.now();
        self.add(&Record {
            at,
            conn,
            dir,
            what,
        })
    }

    /// Records something with its time.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn add(&mut self, record: &Record<'_>) -> io::Result<()> {
        match &mut self.format {
            Format::Ndjson { file, lines } => {
                lines.clear();
                rows::lines(record, lines);
                file.write_all(lines)
            }
            Format::Har(har) => har.add(record),
        }
    }

    /// Ends the recording: a HAR file gets what only its end can tell.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match &mut self.format {
            Format::Ndjson { file, .. } => file.flush(),
            Format::Har(har) => har.finish(),
        }
    }
}

/// Opens a file to append to. Recordings tell what was said, so that others may not read a new one.
fn append(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // Who was killed in the middle of a line has left no end of it.
    if ends_within_line(path) {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn ends_within_line(path: &Path) -> bool {
    let last = || {
        // To open a pipe would wait for who writes to it.
        if !std::fs::metadata(path).ok()?.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::End(-1)).ok()?;
        let mut byte = [0];
        file.read_exact(&mut byte).ok()?;
        Some(byte[0])
    };
    last().is_some_and(|byte| byte != b'\n')
}

fn unknown(path: &Path) -> String {
    format!(
        "{:?} has no format: end it in .ndjson (or .jsonl) for a line of JSON each, or in .har for what browsers' developer tools read",
        path.display().to_string()
    )
}

impl Output for Recorder {
    fn tell(&mut self, event: &Event<'_>) -> io::Result<()> {
        let told = What::of(event, |opened| opening(&self.url, opened, self.secrets));
        let Some((dir, what)) = told else {
            return Ok(());
        };
        self.record(None, dir, what)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.format {
            Format::Ndjson { file, .. } => file.flush(),
            Format::Har(har) => har.flush(),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Who wants to know of a failure has called `finish`.
        _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::load;
    use super::*;
    use crate::connect::talk::Opened;
    use std::sync::Arc;
    use tidewire::{CloseCode, Message};

    #[test]
    fn a_conversation_is_read_back_from_either_format() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.ndjson", "a.jsonl", "a.har", "A.HAR"] {
            let path = dir.path().join(name);
            let mut recorder = Recorder::create(&path, "ws://u:p@h/x", false).unwrap();
            let events = [
                Event::Opened(&Arc::new(Opened::default())),
                Event::Sent(&Message::from("héllo\n")),
                Event::Received(&Message::from(vec![0u8, 255])),
                Event::Pinged(b"p"),
                Event::Received(&Message::from("")),
                Event::Closed {
                    code: CloseCode::NORMAL,
                    reason: "bye",
                    retry: None,
                },
            ]
            .map(|event| recorder.tell(&event));
            assert!(events.iter().all(Result::is_ok));
            recorder.finish().unwrap();
            let sessions = load(&path).unwrap();
            assert_eq!(sessions.len(), 1, "{name}");
            let session = &sessions[0];
            assert_eq!(session.url, "ws://h/x");
            let all: Vec<_> = session.records.iter().map(|r| (r.dir, &r.what)).collect();
            assert_eq!(all.len(), 6, "{name}: {all:?}");
            assert_eq!(all[1], (Dir::Out, &What::Text("héllo\n".into())));
            assert_eq!(all[2], (Dir::In, &What::Binary(vec![0, 255].into())));
            assert_eq!(all[3], (Dir::In, &What::Ping(b"p"[..].into())));
            assert_eq!(all[4], (Dir::In, &What::Text("".into())));
            assert!(matches!(all[5].1, What::Close { code: 1000, reason } if reason == "bye"));
        }
    }

    #[test]
    fn a_name_without_a_format_is_refused_with_both() {
        for name in ["x", "x.txt", "x.har.gz", ".har.txt"] {
            let error = Recorder::create(Path::new(name), "ws://h/", false).unwrap_err();
            assert!(
                error.contains(".ndjson") && error.contains(".har"),
                "{error}"
            );
            assert!(Recorder::judge(name).is_err());
        }
        assert!(Recorder::judge("a/b.NDJSON").is_ok());
        let error = Recorder::create(Path::new("/no/such/place.har"), "", false).unwrap_err();
        assert!(
            error.starts_with("--record: cannot write /no/such/place.har"),
            "{error}"
        );
    }
}
