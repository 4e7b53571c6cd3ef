//! Puts the full pages into the library: has Node build them when that is needed, and embeds them. Without
//! Node the library builds all the same, and has the plain pages alone.

#[path = "build/embed.rs"]
mod embed;
#[path = "build/inputs.rs"]
mod inputs;
#[path = "build/manifest.rs"]
mod manifest;
#[path = "build/node.rs"]
mod node;
#[path = "build/pages.rs"]
mod pages;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

/// What `TIDEWIRE_WEB` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// The full pages if they can be had.
    IfPossible,
    /// `plain`: the plain pages; nothing is built.
    Plain,
    /// `require`: the build fails without the full pages.
    Require,
}

fn main() -> ExitCode {
    let started = SystemTime::now();
    for path in ["build.rs", "build"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=TIDEWIRE_WEB");
    let wish = match std::env::var("TIDEWIRE_WEB").as_deref() {
        Ok("plain") => Wish::Plain,
        Ok("require") => Wish::Require,
        Ok("") | Err(_) => Wish::IfPossible,
        Ok(other) => {
            println!("cargo::error=TIDEWIRE_WEB is {other:?}: write plain or require, or unset it");
            return ExitCode::FAILURE;
        }
    };
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let root = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
    // A packaged crate has no sources of the pages; what is beside one that was vendored is somebody else's.
    let package = std::fs::read_to_string(root.join("web/package.json")).unwrap_or_default();
    let is_checkout = package.contains("\"name\": \"tidewire-web\"");
    if !is_checkout && wish == Wish::Require {
        println!(
            "cargo::error=the hub's full pages are missing: a package has no sources of them, a checkout has"
        );
        return ExitCode::FAILURE;
    }
    let pages = if is_checkout && wish != Wish::Plain {
        match pages::find(&root, &out, started) {
            Ok(found) => {
                for line in &found.said {
                    println!("cargo::warning={line}");
                }
                Some(found.pages)
            }
            Err(why) if wish == Wish::Require => {
                println!("cargo::error=the hub's full pages are missing: {why}");
                return ExitCode::FAILURE;
            }
            Err(why) => {
                println!("cargo::warning=the hub has its plain pages only: {why}");
                None
            }
        }
    } else {
        None
    };
    match embed::write(&out, pages.unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error=cannot write into {}: {error}", out.display());
            ExitCode::FAILURE
        }
    }
}
