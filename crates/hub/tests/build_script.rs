//! The parts of the build script that only compute: what a manifest may say, and when a build is of these sources.
#![allow(clippy::unwrap_used)]

#[path = "../build/inputs.rs"]
mod inputs;
#[path = "../build/manifest.rs"]
mod manifest;

use std::fs;
use std::path::Path;

#[test]
fn a_manifest_names_urls_and_files() {
    let text = "/\tlanding.html\n/chat/*\tchat.html\n/assets/a-B_1.js\tassets/a-B_1.js\r\n/demos/x.js\tdemos/x.js";
    let entries = manifest::parse(text).unwrap();
    let pairs: Vec<_> = entries
        .iter()
        .map(|entry| (entry.url.as_str(), entry.file.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("/", "landing.html"),
            ("/chat/*", "chat.html"),
            ("/assets/a-B_1.js", "assets/a-B_1.js"),
            ("/demos/x.js", "demos/x.js"),
        ]
    );
}

#[test]
fn a_hostile_manifest_is_refused() {
    let long = format!("/{}\ta.js", "a".repeat(101));
    for line in [
        "",
        "\n",
        "/a",
        "\ta.js",
        "/a\t",
        "a\ta.js",
        "//a\ta.js",
        "/a/\ta.js",
        "/../a\ta.js",
        "/./a\ta.js",
        "/.git\ta.js",
        "/*/a\ta.js",
        "/a*\ta.js",
        "/a\"b\ta.js",
        "/a b\ta.js",
        "/%61\ta.js",
        "/a?b\ta.js",
        "/é\ta.js",
        "/a\t/etc/passwd.js",
        "/a\t../a.js",
        "/a\tx/../../a.js",
        "/a\tx/./a.js",
        "/a\tx//a.js",
        "/a\t.hidden.js",
        "/a\ta\\b.js",
        "/a\ta\".js",
        "/a\tC:a.js",
        "/a\ta.exe",
        "/a\ta",
        "/a\ta.js\tb.js",
        "/a\ta.js\u{0}",
        &long,
    ] {
        assert!(manifest::parse(line).is_err(), "{line:?}");
    }
    let twice = manifest::parse("/a\ta.js\n/a\tb.js").unwrap_err();
    assert!(twice.contains("line 2"), "{twice}");
}

#[test]
fn a_build_is_of_sources_that_are_the_same_byte_for_byte() {
    let root = tempfile::tempdir().unwrap();
    for folder in ["sdk/js/src", "web/src/chat"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    let write = |file: &str, text: &str| fs::write(root.path().join(file), text).unwrap();
    for source in inputs::SOURCES.iter().filter(|source| source.contains('.')) {
        write(source, "1");
    }
    write("web/src/chat/main.tsx", "a");
    let first = inputs::list(root.path()).unwrap();
    assert!(
        first.contains("web/src/chat/main.tsx\t1\te40c292c\n"),
        "{first}"
    );
    assert_eq!(first.lines().count(), 5);
    for nothing in [
        "main.test.tsx",
        "model.test.ts",
        ".main.tsx.swp",
        "main.tsx~",
    ] {
        write(&format!("web/src/chat/{nothing}"), "x");
    }
    assert_eq!(inputs::list(root.path()).unwrap(), first);
    write("web/src/chat/main.tsx", "b");
    let changed = inputs::list(root.path()).unwrap();
    assert_ne!(changed, first);
    write("sdk/js/src/new.ts", "");
    assert_ne!(inputs::list(root.path()).unwrap(), changed);
    fs::remove_file(root.path().join("web/build.mjs")).unwrap();
    assert!(inputs::list(root.path()).is_err());
}

/// What the pages' own build wrote is what the build script compares it with.
#[test]
fn node_and_rust_describe_the_sources_alike() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Ok(built) = fs::read_to_string(root.join("web/dist/inputs.tsv")) else {
        assert_ne!(
            std::env::var("TIDEWIRE_WEB").as_deref(),
            Ok("require"),
            "nothing is built"
        );
        return;
    };
    assert_eq!(built, inputs::list(&root).unwrap());
}
