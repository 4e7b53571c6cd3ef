//! No break of the public API that the version number does not announce, by cargo-semver-checks.
//!
//! The baseline is the newest release tag; before the first release, the commit that `api/BASELINE`
//! names, which `cargo xtask semver --bless` moves along when a break is meant.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::context::{Context, create_directory, read, remove_directory, write};
use crate::process::{self, Failure, Result};
use crate::report::Done;
use crate::rustdoc_json::{self, Rustdoc};
use crate::tools;

/// Where the baseline is named while there is no release.
const BASELINE: &str = "api/BASELINE";

/// What the API is compared with.
struct Baseline {
    /// As a person would name it.
    name: String,
    commit: String,
    /// Whether it was released: then a higher version may break it.
    released: bool,
}

/// Compares each published library with the baseline; with `bless`, makes the last commit the baseline.
pub(crate) fn suite(context: &Context, bless: bool) -> Result<Done> {
    if bless {
        return bless_head(context);
    }
    let baseline = match find(context)? {
        Ok(baseline) => baseline,
        Err(reason) => return Ok(Done::not_run(reason)),
    };
    println!("baseline: {}", baseline.name);
    let rustdoc = match Rustdoc::find(context)? {
        Ok(rustdoc) => rustdoc,
        Err(reason) => return Ok(Done::not_run(reason)),
    };
    let tool = tools::SEMVER.get(context)?;
    let crates = rustdoc_json::libraries(context);
    let now = rustdoc.write(context, &context.root, "current", &crates)?;
    let before = baseline_json(context, &rustdoc, &baseline, &crates)?;

    let mut broken = Vec::new();
    let mut compared = 0;
    for name in &crates {
        let (old, new) = (
            rustdoc_json::json(&before, name),
            rustdoc_json::json(&now, name),
        );
        if !old.is_file() {
            println!("{name}: not in the baseline, so nothing can break");
            continue;
        }
        let mut check = Command::new(&tool);
        check.args(["semver-checks", "check-release", "--color", "never"]);
        check.arg("--baseline-rustdoc").arg(&old);
        check.arg("--current-rustdoc").arg(&new);
        if !baseline.released {
            check.args(["--release-type", "minor"]);
        }
        check.current_dir(&context.root);
        let status = process::run_status(&mut check, Duration::from_secs(600))?;
        let gone = features_gone(context, &before, name)?;
        for feature in &gone {
            println!("{name}: the feature `{feature}` is gone");
        }
        // 100 tells of breaks; anything else but success, that it could not judge.
        match status.code() {
            Some(0) if gone.is_empty() => {}
            Some(0 | 100) => broken.push(name.as_str()),
            _ => process::ended_well(&check, status)?,
        }
        compared += 1;
    }
    if !broken.is_empty() {
        let way_out = if baseline.released {
            "raise the version if it is meant"
        } else {
            "nothing is released yet: if it is meant, commit it and move the baseline along with `cargo xtask semver --bless`"
        };
        return Err(Failure::new(format!(
            "the API of {} breaks that of {}\n{way_out}",
            broken.join(", "),
            baseline.name
        )));
    }
    if compared == 0 {
        return Err(Failure::new("no crate could be compared"));
    }
    Ok(Done::whole(format!(
        "{compared} crates against {}",
        baseline.name
    )))
}

/// Names the last commit in `api/BASELINE`.
fn bless_head(context: &Context) -> Result<Done> {
    let head = git(context, &["rev-parse", "HEAD"])?;
    let text = format!(
        "# What `cargo xtask semver` compares with until there is a release tag; `--bless` moves it to the last commit.\n{head}\n"
    );
    write(&context.root.join(BASELINE), &text)?;
    println!("{BASELINE} names {head}; commit it");
    Ok(Done::whole(format!("baseline {head}")))
}

