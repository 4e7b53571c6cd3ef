//! Defaults, then a file, then the environment, then flags: one configuration, or every mistake.

use super::file::{self, Places, Reader};
use super::mistake::{Mistakes, Place};
use super::nearest::nearest;
use super::options::{Draft, NAMESPACE, NODE};
use super::value::{Value, quoted};
use super::{Config, Guard};
use crate::guard::is_loopback;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tidewire::tls::ServerTls;

/// Where a configuration comes from. Later ones override: defaults, file, environment, flags.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Sources {
    /// The configuration file. `None`: a development server, if it listens on loopback.
    pub file: Option<PathBuf>,
    /// The environment's variables. Those that begin with `TIDEWIRE_` are looked at: an option's path
    /// in upper case, with `_` for what is between its parts. Lists are separated by commas.
    pub environment: Vec<(String, String)>,
    /// What the command line says.
    pub flags: Flags,
}

/// What a command line says. Empty: nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Flags {
    /// `--listen`.
    pub listen: Vec<String>,
    /// `--data`.
    pub data: Option<String>,
    /// `--dir`.
    pub dir: Option<String>,
    /// `--host`.
    pub hosts: Vec<String>,
    /// `--origin`.
    pub origins: Vec<String>,
    /// `--allow-anonymous`.
    pub allow_anonymous: bool,
    /// `--shards`.
    pub shards: Option<String>,
    /// `--tls-cert`.
    pub tls_cert: Option<String>,
    /// `--tls-key`.
    pub tls_key: Option<String>,
    /// `--tls-dev`: certificates that are configured are not read. The caller sets [`Config::tls`].
    pub tls_dev: bool,
    /// `--new-term`.
    pub new_term: bool,
}

/// A configuration without mistakes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// What a hub starts with.
    pub config: Config,
    /// What a person should know all the same, one sentence each.
    pub notes: Vec<String>,
}

impl Config {
    /// Puts a configuration together. Reads the file and its certificates at once, on this thread.
    ///
    /// A file starts from deny: there are no namespaces but its own, and what they do not say is
    /// "nobody". Relative paths in it start from its folder.
    ///
    /// # Errors
    ///
    /// [`Mistakes`]: all of them, each with its place.
    pub fn load(sources: &Sources) -> Result<Loaded, Mistakes> {
        let text = sources.file.as_deref().map(file::text).transpose()?;
        let file = sources.file.as_deref().zip(text.as_deref());
        Loader::new(file.is_some()).load(file, sources)
    }

    /// As [`load`](Self::load), of a text that stands for the file.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn from_toml(path: &Path, text: &str) -> Result<Loaded, Mistakes> {
        Loader::new(true).load(Some((path, text)), &Sources::default())
    }
}

/// Variables that are no options: of the command line, which finds its file and its hub by them.
const OTHERS: [&str; 2] = ["TIDEWIRE_CONFIG", "TIDEWIRE_HUB"];

struct Loader {
    draft: Draft,
    places: Places,
    mistakes: Mistakes,
    notes: Vec<String>,
}

impl Loader {
    fn new(with_file: bool) -> Self {
        let config = if with_file {
            Config::default()
        } else {
            Config::development()
        };
        Self {
            draft: Draft {
                config,
                hosts: Vec::new(),
                origins: Vec::new(),
                cert: None,
                key: None,
                base: PathBuf::new(),
            },
            places: Places::new(),
            mistakes: Mistakes::default(),
            notes: Vec::new(),
        }
    }

    fn load(mut self, file: Option<(&Path, &str)>, sources: &Sources) -> Result<Loaded, Mistakes> {
        if let Some((path, text)) = file {
            self.draft.base = path.parent().map(Path::to_owned).unwrap_or_default();
            Reader {
                path,
                text,
                draft: &mut self.draft,
                places: &mut self.places,
                mistakes: &mut self.mistakes,
            }
            .read();
            self.draft.base = PathBuf::new();
            if self.draft.config.settings.namespaces.is_empty() {
                self.notes.push(format!(
                    "{}: there is no namespace, so nobody may do anything: write for example \
                     [namespaces.chat]",
                    path.display()
                ));
            }
        }
        self.environment(&sources.environment);
        self.flags(&sources.flags);
        self.finish(file.map(|(path, _)| path), &sources.flags)
    }

    fn set(&mut self, name: &str, value: &Value<'_>, place: Place) {
        let Some(option) = NODE.iter().find(|option| option.name == name) else {
            return;
        };
        match (option.set)(&mut self.draft, value) {
            Ok(()) => _ = self.places.insert(name.to_owned(), place),
            Err(reason) => self.mistakes.add(place, reason),
        }
    }

    fn environment(&mut self, variables: &[(String, String)]) {
        // The options that there are, by the variable's name.
        let mut node = BTreeMap::new();
        for option in NODE {
            node.insert(variable(option.name), option.name);
        }
        let mut namespaces: BTreeMap<String, Vec<(Box<str>, usize)>> = BTreeMap::new();
        for name in self.draft.config.settings.namespaces.keys() {
            for (at, option) in NAMESPACE.iter().enumerate() {
                let variable = variable(&format!("namespaces.{name}.{}", option.name));
                let owners = namespaces.entry(variable).or_default();
                owners.push((name.clone(), at));
            }
        }
        for (name, text) in variables {
            if !name.starts_with("TIDEWIRE_") || OTHERS.contains(&name.as_str()) {
                continue;
            }
            let place = Place::Environment(name.clone());
            if let Some(option) = node.get(name) {
                self.set(option, &Value::Bare(text), place);
            } else if let Some(owners) = namespaces.get(name) {
                self.namespace_variable(owners, text, place);
            } else if let Some(near) = nearest_variable(name, node.keys().chain(namespaces.keys()))
            {
                // Not a mistake: container platforms set variables after the names of services.
                self.notes.push(format!(
                    "the environment variable {} is no option: did you mean {near}?",
                    quoted(name)
                ));
            }
        }
    }

