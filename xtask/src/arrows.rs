//! The arrows between the workspace's crates, as ARCHITECTURE.md draws them, against `cargo metadata`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::context::Context;
use crate::process::{Failure, Result};
use crate::report::Done;

/// What one crate of the workspace may import from it.
struct Arrow {
    name: &'static str,
    /// In code that ships.
    imports: Imports,
    /// Never published, and so free to import the test tools.
    unpublished: bool,
}

enum Imports {
    /// These and no other.
    Only(&'static [&'static str]),
    /// Whatever the workspace has.
    Any,
}

/// The test tools: a dev-dependency of anyone, a dependency of what is never published.
const TEST_TOOLS: &str = "tidewire-testkit";

/// What tests alone import: those of the examples run a hub for the examples that are its clients.
const DEVELOPMENT: &[(&str, &str)] = &[("tidewire-examples", "tidewire-hub")];

/// simd <- proto <- tidewire <- load <- cli; a new crate gets its line here and in ARCHITECTURE.md.
const ARROWS: &[Arrow] = &[
    shipped("tidewire-simd", &[]),
    shipped("tidewire-proto", &["tidewire-simd"]),
    shipped("tidewire", &["tidewire-proto", "tidewire-simd"]),
    shipped(
        "tidewire-load",
        &["tidewire", "tidewire-proto", "tidewire-simd"],
    ),
    shipped("tidewire-hub-proto", &[]),
    shipped("tidewire-hub-core", &["tidewire-hub-proto"]),
    shipped(
        "tidewire-hub-sqlite",
        &["tidewire-hub-core", "tidewire-hub-proto"],
    ),
    // The one place where an engine is named.
    shipped(
        "tidewire-hub",
        &[
            "tidewire",
            "tidewire-hub-core",
            "tidewire-hub-proto",
            "tidewire-hub-sqlite",
        ],
    ),
    shipped(
        "tidewire-cli",
        &[
            "tidewire",
            "tidewire-hub",
            "tidewire-hub-proto",
            "tidewire-load",
            "tidewire-proto",
        ],
    ),
    Arrow {
        name: TEST_TOOLS,
        imports: Imports::Only(&[
            "tidewire",
            "tidewire-hub-core",
            "tidewire-hub-proto",
            "tidewire-proto",
            "tidewire-simd",
        ]),
        unpublished: true,
    },
    Arrow {
        name: "tidewire-conformance",
        imports: Imports::Any,
        unpublished: true,
    },
    Arrow {
        name: "tidewire-fuzz",
        imports: Imports::Any,
        unpublished: true,
    },
    Arrow {
        name: "tidewire-examples",
        imports: Imports::Only(&["tidewire"]),
        unpublished: true,
    },
    Arrow {
        name: "xtask",
        imports: Imports::Only(&[]),
        unpublished: true,
    },
];

