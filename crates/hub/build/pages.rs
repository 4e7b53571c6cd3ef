//! Where the built pages come from: a build of these very sources that is there already, or a new one.

use crate::{inputs, manifest, node};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

/// A file of the pages, as it was built.
pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) file: String,
    pub(crate) body: Vec<u8>,
    /// The same, compressed with gzip, if that is smaller.
    pub(crate) gzip: Option<Vec<u8>>,
}

pub(crate) struct Found {
    pub(crate) pages: Vec<Page>,
    /// Lines for a person.
    pub(crate) said: Vec<String>,
}

/// How long npm may take to fetch packages, and Node to build.
const FETCH: Duration = Duration::from_secs(180);
const BUILD: Duration = Duration::from_secs(120);

const HOW: &str = "`cargo xtask web` shows what is wrong";

/// The pages of the checkout at `root`, built now if they have to be.
///
/// # Errors
///
/// Why there are none, and what to do.
pub(crate) fn find(root: &Path, out: &Path, started: SystemTime) -> Result<Found, String> {
    for source in inputs::SOURCES {
        // Cargo takes one that is missing as changed, each time.
        if root.join(source).exists() {
            println!("cargo::rerun-if-changed={}", root.join(source).display());
        }
    }
    let web = root.join("web");
    // Two profiles may be built at once. Where nothing can be written, nobody else writes either.
    let lock = File::create(web.join(".build.lock")).ok();
    _ = lock.as_ref().map(File::lock);
    let found = look(root, &web, out);
    if lock.is_some() {
        watch(&web.join("dist"), started, found.is_ok());
    }
    found
}

fn look(root: &Path, web: &Path, out: &Path) -> Result<Found, String> {
    let dist = web.join("dist");
    let sources = inputs::list(root);
    let sources = sources.map_err(|error| format!("the sources cannot be read: {error}"))?;
    if fs::read_to_string(dist.join("inputs.tsv")).is_ok_and(|built| built == sources)
        && let Ok(pages) = read(&dist)
    {
        let said = Vec::new();
        return Ok(Found { pages, said });
    }
    let log = out.join("web.log");
    let version = node::version(Command::new("node"), &log).map_err(|why| {
        println!("cargo::rerun-if-env-changed=PATH");
        format!("{why}; install Node with npm, then run `cargo xtask web` and build again")
    })?;
    let begun = Instant::now();
    let installed = install(web, &log)?;
    let mut build = Command::new("node");
    build.arg("build.mjs").current_dir(web);
    node::run(&mut build, &log, BUILD).map_err(|why| format!("{why}; {HOW}"))?;
    let pages = read(&dist).map_err(|why| format!("{why}; {HOW}"))?;
    let seconds = begun.elapsed().as_secs_f32();
    let with = if installed {
        " and its packages from npm"
    } else {
        ""
    };
    Ok(Found {
        pages,
        said: vec![format!(
            "the hub's pages were built with Node {version}{with} in {seconds:.1} s"
        )],
    })
}

/// Fetches the locked packages, unless they are there: whether it had to.
fn install(web: &Path, log: &Path) -> Result<bool, String> {
    let mut ask = Command::new("node");
    ask.arg("installed.mjs").current_dir(web);
    if node::run(&mut ask, log, BUILD).is_ok() {
        return Ok(false);
    }
    let mut npm = node::npm();
    npm.args([
        "ci",
        "--omit=dev",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    ])
    // Nobody waits for minutes because there is no network.
    .args([
        "--prefer-offline",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
    ])
    .args(["--fetch-retry-maxtimeout=2000"])
    .current_dir(web);
    node::run(&mut npm, log, FETCH).map_err(|why| {
        format!("npm could not fetch two packages ({why}); with a network, run `cargo xtask web` and build again")
    })?;
    Ok(true)
}

/// Reads everything that the manifest names.
fn read(dist: &Path) -> Result<Vec<Page>, String> {
    let bytes = |file: &str| {
        let read = fs::read(dist.join(file));
        read.map_err(|error| format!("{file}: {error}"))
    };
    let text = String::from_utf8(bytes("manifest.tsv")?);
    let entries = manifest::parse(&text.map_err(|error| error.to_string())?)?;
    let pages = entries.into_iter().map(|entry| {
        let body = bytes(&entry.file)?;
        let gzip = match fs::read(dist.join(format!("{}.gz", entry.file))) {
            Ok(gzip) => Some(gzip),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{}.gz: {error}", entry.file)),
        };
        Ok(Page {
            url: entry.url,
            file: entry.file,
            body,
            gzip,
        })
    });
    pages.collect()
}

/// Has cargo run this again when somebody else builds the pages. What was written here has to look older
/// than this run, or cargo would take it for such a build.
fn watch(dist: &Path, started: SystemTime, is_built: bool) {
    let manifest = dist.join("manifest.tsv");
    if !is_built && !manifest.exists() {
        // An empty one says that nothing is built. A file that is missing cannot be watched.
        _ = fs::create_dir_all(dist).and_then(|()| fs::write(&manifest, ""));
    }
    let Ok(file) = File::options().append(true).open(&manifest) else {
        return;
    };
    let written = file.metadata().and_then(|metadata| metadata.modified());
    if written.is_ok_and(|written| written >= started) {
        _ = file.set_modified(started - Duration::from_secs(2));
    }
    println!("cargo::rerun-if-changed={}", manifest.display());
}
