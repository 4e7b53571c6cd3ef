//! What the pages are built from, as a text: whether a build is of these very sources. `build.mjs` writes
//! the same text beside what it has built.

use std::fs;
use std::io;
use std::path::Path;

/// Files and folders below the workspace's root that decide what is built.
pub(crate) const SOURCES: [&str; 6] = [
    "sdk/js/src",
    "sdk/js/tsconfig.json",
    "web/build.mjs",
    "web/package-lock.json",
    "web/src",
    "web/tsconfig.json",
];

/// A line for each file: path, length, and a hash.
///
/// # Errors
///
/// A source cannot be read.
pub(crate) fn list(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(root, source, &mut files)?;
    }
    files.sort();
    let mut text = String::new();
    for file in files {
        let bytes = fs::read(root.join(&file))?;
        text.push_str(&format!("{file}\t{}\t{:08x}\n", bytes.len(), hash(&bytes)));
    }
    Ok(text)
}

fn collect(root: &Path, path: &str, files: &mut Vec<String>) -> io::Result<()> {
    if !root.join(path).is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(root.join(path))? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if is_source(&name) {
            collect(root, &format!("{path}/{name}"), files)?;
        }
    }
    Ok(())
}

/// Tests and what editors leave are built into nothing.
fn is_source(name: &str) -> bool {
    let is_test = name.ends_with(".test.ts") || name.ends_with(".test.tsx");
    !is_test && !name.starts_with('.') && !name.ends_with('~')
}

/// FNV-1a: against oversight, not against malice.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
