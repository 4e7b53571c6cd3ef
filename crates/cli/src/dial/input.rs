//! What a connection needs beside the command line: files, the environment, and secrets that are asked
//! for.

use std::io::{IsTerminal, Read};
use std::path::Path;

use crate::exit::{self, Exit};

/// No file of headers, cookies, certificates or tokens is larger.
const LARGEST: u64 = 4 << 20;

/// Why a connection is not even tried.
#[derive(Debug)]
pub(super) struct Wrong {
    exit: Exit,
    sentence: String,
}

impl Wrong {
    /// The command line is wrong, or what it names.
    pub(super) fn usage(sentence: impl Into<String>) -> Wrong {
        Wrong {
            exit: Exit::Usage,
            sentence: sentence.into(),
        }
    }

    /// This machine does not give what is needed.
    pub(super) fn local(sentence: impl Into<String>) -> Wrong {
        Wrong {
            exit: Exit::Local,
            sentence: sentence.into(),
        }
    }

    /// Tells the user.
    pub(super) fn say(self) -> Exit {
        exit::error(self.exit, &self.sentence)
    }
}

#[cfg(test)]
impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// The whole file that `flag` names.
pub(super) fn read(flag: &str, path: &Path) -> Result<Vec<u8>, Wrong> {
    let failed = |error| Wrong::local(format!("{flag} {}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        let what = format!("{flag} {}: more than 4 MiB", path.display());
        return Err(Wrong::usage(format!("{what}: is this the right file?")));
    }
    Ok(bytes)
}

/// The same, of a file that must be text.
pub(super) fn read_text(flag: &str, path: &Path) -> Result<String, Wrong> {
    String::from_utf8(read(flag, path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to() + 1;
        Wrong::usage(format!("{flag} {}: byte {at} is not UTF-8", path.display()))
    })
}

/// A secret as the command line has it: itself, `@FILE` (without the line feed at its end) or
/// `env:NAME`.
pub(super) fn secret(flag: &str, text: &str) -> Result<String, Wrong> {
    if let Some(path) = text.strip_prefix('@') {
        let content = read_text(flag, Path::new(path))?;
        return Ok(content.trim_end_matches(['\r', '\n']).to_owned());
    }
    let Some(name) = text.strip_prefix("env:") else {
        return Ok(text.to_owned());
    };
    std::env::var(name).map_err(|error| {
        let why = match error {
            std::env::VarError::NotPresent => "is not set",
            std::env::VarError::NotUnicode(_) => "is not UTF-8",
        };
        Wrong::usage(format!("{flag} env:{name}: the variable {name} {why}"))
    })
}

/// Asks for a secret without showing it; `None` if there is nobody to ask.
pub(super) fn ask(question: &str) -> Result<Option<String>, Wrong> {
    if !std::io::stdin().is_terminal() && !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    rpassword::prompt_password(question)
        .map(Some)
        .map_err(|error| Wrong::local(format!("cannot ask for {question:?}: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_come_from_three_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\r\n").unwrap();
        let file = format!("@{}", path.display());
        assert_eq!(secret("--bearer", &file).unwrap(), "abc");
        assert_eq!(secret("--bearer", "abc").unwrap(), "abc");
        let why = secret("--bearer", "env:TIDEWIRE_NO_SUCH").unwrap_err();
        assert!(why.to_string().starts_with("--bearer env:TIDEWIRE_NO_SUCH"));
        std::fs::write(&path, b"ab\xff").unwrap();
        let why = secret("--bearer", &file).unwrap_err().to_string();
        assert!(why.ends_with("byte 3 is not UTF-8"), "{why}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_without_end_is_refused() {
        let why = read("-H", Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(why.contains("-H /dev/zero: more than 4 MiB"), "{why}");
    }
}