/// The newest release, else the commit that is named; or the reason why there is neither.
fn find(context: &Context) -> Result<std::result::Result<Baseline, String>> {
    if git(context, &["rev-parse", "HEAD"]).is_err() {
        return Ok(Err("this is not a clone with a history of commits".into()));
    }
    let tags = git(
        context,
        &[
            "tag",
            "--list",
            "v*",
            "--merged",
            "HEAD",
            "--sort=-v:refname",
        ],
    )?;
    let (name, revision, released) = match tags.lines().next() {
        Some(tag) => (tag.to_string(), tag.to_string(), true),
        None => {
            let text = read(&context.root.join(BASELINE))?;
            let commit =
                named(&text).ok_or_else(|| Failure::new(format!("{BASELINE} names no commit")))?;
            let short = commit.get(..12).unwrap_or(commit);
            (format!("{short} ({BASELINE})"), commit.to_string(), false)
        }
    };
    let revision = format!("{revision}^{{commit}}");
    Ok(
        match git(context, &["rev-parse", "--verify", "--quiet", &revision]) {
            Ok(commit) => Ok(Baseline {
                name,
                commit,
                released,
            }),
            Err(_) => Err(format!(
                "the baseline {name} is not in this clone; `git fetch --unshallow` may bring it"
            )),
        },
    )
}

/// The commit in the text of `api/BASELINE`.
fn named(text: &str) -> Option<&str> {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .filter(|line| line.len() == 40 && line.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The folder with the baseline's JSON, made once for each commit and compiler.
fn baseline_json(
    context: &Context,
    rustdoc: &Rustdoc,
    baseline: &Baseline,
    crates: &[String],
) -> Result<PathBuf> {
    let work = context.target.join("semver");
    let kept = work.join("kept");
    let label = format!(
        "{}\n{}\n{}\n",
        baseline.commit,
        rustdoc.version,
        crates.join(" ")
    );
    let stamp = kept.join("STAMP");
    if stamp.is_file() && read(&stamp)? == label {
        println!("the baseline's API was read before");
        return Ok(kept);
    }
    remove_directory(&work)?;
    let tree = work.join("tree");
    create_directory(&tree)?;
    create_directory(&kept)?;
    let archive = work.join("tree.tar");
    let output = format!("--output={}", archive.display());
    git(
        context,
        &["archive", "--format=tar", &output, &baseline.commit],
    )?;
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&archive).arg("-C").arg(&tree);
    process::capture(&mut tar, Duration::from_secs(60))?;

    let manifest = manifests(context, &tree)?;
    let there = packages(&manifest);
    let old: Vec<String> = crates
        .iter()
        .filter(|name| there.iter().any(|package| package["name"] == name.as_str()))
        .cloned()
        .collect();
    let folder = rustdoc.write(context, &tree, "baseline", &old)?;
    for name in &old {
        let from = rustdoc_json::json(&folder, name);
        let to = rustdoc_json::json(&kept, name);
        std::fs::copy(&from, &to)
            .map_err(|error| Failure::new(format!("cannot copy {}: {error}", from.display())))?;
    }
    write(&kept.join("metadata"), &manifest.to_string())?;
    remove_directory(&tree)?;
    write(&stamp, &label)?;
    Ok(kept)
}

/// Features that the baseline had and the crate has no more: to lose one breaks its users.
fn features_gone(context: &Context, before: &Path, name: &str) -> Result<Vec<String>> {
    let text = read(&before.join("metadata"))?;
    let metadata: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("the baseline's metadata: {error}")))?;
    let features = |metadata: &Value| -> BTreeSet<String> {
        packages(metadata)
            .iter()
            .filter(|package| package["name"] == name)
            .filter_map(|package| package["features"].as_object())
            .flat_map(|features| features.keys().cloned())
            .collect()
    };
    Ok(features(&metadata)
        .difference(&features(&context.metadata))
        .cloned()
        .collect())
}

/// `cargo metadata` of a workspace's own crates.
fn manifests(context: &Context, root: &Path) -> Result<Value> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps"];
    let mut command = context.cargo(&arguments);
    let text = process::capture(command.current_dir(root), Duration::from_secs(120))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("cargo metadata is not JSON: {error}")))
}

fn packages(metadata: &Value) -> Vec<&Value> {
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .collect()
}

/// What git says, without the last line's end.
fn git(context: &Context, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(&context.root);
    process::capture(&mut command, Duration::from_secs(60)).map(|said| said.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_is_the_first_line_that_is_no_comment() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(named(&format!("# why\n\n{commit}\n")), Some(commit));
        assert_eq!(named("# why\n"), None);
        assert_eq!(named("main\n"), None);
    }
}
