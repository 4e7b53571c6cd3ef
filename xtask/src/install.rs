//! Installing what the suites need and a fresh Debian lacks; every command is shown before it runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::context::{create_directory, remove_directory};
use crate::process::{self, Failure, Result};

const MINUTES: fn(u64) -> Duration = |minutes| Duration::from_secs(60 * minutes);

/// A C compiler: rustc's linker, and some dependencies' tests.
pub(crate) fn compiler() -> Result {
    need("a C compiler", &["cc"], &["gcc", "libc6-dev"]).map(|_| ())
}

/// curl, one of the interop peers.
pub(crate) fn curl() -> Result {
    need("curl", &["curl"], &["curl", "ca-certificates"]).map(|_| ())
}

/// strace, which counts system calls for a test, and shows another that nothing is told before it is on disk.
pub(crate) fn strace() -> Result {
    need("strace", &["strace"], &["strace"]).map(|_| ())
}

/// The proxies through which the client's tests go.
pub(crate) fn proxies() -> Result {
    need("tinyproxy", &["tinyproxy"], &["tinyproxy"])?;
    need("microsocks", &["microsocks"], &["microsocks"]).map(|_| ())
}

/// openssl, the other TLS that tests talk to.
pub(crate) fn openssl() -> Result {
    need("openssl", &["openssl"], &["openssl"]).map(|_| ())
}

/// A browser for the tests that open a page; returns its path.
pub(crate) fn chromium() -> Result<PathBuf> {
    need(
        "Chromium",
        &["chromium", "chromium-browser", "google-chrome"],
        &["chromium"],
    )
}

/// Python 3 that can make environments.
pub(crate) fn python3() -> Result {
    let ready = || process::works(Command::new("python3").args(["-c", "import ensurepip, venv"]));
    if !ready() {
        apt(
            "Python 3 with venv",
            &["python3", "python3-venv", "python3-pip"],
        )?;
        if !ready() {
            return Err(Failure::new(
                "python3 cannot make environments: install python3-venv",
            ));
        }
    }
    Ok(())
}

/// Node and npm, which every machine brings that builds the pages.
pub(crate) fn node() -> Result {
    for program in ["node", "npm"] {
        if !process::works(Command::new(program).arg("--version")) {
            return Err(Failure::new(format!(
                "{program} is missing: install Node.js 20 or newer with npm"
            )));
        }
    }
    Ok(())
}

/// Python 3, npm, curl and a browser for the interop suite, which installs its own packages.
pub(crate) fn interop() -> Result<PathBuf> {
    python3()?;
    node()?;
    curl()?;
    chromium()
}

/// A Python 3 environment in that directory, made anew when it is missing or broken.
pub(crate) fn environment(directory: &Path) -> Result<PathBuf> {
    let python = directory.join("bin/python");
    if !process::works(Command::new(&python).args(["-c", "import pip"])) {
        remove_directory(directory)?;
        if let Some(parent) = directory.parent() {
            create_directory(parent)?;
        }
        process::run(
            Command::new("python3").args(["-m", "venv"]).arg(directory),
            MINUTES(5),
        )?;
    }
    Ok(python)
}

/// The first of these programs in PATH; installs the packages when there is none.
fn need(what: &str, any_of: &[&str], packages: &[&str]) -> Result<PathBuf> {
    let find = || any_of.iter().find_map(|program| on_path(program));
    if let Some(path) = find() {
        return Ok(path);
    }
    apt(what, packages)?;
    find().ok_or_else(|| {
        Failure::new(format!(
            "{what} is still missing after installing {}",
            packages.join(" ")
        ))
    })
}

/// The full path of a program in PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

/// Installs Debian packages, through sudo when not root.
fn apt(what: &str, packages: &[&str]) -> Result {
    let list = packages.join(" ");
    if on_path("apt-get").is_none() {
        return Err(Failure::new(format!(
            "{what} is missing and there is no apt-get: install what Debian calls {list}"
        )));
    }
    let root = process::capture(Command::new("id").arg("-u"), MINUTES(1))?.trim() == "0";
    if !root && !process::works(Command::new("sudo").args(["-n", "true"])) {
        return Err(Failure::new(format!(
            "{what} is missing and sudo asks for a password: run `sudo apt-get install {list}` first"
        )));
    }
    println!("{what} is missing: installing {list}");
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        if !root {
            command.args(["-n", "env"]);
        }
        command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"])
            .args(arguments);
        command
    };
    process::run(&mut apt_get(&["update"]), MINUTES(5))?;
    process::run(
        apt_get(&["install", "--no-install-recommends"]).args(packages),
        MINUTES(15),
    )
}
