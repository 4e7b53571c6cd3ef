//! A CPython 2.7 with wstest in it: found, or unpacked from Debian's bullseye packages without root.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::context::{Context, create_directory, read, remove_directory, write};
use crate::install;
use crate::process::{self, Failure, Result};

/// The newest virtualenv line that can make environments of 2.7.
const VIRTUALENV: &str = "virtualenv==20.21.1";

/// What Debian calls the interpreter, its headers (one dependency is compiled) and its libraries.
const PACKAGES: [&str; 9] = [
    "python2.7",
    "python2.7-minimal",
    "libpython2.7-minimal",
    "libpython2.7-stdlib",
    "python2.7-dev",
    "libpython2.7-dev",
    "libpython2.7",
    "libssl1.1",
    "libffi7",
];

const MINUTES: fn(u64) -> Duration = |minutes| Duration::from_secs(60 * minutes);

/// The Python 2.7 of an environment that has wstest, made when it is not there.
pub(crate) fn wstest(context: &Context) -> Result<PathBuf> {
    let list = context
        .root
        .join("conformance/autobahn/requirements-py27.txt");
    let requirements = read(&list)?;
    let home = context.cache.join("autobahn-py27");
    let python = home.join("bin/python");
    // Written last: an environment without it was left half made.
    let mark = home.join("installed-requirements.txt");
    let whole = std::fs::read_to_string(&mark).is_ok_and(|text| text == requirements);
    let has_wstest =
        || process::works(Command::new(&python).args(["-c", "import autobahntestsuite, wsaccel"]));
    if whole && has_wstest() {
        return Ok(python);
    }

    install::compiler()?;
    install::python3()?;
    remove_directory(&home)?;
    create_directory(&context.cache)?;
    let interpreter = interpreter(context)?;
    let python3 = install::environment(&context.cache.join("virtualenv"))?;
    let pip = |python: &Path, arguments: &[&str]| {
        let mut command = Command::new(python);
        command
            .args(["-m", "pip", "install", "--quiet"])
            .args(arguments);
        command
    };
    process::run(&mut pip(&python3, &[VIRTUALENV]), MINUTES(5))?;
    let mut make = Command::new(&python3);
    make.args(["-m", "virtualenv", "--quiet", "-p"])
        .arg(&interpreter.python)
        .arg(&home);
    interpreter.prepare(&mut make);
    process::run(&mut make, MINUTES(5))?;
    let mut install = pip(&python, &["-r", &list.display().to_string()]);
    install.env("PYTHONWARNINGS", "ignore");
    interpreter.prepare(&mut install);
    process::run(&mut install, MINUTES(10))?;
    if !has_wstest() {
        return Err(Failure::new(format!(
            "wstest does not start in {}",
            home.display()
        )));
    }
    write(&mark, &requirements)?;
    Ok(python)
}

/// A CPython 2.7 with its headers.
struct Interpreter {
    python: PathBuf,
    /// Where it was unpacked, when its libraries and headers are not in the usual places.
    unpacked: Option<PathBuf>,
}

impl Interpreter {
    /// Sets what pip needs to load the libraries and find the headers of an unpacked interpreter.
    fn prepare(&self, command: &mut Command) {
        let Some(home) = &self.unpacked else { return };
        if let Some(libraries) = library_directory(home) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let include = home.join("usr/include");
        let flags = format!("-I{0} -I{0}/python2.7", include.display());
        command.env("CFLAGS", flags);
    }
}

/// Looks in PATH, among pyenv's versions and in the cache; else fetches one.
fn interpreter(context: &Context) -> Result<Interpreter> {
    let unpacked = context.cache.join("python2.7");
    let own = unpacked.join("usr/bin/python2.7");
    for python in install::on_path("python2.7")
        .into_iter()
        .chain(pyenv_versions())
    {
        if sound(&python) {
            println!("CPython 2.7: {}", python.display());
            return Ok(Interpreter {
                python,
                unpacked: None,
            });
        }
    }
    if !sound(&own) {
        println!(
            "no CPython 2.7 with headers here: taking Debian bullseye's, without installing it"
        );
        fetch(&context.cache, &unpacked)?;
        if !sound(&own) {
            return Err(Failure::new(format!(
                "the CPython 2.7 in {} does not run here; install one with pyenv",
                unpacked.display()
            )));
        }
    }
    println!("CPython 2.7: {}", own.display());
    Ok(Interpreter {
        python: own,
        unpacked: Some(unpacked),
    })
}

/// Whether it runs (a pyenv shim may refuse), is 2.7, and has the headers a dependency needs.
fn sound(python: &Path) -> bool {
    let check = "import os, platform, sys, sysconfig\n\
                 ok = sys.version_info[:2] == (2, 7)\n\
                 ok = ok and platform.python_implementation() == 'CPython'\n\
                 ok = ok and os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h'))\n\
                 sys.exit(0 if ok else 1)";
    process::works(Command::new(python).args(["-c", check]))
}

fn pyenv_versions() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| {
            let root = process::capture(Command::new("pyenv").arg("root"), MINUTES(1)).ok()?;
            Some(PathBuf::from(root.trim()))
        })
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")));
    let Some(root) = root else { return Vec::new() };
    let mut versions: Vec<PathBuf> = std::fs::read_dir(root.join("versions"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("2.7"))
        .map(|entry| entry.path().join("bin/python2.7"))
        .collect();
    versions.sort();
    versions
}

