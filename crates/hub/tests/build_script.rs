//! Parts of the build script: what a manifest may say, when a build is of these sources, and which Node will do.
#![allow(clippy::unwrap_used)]

#[path = "../build/inputs.rs"]
mod inputs;
#[path = "../build/manifest.rs"]
mod manifest;
#[cfg(unix)]
#[path = "../build/node.rs"]
#[allow(dead_code, reason = "npm is run with a network")]
mod node;

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

/// Whatever stands in for Node there, the build goes on, and says why it has no pages.
#[cfg(unix)]
#[test]
fn a_node_that_will_not_do_is_told_in_a_sentence() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let ask = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        node::version(shell, &log)
    };
    assert_eq!(ask("echo v20.1.0").as_deref(), Ok("v20.1.0"));
    assert_eq!(
        ask("echo fetching >&2; echo v100.0.0-x").as_deref(),
        Ok("v100.0.0-x")
    );
    for (script, words) in [
        ("echo v18.20.4", "here is v18.20.4"),
        ("true", "without a version"),
        ("echo 21", "without a version"),
        ("echo v20.1.0; echo no such snap >&2; exit 1", "v20.1.0"),
        (
            "printf '\\033[31merror: no node\\033[0m' >&2; exit 127",
            "error: no node",
        ),
    ] {
        let why = ask(script).unwrap_err();
        assert!(
            why.contains("Node 20 or newer") && why.contains(words),
            "{script}: {why}"
        );
        assert!(!why.contains(char::is_control), "{why:?}");
    }
    let why = node::version(Command::new(folder.path().join("node")), &log).unwrap_err();
    assert!(why.ends_with("is not in PATH"), "{why}");
}

#[cfg(unix)]
#[test]
fn nobody_waits_for_ever() {
    use std::process::Command;
    use std::time::{Duration, Instant};
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let mut never = Command::new("sleep");
    never.arg("300");
    let why = node::run(
        &mut never,
        &folder.path().join("log"),
        Duration::from_millis(200),
    );
    assert_eq!(why.unwrap_err(), "sleep was not done after 0 s");
    assert!(begun.elapsed() < Duration::from_secs(30));
}
