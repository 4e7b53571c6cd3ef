//! Every test that `README.md`, `SECURITY.md` and `conformance/DEFECTS.md` name is there, under that name and in
//! that file: of Rust, of Vitest, a case of the interop programs, a section of the tutorial.
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

/// The `path::test` between backquotes in `text`; a path ends in `.test.ts`.
fn named_scripts(text: &str) -> Vec<(&str, &str)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".test.ts::"))
        .collect()
}

/// Whether `source` has a test of Vitest of this name: `test("NAME"`, or `test.each(…)("NAME"`, on one line or
/// several. One that is skipped is none.
fn has_script_test(source: &str, name: &str) -> bool {
    let call = format!("(\"{name}\"");
    let mut in_each = false;
    let mut name_comes = false;
    source.lines().map(str::trim).any(|line| {
        if line.starts_with("test(") || line.starts_with("describe") {
            in_each = false;
        }
        in_each |= line.starts_with("test.each(") || line.starts_with("test.each<");
        let found = line
            .strip_prefix("test")
            .is_some_and(|rest| rest.starts_with(&call))
            || in_each && line.contains(&format!("){call}"))
            || name_comes && line.starts_with(&call[1..]);
        name_comes = in_each && line.ends_with(")(");
        found
    })
}

/// The tests that a document names with paths below `folder`, and those of them that are not there.
fn check(document: &str, folder: &str) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let named = named(&text);
    let mut missing = Vec::new();
    for (path, name) in &named {
        let source = std::fs::read_to_string(root().join(folder).join(format!("{path}.rs")));
        if !source.is_ok_and(|source| has_test(&source, name)) {
            missing.push(format!("{path}.rs::{name}"));
        }
    }
    let scripts = named_scripts(&text);
    for (path, name) in &scripts {
        let source = std::fs::read_to_string(root().join(format!("{path}.test.ts")));
        if !source.is_ok_and(|source| has_script_test(&source, name)) {
            missing.push(format!("{path}.test.ts::{name}"));
        }
    }
    (named.len() + scripts.len(), missing)
}

#[test]
fn every_test_that_is_named_exists() {
    for (document, folder) in [
        ("README.md", ""),
        ("conformance/DEFECTS.md", ""),
        ("SECURITY.md", "crates"),
    ] {
        let (count, missing) = check(document, folder);
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

/// What stands under a heading of a page, up to the next; a fenced block has none.
fn section<'a>(page: &'a str, heading: &str) -> Option<Vec<&'a str>> {
    let mut lines = page.lines();
    lines.find(|line| {
        line.trim_start_matches('#').trim_start() == heading && line.starts_with('#')
    })?;
    let mut in_block = false;
    let inside = lines.take_while(|line| {
        in_block ^= line.starts_with("```");
        in_block || !line.starts_with('#')
    });
    Some(inside.collect())
}

/// `docs/tutorial/run.py` does every chapter; so a section that is named has to give it something to do.
#[test]
fn every_chapter_is_named_by_a_section_with_commands_that_are_run() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let named: Vec<_> = text
        .split('`')
        .filter(|code| code.starts_with("docs/tutorial/"))
        .filter_map(|code| code.split_once("::"))
        .collect();
    for (path, heading) in &named {
        let page = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        let section = section(&page, heading).unwrap_or_default();
        assert!(
            section
                .iter()
                .any(|line| line.starts_with("```console") || line.contains("title=\"")),
            "{path} has no section {heading:?} with anything to run"
        );
    }
    for entry in std::fs::read_dir(root().join("docs/tutorial")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with(|sign: char| sign.is_ascii_digit()) {
            let path = format!("docs/tutorial/{name}");
            assert!(
                named.iter().any(|(named, _)| *named == path),
                "README.md does not name {path}"
            );
        }
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

#[test]
fn a_script_test_is_found_by_its_call_alone() {
    let source = "// test(\"mentioned\", () => {})\ntest(\"real\", () => {});\ntest.skip(\"skipped\", f);\n\
                  test.each([1])(\"each %d\", f);\ntest.each<[string]>([\n  [\"a\"],\n])(\"%s goes on\", f);\n\
                  test.each(ALL)(\n  \"below\",\n);\ndescribe.each([1])(\"group\", () => {";
    for name in ["real", "each %d", "%s goes on", "below"] {
        assert!(has_script_test(source, name), "{name}");
    }
    for name in ["mentioned", "skipped", "rea", "a", "group"] {
        assert!(!has_script_test(source, name), "{name}");
    }
    assert_eq!(
        named_scripts("see `a/b.test.ts::c, d` and `a/b.rs::c`"),
        [("a/b", "c, d")]
    );
}

#[test]
fn a_section_ends_at_the_next_heading_and_not_in_a_block() {
    let page = "# One\ntext\n```console\n# no heading\n```\n## Two\nmore";
    assert_eq!(section(page, "One").unwrap().len(), 4);
    assert_eq!(section(page, "Two").unwrap(), ["more"]);
    assert_eq!(section(page, "no"), None);
}