/// Downloads Debian's signed packages with a private apt state and unpacks them; needs no root.
fn fetch(cache: &Path, home: &Path) -> Result {
    if install::on_path("apt-get").is_none() {
        return Err(Failure::new(
            "Autobahn needs CPython 2.7: install one, with headers, by pyenv (`pyenv install 2.7.18`)",
        ));
    }
    let mirror = mirror()?;
    let state = cache.join("bullseye-apt");
    remove_directory(&state)?;
    remove_directory(home)?;
    for part in [
        "lists/partial",
        "cache/archives/partial",
        "etc",
        "dpkg",
        "debs",
    ] {
        create_directory(&state.join(part))?;
    }
    create_directory(home)?;
    write(&state.join("dpkg/status"), "")?;
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let source = format!("deb [signed-by={keys}] {mirror} bullseye main\n");
    write(&state.join("etc/sources.list"), &source)?;
    let option = |name: &str, value: &Path| format!("{name}={}", value.display());
    let options = [
        option("Dir::Etc::sourcelist", &state.join("etc/sources.list")),
        option("Dir::Etc::sourceparts", Path::new("/dev/null")),
        option("Dir::State", &state),
        option("Dir::State::status", &state.join("dpkg/status")),
        option("Dir::Cache", &state.join("cache")),
        "APT::Sandbox::User=root".to_string(),
    ];
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.arg("-q");
        for option in &options {
            command.args(["-o", option]);
        }
        command.args(arguments).current_dir(state.join("debs"));
        command
    };
    let hint = |failure: Failure| {
        Failure::new(format!(
            "{failure}\nAutobahn needs CPython 2.7, and Debian's bullseye packages could not be had: \
             install one, with headers, by pyenv (`pyenv install 2.7.18`)"
        ))
    };
    process::run(&mut apt_get(&["update"]), MINUTES(5)).map_err(hint)?;
    process::run(apt_get(&["download"]).args(PACKAGES), MINUTES(5)).map_err(hint)?;
    let debs = std::fs::read_dir(state.join("debs"))
        .map_err(|error| Failure::new(format!("cannot list the packages: {error}")))?;
    for deb in debs.flatten() {
        process::run(
            Command::new("dpkg").arg("-x").arg(deb.path()).arg(home),
            MINUTES(1),
        )?;
    }
    remove_directory(&state)
}

/// `usr/lib/x86_64-linux-gnu` below `home`, or its twin on another machine.
fn library_directory(home: &Path) -> Option<PathBuf> {
    std::fs::read_dir(home.join("usr/lib"))
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with("-linux-gnu"))
}

/// The Debian mirror that apt already uses on this machine.
fn mirror() -> Result<String> {
    let codename = read(Path::new("/etc/os-release"))?
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_string())
        .unwrap_or_default();
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = std::fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten()
        .flatten();
    files.extend(parts.map(|entry| entry.path()));
    files.sort();
    files
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .find_map(|text| find_mirror(&text, &codename))
        .ok_or_else(|| {
            Failure::new(format!(
                "apt has no source for `{codename} main` to learn a mirror from"
            ))
        })
}

/// The first URI that serves `main` of a suite, in either form of apt's source files.
fn find_mirror(text: &str, suite: &str) -> Option<String> {
    let stanza = |stanza: &str| {
        let field = |name: &str| {
            stanza
                .lines()
                .find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))
        };
        let has = |name: &str, word: &str| {
            field(name).is_some_and(|value| value.split_whitespace().any(|w| w == word))
        };
        let fits = has("Types", "deb") && has("Suites", suite) && has("Components", "main");
        let uri = field("URIs")?.split_whitespace().next()?;
        fits.then(|| uri.to_string())
    };
    let line = |line: &str| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1,
            None => rest,
        };
        let mut words = rest.split_whitespace();
        let (uri, named) = (words.next()?, words.next()?);
        (named == suite && words.any(|word| word == "main")).then(|| uri.to_string())
    };
    text.split("\n\n")
        .find_map(stanza)
        .or_else(|| text.lines().find_map(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_read_from_a_one_line_source() {
        let text = "# deb http://no.example/ bookworm main\n\
                    deb-src http://src.example/debian bookworm main\n\
                    deb http://sec.example/debian bookworm-security main\n\
                    deb [arch=amd64 signed-by=/k] http://m.example/debian bookworm main contrib\n";
        assert_eq!(
            find_mirror(text, "bookworm").as_deref(),
            Some("http://m.example/debian")
        );
        assert_eq!(find_mirror(text, "trixie"), None);
    }

    #[test]
    fn a_mirror_is_read_from_a_deb822_source() {
        let text = "Types: deb\nURIs: http://sec.example/\nSuites: bookworm-security\nComponents: main\n\n\
                    Types: deb\n# a comment\nURIs: http://m.example/debian http://n.example/\n\
                    Suites: bookworm bookworm-updates\nComponents: main contrib\n";
        assert_eq!(
            find_mirror(text, "bookworm").as_deref(),
            Some("http://m.example/debian")
        );
    }

    #[test]
    fn a_foreign_source_is_no_debian_mirror() {
        let text = "Types: deb\nURIs: http://other.example/\nSuites: nodistro\nComponents: main\n";
        assert_eq!(find_mirror(text, "bookworm"), None);
    }
}
