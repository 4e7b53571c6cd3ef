//! An entry written in the user's own editor, `$VISUAL` or `$EDITOR`.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Lets the user write on `entry`.
///
/// # Errors
/// A sentence; the entry is then as it was.
pub(super) fn write(entry: &str) -> Result<String, String> {
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(std::env::var_os);
    let editor = named
        .filter(|editor| !editor.is_empty())
        .chain([OsString::from("vi")])
        .next()
        .unwrap_or_default();
    let path = draft(entry).map_err(|error| format!("no file to write in: {error}"))?;
    let result = edit(&editor, &path);
    _ = fs::remove_file(&path);
    result
}

/// A new file that nobody else can read.
fn draft(entry: &str) -> std::io::Result<PathBuf> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    let name = format!("tidewire-{}-{}.json", std::process::id(), now.as_nanos());
    let path = std::env::temp_dir().join(name);
    options.open(&path)?.write_all(entry.as_bytes())?;
    Ok(path)
}

fn edit(editor: &OsString, path: &Path) -> Result<String, String> {
    let shown = editor.to_string_lossy();
    // `EDITOR="code --wait"` is usual.
    let mut words = shown.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program)
        .args(words)
        .arg(path)
        .stdin(Stdio::inherit())
        .status()
        .map_err(|error| format!("cannot run {shown}: {error}; set EDITOR"))?;
    if !status.success() {
        return Err(format!("{shown} failed ({status}); the entry is as it was"));
    }
    let mut written = fs::read_to_string(path)
        .map_err(|error| format!("cannot read what was written: {error}"))?;
    if written.ends_with('\n') {
        written.pop();
    }
    Ok(written)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_written_comes_back_and_a_failure_says_why() {
        let path = draft("old").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(edit(&"true".into(), &path).unwrap(), "old");
        fs::write(&path, "new\nlines\n").unwrap();
        assert_eq!(edit(&"true".into(), &path).unwrap(), "new\nlines");
        fs::write(&path, b"\xff").unwrap();
        assert!(
            edit(&"true".into(), &path)
                .unwrap_err()
                .contains("cannot read")
        );
        assert!(
            edit(&"false".into(), &path)
                .unwrap_err()
                .contains("false failed")
        );
        assert!(
            edit(&"/no/such/editor -x".into(), &path)
                .unwrap_err()
                .contains("set EDITOR")
        );
        fs::remove_file(path).unwrap();
    }
}
