//! The manifest of the built pages: which URL is which file.

use std::collections::BTreeSet;

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `/tester`; the last part may be `*`.
    pub(crate) url: String,
    /// Below the folder of the manifest, with `/` between its parts.
    pub(crate) file: String,
}

/// What the hub has a content type for.
const EXTENSIONS: [&str; 7] = ["html", "js", "css", "svg", "png", "json", "txt"];

/// Reads lines of a URL, a tab and a file.
///
/// # Errors
///
/// A sentence that names the line.
pub(crate) fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let mut urls = BTreeSet::new();
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let wrong = |what: &str| format!("line {} of the manifest: {what}", at + 1);
        let (url, file) = line.split_once('\t').ok_or_else(|| wrong("no tab"))?;
        if !is_url(url) {
            return Err(wrong("no path of a page"));
        }
        if !is_file(file) {
            return Err(wrong("no file of a page"));
        }
        if !urls.insert(url) {
            return Err(wrong("a URL that was there before"));
        }
        entries.push(Entry {
            url: url.to_owned(),
            file: file.to_owned(),
        });
    }
    if entries.is_empty() {
        return Err("the manifest is empty".to_owned());
    }
    Ok(entries)
}

fn is_url(url: &str) -> bool {
    let Some(path) = url.strip_prefix('/') else {
        return false;
    };
    let path = path.strip_suffix("/*").unwrap_or(path);
    path.is_empty() && url == "/" || path.split('/').all(is_name)
}

/// Nothing that leads out of the folder, or that the text of a program would have to escape.
fn is_file(file: &str) -> bool {
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    file.split('/').all(is_name) && EXTENSIONS.contains(&extension)
}

fn is_name(part: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=100).contains(&part.len()) && part.bytes().all(letter) && !part.starts_with('.')
}
