//! What crates.io would get: complete metadata, the right files, and packages that build by themselves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::context::{Context, read};
use crate::install;
use crate::process::{self, Failure, Result};
use crate::report::Done;

/// What every package holds besides its sources.
const PAGES: &[&str] = &["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Looks at manifests and file lists, then packs and builds all published crates together.
pub(crate) fn suite(context: &Context) -> Result<Done> {
    install::compiler()?;
    let packages: Vec<&Value> = context.published().collect();
    let mut wrong = Vec::new();
    let mut files = 0;
    for package in &packages {
        let name = package["name"].as_str().unwrap_or_default();
        let mut list = context.cargo(&["package", "--list", "--allow-dirty", "-p", name]);
        let listed = process::capture(&mut list, Duration::from_secs(120))?;
        let listed: Vec<&str> = listed.lines().collect();
        files += listed.len();
        println!("{name}: {} files", listed.len());
        wrong.extend(missing(package).into_iter().map(|w| format!("{name}: {w}")));
        wrong.extend(
            misplaced(&listed)
                .into_iter()
                .map(|w| format!("{name}: {w}")),
        );
    }
    if !wrong.is_empty() {
        return Err(Failure::new(wrong.join("\n")));
    }

    // Together: they depend on each other, and cargo makes a registry of them for as long as it builds.
    let mut pack = context.cargo(&["package", "--allow-dirty", "--color", "never"]);
    for package in &packages {
        pack.args(["-p", package["name"].as_str().unwrap_or_default()]);
    }
    // A place of its own: packages build without the workspace's profiles.
    let target = context.target.join("packages");
    forget_earlier_packages(&target);
    pack.env("CARGO_TARGET_DIR", &target)
        .env_remove("TIDEWIRE_WEB") // a package has no sources of the pages to ask for
        .env("CARGO_PROFILE_DEV_DEBUG", "false");
    let log = context.target.join("packages.log");
    let file = std::fs::File::create(&log)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", log.display())))?;
    let status = process::run_status(pack.stderr(file), Duration::from_secs(1800))?;
    let said = read(&log)?;
    print!("{said}");
    process::ended_well(&pack, status)?;
    let warnings: Vec<&str> = said.lines().filter(|line| is_complaint(line)).collect();
    if !warnings.is_empty() {
        return Err(Failure::new(format!(
            "cargo package warns\n{}",
            warnings.join("\n")
        )));
    }
    Ok(Done::whole(format!(
        "{} packages of {files} files, each built from its package",
        packages.len()
    )))
}

/// Removes what an earlier run unpacked and built of our packages. Cargo believes that a version in a
/// registry never changes, and the registry that it makes for this has ours as they were then.
fn forget_earlier_packages(target: &Path) {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let registry = home.unwrap_or_default().join("registry");
    // A registry that cargo makes for a while has no host in its folder's name.
    let made = ["src", "cache"].map(|kind| entries(&registry.join(kind)));
    let made = made.into_iter().flatten();
    let made = made.filter(|folder| name_of(folder).starts_with('-'));
    let built = [".fingerprint", "deps", "build", "incremental"];
    let built = built.map(|kind| target.join("debug").join(kind));
    for entry in made.chain(built).flat_map(|folder| entries(&folder)) {
        if is_ours(&name_of(&entry)) {
            // What stays, because another run removes it too, is found stale by the build.
            _ = if entry.is_dir() {
                std::fs::remove_dir_all(&entry)
            } else {
                std::fs::remove_file(&entry)
            };
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Whether a file of a registry or of a build belongs to one of our packages.
fn is_ours(name: &str) -> bool {
    name.strip_prefix("lib")
        .unwrap_or(name)
        .starts_with("tidewire")
}

/// What crates.io and docs.rs would miss in a manifest.
fn missing(package: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for key in [
        "description",
        "license",
        "repository",
        "readme",
        "rust_version",
    ] {
        if package[key].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("no `{}`", key.replace('_', "-")));
        }
    }
    for key in ["keywords", "categories"] {
        // crates.io takes five of each at most.
        let count = package[key].as_array().map_or(0, Vec::len);
        if !(1..=5).contains(&count) {
            wrong.push(format!("{count} {key}, not 1 to 5"));
        }
    }
    let is_library = package["targets"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|target| target["kind"][0] == "lib");
    if is_library {
        if package["documentation"].as_str().is_none() {
            wrong.push("no `documentation`".to_string());
        }
        let docs = &package["metadata"]["docs"]["rs"];
        if docs["all-features"] != true || docs["rustdoc-args"][1] != "docsrs" {
            wrong.push("no [package.metadata.docs.rs] with all features and --cfg docsrs".into());
        }
    }
    wrong
}

/// Pages that are missing from a package, and files that have no business in it.
fn misplaced(files: &[&str]) -> Vec<String> {
    let absent = PAGES
        .iter()
        .filter(|page| !files.contains(page))
        .map(|page| format!("{page} is not in the package"));
    let known = |file: &str| {
        file.starts_with("src/")
            || file.starts_with("assets/")
            || (file.starts_with("docs/") && file.ends_with(".md"))
            || file == "build.rs"
            || file.starts_with("build/")
            || file == "config.sample.toml" // printed by `tidewire check-config --sample`
            || PAGES.contains(&file)
            || file.starts_with("Cargo.")
            || file == ".cargo_vcs_info.json"
    };
    let strange = files
        .iter()
        .filter(|file| !known(file))
        .map(|file| format!("{file} should not be in the package: see `include` in Cargo.toml"));
    absent.chain(strange).collect()
}

/// Whether a line of cargo is a warning; that tests and examples stay at home is meant.
fn is_complaint(line: &str) -> bool {
    let meant = ["test", "example", "benchmark"]
        .iter()
        .any(|kind| line.starts_with(&format!("warning: ignoring {kind} ")));
    line.starts_with("warning:") && !meant
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_packages_are_forgotten() {
        for name in [
            "tidewire-0.1.0",
            "tidewire-hub-core-0.1.0.crate",
            "libtidewire_simd-1f.rlib",
        ] {
            assert!(is_ours(name), "{name}");
        }
        for name in ["tokio-1.54.1", "libtokio-1f.rlib", "tide-0.16.0", ""] {
            assert!(!is_ours(name), "{name}");
        }
    }

    #[test]
    fn a_bare_manifest_misses_everything() {
        let bare = serde_json::json!({"name": "x", "targets": [{"kind": ["lib"]}]});
        let wrong = missing(&bare).join("\n");
        for word in [
            "description",
            "rust-version",
            "0 keywords",
            "documentation",
            "docs.rs",
        ] {
            assert!(wrong.contains(word), "{word} in {wrong}");
        }
    }

    #[test]
    fn tests_do_not_travel_and_licences_do() {
        let good = [
            "Cargo.toml",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "README.md",
            "src/lib.rs",
        ];
        assert_eq!(misplaced(&good), Vec::<String>::new());
        let wrong = misplaced(&["Cargo.toml", "README.md", "LICENSE-MIT", "tests/a.rs"]);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }

    #[test]
    fn only_what_is_meant_is_overheard() {
        assert!(!is_complaint(
            "warning: ignoring test `a` as `tests/a.rs` is not included in the published package"
        ));
        assert!(is_complaint("warning: manifest has no description"));
        assert!(!is_complaint("   Packaging tidewire-simd v0.1.0"));
    }
}
