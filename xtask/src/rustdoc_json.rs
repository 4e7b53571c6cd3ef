//! What rustdoc knows about the public API of the published libraries, as JSON.
//!
//! rustdoc writes JSON only when unstable options are allowed. `RUSTC_BOOTSTRAP=1` allows them to a
//! stable toolchain, in a build directory of its own, because some build scripts run again for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::context::{Context, create_directory, remove_directory};
use crate::process::{self, Failure, Result};
use crate::{install, toolchain};

/// The format that `public-api`, as xtask depends on it, reads.
const FORMAT: u32 = 57;

/// A toolchain that writes this format, for when the one in use does not.
const KNOWN: &str = "1.95.0";

/// A toolchain that writes JSON of the known format.
pub(crate) struct Rustdoc {
    /// Its name for rustup; none is the toolchain that runs this program.
    toolchain: Option<&'static str>,
    /// What it says it is.
    pub(crate) version: String,
}

impl Rustdoc {
    /// The toolchain in use, or else the known one; or the reason why neither will do.
    pub(crate) fn find(context: &Context) -> Result<std::result::Result<Rustdoc, String>> {
        install::compiler()?;
        let ours = probe(context, None)?;
        if let Some(rustdoc) = ours {
            return Ok(Ok(rustdoc));
        }
        println!("the rustdoc in use does not write JSON of format {FORMAT}");
        if let Err(reason) = toolchain::install(KNOWN) {
            return Ok(Err(reason));
        }
        Ok(probe(context, Some(KNOWN))?
            .ok_or_else(|| format!("no rustdoc here writes JSON of format {FORMAT}")))
    }

    /// Documents these crates of the workspace in `root`, all features on; the folder with `NAME.json` of each.
    pub(crate) fn write(
        &self,
        context: &Context,
        root: &Path,
        label: &str,
        crates: &[String],
    ) -> Result<PathBuf> {
        let cargo = match self.toolchain {
            Some(name) => toolchain::cargo(context, name, &[]),
            None => context.cargo(&[]),
        };
        let flags = "-Z unstable-options --output-format json --cap-lints allow";
        let mut doc = unstable_doc(context, cargo, label, crates, flags);
        doc.current_dir(root);
        let folder = context.target.join("rustdoc-json").join(label).join("doc");
        // What an earlier run left could pass for what this one wrote.
        remove_directory(&folder)?;
        process::run(&mut doc, Duration::from_secs(1200))?;
        for name in crates {
            let file = json(&folder, name);
            if !file.is_file() {
                return Err(Failure::new(format!("rustdoc wrote no {}", file.display())));
            }
        }
        Ok(folder)
    }
}

/// Completes `cargo` to document these libraries, all features on, with flags that only nightly takes.
pub(crate) fn unstable_doc(
    context: &Context,
    mut cargo: Command,
    label: &str,
    crates: &[String],
    flags: &str,
) -> Command {
    let base = context.target.join("rustdoc-json");
    cargo.args(["doc", "--no-deps", "--lib", "--all-features", "--quiet"]);
    for name in crates {
        cargo.args(["-p", name]);
    }
    cargo
        // Apart for each label: cargo gives a crate of the workspace the same name in every checkout,
        // and takes the one of another for fresh.
        .env("CARGO_BUILD_BUILD_DIR", base.join(label).join("build"))
        .env("CARGO_TARGET_DIR", base.join(label))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTDOCFLAGS", flags);
    cargo
}

/// The file of that crate in a folder that [`Rustdoc::write`] filled.
pub(crate) fn json(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{}.json", name.replace('-', "_")))
}

/// The names of the published crates that are libraries.
pub(crate) fn libraries(context: &Context) -> Vec<String> {
    context
        .published()
        .filter(|package| {
            package["targets"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|target| target["kind"][0] == "lib")
        })
        .filter_map(|package| package["name"].as_str().map(str::to_string))
        .collect()
}

/// Whether a toolchain writes the known format: it documents an empty crate.
fn probe(context: &Context, toolchain: Option<&'static str>) -> Result<Option<Rustdoc>> {
    let work = context.target.join("rustdoc-json/probe");
    create_directory(&work)?;
    crate::context::write(&work.join("empty.rs"), "")?;
    let rustdoc = || match toolchain {
        None => Command::new("rustdoc"),
        Some(name) => {
            let mut command = Command::new("rustup");
            command.args(["run", name, "rustdoc"]);
            command
        }
    };
    let limit = Duration::from_secs(60);
    let Ok(version) = process::capture(rustdoc().arg("--version"), limit) else {
        return Ok(None);
    };
    let mut document = rustdoc();
    document
        .args(["empty.rs", "--crate-type", "lib", "-o", "."])
        .args(["-Z", "unstable-options", "--output-format", "json"])
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(&work);
    if process::capture(&mut document, limit).is_err() {
        return Ok(None);
    }
    let text = crate::context::read(&work.join("empty.json"))?;
    Ok(text
        .contains(&format!("\"format_version\":{FORMAT}"))
        .then(|| Rustdoc {
            toolchain,
            version: version.trim().to_string(),
        }))
}
