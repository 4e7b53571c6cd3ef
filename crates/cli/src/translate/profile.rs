//! Profiles: options under a name, in a file, so that `@prod` stands for a server.

use std::env::{self, VarError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Expansion;

/// Where the profiles are: `tidewire/config.toml` under `XDG_CONFIG_HOME`, `~/.config` without it.
pub(super) fn path() -> Option<PathBuf> {
    let base = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(env::home_dir()?.join(".config")))?;
    Some(base.join("tidewire").join("config.toml"))
}

/// The options of the profile `name` in the file at `path`.
///
/// # Errors
/// A sentence with the file, the profile and the key at fault.
pub(super) fn load(path: &Path, name: &str, known: &Known<'_>) -> Result<Expansion, String> {
    let at = path.display();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return Err(format!(
                "@{name} is a profile, and there is no {at}: write [profiles.{name}] with url = \"wss://…\" in it"
            ));
        }
        Err(cause) => return Err(format!("cannot read {at}: {cause}")),
    };
    read(&text, name, known, &|name| env::var(name)).map_err(|why| format!("{at}: {why}"))
}

/// Which options a profile may set.
pub(super) struct Known<'a> {
    /// Whether any command has the option.
    pub(super) anywhere: &'a dyn Fn(&str) -> bool,
    /// Whether the command that is to run has it.
    pub(super) here: &'a dyn Fn(&str) -> bool,
}

type Env<'a> = &'a dyn Fn(&str) -> Result<String, VarError>;

fn read(text: &str, name: &str, known: &Known<'_>, env: Env<'_>) -> Result<Expansion, String> {
    let file: Table = text.parse().map_err(|cause: toml::de::Error| {
        let line = cause.span().map_or(1, |span| {
            1 + text.as_bytes()[..span.start.min(text.len())]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
        });
        format!("line {line}: {}", cause.message())
    })?;
    let empty = Table::new();
    let profiles = match file.get("profiles") {
        None => &empty,
        Some(Value::Table(profiles)) => profiles,
        Some(_) => return Err("profiles must be tables: write [profiles.NAME]".to_owned()),
    };
    let profile = match profiles.get(name) {
        Some(Value::Table(profile)) => profile,
        Some(_) => return Err(format!("{name} must be a table: write [profiles.{name}]")),
        None => {
            let names: Vec<&str> = profiles.keys().map(String::as_str).collect();
            return Err(format!(
                "there is no profile {name:?}; there is: {}",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ));
        }
    };
    let mut found = Expansion {
        url: None,
        options: Vec::new(),
    };
    for (key, value) in profile {
        let say = |why: String| format!("[profiles.{name}] {key}: {why}");
        match (key.as_str(), value) {
            ("url", Value::String(url)) => found.url = Some(fill(url, env).map_err(say)?),
            ("url", _) => return Err(say("a URL is a string".to_owned())),
            ("headers", Value::Table(headers)) => {
                for (name, value) in headers {
                    let Value::String(value) = value else {
                        return Err(say(format!("the value of {name} must be a string")));
                    };
                    let value = fill(value, env).map_err(say)?;
                    found.options.push(format!("--header={name}: {value}"));
                }
            }
            _ if !(known.anywhere)(key) => {
                return Err(say("no command has such an option".to_owned()));
            }
            _ if !(known.here)(key) => {}
            (_, value) => options(key, value, env, &mut found.options).map_err(say)?,
        }
    }
    Ok(found)
}

fn options(key: &str, value: &Value, env: Env<'_>, into: &mut Vec<String>) -> Result<(), String> {
    match value {
        Value::Boolean(true) => into.push(format!("--{key}")),
        Value::Boolean(false) => {}
        Value::String(text) => into.push(format!("--{key}={}", fill(text, env)?)),
        Value::Integer(number) => into.push(format!("--{key}={number}")),
        Value::Float(number) => into.push(format!("--{key}={number}")),
        Value::Array(values) => {
            for value in values {
                if matches!(value, Value::Array(_)) {
                    return Err("a list in a list means nothing".to_owned());
                }
                options(key, value, env, into)?;
            }
        }
        Value::Table(_) | Value::Datetime(_) => {
            return Err("write a string, a number, true, or a list of these".to_owned());
        }
    }
    Ok(())
}

/// `${NAME}` becomes the variable's value, so that secrets need not stand in the file.
fn fill(text: &str, env: Env<'_>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or_else(|| {
            format!(
                "\"${{\" at byte {} has no \"}}\"",
                text.len() - after.len() - 2
            )
        })?;
        filled.push_str(before);
        filled.push_str(&env(name).map_err(|cause| match cause {
            VarError::NotPresent => format!("the variable {name} is not set"),
            VarError::NotUnicode(_) => format!("the variable {name} is not UTF-8"),
        })?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KNOWN: Known<'_> = Known {
        anywhere: &|name| ["subprotocol", "insecure", "wait", "bearer", "rate"].contains(&name),
        here: &|name| name != "rate",
    };

    fn load(text: &str, name: &str) -> Result<Expansion, String> {
        read(text, name, &KNOWN, &|name| match name {
            "TOKEN" => Ok("s3cret".to_owned()),
            _ => Err(VarError::NotPresent),
        })
    }

    #[test]
    fn a_profile_becomes_options() {
        let text = r#"
            [profiles.prod]
            url = "wss://api.example.com/${TOKEN}"
            subprotocol = ["v2", "v1"]
            bearer = "a${TOKEN}b"
            insecure = false
            wait = 0.5
            rate = 10
            headers = { X-A = "1" }
            [profiles.dev]
            insecure = true
            wait = -1
        "#;
        let prod = load(text, "prod").unwrap();
        assert_eq!(prod.url.as_deref(), Some("wss://api.example.com/s3cret"));
        let mut options = prod.options;
        options.sort();
        assert_eq!(
            options,
            [
                "--bearer=as3cretb",
                "--header=X-A: 1",
                "--subprotocol=v1",
                "--subprotocol=v2",
                "--wait=0.5"
            ]
        );
        let dev = load(text, "dev").unwrap();
        assert_eq!(dev.url, None);
        assert_eq!(dev.options, ["--insecure", "--wait=-1"]);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        for (text, part) in [
            ("", "no profile \"p\"; there is: none"),
            ("[profiles.a]\n[profiles.b]", "there is: a, b"),
            ("profiles = 1", "write [profiles.NAME]"),
            ("[profiles]\np = 1", "write [profiles.p]"),
            ("\n[profiles.p\n", "line 2"),
            (
                "[profiles.p]\nurl = 1",
                "[profiles.p] url: a URL is a string",
            ),
            ("[profiles.p]\nnonsense = 1", "nonsense: no command has"),
            (
                "[profiles.p]\nbearer = '${GONE}'",
                "bearer: the variable GONE is not set",
            ),
            ("[profiles.p]\nbearer = 'a${TOKEN'", "\"${\" at byte 1"),
            ("[profiles.p]\nwait = [[1]]", "list in a list"),
            ("[profiles.p]\nwait = { a = 1 }", "write a string"),
            (
                "[profiles.p]\nheaders = { A = 1 }",
                "value of A must be a string",
            ),
        ] {
            let error = load(text, "p").err().unwrap_or_default();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
