//! The corpus on disk: `corpus/TARGET/NAME`, hand-made seeds and inputs that once found something.

use crate::seeds;
use crate::targets::ALL;
use std::path::PathBuf;
use std::{fs, io};

/// The folder of a target's corpus.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

/// The inputs of a target: name and bytes, sorted by name.
///
/// # Errors
///
/// If the folder or a file in it cannot be read.
pub fn load(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder(target))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        inputs.push((name, fs::read(entry.path())?));
    }
    inputs.sort();
    Ok(inputs)
}

/// Writes the hand-made seeds; other files stay. How many were written.
///
/// # Errors
///
/// If a folder or file cannot be written.
pub fn write_seeds() -> io::Result<usize> {
    let mut written = 0;
    for target in ALL {
        let folder = folder(target.name);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds::of(target.name) {
            fs::write(folder.join(name), bytes)?;
            written += 1;
        }
    }
    Ok(written)
}
