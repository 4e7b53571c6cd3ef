//! Where the entries typed at a prompt are kept between runs: a file for each host, which only its
//! owner can read.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use rustyline::history::{FileHistory, History};

/// Entries that are kept.
pub(super) const ENTRIES: usize = 500;

/// Longer entries are not kept, in bytes.
const LONGEST: usize = 8 * 1024;

/// Where the history of `url` is: under `$XDG_STATE_HOME`, or `~/.local/state`. None without a home.
pub(crate) fn file(url: &str) -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))
        .or_else(|| absolute("LOCALAPPDATA"))?;
    Some(state.join("tidewire/history").join(file_name(url)))
}

/// The host of `url` with its port, as a name that any file system takes.
fn file_name(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    // Only a path: a unix socket.
    let host = if host.is_empty() || host.ends_with("unix:") {
        rest.split(['?', '#']).next().unwrap_or_default()
    } else {
        host
    };
    let mut name: String = host
        .chars()
        .take(120)
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') => c.to_ascii_lowercase(),
            _ => '_',
        })
        .collect();
    if name.starts_with('.') || name.is_empty() {
        name.insert(0, '_');
    }
    name
}

/// Reads what earlier runs have left. What cannot be read is as if it were not there.
pub(super) fn load(history: &mut FileHistory, path: &Path) {
    _ = history.load(path);
}

/// Keeps `entry`, for this run and for later ones; unless it begins with a space, which says that it
/// is a secret. A history that cannot be written is no reason to stop talking.
pub(super) fn add(history: &mut FileHistory, entry: &str, path: Option<&Path>) {
    if entry.len() > LONGEST || !history.add(entry).unwrap_or(false) {
        return;
    }
    let Some(path) = path else { return };
    if let Some(folder) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        _ = builder.create(folder);
    }
    _ = history.append(path);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rustyline::Config;

    #[test]
    fn each_host_has_a_file_and_none_leaves_the_folder() {
        for (url, name) in [
            ("ws://Example.com/chat?token=secret", "example.com"),
            ("wss://user:pass@example.com:8443#x", "example.com_8443"),
            ("ws://[::1]:4000/", "___1__4000"),
            ("ws://../../etc/passwd", "_.."),
            (
                "ws+unix:/run/app.sock:/chat?token=1",
                "ws_unix__run_app.sock__chat",
            ),
            ("ws:///", "_"),
            ("", "_"),
        ] {
            assert_eq!(file_name(url), name, "{url}");
        }
        assert_eq!(file_name(&format!("ws://{}/", "a".repeat(9999))).len(), 120);
    }

    #[test]
    fn entries_are_kept_with_their_lines_and_only_for_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/host");
        let config = Config::builder()
            .max_history_size(3)
            .unwrap()
            .history_ignore_space(true)
            .build();
        let mut history = FileHistory::with_config(&config);
        for entry in [
            "old",
            "{\n  \"a\\n\": 1\n}",
            " secret",
            "two",
            "two",
            "three",
        ] {
            add(&mut history, entry, Some(&path));
        }
        add(&mut history, &"x".repeat(LONGEST + 1), Some(&path));
        let mut again = FileHistory::with_config(&config);
        load(&mut again, &path);
        let entries: Vec<_> = again.iter().collect();
        assert_eq!(entries, ["{\n  \"a\\n\": 1\n}", "two", "three"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
        }
    }

    #[test]
    fn a_history_that_cannot_be_read_or_written_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host");
        std::fs::write(&path, b"#V2\nok\n\xff\xfe\n").unwrap();
        let mut history = FileHistory::with_config(&Config::default());
        load(&mut history, &path);
        add(&mut history, "new", Some(&path));
        add(&mut history, "newer", Some(&path.join("under/a/file")));
        assert!(history.iter().any(|entry| entry == "newer"));
    }
}
