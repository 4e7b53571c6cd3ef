//! The public API of the published libraries against its snapshots in `api/`, so that no change goes unseen.

use std::path::Path;

use crate::context::{Context, create_directory, read, write};
use crate::process::{Failure, Result};
use crate::report::Done;
use crate::rustdoc_json::{self, Rustdoc};

/// Compares each library with its snapshot; with `bless`, writes the snapshots instead.
pub(crate) fn suite(context: &Context, bless: bool) -> Result<Done> {
    let rustdoc = match Rustdoc::find(context)? {
        Ok(rustdoc) => rustdoc,
        Err(reason) => return Ok(Done::not_run(reason)),
    };
    let crates = rustdoc_json::libraries(context);
    let folder = rustdoc.write(context, &context.root, "current", &crates)?;
    let snapshots = context.root.join("api");
    create_directory(&snapshots)?;

    let mut changed = Vec::new();
    let mut items = 0;
    for name in &crates {
        let now = public_items(&rustdoc_json::json(&folder, name))?;
        items += now.lines().count();
        let file = snapshots.join(format!("{name}.txt"));
        let before = if file.is_file() {
            read(&file)?
        } else {
            String::new()
        };
        if now == before {
            continue;
        }
        let lines = differences(&before, &now);
        println!("{name}:");
        for line in &lines {
            println!("  {line}");
        }
        if bless {
            write(&file, &now)?;
        }
        changed.push(format!("{name} ({} lines)", lines.len()));
    }
    for name in forgotten(&snapshots, &crates)? {
        if bless {
            let path = snapshots.join(&name);
            std::fs::remove_file(&path).map_err(|error| {
                Failure::new(format!("cannot remove {}: {error}", path.display()))
            })?;
        }
        changed.push(format!("{name} has no crate any more"));
    }

    if bless {
        println!("api/ holds the API as it is; review the difference and commit it");
    } else if !changed.is_empty() {
        return Err(Failure::new(format!(
            "the public API differs from api/: {}\nif that is meant, `cargo xtask api --bless` accepts it; commit api/ with the change",
            changed.join(", ")
        )));
    }
    Ok(Done::whole(format!(
        "{items} public items in {} crates",
        crates.len()
    )))
}

/// One line for each public item. Implementations that follow from the type are left out: blanket ones,
/// `Send` and its like (the semver suite watches those), and derived ones.
fn public_items(json: &Path) -> Result<String> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", json.display())))?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// The lines that only one of two sorted lists has, marked `-` and `+`.
fn differences(before: &str, now: &str) -> Vec<String> {
    let only = |of: &str, other: &str, sign: char| -> Vec<String> {
        let other: std::collections::HashSet<&str> = other.lines().collect();
        of.lines()
            .filter(|line| !other.contains(line))
            .map(|line| format!("{sign}{line}"))
            .collect()
    };
    let mut lines = only(before, now, '-');
    lines.extend(only(now, before, '+'));
    lines
}

/// Snapshots of crates that are not there any more.
fn forgotten(snapshots: &Path, crates: &[String]) -> Result<Vec<String>> {
    let listing = std::fs::read_dir(snapshots)
        .map_err(|error| Failure::new(format!("cannot list {}: {error}", snapshots.display())))?;
    Ok(listing
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|file| {
            file.strip_suffix(".txt")
                .is_some_and(|name| !crates.iter().any(|known| known == name))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_went_and_what_came() {
        let before = "pub fn a::one()\npub fn a::two()\n";
        let now = "pub fn a::one()\npub fn a::two(u8)\n";
        assert_eq!(
            differences(before, now),
            ["-pub fn a::two()", "+pub fn a::two(u8)"]
        );
    }
}
