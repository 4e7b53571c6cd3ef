//! Every test that `README.md` and `conformance/DEFECTS.md` name is there, under that name and in
//! that file.
#![allow(clippy::unwrap_used)]

use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The `path::test` between backquotes in `text`; a path ends in `.rs`.
fn named(text: &str) -> Vec<(&str, &str)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs::"))
        .collect()
}

/// Whether `source` has a test of this name: outside comments, and marked as one.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(i, line)| {
        let declared = line
            .strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix("fn ");
        let declared = declared.is_some_and(|rest| {
            rest.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['(', '<']))
        });
        let before = lines[..i].iter().rev();
        let marked = before
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
            .any(|line| line.starts_with("#[") && line.contains("test"));
        declared && marked
    })
}

/// The tests that a document names, and those of them that are not there.
fn check(document: &str) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let named = named(&text);
    let missing = named.iter().filter(|(path, name)| {
        let source = std::fs::read_to_string(root().join(format!("{path}.rs")));
        !source.is_ok_and(|source| has_test(&source, name))
    });
    let missing = missing.map(|(path, name)| format!("{path}.rs::{name}"));
    (named.len(), missing.collect())
}

#[test]
fn every_test_that_is_named_exists() {
    for document in ["README.md", "conformance/DEFECTS.md"] {
        let (count, missing) = check(document);
        assert!(
            count > 30,
            "{document} names only {count} tests: is it whole?"
        );
        assert!(
            missing.is_empty(),
            "named in {document} and not found: {missing:#?}"
        );
    }
}

/// The interop programs are scripts: their cases are strings.
#[test]
fn every_interop_case_that_the_readme_names_exists() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let named: Vec<_> = text
        .split('`')
        .filter(|code| code.starts_with("conformance/interop/"))
        .filter_map(|code| code.split_once("::"))
        .collect();
    assert!(named.len() > 5, "only {} cases are named", named.len());
    for (path, case) in named {
        let source = std::fs::read_to_string(root().join(path)).unwrap();
        // What a loop fills in stands behind the fixed beginning.
        let fixed = case.split(", 1280 px").next().unwrap();
        assert!(source.contains(fixed), "{path} has no case {case:?}");
    }
}

#[test]
fn every_row_names_a_test_or_says_why_it_cannot_apply() {
    let text = std::fs::read_to_string(root().join("conformance/DEFECTS.md")).unwrap();
    let mut rows = 0;
    for row in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "defect, where, how we know: {row}");
        let heading = cells[0] == "Defect" || cells[0].starts_with("---");
        if heading {
            continue;
        }
        rows += 1;
        let answered = !named(cells[2]).is_empty() || cells[2].starts_with("Cannot apply: ");
        assert!(answered, "neither a test nor a reason: {row}");
    }
    assert!(rows > 30, "only {rows} rows: is the file whole?");
}

#[test]
fn a_test_that_is_only_mentioned_is_not_found() {
    let source = "// fn mentioned() {}\n#[test]\nfn real() {}\nfn helper() {}\n\
                  #[tokio::test(flavor = \"current_thread\")]\n// why\nasync fn real_too() {}";
    assert!(has_test(source, "real") && has_test(source, "real_too"));
    for name in ["mentioned", "helper", "rea", "real_to"] {
        assert!(!has_test(source, name), "{name}");
    }
    assert_eq!(
        named("see `a/b.rs::c` and `d`, not e.rs::f"),
        [("a/b", "c")]
    );
}
