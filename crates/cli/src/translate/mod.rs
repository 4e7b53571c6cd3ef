//! From other ways of saying "this connection" to ours, and back: commands for curl, profiles, and
//! commands for other tools.

mod curl;
mod profile;
mod shell;
mod tools;

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read, Write as _};
use std::path::PathBuf;

use clap::{Command, CommandFactory, Parser};

use self::tools::Wanted;
use crate::args::{Cli, ConnectArgs, DialArgs, Tool};
use crate::dial::Dial;
use crate::exit::{self, Exit};

/// What one word stood for.
#[derive(Debug)]
struct Expansion {
    url: Option<String>,
    /// Options as they are typed: `--name=value`.
    options: Vec<String>,
}

impl Expansion {
    /// Leaves out what goes against `typed`: one login instead of another, one family of addresses.
    fn yield_to(&mut self, typed: &DialArgs) {
        let against = [
            ("--auth=", typed.bearer.is_some()),
            ("--bearer=", typed.auth.is_some()),
            ("--ipv4", typed.ipv6),
            ("--ipv6", typed.ipv4),
        ];
        for (option, _) in against.iter().filter(|(_, goes)| *goes) {
            self.options.retain(|given| !given.starts_with(option));
        }
    }
}

/// Reads the command line, with what `--from-curl` and `@profile` stand for put before what was
/// typed, so that what was typed wins.
///
/// # Errors
/// A sentence on the curl command or the profile; mistakes of the command line itself end the
/// program, as clap does.
pub(crate) fn parse(line: Vec<OsString>) -> Result<Cli, String> {
    let mut cli = Cli::parse_from(&line);
    let mut expansion = match (cli.curl_command(), cli.target()) {
        (Some(command), _) => {
            let command = read_argument(command)?;
            curl::read(&command).map_err(|why| format!("--from-curl: {why}"))?
        }
        (None, Some(target)) if target.starts_with('@') => {
            let name = target[1..].to_owned();
            profile_of(&name, &cli)?
        }
        _ => return Ok(cli),
    };
    if let Some(typed) = cli.way() {
        expansion.yield_to(typed);
    }
    if !expansion.options.is_empty() {
        let at = cli.name().map_or(1, |name| {
            1 + line.iter().position(|word| word == name).unwrap_or(0)
        });
        let mut line = line;
        line.splice(at..at, expansion.options.into_iter().map(OsString::from));
        cli = Cli::parse_from(line);
    }
    if let Some(url) = expansion.url {
        cli.set_target(url);
    } else if let Some(target) = cli.target().filter(|target| target.starts_with('@')) {
        return Err(format!("the profile {target} has no url"));
    }
    Ok(cli)
}

/// The command itself, or `@FILE`, or `@-` for stdin.
fn read_argument(text: &str) -> Result<String, String> {
    let mut read = String::new();
    match text.strip_prefix('@') {
        None => return Ok(text.to_owned()),
        Some("-") => std::io::stdin().read_to_string(&mut read).map(|_| read),
        Some(path) => fs::read_to_string(path),
    }
    .map_err(|cause| format!("--from-curl: cannot read {}: {cause}", &text[1..]))
}

fn profile_of(name: &str, cli: &Cli) -> Result<Expansion, String> {
    let path = profile::path().ok_or("there is no home directory to look for profiles in")?;
    let root = Cli::command();
    let has = |command: &Command, option: &str| {
        command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(option))
    };
    let here = match cli.name() {
        Some(name) => root.find_subcommand(name),
        None => Some(&root),
    };
    let known = profile::Known {
        anywhere: &|option| {
            has(&root, option) || root.get_subcommands().any(|command| has(command, option))
        },
        here: &|option| {
            has(&root, option) && option.contains("color")
                || here.is_some_and(|command| has(command, option))
        },
    };
    profile::load(&path, name, &known)
}

/// `--as`: prints the connection as a command of `tool`, and on stderr what that cannot do.
pub(crate) fn print(tool: Tool, target: &str, args: &ConnectArgs) -> Exit {
    let dial = match Dial::prepare(target, &args.dial) {
        Ok(dial) => dial,
        Err(exit) => return exit,
    };
    let wanted = wanted(&dial, args);
    let translation = tools::translate(tool, &wanted);
    if let Err(error) = writeln!(std::io::stdout(), "{}", translation.text)
        && error.kind() != ErrorKind::BrokenPipe
    {
        return exit::error(Exit::Local, &format!("cannot write: {error}"));
    }
    for note in translation.notes {
        exit::say(&format!("note: {note}"));
    }
    Exit::Clean
}

/// The connection as the flags say it, files read and secrets known.
fn wanted(dial: &Dial, args: &ConnectArgs) -> Wanted {
    let way = &args.dial;
    let text = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
    let mut wanted = Wanted {
        url: dial.url().to_owned(),
        protocols: dial.offered().to_vec(),
        insecure: way.no_check,
        ca: text(&way.ca),
        cert: text(&way.cert),
        key: text(&way.key),
        proxy: way.proxy.clone().filter(|url| !url.is_empty()),
        redirects: way.location || way.max_redirects.is_some(),
        ..Wanted::default()
    };
    let mut cookies = Vec::new();
    for (name, value) in dial.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match name.as_str() {
            "origin" => wanted.origin = Some(value),
            "cookie" => cookies.push(value),
            name => wanted.headers.push((shown(name), value)),
        }
    }
    if !cookies.is_empty() {
        wanted
            .headers
            .push(("Cookie".to_owned(), cookies.join("; ")));
    }
    let mut files = false;
    for text in &args.execute {
        match text.strip_prefix('@') {
            None => wanted.messages.push(text.clone()),
            Some(rest) if rest.starts_with('@') => wanted.messages.push(rest.to_owned()),
            Some(_) => files = true,
        }
    }
    let given = [
        ("-x @FILE", files),
        ("-b", args.binary),
        ("--noproxy", way.noproxy.is_some()),
        ("--resolve", !way.resolve.is_empty()),
        ("--unix-socket", way.unix_socket.is_some()),
        ("--source-ip", way.source_ip.is_some()),
        ("-4", way.ipv4),
        ("-6", way.ipv6),
        ("--sni", way.sni.is_some()),
        ("--alpn", !way.alpn.is_empty()),
        ("-p", way.protocol.is_some()),
        ("--no-deflate", way.no_deflate),
    ];
    wanted.left_out = given
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect();
    wanted
}

/// A header's name as people write it: `X-Api-Key`.
fn shown(name: &str) -> String {
    let mut start = true;
    let letter = |c: char| {
        let shown = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        shown
    };
    name.chars().map(letter).collect()
}
