//! Where things are: the workspace, its target directory, the cache, and what `cargo metadata` says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::process::{self, Failure, Result};

/// The places and facts every suite needs.
pub(crate) struct Context {
    /// The workspace's root directory.
    pub(crate) root: PathBuf,
    /// Where cargo builds; obeys `CARGO_TARGET_DIR`.
    pub(crate) target: PathBuf,
    /// Where downloads are kept between clones; may be deleted at any time.
    pub(crate) cache: PathBuf,
    /// `cargo metadata` of the whole graph, dependencies included.
    pub(crate) metadata: Value,
}

impl Context {
    /// Asks cargo for the workspace this program was built in.
    pub(crate) fn find() -> Result<Context> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join("Cargo.toml");
        let mut command = cargo();
        command
            .args(["metadata", "--format-version", "1", "--manifest-path"])
            .arg(manifest);
        let text = process::capture(&mut command, Duration::from_secs(600))?;
        let metadata: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("cargo metadata is not JSON: {error}")))?;
        let path = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .ok_or_else(|| Failure::new(format!("cargo metadata has no `{key}`")))
        };
        Ok(Context {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            cache: cache_directory()?,
            metadata,
        })
    }

    /// The workspace's crates that go to crates.io, as `cargo metadata` tells them.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Value> {
        let list = |key: &str| self.metadata[key].as_array().into_iter().flatten();
        // `publish = false` is an empty list of registries.
        list("packages").filter(move |package| {
            list("workspace_members").any(|member| *member == package["id"])
                && package["publish"]
                    .as_array()
                    .is_none_or(|to| !to.is_empty())
        })
    }

    /// `cargo` with these arguments, in the workspace's root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// The program of that name as `cargo build --release` leaves it.
    pub(crate) fn release_binary(&self, name: &str) -> PathBuf {
        self.target
            .join("release")
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// The cargo that runs this program, so that one toolchain is used throughout.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn cache_directory() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .ok_or_else(|| Failure::new("set HOME or XDG_CACHE_HOME: downloads are kept there"))?;
    Ok(base.join("tidewire-test"))
}

/// Creates a directory and its parents.
pub(crate) fn create_directory(path: &Path) -> Result {
    std::fs::create_dir_all(path)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", path.display())))
}

/// Removes a directory with all it holds, if it is there.
pub(crate) fn remove_directory(path: &Path) -> Result {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::new(format!(
            "cannot remove {}: {error}",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Reads a text file, naming it when that fails.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
}

/// Writes a file, naming it when that fails.
pub(crate) fn write(path: &Path, text: &str) -> Result {
    std::fs::write(path, text)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}