    fn namespace_variable(&mut self, owners: &[(Box<str>, usize)], text: &str, place: Place) {
        let [(name, at)] = owners else {
            let names: Vec<&str> = owners.iter().map(|(name, _)| name.as_ref()).collect();
            let reason = format!(
                "it could mean the namespaces {}: set it in the file",
                names.join(" and ")
            );
            return self.mistakes.add(place, reason);
        };
        let namespace = self.draft.config.settings.namespaces.get_mut(name);
        let (Some(option), Some(namespace)) = (NAMESPACE.get(*at), namespace) else {
            return;
        };
        match (option.set)(namespace, &Value::Bare(text)) {
            Ok(()) => {
                let path = format!("namespaces.{name}.{}", option.name);
                self.places.insert(path, place);
            }
            Err(reason) => self.mistakes.add(place, reason),
        }
    }

    fn flags(&mut self, flags: &Flags) {
        for (name, flag, list) in [
            ("listen", "--listen", &flags.listen),
            ("hosts", "--host", &flags.hosts),
            ("origins", "--origin", &flags.origins),
        ] {
            if !list.is_empty() {
                self.set(name, &Value::Many(list), Place::Flag(flag));
            }
        }
        for (name, flag, text) in [
            ("data", "--data", &flags.data),
            ("dir", "--dir", &flags.dir),
            ("shards", "--shards", &flags.shards),
            ("tls.cert", "--tls-cert", &flags.tls_cert),
            ("tls.key", "--tls-key", &flags.tls_key),
        ] {
            if let Some(text) = text {
                self.set(name, &Value::Bare(text), Place::Flag(flag));
            }
        }
        self.draft.config.allow_anonymous |= flags.allow_anonymous;
        self.draft.config.new_term = flags.new_term;
    }

    fn finish(mut self, file: Option<&Path>, flags: &Flags) -> Result<Loaded, Mistakes> {
        self.tls(flags);
        let Draft {
            mut config,
            hosts,
            origins,
            ..
        } = self.draft;
        let on_loopback = config.listen.iter().all(|address| is_loopback(address));
        config.development = file.is_none() && on_loopback;
        if !on_loopback && !self.places.contains_key("max_connections_per_address") {
            config.max_connections_per_address = Config::PER_ADDRESS;
        }
        config.guard = Guard::new(&config.listen, hosts, origins, config.development);
        for (option, reason) in config.problems() {
            // The option's own place, or that of its table, or the file.
            let table = option.rsplit_once('.').map_or("", |(table, _)| table);
            let place = self.places.get(&option).or_else(|| self.places.get(table));
            let place = place.cloned().unwrap_or_else(|| match file {
                Some(path) => Place::File {
                    path: path.to_owned(),
                    line: 0,
                    column: 0,
                },
                None => Place::Default,
            });
            let reason = match place {
                Place::File { .. } | Place::Default => format!("{option}: {reason}"),
                Place::Environment(_) | Place::Flag(_) => reason,
            };
            self.mistakes.add(place, reason);
        }
        if self.mistakes.list.is_empty() {
            let notes = self.notes;
            return Ok(Loaded { config, notes });
        }
        self.mistakes
            .list
            .sort_by_key(|mistake| match mistake.place {
                Place::File { line, column, .. } => (0, line, column),
                _ => (1, 0, 0),
            });
        Err(self.mistakes)
    }

    fn tls(&mut self, flags: &Flags) {
        if flags.tls_dev {
            return;
        }
        let place = |name: &str| self.places.get(name).cloned().unwrap_or(Place::Default);
        match (&self.draft.cert, &self.draft.key) {
            (Some(cert), Some(key)) => match ServerTls::from_files(cert, key) {
                Ok(tls) => self.draft.config.tls = Some(tls),
                Err(error) => {
                    let place = place("tls.cert");
                    self.mistakes
                        .add(place, format!("tls.cert, tls.key: {error}"));
                }
            },
            (Some(_), None) => {
                let reason = "tls.cert needs tls.key, its private key";
                self.mistakes.add(place("tls.cert"), reason);
            }
            (None, Some(_)) => {
                let reason = "tls.key needs tls.cert, the certificate it belongs to";
                self.mistakes.add(place("tls.key"), reason);
            }
            (None, None) => {}
        }
    }
}

/// `limits.outbox` is `TIDEWIRE_LIMITS_OUTBOX`.
pub(super) fn variable(path: &str) -> String {
    format!(
        "TIDEWIRE_{}",
        path.to_ascii_uppercase().replace(['.', '-'], "_")
    )
}

/// The variable that was probably meant, if it is one or two letters away.
fn nearest_variable<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let tail = |name: &'a str| name.get("TIDEWIRE_".len()..).unwrap_or_default();
    let near = nearest(
        name.get("TIDEWIRE_".len()..)?,
        known.iter().map(|name| tail(name)),
    )?;
    known.into_iter().find(|name| tail(name) == near)
}