const fn shipped(name: &'static str, imports: &'static [&'static str]) -> Arrow {
    Arrow {
        name,
        imports: Imports::Only(imports),
        unpublished: false,
    }
}

/// Fails with one line for each import that no arrow allows.
pub(crate) fn suite(context: &Context) -> Result<Done> {
    let wrong = violations(&context.metadata);
    if !wrong.is_empty() {
        return Err(Failure::new(format!(
            "{} imports against the arrows\n{}",
            wrong.len(),
            wrong.join("\n")
        )));
    }
    let members = context.metadata["workspace_members"]
        .as_array()
        .map_or(0, Vec::len);
    Ok(Done::whole(format!("{members} crates")))
}

/// Every broken rule in a sentence that says what to do.
fn violations(metadata: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let members = list(&metadata["workspace_members"]);
    let packages: Vec<Value> = list(&metadata["packages"])
        .into_iter()
        .filter(|package| members.contains(&package["id"]))
        .collect();
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(arrow) = ARROWS.iter().find(|arrow| arrow.name == name) else {
            wrong.push(format!(
                "{name}: not in the table; add it to ARROWS in xtask/src/arrows.rs and to the arrows in ARCHITECTURE.md"
            ));
            continue;
        };
        // `publish = false` is an empty list of registries.
        if arrow.unpublished
            && package["publish"]
                .as_array()
                .is_none_or(|list| !list.is_empty())
        {
            wrong.push(format!(
                "{name}: is for this workspace alone; set `publish = false`"
            ));
        }
        for dependency in list(&package["dependencies"]) {
            let target = dependency["name"].as_str().unwrap_or_default();
            if !names.contains(target) {
                continue;
            }
            let development = dependency["kind"].as_str() == Some("dev");
            let allowed = match arrow.imports {
                Imports::Any => true,
                Imports::Only(list) => list.contains(&target),
            } || (target == TEST_TOOLS && (development || arrow.unpublished))
                // A crate's tests want more of its own features.
                || (target == name && development)
                || (development && DEVELOPMENT.contains(&(name, target)));
            if !allowed {
                let kind = if development {
                    "dev-dependency"
                } else {
                    "dependency"
                };
                wrong.push(format!(
                    "{name}: {target} as a {kind} goes against the arrows; move the code to where it belongs, \
                     or change ARROWS in xtask/src/arrows.rs and say why in ARCHITECTURE.md"
                ));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn metadata(package: &str) -> Value {
        let known = ["tidewire-simd", "tidewire-proto", "tidewire", TEST_TOOLS];
        let mut packages: Vec<String> = known
            .iter()
            .filter(|name| !package.contains(&format!(r#""name":"{name}","dep"#)))
            .map(|name| {
                format!(r#"{{"id":"{name}","name":"{name}","dependencies":[],"publish":[]}}"#)
            })
            .collect();
        packages.push(package.to_string());
        let members: Vec<String> = known
            .iter()
            .map(|name| format!("\"{name}\""))
            .chain(["\"new\"".into()])
            .collect();
        let text = format!(
            r#"{{"workspace_members":[{}],"packages":[{}]}}"#,
            members.join(","),
            packages.join(",")
        );
        serde_json::from_str(&text).unwrap()
    }

    fn proto_importing(target: &str, kind: &str) -> Value {
        metadata(&format!(
            r#"{{"id":"tidewire-proto","name":"tidewire-proto","dependencies":[{{"name":"{target}","kind":{kind}}}],"publish":null}}"#
        ))
    }

    #[test]
    fn an_import_along_an_arrow_is_fine() {
        assert_eq!(
            violations(&proto_importing("tidewire-simd", "null")),
            [""; 0]
        );
        assert_eq!(violations(&proto_importing("bytes", "null")), [""; 0]);
    }

    #[test]
    fn an_import_against_an_arrow_is_named() {
        for kind in ["null", "\"build\"", "\"dev\""] {
            let wrong = violations(&proto_importing("tidewire", kind));
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(
                wrong[0].starts_with("tidewire-proto: tidewire as a "),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn test_tools_stay_out_of_what_ships() {
        assert_eq!(violations(&proto_importing(TEST_TOOLS, "\"dev\"")), [""; 0]);
        assert_eq!(violations(&proto_importing(TEST_TOOLS, "null")).len(), 1);
    }

    #[test]
    fn an_unknown_crate_is_told_what_to_edit() {
        let wrong = violations(&metadata(
            r#"{"id":"new","name":"new","dependencies":[],"publish":null}"#,
        ));
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].contains("xtask/src/arrows.rs"), "{wrong:?}");
    }

    #[test]
    fn a_tool_that_could_be_published_is_a_mistake() {
        let wrong = violations(&metadata(&format!(
            r#"{{"id":"{TEST_TOOLS}","name":"{TEST_TOOLS}","dependencies":[],"publish":null}}"#
        )));
        assert!(
            wrong.iter().any(|line| line.contains("publish = false")),
            "{wrong:?}"
        );
    }
}
